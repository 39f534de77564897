"""The firms of a market as mesa agents: each shows its row, and a subclass may decide for it.

A class that a policy derives from defines none of the verbs of `agents/policies.py`; those that a subclass defines
replace the vectorised rule for its row. Everything shown is a copy: no policy can write into the market.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import mesa
import numpy as np

from market_sim.agents import provider, vendor
from market_sim.agents.lab import lab_slice
from market_sim.agents.policies import VERBS, PolicyError, Row
from market_sim.mechanisms import finance
from market_sim.numerics import exp
from market_sim.scenario.schema import Scenario
from market_sim.state.luck import DIRECTIONS
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
    return [Stage(rng=stream(setup.seed, replicate)) for replicate in setup.replicates]


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
        return _named(seen.setup.vendors, seen.market.vendors.stakes[seen.replicate, :, column], nonzero=True)

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
        return _named(self.moment.setup.chips, self._of(table, column), nonzero=True)

    def _contracts(self, column: str) -> list[Contract]:
        seen = self.moment
        rows = seen.market.book.rows[seen.replicate, : seen.market.book.count[seen.replicate]]
        return [_contract(seen.setup, row) for row in rows[rows[column] == self.row]]


class ChipVendor(AbstractFirm):
    """Makes chips. A subclass may define `allocate` and `list_prices`."""

    row_kind = "vendor"
    kinds = ()

    def scope(self, verb: str) -> tuple[str, ...] | None:
        """Its own chips when it prices them."""
        return self.chips if verb == "list_prices" else None

    @property
    def chips(self) -> tuple[str, ...]:
        """Names of its chips, announced ones included."""
        setup = self.moment.setup
        return tuple(c for c, v in zip(setup.chips, setup.chip_vendor, strict=True) if v == self.row)

    @property
    def prices(self) -> dict[str, float]:
        """List price, USD per chip."""
        return self._own(self.moment.market.vendors.list_price)

    @property
    def unit_costs(self) -> dict[str, float]:
        """USD to make a chip today."""
        return self._own(vendor.unit_cost(self.moment.setup, self.now))

    @property
    def stock(self) -> dict[str, float]:
        """Finished chips not sold."""
        return self._own(self.moment.market.vendors.stock)

    @property
    def supply(self) -> float:
        """Packages a year that it can make."""
        return float(self._of("vendors", "supply"))

    @property
    def supply_target(self) -> float:
        """Packages a year that it is building up to."""
        return float(self._of("vendors", "supply_target"))

    @property
    def backlog(self) -> dict[str, float]:
        """Packages ordered and not shipped, by provider, where any."""
        seen = self.moment
        packages = vendor.in_packages(seen.market.pipe.waiting, seen.setup)[seen.replicate, self.row]
        return _named(seen.setup.providers, packages, nonzero=True)

    @property
    def lead_time(self) -> float:
        """Years until an order placed now is shipped, duplicate orders counted."""
        seen = self.moment
        return float(
            vendor.book_orders(seen.setup, seen.market, seen.market.pipe.waiting).lead[seen.replicate, self.row]
        )

    @property
    def duplicates(self) -> float:
        """Duplicate orders as a share of true backlog."""
        return float(self._of("vendors", "duplicates"))

    @property
    def spending_share(self) -> float:
        """Smoothed share of the world's chip spending, 0..1."""
        return float(self._of("vendors", "spending_share"))

    @property
    def stakes(self) -> dict[str, float]:
        """USD of equity held in providers and labs, by name, where any; one name may be both and counts once."""
        setup, held = self.moment.setup, self._of("vendors", "stakes")
        out: dict[str, float] = {}
        for name, value in zip((*setup.providers, *setup.labs), held, strict=True):
            if value != 0.0:
                out[name] = out.get(name, 0.0) + float(value)
        return out

    @property
    def leases(self) -> dict[str, float]:
        """USD of lease claims on providers, where any."""
        return _named(self.moment.setup.providers, self._of("vendors", "leases"), nonzero=True)

    @property
    def guarantees(self) -> dict[str, float]:
        """USD of providers' loans that it guarantees, where any."""
        return _named(self.moment.setup.providers, self._of("vendors", "guarantees"), nonzero=True)

    def _own(self, by_chip: np.ndarray) -> dict[str, float]:
        named = _named(self.moment.setup.chips, by_chip[self.moment.replicate])
        return {chip: named[chip] for chip in self.chips}


