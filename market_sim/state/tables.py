"""The state of the market as structs of arrays: axis 0 is the replicate, the other axes stand with each field.

A rule never changes a table; the tick replaces tables with `dataclasses.replace`.
"""

from dataclasses import dataclass, field, fields
from inspect import get_annotations
from typing import Any, TypeVar

import numpy as np

HOLDERS_OUTSIDE = ("customers", "lenders", "investors", "suppliers")
INSTRUMENTS = ("deposits", "loans", "prepayments", "credits", "equity", "leases")
DEPOSITS, LOANS, PREPAYMENTS, CREDITS, EQUITY, LEASES = range(len(INSTRUMENTS))
ASSETS = ("chips", "sites", "stock")
CHIPS, SITES, STOCK = range(len(ASSETS))

PENDING, LIVE = 0, 1
STATUSES = ("pending", "live", "expired", "walked", "defaulted", "sublet")
EXPIRED, WALKED, DEFAULTED, SUBLET = 2, 3, 4, 5

CONTRACT = np.dtype(
    [
        ("id", "i8"),
        ("key", "u8"),  # what its luck hangs on: offer, lab and date of signing, and how often it was renewed
        ("lab", "i2"),
        ("provider", "i2"),
        ("chip", "i2"),
        ("status", "i2"),
        ("chips", "f8"),
        ("price", "f8"),  # USD per chip-hour, scarcity rent included
        ("rent", "f8"),  # USD per chip-hour of it that is scarcity rent
        ("term", "f8"),  # years
        ("signed", "f8"),  # dates are years since the start of the run
        ("promised", "f8"),
        ("started", "f8"),
        ("ends", "f8"),
        ("ended", "f8"),
        ("prepaid", "f8"),  # USD of the prepayment not yet used up
        ("credit", "f8"),  # USD of lateness credit not yet redeemed
        ("lot", "f8"),  # chips in one lot of this lab when signed
    ]
)
PROJECT = np.dtype(
    [
        ("contract", "i8"),  # id of the contract it is built for, -1 for inventory
        ("provider", "i8"),
        ("chip", "i8"),
        ("chips", "f8"),
        ("received", "f8"),
        ("site_left", "f8"),  # years of ordinary site work left
        ("bring_up_left", "f8"),  # years of bring-up left
        ("ordered", "f8"),
        ("promised", "f8"),
        ("rent", "f8"),  # USD a year that the lot will earn
    ]
)


def axes(*names: str) -> Any:
    """Declare a field's axes after the replicate axis, in order."""
    return field(metadata={"axes": names})


@dataclass(frozen=True)
class Table:
    """A frozen struct of arrays; a field without declared axes fails when the class is made."""

    def __init_subclass__(cls) -> None:
        for name in get_annotations(cls):
            declared = cls.__dict__.get(name)
            if "axes" not in getattr(declared, "metadata", {}):
                raise TypeError(f"{cls.__name__}.{name} declares no axes; write {name}: np.ndarray = axes(...)")


Struct = TypeVar("Struct")


def replace(struct: Struct, **changes: Any) -> Struct:
    """A copy of a frozen struct with some fields changed, at a tenth of the cost of `dataclasses.replace`, which a tick
    would pay fifty times. Raises TypeError for a field that it does not have."""
    held = struct.__dict__
    if not changes.keys() <= held.keys():
        raise TypeError(f"{type(struct).__name__} has no field {sorted(changes.keys() - held.keys())[0]!r}")
    changed = object.__new__(type(struct))
    changed.__dict__.update(held)
    changed.__dict__.update(changes)
    return changed


def misshapen(table: Table, sizes: dict[str, int]) -> list[str]:
    """Names of fields whose shape is not (replicate, *declared axes), with both shapes."""
    wrong = []
    for declared in fields(table):
        wanted = (sizes["replicate"], *(sizes[axis] for axis in declared.metadata["axes"]))
        shape = np.shape(getattr(table, declared.name))
        if shape != wanted:
            wrong.append(f"{type(table).__name__}.{declared.name} has shape {shape}, wanted {wanted}")
    return wrong


@dataclass(frozen=True)
class Technology(Table):
    """What chips can do for whom, and how mature their software is."""

    maturity: np.ndarray = axes("family", "work")  # kernel maturity, 1 = calibrated reference
    known: np.ndarray = axes("stack", "work")  # maturity that the stack has reached on hardware long in use
    launched: np.ndarray = axes("family")  # bool: the family has reached the market
    ported: np.ndarray = axes("lab", "stack")  # 0..1 progress of each port
    drift: np.ndarray = axes("lab", "direction")  # log deviation of each architecture from its base
    unadapted: np.ndarray = axes("lab", "direction")  # the same for a twin that never adapts to its chips
    seconds: np.ndarray = axes("lab", "chip", "work")  # chip-seconds per useful PFLOP, kernels mature
    unadapted_seconds: np.ndarray = axes("lab", "chip", "work")  # the same for the twin
    throughput: np.ndarray = axes("lab", "chip")  # useful PFLOP/s per chip
    mfu: np.ndarray = axes("lab", "chip")


