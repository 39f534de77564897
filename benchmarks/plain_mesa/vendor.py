"""Chip vendors: order books, scarce supply, prices, and whom to back."""

from math import exp, log
from typing import Any

import mesa

from benchmarks.plain_mesa.accounts import Account
from benchmarks.plain_mesa.catalogue import Chip

SHRINKS = 0.1  # per year
FILL_RATE = 5.5  # per year, of stock to its aim
LEASE_PART = 0.5
SPENDING_TIME = 0.5
ORDER_TIME = 0.25
HALVINGS = 80
TIE = 1e-9  # of the mean margin
SCRAP = 1e-6  # chips that rounding may leave of none


class Vendor(mesa.Agent):
    """A maker of chips. Quantities in packages, the scarce thing, unless they say chips."""

    market = "vendor"

    def __init__(self, model: Any, name: str, own: Any, opening: Any) -> None:
        """`own` has the vendor's numbers in the scenario, `opening` its state at the start."""
        super().__init__(model)
        self.name, self.own = name, own
        self.booked = self.earned = self.cash = 0.0  # as last recorded
        self.chips: list[Chip] = []
        self.owner: Any = None
        self.rule: str = own.allocation
        self.supply, self.supply_target = opening.supply, opening.supply_target
        self.order_rate, self.order_growth = opening.order_rate, opening.order_growth  # packages a year, smoothed
        self.duplicates, self.spending_share = opening.duplicates, opening.spending_share
        self.account = Account()
        self.stakes: dict[Any, float] = {}  # equity in providers and labs, USD
        self.leases: dict[Any, float] = {}
        self.guarantees: dict[Any, float] = {}
        self.orders: dict[Any, float] = {}  # by provider
        self.lead = 0.0  # years
        self.sold: dict[Any, float] = {}  # USD this tick, by provider
        self.useful = 0.0

    # --- orders ---------------------------------------------------------------------------------------

    @property
    def stock(self) -> float:
        return sum(chip.stock * chip.packages for chip in self.chips)

    def book_orders(self) -> None:
        """Add up what waits, and the lead time that it means with duplicates counted."""
        self.orders = {
            one: sum(one.waiting[chip.place] * chip.packages for chip in self.chips) for one in self.model.providers
        }
        backlog = sum(self.orders.values()) * (1.0 + self.duplicates)
        self.lead = self._time_to_make(max(0.0, backlog - self.stock))

    def _time_to_make(self, packages: float) -> float:
        """Years until so many are made, while supply goes from what it is to its target; by halving."""
        lag, now, aim = self.model.given.vendors.supply_lag, max(self.supply, 1e-9), max(self.supply_target, 1e-9)

        def made(years: float) -> float:
            return aim * years - (aim - now) * lag * (1.0 - exp(-years / lag))

        low, high = 0.0, packages / min(now, aim)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if made(middle) < packages else (low, middle)
        return high

    def sells_to(self, provider: Any) -> bool:
        """Merchant silicon goes to anyone, captive silicon to its owner only."""
        return self.own.sells != "captive" or provider is self.owner

    def lead_for(self, provider: Any) -> float:
        """Years until an order of this provider ships; an owner waits for its own orders only."""
        if provider is not self.owner:
            return self.lead
        return min(self.lead, self.orders[provider] / max(self.supply, 1e-9))

    def order_book_left(self) -> float:
        """Packages of orders that are still taken."""
        waiting = sum(p.waiting[chip.place] * chip.packages for p in self.model.providers for chip in self.chips)
        return max(0.0, self.model.given.vendors.longest_lead * self.supply - waiting)

    def price_to(self, provider: Any, chip: Chip) -> float:
        """USD per chip: list, or the transfer price of own silicon."""
        if provider is not self.owner:
            return chip.list_price
        given = self.model.given.vendors
        return chip.cost_today(self.model.now, given.cost_decline) / (1.0 - given.transfer_margin)

    # --- allocation -----------------------------------------------------------------------------------

    def allocate(self) -> dict[Any, float]:
        """Packages for each buyer: the owner first, then the rule over the others."""
        left = self.stock + self.supply * self.model.dt
        allotted: dict[Any, float] = {}
        if self.owner is not None:
            allotted[self.owner] = min(self.orders[self.owner], left)
            left -= allotted[self.owner]
        others = {one: asked for one, asked in self.orders.items() if one is not self.owner and asked > 0.0}
        return allotted | self._share_out(others, max(0.0, left))

    def _share_out(self, asked: dict[Any, float], quantity: float) -> dict[Any, float]:
        total = sum(asked.values())
        if total <= quantity or quantity <= 0.0 or self.rule == "pro_rata":
            scale = min(1.0, quantity / total) if total > 0.0 else 0.0
            return {one: orders * scale for one, orders in asked.items()}
        worth = self._worth_of_buyers()
        if self.rule == "highest_margin":
            return highest_margin(asked, worth, quantity)
        given = self.model.given.vendors
        return strategic(asked, worth, quantity, self.own.multipolarity * given.multipolarity, given.inertia)

    def _worth_of_buyers(self) -> dict[Any, float]:
        """Margin per package of each buyer's orders over the mean, less where it makes chips too."""
        given, now = self.model.given.vendors, self.model.now
        margin = {c: max(0.0, c.list_price - c.cost_today(now, given.cost_decline)) / c.packages for c in self.chips}
        value = {p: sum(p.waiting[c.place] * c.packages * margin[c] for c in self.chips) for p in self.orders}
        total = sum(self.orders.values())
        mean = sum(value.values()) / total if total > 0.0 else 0.0
        worth = {}
        for one, packages in self.orders.items():
            each = value[one] / packages if packages > 0.0 else 0.0
            rival = any(other.owner is one for other in self.model.vendors if other is not self)
            worth[one] = each / (mean if mean > 0.0 else 1.0) - given.rival_discount * rival
        return worth

    def ship(self) -> None:
        """Send what was allotted, make what stock does not hold, and fill stock with what capacity is left."""
        allotted = self.allocate()
        capacity = self.supply * self.model.dt
        part = {p: min(1.0, allotted.get(p, 0.0) / asked) if asked > 0.0 else 0.0 for p, asked in self.orders.items()}
        wanted = {c: sum(p.waiting[c.place] * part[p] for p in part) for c in self.chips}
        make = {c: max(0.0, wanted[c] - c.stock) for c in self.chips}
        used = sum(make[c] * c.packages for c in self.chips)
        scale = min(1.0, capacity / used) if used > 0.0 else 1.0
        self.made = {c: make[c] * scale for c in self.chips}
        for chip in self.chips:
            able = min(1.0, (self.made[chip] + chip.stock) / wanted[chip]) if wanted[chip] > 0.0 else 0.0
            for one in part:
                one.arriving[chip.place] = one.waiting[chip.place] * part[one] * able
        self._make_for_stock(capacity)

    def _make_for_stock(self, capacity: float) -> None:
        """Fill stock up to half the target lead, over the chips that are on order."""
        spare = max(0.0, capacity - sum(self.made[c] * c.packages for c in self.chips))
        aim = self.model.given.vendors.target_lead * self.supply if self.spending_share > 0.0 else 0.0
        fill = min(spare, max(0.0, 0.5 * aim - self.stock) * (1.0 - exp(-FILL_RATE * self.model.dt)))
        selling = {c: sum(p.waiting[c.place] for p in self.model.providers) * c.packages for c in self.chips}
        total = sum(selling.values())
        for chip in self.chips:
            self.made[chip] += fill * (selling[chip] / total if total > 0.0 else 0.0) / chip.packages

    def move_stock(self) -> tuple[float, float]:
        """Book what was made and sent; USD that the two cost, chips leaving at the average cost of stock."""
        made_cost = sold_cost = 0.0
        for chip in self.chips:
            made, sent = self.made[chip], sum(p.arriving[chip.place] for p in self.model.providers)
            today, before = chip.cost_today(self.model.now, self.model.given.vendors.cost_decline), max(0.0, chip.stock)
            total = before + made
            chip.unit_cost = (before * chip.unit_cost + made * today) / total if total > SCRAP else today
            beside = sent * chip.network * (1.0 - self.model.given.vendors.network_margin)
            made_cost += made * today + beside
            sold_cost += sent * chip.unit_cost + beside
            chip.stock = max(0.0, chip.stock + made - sent)
            chip.made += made
            chip.shipped += sent
        return made_cost, sold_cost

    # --- prices and growth ----------------------------------------------------------------------------

    def see_spending(self, spent: float, total: float) -> None:
        """Follow the vendor's share of this tick's chip orders."""
        if total > 0.0:
            self.spending_share += (spent / total - self.spending_share) * (1.0 - exp(-self.model.dt / SPENDING_TIME))

    def see_orders(self, packages: float) -> None:
        """Follow the flow of orders; how fast it grows."""
        before, dt = max(self.order_rate, 1.0), self.model.dt
        self.order_rate += (packages / dt - self.order_rate) * (1.0 - exp(-dt / ORDER_TIME))
        seen = log(max(self.order_rate, 1.0) / before) / dt
        self.order_growth += (seen - self.order_growth) * (1.0 - exp(-dt / SPENDING_TIME))

    def expand(self, everyone: float) -> None:
        """Supply follows its target; that grows as committed for a year, then with orders and with the lead over its
        aim. `everyone` makes so many packages a year together, of which a foundry lets each have a little more."""
        given, dt = self.model.given.vendors, self.model.dt
        first_year = min(1.0, max(0.0, (1.0 - self.model.now) / dt))
        asked = given.supply_response * log(max(self.lead, 0.02) / given.target_lead)
        asked += given.supply_follows * self.order_growth
        most = self.own.growth_cap * (1.0 + given.foundry_room * everyone / max(self.supply, 1.0))
        free = min(max(asked, -SHRINKS), log(1.0 + most))
        rate = first_year * log(1.0 + self.own.growth_committed) + (1.0 - first_year) * free
        self.supply_target *= exp(rate * dt)
        self.supply += (self.supply_target - self.supply) * (1.0 - exp(-dt / given.supply_lag))

    def reprice(self) -> None:
        """List prices of launched chips move to the Lerner rule."""
        given, now = self.model.given.vendors, self.model.now
        elasticity = max(given.elasticity_floor, 1.0 + (1.0 - self.spending_share) / given.sigma)
        margin = max(1.0 / elasticity, self.own.margin_target)
        speed = 1.0 - exp(-given.price_speed * self.model.dt)
        for chip in self.chips:
            if chip.released <= now:
                goal = chip.cost_today(now, given.cost_decline) / (1.0 - margin)
                chip.list_price *= exp(speed * log(goal / chip.list_price))
            chip.list_price = max(chip.list_price, 1e-6)

    def move_duplicates(self) -> None:
        """Buyers book twice when leads are long, and cancel when they shorten."""
        given = self.model.given.vendors
        over = max(0.0, self.lead / (1.5 * given.target_lead) - 1.0)
        wanted = min(given.duplicate_cap, given.duplicate_orders * over)
        self.duplicates += (wanted - self.duplicates) * (1.0 - exp(-self.model.dt / given.cancel_time))

    # --- money ----------------------------------------------------------------------------------------

    def backing(self, profit: float) -> dict[Any, float]:
        """USD of equity for each customer this tick, out of operating `profit` in USD a year."""
        total = sum(self.sold.values())
        if total <= 0.0 or profit <= 0.0:
            return {}
        want: dict[Any, float] = {}
        for provider, bought in self.sold.items():
            if provider.active and not provider.owns_silicon:
                want[provider] = bought / total * (1.0 - bought / total) ** 2
        free = [lab for lab in self.model.labs if lab.active and lab.owner is None and not lab.enterprise]
        plans = max(sum(lab.plan for lab in free), 1.0)
        want |= {lab: 0.3 * lab.plan / plans for lab in free}
        whole = sum(want.values())
        offered = profit * self.own.backing * self.model.given.vendors.backing * self.model.dt
        return {one: offered * each / whole for one, each in want.items()} if whole > 0.0 else {}

    def leased(self, provider: Any) -> float:
        """USD of what a backed customer buys that it takes on lease."""
        stake = self.stakes.get(provider, 0.0) - self.leases.get(provider, 0.0)
        return min(LEASE_PART * self.sold.get(provider, 0.0), max(0.0, stake))

    def yearly_production(self) -> float:
        """USD a year of making chips at full supply, at the mean cost of a package."""
        each = sum(chip.unit_cost / chip.packages for chip in self.chips)
        return self.supply * each / max(len(self.chips), 1)


