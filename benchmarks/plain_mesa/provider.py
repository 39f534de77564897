"""Providers: what capacity costs, what they can take on, quotes, orders ahead, and how fast they build."""

from math import exp, floor, inf, log
from operator import mul
from typing import Any

import mesa

from benchmarks.plain_mesa.accounts import Account
from benchmarks.plain_mesa.catalogue import HOURS, Chip

CONTRACTED = 0.97  # utilisation of a contracted chip
RETIRE_RATE = 2.0  # per year
RESTOCK_RATE = 2.0
BOOKING_TIME = 0.5
SMALL = 1e-12


def annuity(rate: float, life: float) -> float:
    """Yearly payment per USD invested."""
    return rate / (1.0 - exp(-rate * life)) if rate * life > 1e-12 else 1.0 / life


class Provider(mesa.Agent):
    """A seller of capacity. Lists go by the place of the chip."""

    market = "provider"

    def __init__(self, model: Any, name: str, own: Any, opening: Any) -> None:
        """`own` has the provider's numbers in the scenario, `opening` its state at the start."""
        super().__init__(model)
        self.name, self.own = name, own
        self.booked = self.earned = self.cash = 0.0  # as last recorded
        self.active: bool = opening.active
        self.deploys: list[Chip] = []
        self.owns_silicon = False
        self.entry_threshold = 0.0
        self.fleet: list[float] = opening.fleet
        self.quote: list[float] = opening.quote
        self.order_carry: list[float] = opening.order_carry
        self.power, self.speed, self.incentive = opening.power, opening.speed, opening.incentive
        self.record, self.bookings_rate = opening.record, opening.bookings_rate
        self.corporate_debt, self.entry_clock = opening.corporate_debt, opening.entry_clock
        self.account = Account()
        common = model.given.providers
        self.delivered = max(0.0, 1.0 - own.overhead * common.overhead)
        self.log_delivered = log(self.delivered)
        self.site_years = own.site_months / 12.0
        self.enterprise_markup = own.enterprise_markup
        self.site_kw = common.site_cost / 1000.0 * own.owned_sites  # USD to build, where it does not lease
        many = len(self.fleet)
        self.sold, self.waiting, self.received = [0.0] * many, [0.0] * many, [0.0] * many
        self.arriving, self.ahead = [0.0] * many, [0.0] * many
        self.building = self.building_rent = self.backlog = self.solid = self.useful = 0.0
        self.purchase, self.full, self.delay = [0.0] * many, [0.0] * many, [0.0] * many
        self.avoidable = [own.opex * chip.power / HOURS for chip in model.chips]
        self.capital, self.built = [0.0] * many, [0.0] * many
        self.site_luck: list[float] = []
        self.late_kw = self.finished_kw = self.begun_kw = 0.0
        self.rent = 0.0  # USD earned this tick

    # --- what there is --------------------------------------------------------------------------------

    @property
    def chips_in_service(self) -> float:
        return sum(self.fleet)

    @property
    def running_kw(self) -> float:
        return sum(map(mul, self.fleet, self.model.chip_power))

    @property
    def debt(self) -> float:
        return -self.account.loans

    def to_order(self) -> list[Chip]:
        """Chips that can be ordered today."""
        return [chip for chip in self.deploys if chip.on_sale(self.model.now) and chip.vendor.sells_to(self)]

    def vacant(self, chip: Chip) -> float:
        return max(0.0, self.fleet[chip.place] - self.sold[chip.place])

    def price_to(self, lab: Any, chip: Chip) -> float:
        """Today's one-year price to a lab."""
        return self.quote[chip.place] * (self.enterprise_markup if lab.enterprise else 1.0)

    # --- costs and money ------------------------------------------------------------------------------

    def reckon(self) -> None:
        """What every chip costs today, and how long it takes to get into service."""
        common, trade, wacc = self.model.given.providers, self.model.given.trade, self.cost_of_capital()
        gear, per_kw = annuity(wacc, common.life), self.site_kw
        site = annuity(wacc, common.site_life) * per_kw + self.own.opex
        ready = self.site_years / self.site_speed()
        for chip in self.model.chips:
            c, price = chip.place, chip.vendor.price_to(self, chip)
            self.purchase[c] = price
            self.full[c] = (gear * (price + chip.server) + site * chip.power) / (HOURS * CONTRACTED)
            self.capital[c] = price + chip.server + per_kw * chip.power
            self.built[c] = self.full[c] * trade.built_markup
            self.delay[c] = max(ready, chip.vendor.lead_for(self)) + self.model.given.delivery.bring_up

    def cost_of_capital(self) -> float:
        """WACC, less debt's part of what loans have become cheaper by and of what vendors' guarantees save."""
        common, wacc, spread = self.model.given.providers, self.own.wacc, self.debt_spread()
        fallen = (self.own.debt_spread - spread) * (1.0 - common.credit_saving * self.solid)
        fallen += spread * common.credit_saving * self.covered
        riskless = self.model.riskless[self.model.tick]
        fallen += self.model.riskless[0] - riskless
        return max(min(wacc, riskless), wacc - common.debt_share * fallen)

    def debt_spread(self) -> float:
        """What lenders ask over the riskless rate: it falls as they learn."""
        common = self.model.given.providers
        rest = min(self.own.debt_spread, common.seasoned_spread)
        return rest + (self.own.debt_spread - rest) * exp(-self.model.now / common.lender_time)

    @property
    def covered(self) -> float:
        """Part of the debt that vendors guarantee."""
        return min(1.0, self.guaranteed / max(self.debt, SMALL)) if self.debt > 0.0 else 0.0

    @property
    def guaranteed(self) -> float:
        return sum(vendor.guarantees.get(self, 0.0) for vendor in self.model.vendors)

    def free_cash(self) -> float:
        """USD a year of other businesses after their own capital spending."""
        return max(0.0, self.own.other_cash_flow - self.own.other_capex) * self.model.other_growth

    def raised_yearly(self) -> float:
        """USD a year of equity on offer."""
        growth = exp(self.model.given.providers.power_growth_rate * self.model.now)
        return self.own.equity_raise * growth * self.active

    def credit(self) -> float:
        """USD that lenders will lend."""
        book = self.account.chips + self.account.sites
        backed = self.model.given.providers.debt_share * max(self.backlog, 0.5 * book)
        return backed + max(2.5 * self.free_cash(), self.corporate_debt)

    def headroom(self) -> float:
        """kW that can still be taken on, by sites and by money."""
        return max(0.0, min(self.power - self.running_kw - self.building, self._fundable()))

    def _fundable(self) -> float:
        common, trade = self.model.given.providers, self.model.given.trade
        on_sale = self.to_order()
        per_kw = sum(self.capital[chip.place] / chip.power for chip in on_sale) / max(len(on_sale), 1)
        if per_kw <= 0.0:
            return 0.0
        own_part = max(0.05, 1.0 - common.debt_share - trade.prepaid)
        committed = sum(map(mul, self.waiting, self.capital))
        money = self.account.deposits + max(0.0, self.credit() - self.debt)
        money += 0.5 * (self.free_cash() + self.raised_yearly())
        return max(0.0, money - own_part * committed) / max(own_part * per_kw, SMALL)

    # --- building -------------------------------------------------------------------------------------

    def site_speed(self) -> float:
        """Years of ordinary site work done in a year."""
        size = max(self.running_kw, 0.5 * self.power)
        congestion = self.model.given.delivery.congestion * self.building / max(size, 1.0)
        return exp(self.speed) / (1.0 + congestion)

    def order_ahead(self) -> tuple[Chip, float] | None:
        """The chip and the chips ordered for inventory this tick, once they make a whole lot."""
        wanted = self._inventory_wish()
        open_to = {chip.place for chip in self.to_order()}
        self.order_carry = [carry if place in open_to else 0.0 for place, carry in enumerate(self.order_carry)]
        if wanted is not None:
            self.order_carry[wanted[0].place] += wanted[1]
        lot = max(64.0, floor(0.01 * self.chips_in_service))
        place = max(range(len(self.order_carry)), key=self.order_carry.__getitem__)
        chip = self.model.chips[place]
        fits = float(floor(min(self.order_carry[place], self.headroom() / chip.power)))
        ordered = fits if fits >= lot else 0.0
        self.order_carry[place] -= ordered
        self.order_carry = [min(carry, lot) for carry in self.order_carry]
        return (chip, ordered) if ordered > 0.0 else None

    def _inventory_wish(self) -> tuple[Chip, float] | None:
        """The chip with the best return over cost, if any repays, in proportion to that and to what is vacant."""
        given, dt = self.model.given, self.model.dt
        best, pick = -inf, None
        for chip in self.to_order():
            fall = 0.5 * given.labs.obsolescence * self.delay[chip.place]
            gain = log(self.quote[chip.place] / self.built[chip.place]) - fall
            best, pick = (gain, chip) if gain > best else (best, pick)
        if pick is None or best <= 0.0 or not self.active:
            return None
        fleet = self.chips_in_service
        spare = sum(map(self.vacant, self.model.chips)) + sum(self.received) + sum(self.waiting)
        mean_kw = max(self.running_kw, 0.5 * self.power) / max(fleet, 1.0)
        short = max(0.0, given.providers.vacancy_target * fleet - spare)
        kw = given.providers.inventory_response * min(best, 2.0) * self.bookings_rate * dt
        kw += short * mean_kw * (1.0 - exp(-RESTOCK_RATE * dt))
        return pick, min(kw, 0.25 * self.headroom()) / pick.power

    def choose_speed(self) -> None:
        """Effort where what speed wins meets its cost: x e^x = I w D / (2 k)."""
        given = self.model.given
        worth = given.labs.delay_discount * given.labs.obsolescence + given.trade.prepaid * given.labs.discount
        incentive = self.incentive * self.own.incentive / given.labs.sigma
        delay = self.site_years * self._site_decides()
        best = lambert(incentive * worth * delay / (2.0 * given.delivery.effort_cost))
        self.speed = min(3.0, max(0.0, min(best, log(given.delivery.effort_cap))))

    def _site_decides(self) -> float:
        """Part of what the market builds whose chips would be here before an ordinary site."""
        total = first = 0.0
        for chip in self.to_order():
            weight = self.model.building_mix[chip]
            total += weight
            first += weight * (chip.vendor.lead_for(self) < self.site_years)
        return first / total if total > 0.0 else 1.0

    def learn(self, spend: dict[Any, float], spent: dict[Any, float]) -> None:
        """Record of lateness, incentive to be fast and the rate of bookings; USD per hour by lab, here and in all."""
        given, p = self.model.given, self.own
        if self.finished_kw > 0.0:
            memory = max(given.labs.record_time * max(self.bookings_rate, 1000.0), 1.0)
            seen = self.late_kw / self.finished_kw
            self.record += (1.0 - exp(-self.finished_kw / memory)) * (seen - self.record)
        lost = {lab: 1.0 - (spend[lab] / spent[lab] if spent[lab] > 0.0 else 0.0) for lab in spend}
        total, step = sum(spend.values()), 1.0 - exp(-self.model.dt / BOOKING_TIME)
        won = sum(spend[lab] * lost[lab] for lab in spend) / total if total > 0.0 else sum(lost.values()) / len(lost)
        self.incentive += (won - self.incentive) * step
        self.bookings_rate += (self.begun_kw / self.model.dt - self.bookings_rate) * step
        self.bookings_rate = max(self.bookings_rate, 0.1 * p.power_growth * 1000.0 * self.active)

    # --- prices, fleet, sites -------------------------------------------------------------------------

    def requote(self, price: float, obsolescence: float, delay: float) -> None:
        """Quotes go to replacement cost, down with vacancy, up with scarcity; `price` in USD per useful PFLOP-hour."""
        given, dt = self.model.given.providers, self.model.dt
        pull = 1.0 - exp(-given.quote_speed * dt)
        rest = pull / given.quote_speed if given.quote_speed > 0.0 else dt
        passed = self.own.scarcity_pass  # of scarcity; the rest is queueing
        wait = exp(passed * obsolescence * min(delay, 5.0))
        for chip in self.model.chips:
            c, old = chip.place, self.quote[chip.place]
            renewed = price * wait * self.model.useful_chip[c] * self.delivered if price < inf else old
            target = max(renewed, self.avoidable[c])
            empty = self.vacant(chip) / self.fleet[c] if self.fleet[c] > 0.5 else given.vacancy_target
            ready = self.model.market.ready.get((self, chip))
            push = given.scarcity_response * passed * (ready.shadow if ready else 0.0)
            push -= given.vacancy_response * (empty - given.vacancy_target)
            moved = exp(log(old) + pull * log(target / old) + rest * push)
            self.quote[c] = max(moved, self.avoidable[c], 1e-6)

    def retire(self) -> float:
        """Switch off vacant chips that no longer pay their power; the share of the fleet that went."""
        before, off = self.chips_in_service, 0.0
        for chip in self.model.chips:
            if self.quote[chip.place] <= self.avoidable[chip.place] * 1.02:
                gone = self.vacant(chip) * (1.0 - exp(-RETIRE_RATE * self.model.dt))
                self.fleet[chip.place] -= gone
                chip.retired += gone
                off += gone
        return off / before if before > 0.0 else 0.0

    def open_sites(self) -> None:
        """Site power grows while less than two years' growth stands unused."""
        given = self.model.given.providers
        yearly = self.own.power_growth * 1000.0 * given.power_limit * exp(given.power_growth_rate * self.model.now)
        room = max(0.0, self.running_kw + self.building + 2.0 * yearly - self.power)
        self.power += min(yearly * self.model.dt, room) * self.active

    def consider_entry(self, market_quote: list[float | None]) -> None:
        """A firm out of business enters when what it could have earned adds up; quotes by chip, None where unknown."""
        if self.active:
            return
        best = 0.0
        for chip in self.to_order():
            quote = market_quote[chip.place]
            if quote is not None:
                full = self.full_cost_today(chip) * self.model.given.trade.built_markup
                best = max(best, log(max(quote, 1e-9)) - log(full))
        self.entry_clock += self.model.given.providers.entry_rate * best * self.model.dt
        self.active = self.entry_clock >= self.entry_threshold

    def full_cost_today(self, chip: Chip) -> float:
        """Full cost per chip-hour at prices as they stand now, after the tick's own moves."""
        common, wacc = self.model.given.providers, self.cost_of_capital()
        gear = annuity(wacc, common.life) * (chip.vendor.price_to(self, chip) + chip.server)
        site = (annuity(wacc, common.site_life) * self.site_kw + self.own.opex) * chip.power
        return (gear + site) / (HOURS * CONTRACTED)


def lambert(z: float) -> float:
    """The x with x e^x = z, for z >= 0, by Newton's steps."""
    x = log(1.0 + z)
    for _ in range(50):
        step = (x * exp(x) - z) / (exp(x) * (1.0 + x))
        x -= step
        if abs(step) <= 1e-16 * (1.0 + abs(x)):
            break
    return x
