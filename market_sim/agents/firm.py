"""What every firm's mesa agent has in common: a row of the market, how it looks at it, and which verbs it decides.

Everything shown is a copy: no policy can write to the market.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mesa
import numpy as np

from market_sim.agents import provider
from market_sim.agents.lab import lab_slice
from market_sim.agents.policies import VERBS
from market_sim.mechanisms import finance
from market_sim.scenario.realise import lucky
from market_sim.scenario.schema import Scenario
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import DEPOSITS, LOANS, STATUSES

REPLICATE_BITS = 32


@dataclass(frozen=True)
class Moment:
    """One replicate of the market at one moment."""

    setup: Setup
    market: Market
    replicate: int  # place in the chunk


@dataclass(frozen=True)
class Contract:
    """A capacity contract that is pending or live; dates are years since the start, nan where not come."""

    id: int
    lab: str
    provider: str
    chip: str
    status: str  # pending or live
    chips: float
    price: float  # USD per chip-hour, scarcity rent included
    rent: float  # USD per chip-hour of it that is scarcity rent
    term: float  # years
    signed: float
    promised: float
    started: float
    ends: float


@dataclass(frozen=True)
class Beliefs:
    """What a lab goes by."""

    growth: float  # of its demand, 1/year
    lateness: Mapping[str, float]  # actual over promised delay of each provider, 1 = on time


class Stage(mesa.Model):
    """Holds the agents of one replicate where there is no `MarketModel`."""

    moment: Moment | None = None


def stream(seed: int, replicate: int) -> int:
    """The whole number that seeds `model.random` and `model.rng` for a policy that wants luck of its own."""
    return seed + (replicate << REPLICATE_BITS)


def stages(setup: Setup) -> list[Stage]:
    """A stage for every replicate of the chunk."""
    return [Stage(rng=stream(setup.seed, replicate)) for replicate in lucky(setup.scenario, setup.replicates)]


class AbstractFirm(mesa.Agent):
    """One row of the market. `row_kind` says of which table: vendor, provider or lab."""

    row_kind: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]  # labels in the scenario that the class may stand for; empty: all

    def __init__(self, model: Any, setup: Setup, row: int) -> None:
        super().__init__(model)
        self.row = row
        self.name: str = getattr(setup, f"{self.row_kind}s")[row]
        self.kind = label(setup.scenario, self.row_kind, self.name)
        self._looking: Moment | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def decides(self) -> tuple[str, ...]:
        """The verbs that the class defines, in the order of `VERBS`."""
        return tuple(verb for verb in VERBS[self.row_kind] if hasattr(type(self), verb))

    def scope(self, verb: str) -> tuple[str, ...] | None:
        """The names that the firm answers for where a row holds others' too; None for all."""
        return None

    def look(self, setup: Setup, market: Market, replicate: int) -> None:
        """See this market until `look_away`; a decision within a tick sees the market at that point."""
        self._looking = Moment(setup, market, replicate)

    def look_away(self) -> None:
        """See the model's market again."""
        self._looking = None

    @property
    def moment(self) -> Moment:
        """What the agent sees; raises RuntimeError outside a run."""
        seen = self._looking or self.model.moment
        if seen is None:
            raise RuntimeError(f"{self!r} sees the market only while it decides; take MarketModel to look at it later")
        return seen

    @property
    def tick(self) -> int:
        """Ticks that have passed."""
        return self.moment.market.tick

    @property
    def now(self) -> float:
        """Years since the start of the run."""
        return self.moment.market.now

    @property
    def cash(self) -> float:
        """USD of deposits."""
        return self._claims(DEPOSITS)

    @property
    def debt(self) -> float:
        """USD of loans owed."""
        return 0.0 - self._claims(LOANS)

    @property
    def net_worth(self) -> float:
        """USD: all claims less all debts plus chips, sites and stock at book."""
        return float(finance.net_worth(self.moment.market.ledger)[self.moment.replicate, self._holder])

    @property
    def backed_by(self) -> dict[str, float]:
        """USD of equity that each vendor holds in the firm, where any."""
        seen, first = self.moment, len(self.moment.setup.vendors)
        column = self._holder - first
        if column < 0:
            return {}
        return named(seen.setup.vendors, seen.market.vendors.stakes[seen.replicate, :, column], nonzero=True)

    @property
    def _holder(self) -> int:
        """Place on the holder axis: vendors, then providers, then labs."""
        setup = self.moment.setup
        first = {"vendor": 0, "provider": provider.provider_slice(setup).start, "lab": lab_slice(setup).start}
        return first[self.row_kind] + self.row

    def _claims(self, instrument: int) -> float:
        return float(self.moment.market.ledger.balance[self.moment.replicate, instrument, self._holder])

    def _of(self, table: str, column: str) -> Any:
        """The firm's own entry of a field whose first axis after the replicate is the firm's."""
        return getattr(getattr(self.moment.market, table), column)[self.moment.replicate, self.row]

    def _by_chip(self, table: str, column: str) -> dict[str, float]:
        return named(self.moment.setup.chips, self._of(table, column), nonzero=True)

    def _contracts(self, column: str) -> list[Contract]:
        seen = self.moment
        rows = seen.market.book.rows[seen.replicate, : seen.market.book.count[seen.replicate]]
        return [contract(seen.setup, row) for row in rows[rows[column] == self.row]]


def label(scenario: Scenario, row_kind: str, name: str) -> str:
    """A firm's kind as the results call it."""
    return "vendor" if row_kind == "vendor" else getattr(scenario, row_kind)[name].kind


def named(names: Sequence[str], values: np.ndarray, nonzero: bool = False) -> dict[str, float]:
    """Numbers by name, as plain floats; only those that are not 0 if asked."""
    pairs = zip(names, values.tolist(), strict=True)
    return {name: float(value) for name, value in pairs if not nonzero or value != 0.0}


def contract(setup: Setup, row: np.ndarray) -> Contract:
    """One row of the book with its names."""
    numbers = {name: float(row[name]) for name in ("chips", "price", "rent", "term", "signed", "promised")}
    return Contract(
        id=int(row["id"]),
        lab=setup.labs[row["lab"]],
        provider=setup.providers[row["provider"]],
        chip=setup.chips[row["chip"]],
        status=STATUSES[row["status"]],
        started=float(row["started"]),
        ends=float(row["ends"]),
        **numbers,
    )
