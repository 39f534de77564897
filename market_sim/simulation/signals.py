"""Records the series that say why the market moves: one function a signal, each (R, group) of one tick."""

from collections.abc import Callable

import numpy as np
import polars as pl

from market_sim.agents import provider
from market_sim.agents.lab import customers
from market_sim.mechanisms import architecture, hedonic
from market_sim.mechanisms.concentration import merged
from market_sim.mechanisms.finance import FLOW
from market_sim.numerics import exp
from market_sim.results.calendar import Calendar
from market_sim.results.frames import Clock, cells
from market_sim.results.light import ONES, Plan
from market_sim.results.vocabulary import SIGNALS
from market_sim.simulation.premium import cuda_premium
from market_sim.simulation.seen import Cast, Seen, ratio
from market_sim.simulation.systems import fit_gain, list_price, rank_changes
from market_sim.simulation.technology import twin_throughput
from market_sim.state.grouping import grouped_product, rows, weighed
from market_sim.state.setup import Setup
from market_sim.state.tables import CHIPS, LOANS, SITES

KW_PER_MW = 1000.0
SMALL = 1e-12


class Signals:
    """Values (slot, tick, R): every signal's groups side by side, as the rows of the table are."""

    tables = ("signals",)

    def __init__(self, setup: Setup, cast: Cast, plan: Plan) -> None:
        self.setup, self.cast, self.plan = setup, cast, plan
        groups = [cast.names.codes("group", groups_of(signal.by, setup, cast)) for signal in SIGNALS]
        signal, group = np.repeat(np.arange(len(SIGNALS)), [len(listed) for listed in groups]), np.concatenate(groups)
        ranked = np.lexsort((group, signal))
        self.signal, self.group = signal[ranked], group[ranked]
        self.firms = np.array([one.by in ONES for one in SIGNALS])[self.signal]
        self.slots = np.argsort(ranked, kind="stable")  # where what is measured goes, signal by signal
        self.value = np.full((len(self.group), setup.scenario.ticks, setup.width), np.nan, np.float32)
        self.held = {name: np.full((setup.width, 1), np.nan) for name in YEARLY}
        self.whole = frozenset(plan.whole.tolist())  # ticks told of in full: others leave out single firms and chips

    def see(self, seen: Seen) -> None:
        """Measure everything; what needs a market of its own once a year, held in between."""
        if seen.ends_year():
            for name, measure in YEARLY.items():
                fresh = measure(seen)
                self.held[name] = np.where(np.isnan(fresh), self.held[name], fresh)
        whole = seen.tick in self.whole
        told = [one.name for one in SIGNALS if whole or one.by not in ONES]
        parts = [self.held[name] if name in self.held else MEASURES[name](seen) for name in told]
        slots = self.slots if whole else self.slots[~self.firms[self.slots]]
        self.value[slots, seen.tick] = np.concatenate(parts, axis=1).T

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """The table over the first `ticks` ticks; no row where there was nothing to measure."""
        value = np.ascontiguousarray(np.swapaxes(self.value[:, :ticks], 1, 2))
        keep = ~np.isnan(value) & (self.plan.is_whole(ticks) | ~self.firms[:, None, None])
        along: dict[str, np.ndarray] = {"signal": self.signal, "group": self.group}
        clock = Clock(np.array(self.setup.replicates), np.arange(ticks), calendar)
        return cells(name, along, {"value": self.plan.kept(value)}, clock, self.cast.names, keep)


def groups_of(by: str, setup: Setup, cast: Cast) -> tuple[str, ...]:
    """The groups that a signal is measured for, from what the vocabulary says it goes by."""
    return {
        "all": ("all",),
        "lab": setup.labs,
        "stack": setup.stacks,
        "vendor": setup.vendors,
        "chip": setup.chips,
        "all, provider kind": ("all", *cast.kinds),
        "firm kind": cast.firm_kinds,
    }[by]


# --- technology -----------------------------------------------------------------------------------


def divergence(seen: Seen) -> np.ndarray:
    """Labs in business count alike, so that it moves with architectures and not with who grows."""
    market = seen.market
    return architecture.divergence(market.technology.drift, market.labs.active.astype(np.float64))[:, None]


def segregation(seen: Seen) -> np.ndarray:
    """Over useful compute under contract by lab and stack."""
    setup, market = seen.setup, seen.market
    use = grouped_product(market.holdings.live, market.technology.throughput, setup.chip_stack, len(setup.stacks))
    return architecture.segregation(use)[:, None]


def lock_in(seen: Seen) -> np.ndarray:
    """Over the chips on sale, at list price and server; the twin shares luck and ideals but adapts to no chip."""
    setup, market = seen.setup, seen.market
    sold = (setup.chip_from <= seen.now + SMALL) & (setup.chip_until >= seen.now) & setup.deploys.any(axis=0)
    price = market.vendors.list_price + setup.drawn.chip.server
    t = market.technology
    return architecture.lock_in(
        t.throughput, twin_throughput(setup, market), np.broadcast_to(sold, price.shape), price, setup.chip_vendor,
        len(setup.vendors), market.labs.plan,
    )[:, None]  # fmt: skip


