"""The firms of a market as mesa agents: each shows its row, and a subclass may decide for it.

A class that a policy derives from defines none of the verbs of `agents/policies.py`; those that a subclass
defines replace the vectorised rule for its row.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from market_sim.agents import vendor
from market_sim.agents.firm import AbstractFirm, Beliefs, Contract, label, named
from market_sim.agents.policies import PolicyError, Row
from market_sim.numerics import exp
from market_sim.scenario.schema import Scenario
from market_sim.state.luck import DIRECTIONS


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
        return named(seen.setup.providers, packages, nonzero=True)

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
        """USD of equity held in providers and labs, where any; a name that is both has one sum."""
        setup, held = self.moment.setup, self._of("vendors", "stakes")
        out: dict[str, float] = {}
        for name, value in zip((*setup.providers, *setup.labs), held, strict=True):
            if value != 0.0:
                out[name] = out.get(name, 0.0) + float(value)
        return out

    @property
    def leases(self) -> dict[str, float]:
        """USD of lease claims on providers, where any."""
        return named(self.moment.setup.providers, self._of("vendors", "leases"), nonzero=True)

    @property
    def guarantees(self) -> dict[str, float]:
        """USD of providers' loans that it guarantees, where any."""
        return named(self.moment.setup.providers, self._of("vendors", "guarantees"), nonzero=True)

    def _own(self, by_chip: np.ndarray) -> dict[str, float]:
        priced = named(self.moment.setup.chips, by_chip[self.moment.replicate])
        return {chip: priced[chip] for chip in self.chips}


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
        priced = self._by_chip("providers", "quote")
        return {chip: priced[chip] for chip in self.chips}

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
        return named(self.moment.setup.stacks, self._of("technology", "ported"))

    @property
    def throughput(self) -> dict[str, float]:
        """Useful PFLOP/s per chip on its own work, by chip."""
        return named(self.moment.setup.chips, self._of("technology", "throughput"))

    @property
    def architecture(self) -> dict[str, float]:
        """Log deviation of its architecture from its base, by direction."""
        return named(DIRECTIONS, self._of("technology", "drift"))

    @property
    def beliefs(self) -> Beliefs:
        """Growth that it expects, and how late it takes each provider to be."""
        seen = self.moment
        late = named(seen.setup.providers, exp(seen.market.providers.record[seen.replicate]))
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