@dataclass(frozen=True)
class Labs(Table):
    """Buyers: what they earn, believe and ask."""

    active: np.ndarray = axes("lab")  # bool
    capability: np.ndarray = axes("lab")
    brand: np.ndarray = axes("lab")  # log attraction to customers that capability does not explain, fixed at the start
    demand: np.ndarray = axes("lab")  # USD/year that customers would spend
    revenue: np.ndarray = axes("lab")  # USD/year served
    growth: np.ndarray = axes("lab")  # believed growth of demand, 1/year
    plan: np.ndarray = axes("lab")  # USD/year of compute planned at the horizon
    carry: np.ndarray = axes("lab")  # USD/hour of ask left over from rounding
    revenue_yield: np.ndarray = axes("lab")  # revenue per USD of compute at its industry's cost, fixed at the start
    cost_index: np.ndarray = axes("lab")  # USD per useful PFLOP-hour at replacement cost


@dataclass(frozen=True)
class Providers(Table):
    """Sellers of capacity."""

    active: np.ndarray = axes("provider")  # bool
    quote: np.ndarray = axes("provider", "chip")  # USD per chip-hour for one year, to large labs
    power: np.ndarray = axes("provider")  # kW powered or under development
    speed: np.ndarray = axes("provider")  # log speed-up chosen over ordinary building
    incentive: np.ndarray = axes("provider")  # share of sales that speed would win from others
    record: np.ndarray = axes("provider")  # learned log(actual/promised) delay
    bookings_rate: np.ndarray = axes("provider")  # kW signed a year, smoothed
    order_carry: np.ndarray = axes("provider", "chip")  # chips of inventory orders not yet a whole lot
    corporate_debt: np.ndarray = axes("provider")  # USD of debt that stands on the firm, not on its contracts
    entry_clock: np.ndarray = axes("provider")  # integrated entry hazard


@dataclass(frozen=True)
class Vendors(Table):
    """Makers of chips."""

    list_price: np.ndarray = axes("chip")  # USD per chip
    supply: np.ndarray = axes("vendor")  # packages a year
    supply_target: np.ndarray = axes("vendor")
    order_rate: np.ndarray = axes("vendor")  # packages ordered a year, smoothed, duplicates left out
    order_growth: np.ndarray = axes("vendor")  # believed growth of orders, 1/year
    duplicates: np.ndarray = axes("vendor")  # duplicate orders as a share of true backlog
    spending_share: np.ndarray = axes("vendor")  # smoothed share of chip spending
    stock: np.ndarray = axes("chip")  # finished chips
    made: np.ndarray = axes("chip")  # chips made since the start, opening stock and fleets included
    unit_cost: np.ndarray = axes("chip")  # USD per chip in stock, average
    stakes: np.ndarray = axes("vendor", "buyer")  # USD of equity held in providers, then labs
    leases: np.ndarray = axes("vendor", "provider")  # USD of lease claims
    guarantees: np.ndarray = axes("vendor", "provider")  # USD of loans guaranteed


@dataclass(frozen=True)
class Fleet(Table):
    """Chips in service, and what became of the rest."""

    in_service: np.ndarray = axes("provider", "chip")
    retired: np.ndarray = axes("chip")
    shipped: np.ndarray = axes("chip")


@dataclass(frozen=True)
class Holdings(Table):
    """What the contract book adds up to, kept so that rules need not walk it."""

    live: np.ndarray = axes("lab", "chip")  # chips in live contracts
    served: np.ndarray = axes("lab", "chip")  # the same, less what providers' own layers take
    sold: np.ndarray = axes("provider", "chip")  # chips in live contracts
    commitment: np.ndarray = axes("lab")  # USD/year of all contracts, started or not
    pending: np.ndarray = axes("lab")  # USD/year of contracts not started
    owed: np.ndarray = axes("lab", "provider")  # USD of rent still to come under contract
    backlog: np.ndarray = axes("provider")  # USD of rent still to come under contract
    solid: np.ndarray = axes("provider")  # share of it owed by customers with cash or a parent
    rent_rate: np.ndarray = axes("lab", "provider")  # USD/year of live contracts
    useful_lab: np.ndarray = axes("lab")  # useful PFLOP/s in live contracts, provider overhead taken off
    useful_provider: np.ndarray = axes("provider")  # as of the last contract events
    useful_chip: np.ndarray = axes("chip")
    useful_pair: np.ndarray = axes("provider", "vendor")  # by owner and maker, as of the last contract events


@dataclass(frozen=True)
class Pipe(Table):
    """What is ordered and not yet in service, summed over projects."""

    waiting: np.ndarray = axes("provider", "chip")  # chips ordered and not shipped
    received: np.ndarray = axes("provider", "chip")  # chips shipped and not in service
    building: np.ndarray = axes("provider")  # kW under way
    building_rent: np.ndarray = axes("provider")  # USD/year that lots whose site is under way will earn


@dataclass(frozen=True)
class Book(Table):
    """Contracts that are pending or live; the first `count` rows of each replicate are in use, the rest is free."""

    rows: np.ndarray = axes("contract")
    count: np.ndarray = axes()
    signed: np.ndarray = axes()  # contracts ever signed: the next id


@dataclass(frozen=True)
class Pipeline(Table):
    """Lots under construction; the first `count` rows of each replicate are in use."""

    rows: np.ndarray = axes("project")
    count: np.ndarray = axes()


@dataclass(frozen=True)
class Ledger(Table):
    """Balance sheets: every instrument sums to zero over holders."""

    balance: np.ndarray = axes("instrument", "holder")  # USD; liabilities negative
    real: np.ndarray = axes("asset", "holder")  # USD at book
