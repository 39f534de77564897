"""One tick as those who record it see it: the market after it, what happened in it, and sums they share."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market_sim.agents import provider
from market_sim.mechanisms.concentration import merged
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
        return self._summed(*self.new)

    @cached_property
    def renewals(self) -> Signings:
        """Contracts that went on from others which ended this tick."""
        return self._summed(*self.renewed)

    @property
    def new(self) -> tuple[Book, np.ndarray, np.ndarray]:
        """A book, the places (R, n) of the contracts that the market signed this tick, and their number (R,)."""
        first, book = self.day.before.book.count, self.day.trade.signed.book
        signed = book.count - first
        return book, first[:, None] + np.arange(most(signed)), signed

    @property
    def renewed(self) -> tuple[Book, np.ndarray, np.ndarray]:
        """The same of those that went on from others."""
        events = self.day.events
        return events.book, events.renewed, events.renewed_count

    def _summed(self, book: Book, places: np.ndarray, count: np.ndarray) -> Signings:
        setup, fit = self.setup, self.day.before.technology.throughput
        return sum_up(book, places, count, fit, self.delivered, setup.chip_stack, len(setup.stacks))

    def by_kind(self, by_provider: np.ndarray) -> np.ndarray:
        """(R, provider) summed over all and over each kind of provider (R, 1 + kind)."""
        values = np.asarray(by_provider, np.float64)
        kinds = merged(values, self.cast.provider_group, len(self.cast.kinds))
        everyone = merged(values, np.zeros(values.shape[-1], np.int64), 1)
        return np.concatenate([everyone, kinds], axis=-1)

    def opens_quarter(self) -> bool:
        """Whether a quarter of a year since the start opened in this tick; the first tick does."""
        return quarter(self.tick * self.setup.dt) != quarter((self.tick - 1) * self.setup.dt)


def quarter(years: float) -> int:
    """The quarter of a year in which a date lies."""
    return int(np.floor((years + BETWEEN) / QUARTER))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; NaN where the whole is not above zero."""
    return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), np.nan)