class AbstractProvider(AbstractFirm):
    """Rents out capacity. A subclass of a kind of provider may define `quote`, `order` and `speed`."""

    row_kind = "provider"

    def scope(self, verb: str) -> tuple[str, ...] | None:
        """The chips it deploys."""
        return self.chips

    @property
    def chips(self) -> tuple[str, ...]:
        """Names of the chips that it deploys or may deploy once they are available."""
        setup = self.moment.setup
        return tuple(c for c, mine in zip(setup.chips, setup.deploys[self.row], strict=True) if mine)

    @property
    def active(self) -> bool:
        """Whether it is in business."""
        return bool(self._of("providers", "active"))

    @property
    def fleet(self) -> dict[str, float]:
        """Chips in service, by chip, where any."""
        return self._by_chip("fleet", "in_service")

    @property
    def rented(self) -> dict[str, float]:
        """Chips in live contracts, by chip, where any."""
        return self._by_chip("holdings", "sold")

    @property
    def waiting(self) -> dict[str, float]:
        """Chips ordered and not shipped, by chip, where any."""
        return self._by_chip("pipe", "waiting")

    @property
    def arrived(self) -> dict[str, float]:
        """Chips shipped to it and not yet in service, by chip, where any."""
        return self._by_chip("pipe", "received")

    @property
    def quotes(self) -> dict[str, float]:
        """Asking price for one year to large labs, USD per chip-hour, for the chips it deploys."""
        named = self._by_chip("providers", "quote")
        return {chip: named[chip] for chip in self.chips}

    @property
    def contracts(self) -> list[Contract]:
        """Contracts in which it sells, pending and live, in order of signing."""
        return self._contracts("provider")

    @property
    def revenue(self) -> float:
        """USD a year of live contracts."""
        seen = self.moment
        return float(seen.market.holdings.rent_rate[seen.replicate, :, self.row].sum())

    @property
    def backlog(self) -> float:
        """USD of rent still to come under contract."""
        return float(self._of("holdings", "backlog"))

    @property
    def useful_compute(self) -> float:
        """Useful PFLOP/s under live contracts."""
        return float(self._of("holdings", "useful_provider"))

    @property
    def power(self) -> float:
        """kW powered or under development."""
        return float(self._of("providers", "power"))

    @property
    def building(self) -> float:
        """kW of lots under way."""
        return float(self._of("pipe", "building"))

    @property
    def speed_up(self) -> float:
        """Log speed-up of its building over ordinary work."""
        return float(self._of("providers", "speed"))

    @property
    def incentive(self) -> float:
        """Share of its sales that speed would win from others."""
        return float(self._of("providers", "incentive"))

    @property
    def lateness(self) -> float:
        """Actual over promised delay as labs have learned it, 1 = on time."""
        return float(exp(np.array(self._of("providers", "record"))))


class Hyperscaler(AbstractProvider):
    """A provider with a cloud business of its own."""

    kinds = ("hyperscaler",)


class Neocloud(AbstractProvider):
    """A provider that lives by renting accelerators."""

    kinds = ("neocloud",)


class OtherProvider(AbstractProvider):
    """The rest of the world's owners of chips."""

    kinds = ("other",)