def premium(seen: Seen) -> np.ndarray:
    """Spending that would move between stacks were software equal, after clearing again."""
    return cuda_premium(seen)[:, None]


def quality_loss(seen: Seen) -> np.ndarray:
    """Against the ideal of the tick."""
    setup = seen.setup
    ideal = setup.ideal_at(seen.tick)
    return architecture.quality_loss(seen.market.technology.drift, ideal, setup.drawn.labs.quality_loss)


def automation(seen: Seen) -> np.ndarray:
    """As the scenario's path has it."""
    return seen.setup.automation[:, :, seen.tick]


def ports_started(seen: Seen) -> np.ndarray:
    """Ports that stood at nothing."""
    return _ports(seen, lambda before, after: (before <= 0.0) & (after > 0.0))


def ports_finished(seen: Seen) -> np.ndarray:
    """Ports that came to their end."""
    return _ports(seen, lambda before, after: (before < 1.0) & (after >= 1.0))


def _ports(seen: Seen, changed: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Labs by stack (R, stack) whose port `changed` in the tick: none where nobody ports."""
    before, after = seen.day.before.technology.ported, seen.market.technology.ported
    if before is after:
        return np.zeros((len(before), before.shape[2]))
    return changed(before, after).sum(axis=1)


# --- speed ----------------------------------------------------------------------------------------


def time_to_capacity(seen: Seen) -> np.ndarray:
    """By kW."""
    done = seen.day.delivered
    return seen.ratio_by_kind(done.delay, done.completed)


def lateness(seen: Seen) -> np.ndarray:
    """By kW."""
    done = seen.day.delivered
    return seen.ratio_by_kind(done.lateness, done.completed)


def speed_premium(seen: Seen) -> np.ndarray:
    """At contract prices to large labs, weighted by spending; throughput is a mean by planned spending."""
    setup, day = seen.setup, seen.day
    o, trade = setup.offers, day.trade
    buyer = int(np.flatnonzero(~setup.enterprise)[0]) if not setup.enterprise.all() else 0
    return -hedonic.hedonic_speed_premium(
        trade.price, day.offered.listed[buyer], trade.paid, day.offered.believed, provider.useful_chip(day.before),
        seen.delivered, o.provider, o.chip, o.term,
    )[:, None]  # fmt: skip


def speed_up(seen: Seen) -> np.ndarray:
    """By kW of sites in business."""
    return _by_site_power(seen, exp(seen.market.providers.speed))


def incentive(seen: Seen) -> np.ndarray:
    """By kW of sites in business."""
    return _by_site_power(seen, seen.market.providers.incentive)


def _by_site_power(seen: Seen, by_provider: np.ndarray) -> np.ndarray:
    weight = seen.market.providers.power * seen.market.providers.active
    return seen.ratio_by_kind(by_provider * weight, weight)


# --- capacity and prices --------------------------------------------------------------------------


def utilisation(seen: Seen) -> np.ndarray:
    """In chips."""
    return seen.ratio_by_kind(seen.fleets.sold, seen.fleets.chips)


def vacancy(seen: Seen) -> np.ndarray:
    """In kW."""
    return seen.ratio_by_kind(seen.fleets.empty_kw, seen.fleets.kw)


def quote(seen: Seen) -> np.ndarray:
    """Over providers in business that have the chip in service."""
    return ratio(seen.fleets.quoted, seen.fleets.offered)


def trade(seen: Seen) -> np.ndarray:
    """Over this tick's deals, renewals left out: they are made at quotes."""
    return ratio(seen.deals.spent, seen.deals.chips)


def scarcity_rent(seen: Seen) -> np.ndarray:
    """Over this tick's deals."""
    return ratio(seen.deals.rent, seen.deals.chips)


def useful_price(seen: Seen) -> np.ndarray:
    """USD an hour over useful PFLOP/s of this tick's deals."""
    return seen.ratio_by_kind(seen.deals.takings, seen.deals.useful)


def unmet_demand(seen: Seen) -> np.ndarray:
    """Of customers by labs."""
    labs = seen.market.labs
    wanted = labs.demand.sum(axis=1)
    return ratio(wanted - labs.revenue.sum(axis=1), wanted)[:, None]


def unmet_ask(seen: Seen) -> np.ndarray:
    """Of labs by providers, in the clearing."""
    asked = seen.day.wishes.ask.sum(axis=1)
    return ratio(np.maximum(0.0, asked - seen.day.trade.spend.sum(axis=(1, 2))), asked)[:, None]


def useful_compute(seen: Seen) -> np.ndarray:
    """At the end of the tick."""
    return seen.by_kind(seen.market.holdings.useful_provider)


def power(seen: Seen) -> np.ndarray:
    """At the end of the tick."""
    return seen.by_kind(seen.fleets.kw) / KW_PER_MW


def active_providers(seen: Seen) -> np.ndarray:
    """At the end of the tick."""
    return seen.by_kind(seen.market.providers.active)


def largest_customer(seen: Seen) -> np.ndarray:
    """By rent; a firm's own use of its capacity is no custom."""
    largest, paid = customers(seen.setup, seen.day.events.rent)
    return seen.ratio_by_kind(largest, paid)


def neocloud_share(seen: Seen) -> np.ndarray:
    """Of this tick's rent."""
    rent = seen.by_kind(seen.day.events.by_provider("rent"))
    kinds = seen.cast.kinds
    own = rent[:, 1 + kinds.index("neocloud")] if "neocloud" in kinds else 0.0 * rent[:, 0]
    return ratio(own, rent[:, 0])[:, None]


# --- vendors and money ----------------------------------------------------------------------------


def lead_time(seen: Seen) -> np.ndarray:
    """After this tick's orders."""
    return seen.day.orders.lead


def supply(seen: Seen) -> np.ndarray:
    """At the end of the tick."""
    return seen.market.vendors.supply


def vendor_margin(seen: Seen) -> np.ndarray:
    """Of what was shipped this tick."""
    return ratio(seen.day.settled.profit, seen.day.settled.bought.sum(axis=2))


def vendor_profit(seen: Seen) -> np.ndarray:
    """At the tick's rate."""
    settled, setup = seen.day.settled, seen.setup
    return (settled.profit - setup.drawn.vendor.operating_cost * settled.bought.sum(axis=2)) / setup.dt


def provider_margin(seen: Seen) -> np.ndarray:
    """Wear is what the accounts write off chips and sites."""
    d, dt, at = seen.setup.drawn.providers, seen.setup.dt, _providers(seen)
    chips, sites = (seen.day.before.ledger.real[:, asset, at] for asset in (CHIPS, SITES))
    wear = chips * (1.0 - exp(-dt * 2.0 / d.life))[:, None] + sites * (1.0 - exp(-dt * 2.0 / d.site_life))[:, None]
    rent = seen.day.events.by_provider("rent")
    left = rent + seen.day.settled.flows[:, FLOW["operations"], at] - wear
    return seen.ratio_by_kind(left, rent)


def backing_exposure(seen: Seen) -> np.ndarray:
    """Guarantees count up to the debt they stand behind, shared among the vendors that give them."""
    v = seen.market.vendors
    given = v.guarantees.sum(axis=1)
    covered = np.minimum(1.0, _debt(seen) / np.where(given > 0.0, given, 1.0))
    return rows(v.stakes) + rows(v.leases) + weighed(v.guarantees, covered)


def provider_leverage(seen: Seen) -> np.ndarray:
    """At the end of the tick."""
    book = seen.market.ledger.real[:, :2, _providers(seen)].sum(axis=1)
    return seen.ratio_by_kind(_debt(seen), book)


def _debt(seen: Seen) -> np.ndarray:
    return -seen.market.ledger.balance[:, LOANS, _providers(seen)]


def _providers(seen: Seen) -> slice:
    first = len(seen.setup.vendors)
    return slice(first, first + len(seen.setup.providers))


def defaults(seen: Seen) -> np.ndarray:
    """Providers and labs that failed, by kind; a kind that both have counts both."""
    settled, cast = seen.day.settled, seen.cast
    failed = np.concatenate([settled.failed, settled.failed_labs], axis=1)
    return merged(failed, cast.firm_group, len(cast.firm_kinds))


def defaulted_debt(seen: Seen) -> np.ndarray:
    """Of failed providers."""
    return seen.by_kind(seen.day.settled.lost)


def entries(seen: Seen) -> np.ndarray:
    """Providers in business that were not."""
    return seen.by_kind(seen.market.providers.active & ~seen.day.before.providers.active)


def lab_demand(seen: Seen) -> np.ndarray:
    """At the tick's rate."""
    return seen.market.labs.demand


def lab_revenue(seen: Seen) -> np.ndarray:
    """At the tick's rate."""
    return seen.market.labs.revenue


def regime(seen: Seen) -> np.ndarray:
    """The one that most of the tick was spent in."""
    return seen.setup.luck.regime[:, seen.tick][:, None]


YEARLY: dict[str, Callable[[Seen], np.ndarray]] = {
    "lock_in": lock_in,
    "cuda_premium": premium,
    "fit_gain": fit_gain,
    "rank_changes": rank_changes,
}
MEASURES: dict[str, Callable[[Seen], np.ndarray]] = {
    measure.__name__: measure
    for measure in (
        *(divergence, segregation, quality_loss, automation, ports_started, ports_finished),
        *(time_to_capacity, lateness, speed_premium, speed_up, incentive),
        *(utilisation, vacancy, quote, trade, scarcity_rent, useful_price, unmet_demand, unmet_ask),
        *(list_price, useful_compute, power, active_providers, largest_customer, neocloud_share),
        *(lead_time, supply, vendor_margin, vendor_profit, provider_margin, backing_exposure, provider_leverage),
        *(defaults, defaulted_debt, entries, lab_demand, lab_revenue, regime),
    )
}