def highest_margin(asked: dict[Any, float], worth: dict[Any, float], quantity: float) -> dict[Any, float]:
    """The best margin is served first; equal ones share pro rata."""
    out: dict[Any, float] = {}
    left = quantity
    while len(out) < len(asked):
        level = max(worth[one] for one in asked if one not in out)
        group = {one: orders for one, orders in asked.items() if one not in out and worth[one] > level - TIE}
        scale = min(1.0, left / sum(group.values())) if left > 0.0 else 0.0
        out |= {one: orders * scale for one, orders in group.items()}
        left -= scale * sum(group.values())
    return out


def strategic(
    asked: dict[Any, float], worth: dict[Any, float], quantity: float, theta: float, inertia: float
) -> dict[Any, float]:
    """a = clip((pi - mu + k)/(theta/Q + k/abar), 0, O), the margin mu of supply by bisection."""
    total = sum(asked.values())

    def given(mu: float) -> dict[Any, float]:
        return {
            one: min(orders, max(0.0, (worth[one] - mu + inertia) / (theta / quantity + inertia / fair)))
            for one, orders in asked.items()
            for fair in [orders * quantity / total]
        }

    high = max(worth[one] for one in asked) + inertia
    low = min(worth[one] + inertia - theta * o / quantity - inertia * total / quantity for one, o in asked.items())
    for _ in range(HALVINGS):
        mu = 0.5 * (low + high)
        low, high = (mu, high) if sum(given(mu).values()) > quantity else (low, mu)
    return given(high)
