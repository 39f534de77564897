"""One tick as those who record it see it: the market after it, what happened in it, and sums they share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market_sim.agents import provider
from market_sim.numerics import kernel
from market_sim.results.calendar import year_ends
from market_sim.results.names import Names
from market_sim.scenario.schema import Scenario
from market_sim.simulation.signings import Signings, sum_up
from market_sim.simulation.tick import Day
from market_sim.state.market import Market
from market_sim.state.rows import most
from market_sim.state.setup import Setup
from market_sim.state.tables import Book

PROVIDER_KINDS = {"hyperscaler": "hyperscaler", "neocloud": "neocloud", "other": "others"}
LAB_KINDS = {"model_lab": "lab", "enterprise": "enterprise", "other": "others"}
QUARTER = 0.25  # years
BETWEEN = 1e-9  # years: a date this little short of a quarter counts as in it


@dataclass(frozen=True)
class Cast:
    """Who is who, in the codes of the result tables."""

    names: Names
    provider_kind: np.ndarray  # (provider,) code of its kind
    lab_kind: np.ndarray  # (lab,)
    kinds: tuple[str, ...]  # kinds of provider that there are
    provider_group: np.ndarray  # (provider,) index into `kinds`
    firm_kinds: tuple[str, ...]  # kinds of provider and of lab
    firm_group: np.ndarray  # (provider, then lab) index into `firm_kinds`

    @classmethod
    def of(cls, setup: Setup) -> "Cast":
        """The names of a scenario and the kinds of its firms."""
        scenario, names = setup.scenario, names_of(setup.scenario)
        providers = [PROVIDER_KINDS[one.kind] for one in scenario.provider.values()]
        labs = [LAB_KINDS[one.kind] for one in scenario.lab.values()]
        kinds = tuple(kind for kind in PROVIDER_KINDS.values() if kind in providers)
        every = tuple(dict.fromkeys((*kinds, *labs)))
        return cls(
            names=names,
            provider_kind=names.codes("kind", providers),
            lab_kind=names.codes("kind", labs),
            kinds=kinds,
            provider_group=np.array([kinds.index(kind) for kind in providers], np.int64),
            firm_kinds=every,
            firm_group=np.array([every.index(kind) for kind in (*providers, *labs)], np.int64),
        )


def names_of(scenario: Scenario) -> Names:
    """Every vocabulary of a scenario."""
    return Names.of(
        vendor=scenario.vendor,
        provider=scenario.provider,
        lab=scenario.lab,
        chip=scenario.chip,
        stack=scenario.stack,
        segment=dict.fromkeys(lab.segment for lab in scenario.lab.values()),
    )


@dataclass(frozen=True)
class Seen:
    """A tick, with what several recorders need worked out once."""

    setup: Setup
    cast: Cast
    market: Market  # after the tick
    day: Day

    @property
    def tick(self) -> int:
        """The tick that is over."""
        return self.market.tick - 1

    @property
    def now(self) -> float:
        """When it opened, in years since the start."""
        return self.tick * self.setup.dt

    @cached_property
    def delivered(self) -> np.ndarray:
        """Share of a chip's work that reaches the tenant (R, provider)."""
        return provider.delivered(self.setup)

    @cached_property
    def ordered(self) -> np.ndarray:
        """Chips ordered this tick (R, provider, chip), for contracts and ahead of them."""
        return self.day.trade.signed.built_chips + self.day.ordered.ahead

    @cached_property
    def deals(self) -> Signings:
        """Contracts the market signed this tick."""
        setup, fit = self.setup, self.day.before.technology.throughput
        return sum_up(*self.new, fit, self.delivered, setup.chip_stack, len(setup.stacks))

    @property
    def new(self) -> tuple[Book, np.ndarray, np.ndarray]:
        """A book, the places (R, n) of the contracts that the market signed this tick, and their number (R,)."""
        first, book = self.day.before.book.count, self.day.trade.signed.book
        signed = book.count - first
        return book, first[:, None] + np.arange(most(signed)), signed

    @property
    def renewed(self) -> tuple[Book, np.ndarray, np.ndarray]:
        """The same of contracts that went on from others which ended this tick."""
        events = self.day.events
        return events.book, events.renewed, events.renewed_count

    def by_kind(self, by_provider: np.ndarray) -> np.ndarray:
        """(R, provider) summed over all and over each kind of provider (R, 1 + kind)."""
        out = np.zeros((self.setup.width, 1 + len(self.cast.kinds)))
        _by_kind(np.ascontiguousarray(by_provider, np.float64), self.cast.provider_group, out)
        return out

    def ratio_by_kind(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Sums of one over those of the other, both (R, provider), over all and over each kind of provider (R, 1 +
        kind); NaN where the other's is not above zero."""
        out = np.empty((self.setup.width, 1 + len(self.cast.kinds)))
        above, below = np.ascontiguousarray(part), np.ascontiguousarray(whole)
        _ratio_by_kind(above, below, self.cast.provider_group, out)
        return out

    @cached_property
    def fleets(self) -> "Fleets":
        """Sums over the chips in service."""
        setup, market = self.setup, self.market
        return Fleets.of(market, self.delivered, setup.power, setup.drawn.provider.enterprise_markup)

    def ends_year(self) -> bool:
        """Whether the tick is the first, the last, or ends a year since the start."""
        scenario = self.setup.scenario
        return self.tick in year_ends(scenario.ticks, scenario.tick_months)

    def opens_quarter(self) -> bool:
        """Whether a quarter of a year since the start opened in this tick; the first tick does."""
        return quarter(self.tick * self.setup.dt) != quarter((self.tick - 1) * self.setup.dt)


@dataclass(frozen=True)
class Fleets:
    """Sums over the chips in service after a tick."""

    chips: np.ndarray  # (R, provider)
    sold: np.ndarray  # (R, provider) of them under contract
    kw: np.ndarray  # (R, provider)
    empty_kw: np.ndarray  # (R, provider) of chips without a contract
    asked: np.ndarray  # (R, provider) USD an hour at enterprise list prices, of those in business
    useful: np.ndarray  # (R, provider) PFLOP/s of the same chips at the throughput of a typical lab
    offered: np.ndarray  # (R, chip) chips of those in business
    quoted: np.ndarray  # (R, chip) USD an hour at quotes

    @classmethod
    def of(cls, market: Market, delivered: np.ndarray, power: np.ndarray, markup: np.ndarray) -> "Fleets":
        """From the market after a tick; `power` (chip,) in kW, `markup` (R, provider) of enterprise over quote."""
        fleet, p = market.fleet.in_service, market.providers
        by_provider, by_chip = np.zeros((6, *fleet.shape[:2])), np.zeros((2, len(fleet), fleet.shape[2]))
        _sum_fleets(
            fleet, market.holdings.sold, p.active, p.quote, provider.useful_chip(market), delivered,
            np.broadcast_to(power, fleet.shape[2:]).copy(), np.ascontiguousarray(markup), by_provider, by_chip,
        )  # fmt: skip
        return cls(*by_provider, *by_chip)


@kernel
def _sum_fleets(fleet, sold, active, quote, typical, delivered, power, markup, by_provider, by_chip):  # type: ignore[no-untyped-def]
    for r in range(fleet.shape[0]):
        for p in range(fleet.shape[1]):
            for c in range(fleet.shape[2]):
                chips = fleet[r, p, c]
                if chips == 0.0 and sold[r, p, c] == 0.0:
                    continue
                by_provider[0, r, p] += chips
                by_provider[1, r, p] += sold[r, p, c]
                by_provider[2, r, p] += chips * power[c]
                by_provider[3, r, p] += max(0.0, chips - sold[r, p, c]) * power[c]
                if active[r, p]:
                    by_provider[4, r, p] += chips * quote[r, p, c] * markup[r, p]
                    by_provider[5, r, p] += chips * typical[r, c] * delivered[r, p]
                    by_chip[0, r, c] += chips
                    by_chip[1, r, c] += chips * quote[r, p, c]


@kernel
def _by_kind(values, kind, out):  # type: ignore[no-untyped-def]
    for r in range(values.shape[0]):
        for p in range(values.shape[1]):
            out[r, 0] += values[r, p]
            out[r, 1 + kind[p]] += values[r, p]


@kernel
def _ratio_by_kind(part, whole, kind, out):  # type: ignore[no-untyped-def]
    above, below = np.empty(out.shape[1]), np.empty(out.shape[1])
    for r in range(part.shape[0]):
        for k in range(out.shape[1]):
            above[k], below[k] = 0.0, 0.0
        for p in range(part.shape[1]):
            above[0] += part[r, p]
            below[0] += whole[r, p]
            above[1 + kind[p]] += part[r, p]
            below[1 + kind[p]] += whole[r, p]
        for k in range(out.shape[1]):
            out[r, k] = above[k] / below[k] if below[k] > 0.0 else np.nan


def quarter(years: float) -> int:
    """The quarter of a year in which a date lies."""
    return int(np.floor((years + BETWEEN) / QUARTER))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; NaN where the whole is not above zero."""
    return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), np.nan)
