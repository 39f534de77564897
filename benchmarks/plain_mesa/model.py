"""`PlainMarket`: one market as a mesa model, phase by phase."""

from math import exp, inf, log
from typing import Any

import mesa

from benchmarks.plain_mesa.building import INVENTORY, Lot
from benchmarks.plain_mesa.catalogue import HOURS, Chip
from benchmarks.plain_mesa.contracts import Contract, Due, Month
from benchmarks.plain_mesa.opening import Opening
from benchmarks.plain_mesa.recording import Watch, collector
from benchmarks.plain_mesa.settlement import settle
from benchmarks.plain_mesa.sums import add_lots, add_up, add_useful
from benchmarks.plain_mesa.trading import obsolescence, open_lot, open_offers, trade

INDEX_TIME = 0.5  # years in which labs see what new capacity costs
SMALL = 1e-12


class PlainMarket(mesa.Model):
    """One replicate of a prepared market; every `step` is a tick."""

    def __init__(self, setup: Any, market: Any, replicate: int = 0) -> None:
        """`setup` and `market` as `market_sim.simulation.prepare` gives them, `replicate` the place in the chunk."""
        super().__init__(rng=0)
        self.tick, self.now = 0, 0.0
        self.rent_by_chip: dict[Chip, float] = {}
        self.signed: list[Contract] = []
        self.due: dict[tuple[Any, Any], Due] = {}
        self.ordered: dict[tuple[Any, Chip], float] = {}  # chips, this tick
        self.sweeps = 0
        Opening(self, setup, market, replicate).run()
        self.watch = Watch(self)
        self.datacollector = collector(self)
        add_up(self)

    def step(self) -> None:
        """Carry the market over one tick."""
        self.other_growth = exp(self.given.providers.other_growth * self.now)
        self.due, self.signed, self.ordered = {}, [], {}
        self.advance_technology()
        self.meet_demand()
        open_offers(self)
        trade(self)
        self.order_ahead()
        self.deliver()
        self.carry_contracts()
        self.port_and_retire()
        if settle(self):
            add_up(self)
        self.move_prices()
        self.tick += 1
        self.now = self.tick * self.dt
        self.running = self.tick < self.ticks
        add_up(self)
        self.watch.see()
        self.datacollector.collect(self)

    # --- 1 to 3: technology, fit, demand --------------------------------------------------------------

    def advance_technology(self) -> None:
        """Families launch and mature, labs release models, chips are fitted anew."""
        useful = {stack: 0.0 for stack in self.stacks}
        for chip in self.chips:
            useful[chip.stack] += chip.useful
        whole = max(sum(useful.values()), 1e-300)
        software = self.given.software
        for stack in self.stacks:
            rate = stack.vendor_effort + software.lab_effort * useful[stack] / whole
            stack.learn(rate + software.automation_rate * stack.automation[self.tick], self.dt)
        on_sale = [family for family in self.families if family.start <= self.now + 1e-9]
        not_first = {family.stack for family in self.families if family.launched}
        for family in on_sale:
            if not family.launched and family.stack in not_first:
                family.launch(software.generation_reset)
            family.launched = True
            family.take_over(software.catch_up, self.dt)
        for lab in self.labs:
            if lab.releases():
                lab.release()
            lab.refit()
        add_useful(self)

    def meet_demand(self) -> None:
        """Customers choose among the labs of each pool; what one cannot serve goes in part to others."""
        for lab in self.labs:
            lab.train()
        for pool in self.revenue_pools:
            members = [lab for lab in pool.labs if lab.active]
            top = max((lab.attraction for lab in members), default=0.0)
            weight = {lab: exp(lab.attraction - top) for lab in members}
            whole = sum(weight.values())
            for lab in pool.labs:
                lab.meet(weight.get(lab, 0.0) / (whole if whole > 0.0 else 1.0) * pool.potential[self.tick])
            unmet = sum(lab.demand - lab.revenue for lab in pool.labs)
            spare = {lab: max(0.0, lab.able - lab.demand) for lab in pool.labs}
            room = sum(spare.values())
            taken = min(1.0, self.given.demand.spill * unmet / room) if room > 0.0 else 0.0
            for lab in pool.labs:
                lab.revenue += taken * spare[lab]

    # --- 6 to 8: orders, delivery, contract events ----------------------------------------------------

    def order_ahead(self) -> None:
        """Providers order for inventory."""
        honesty = 1.0 - self.given.delivery.optimism
        for provider in self.providers:
            ordered = provider.order_ahead()
            provider.inventory_kw = 0.0
            if ordered is not None:
                chip, chips = ordered
                rent = provider.quote[chip.place] * chips * HOURS
                open_lot(self, INVENTORY, provider, chip, chips, provider.delay[chip.place] * honesty, rent)
                provider.inventory_kw = chips * chip.power
                self.ordered[provider, chip] = self.ordered.get((provider, chip), 0.0) + chips
        add_lots(self)

    def deliver(self) -> None:
        """Vendors ship, sites are built, lots enter service."""
        for vendor in self.vendors:
            vendor.book_orders()
        for vendor in self.vendors:
            vendor.ship()
        speed = {provider: provider.site_speed() for provider in self.providers}
        arrived = {provider: list(provider.arriving) for provider in self.providers}
        for provider in self.providers:
            provider.late_kw = provider.finished_kw = 0.0
        self.ready: dict[int, float] = {}
        under_way = []
        for lot in self.lots:
            stock = arrived[lot.provider]
            stock[lot.chip.place] -= lot.receive(stock[lot.chip.place])
            left = lot.build(speed[lot.provider], self.dt)
            if left is None:
                under_way.append(lot)
            else:
                self.finish(lot, self.now + self.dt - left)
        self.lots = under_way

    def finish(self, lot: Lot, at: float) -> None:
        """A lot enters service."""
        provider = lot.provider
        provider.fleet[lot.chip.place] += lot.chips
        provider.finished_kw += lot.kw
        provider.late_kw += lot.kw * lot.lateness(at)
        if lot.contract != INVENTORY:
            self.ready[lot.contract] = at

    def carry_contracts(self) -> None:
        """Contracts start, run late, earn, renew and end."""
        for lab in self.labs:
            lab.review()
        month = Month(self.now, self.dt, self.given.trade, self.ready, self.next_number, self.due)
        after = [month.carry_on(contract) for contract in self.contracts]
        self.contracts = [contract for contract in after if contract is not None]
        self.next_number, self.rent_by_chip = month.next_number, month.rent_by_chip
        self.signed += month.signed
        freed = set(month.freed)
        for lot in self.lots:
            if lot.contract in freed:
                lot.contract = INVENTORY
        add_up(self)

    def port_and_retire(self) -> None:
        """Ports go on; old chips are switched off."""
        for lab in self.labs:
            lab.port()
        for provider in self.providers:
            provider.switched_off = provider.retire()

    # --- 10: prices, beliefs, investment, entry -------------------------------------------------------

    def move_prices(self) -> None:
        """Quotes, records, speed, list prices, supply, sites, entry and what labs see of costs."""
        price, delay = self.weigh_building()
        for provider in self.providers:
            provider.requote(price, obsolescence(self), delay)
        for provider in self.providers:
            provider.learn(self.spend[provider], self.spent)
            provider.choose_speed()
        self.move_vendors()
        for provider in self.providers:
            provider.open_sites()
        quotes = self.market_quotes()
        for provider in self.providers:
            provider.consider_entry(quotes)
        self.follow_costs()

    def move_vendors(self) -> None:
        """Vendors see what was ordered, grow and set list prices."""
        spent = dict.fromkeys(self.vendors, 0.0)
        for (_, chip), chips in self.ordered.items():
            spent[chip.vendor] += chips * chip.list_price
        whole, everyone = sum(spent.values()), sum(max(vendor.supply, 1.0) for vendor in self.vendors)
        for vendor in self.vendors:
            vendor.see_spending(spent[vendor], whole)
            vendor.see_orders(sum(n * chip.packages for (_, chip), n in self.ordered.items() if chip.vendor is vendor))
            vendor.expand(everyone)
            vendor.reprice()
            vendor.move_duplicates()

    def weigh_building(self) -> tuple[float, float]:
        """What the market builds, by chip; its price per useful PFLOP-hour, infinite where nothing is, and its
        delay in years."""
        weight = self._building_weights()
        whole = sum(weight.values())
        self.building_mix = dict.fromkeys(self.chips, 0.0)
        self.log_price_built = log_price = delay = 0.0
        for (provider, chip), heavy in weight.items():
            part, built = heavy / (whole if whole > 0.0 else 1.0), max(provider.built[chip.place], SMALL)
            self.building_mix[chip] += part
            self.log_price_built += part * log(built / max(provider.delivered, SMALL))
            log_price += part * log(built / max(self.useful_chip[chip.place] * provider.delivered, SMALL))
            delay += part * provider.delay[chip.place]
        return (exp(log_price) if whole > 0.0 else inf), delay

    def _building_weights(self) -> dict[tuple[Any, Chip], float]:
        """What is being built by provider and chip, in useful compute."""
        self.useful_chip = self._useful_chips()
        weight: dict[tuple[Any, Chip], float] = {}
        for provider in self.providers:
            for chip in provider.to_order():
                trace = 1e-3 * chip.vendor.supply / chip.packages * provider.active
                lots = provider.waiting[chip.place] + provider.received[chip.place]
                weight[provider, chip] = (lots + trace) * self.useful_chip[chip.place]
        return weight

    def longer_wait(self) -> float:
        """Years by which what is being built takes longer than its sites ordinarily do, on average."""
        weight, bring_up = self._building_weights(), self.given.delivery.bring_up
        total = sum(
            heavy * max(0.0, provider.delay[chip.place] - (provider.own.site_months / 12.0 + bring_up))
            for (provider, chip), heavy in weight.items()
        )
        whole = sum(weight.values())
        return total / whole if whole > 0.0 else 0.0

    def _useful_chips(self) -> list[float]:
        """Geometric mean throughput of each chip over labs, by what they plan to spend."""
        whole = max(sum(lab.plan for lab in self.labs), SMALL)
        part = [(lab.plan / whole, lab.throughput) for lab in self.labs]
        return [exp(sum(share * log(max(fit[chip.place], SMALL)) for share, fit in part)) for chip in self.chips]

    def market_quotes(self) -> list[float | None]:
        """Mean quote of each chip over fleets in business; None where there are none."""
        quotes: list[float | None] = []
        for chip in self.chips:
            fleet = [(p.fleet[chip.place], p.quote[chip.place]) for p in self.providers if p.active]
            whole = sum(chips for chips, _ in fleet)
            quotes.append(sum(chips * quote for chips, quote in fleet) / whole if whole > 0.0 else None)
        return quotes

    def follow_costs(self) -> None:
        """Labs see what a useful PFLOP-hour of new capacity costs them."""
        self.weigh_building()
        if sum(self.building_mix.values()) <= 0.0:
            return
        step = 1.0 - exp(-self.dt / INDEX_TIME)
        mix = [(part, chip.place) for chip, part in self.building_mix.items() if part > 0.0]
        for lab in self.labs:
            fit = sum(part * log(max(lab.throughput[c], SMALL)) for part, c in mix)
            lab.follow_costs(exp(self.log_price_built - fit), step)