class AbstractBuyer(AbstractFirm):
    """Rents capacity. A subclass of a kind of buyer may define `ask` and `value`."""

    row_kind = "lab"

    @property
    def active(self) -> bool:
        """Whether it is in business."""
        return bool(self._of("labs", "active"))

    @property
    def revenue(self) -> float:
        """USD a year earned from customers."""
        return float(self._of("labs", "revenue"))

    @property
    def demand(self) -> float:
        """USD a year that customers would spend with it."""
        return float(self._of("labs", "demand"))

    @property
    def capability(self) -> float:
        """Log capability of its models."""
        return float(self._of("labs", "capability"))

    @property
    def plan(self) -> float:
        """USD a year of compute planned at the horizon, as of the last trade."""
        return float(self._of("labs", "plan"))

    @property
    def commitment(self) -> float:
        """USD a year of all its contracts, started or not."""
        return float(self._of("holdings", "commitment"))

    @property
    def pending(self) -> float:
        """USD a year of its contracts that have not started."""
        return float(self._of("holdings", "pending"))

    @property
    def useful_compute(self) -> float:
        """Useful PFLOP/s in live contracts, the provider's overhead taken off."""
        return float(self._of("holdings", "useful_lab"))

    @property
    def fleet(self) -> dict[str, float]:
        """Chips in its live contracts, by chip, where any."""
        return self._by_chip("holdings", "live")

    @property
    def contracts(self) -> list[Contract]:
        """Contracts in which it rents, pending and live, in order of signing."""
        return self._contracts("lab")

    @property
    def ports(self) -> dict[str, float]:
        """Progress of its port to each software stack, 0..1."""
        return _named(self.moment.setup.stacks, self._of("technology", "ported"))

    @property
    def throughput(self) -> dict[str, float]:
        """Useful PFLOP/s per chip on its own work, by chip."""
        return _named(self.moment.setup.chips, self._of("technology", "throughput"))

    @property
    def architecture(self) -> dict[str, float]:
        """Log deviation of its architecture from its base, by direction."""
        return _named(DIRECTIONS, self._of("technology", "drift"))

    @property
    def beliefs(self) -> Beliefs:
        """Growth that it expects, and how late it takes each provider to be."""
        seen = self.moment
        late = _named(seen.setup.providers, exp(seen.market.providers.record[seen.replicate]))
        return Beliefs(float(self._of("labs", "growth")), late)


class ModelLab(AbstractBuyer):
    """Trains and serves models."""

    kinds = ("model_lab",)


class Enterprise(AbstractBuyer):
    """A kind of tenant that rents for its own use, from the enterprise price list."""

    kinds = ("enterprise",)


class OtherBuyer(AbstractBuyer):
    """The rest of the world's buyers."""

    kinds = ("other",)


FACES: tuple[type[AbstractFirm], ...] = (
    ChipVendor, Hyperscaler, Neocloud, OtherProvider, ModelLab, Enterprise, OtherBuyer,
)  # fmt: skip


def label(scenario: Scenario, row_kind: str, name: str) -> str:
    """A firm's kind as the results call it."""
    return "vendor" if row_kind == "vendor" else getattr(scenario, row_kind)[name].kind


def face_of(row_kind: str, kind: str) -> type[AbstractFirm]:
    """The class that shows firms of a kind."""
    return next(face for face in FACES if face.row_kind == row_kind and (not face.kinds or kind in face.kinds))


def face_for(scenario: Scenario, name: str, rows: Sequence[Row], policy: Any) -> Row:
    """The row among `rows`, all of one name, that a policy's class fits; raises PolicyError if it fits none.

    A subclass of `AbstractProvider` or `AbstractBuyer` itself fits every kind of provider or buyer.
    """
    called = getattr(policy, "__name__", repr(policy))
    kinds = {row: label(scenario, row[0], name) for row in rows}
    wanted = " or ".join(face_of(row[0], kind).__name__ for row, kind in kinds.items())
    if not (isinstance(policy, type) and issubclass(policy, AbstractFirm)):
        raise PolicyError(f"policy for {name!r}: {called} is no class of agents; wanted a subclass of {wanted}")
    for row, kind in kinds.items():
        allowed = getattr(policy, "kinds", ())
        if getattr(policy, "row_kind", "") == row[0] and (not allowed or kind in allowed):
            return row
    of = " and ".join(f"a {kind}" for kind in kinds.values())
    raise PolicyError(f"policy for {name!r}: {called} does not fit {of}; wanted a subclass of {wanted}")


def _named(names: Sequence[str], values: np.ndarray, nonzero: bool = False) -> dict[str, float]:
    """Numbers by name, as plain floats; only those that are not 0 if asked."""
    pairs = zip(names, values.tolist(), strict=True)
    return {name: float(value) for name, value in pairs if not nonzero or value != 0.0}


def _contract(setup: Setup, row: np.ndarray) -> Contract:
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
