"""Every result table, declared once: column, type, unit, grain, meaning and the order of its rows.

The recorder, the writer, the reader and `docs/results.md` all derive from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import polars as pl

from market_sim.results.errors import TableNotRecorded

DType = Literal["int16", "int32", "float32", "float64", "date", "enum"]

POLARS_TYPES: dict[str, pl.DataType] = {
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "float32": pl.Float32(),
    "float64": pl.Float64(),
    "date": pl.Date(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `vocabulary` names the list an enum draws on; `source` the column it follows from.

    A recorder never hands over a column with a `source`. Where `nullable`, a NaN (or a negative code) says
    that there is no such number and is stored as null; elsewhere it is an error.
    """

    name: str
    dtype: DType
    unit: str
    meaning: str
    vocabulary: str = ""
    source: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: rows are unique by `key` and sorted by it, in that order."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def grain(self) -> str:
        """What one row stands for, in words."""
        return "one row per " + ", ".join(self.key[:-1]) + f" and {self.key[-1]}" * (len(self.key) > 1)

    @property
    def handed(self) -> tuple[Column, ...]:
        """The columns that a recorder hands over: all that do not follow from another."""
        return tuple(column for column in self.columns if not column.source)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        return {column.name: column for column in self.columns}[name]

    def schema(self, names: Mapping[str, tuple[str, ...]]) -> pl.Schema:
        """Column -> polars type, with the enums of this scenario's names."""
        return pl.Schema({column.name: polars_type(column, names) for column in self.columns})


def polars_type(column: Column, names: Mapping[str, tuple[str, ...]]) -> pl.DataType:
    """The polars type of a column; an enum's categories are the names of its vocabulary."""
    if column.dtype == "enum":
        return _enum(names[column.vocabulary])
    return POLARS_TYPES[column.dtype]


@lru_cache(maxsize=256)
def _enum(names: tuple[str, ...]) -> pl.Enum:
    return pl.Enum(names)


def table(name: str) -> Table:
    """The table of that name. Raises TableNotRecorded naming those there are."""
    if name not in TABLES:
        raise TableNotRecorded(f"there is no result table {name!r}: wanted one of {', '.join(TABLES)}")
    return TABLES[name]


def _name(name: str, meaning: str, vocabulary: str = "") -> Column:
    return Column(name, "enum", "name", meaning, vocabulary or name)


def _float32(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float32", unit, meaning, nullable=True)


def _float64(name: str, unit: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "float64", unit, meaning, nullable=nullable)


def _chips(name: str, meaning: str) -> Column:
    return _float64(name, "chips", meaning)


def _day(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "date", "date", meaning, nullable=nullable)


REPLICATE = Column("replicate", "int32", "index", "which draw of luck, from 0")
TICK = Column("tick", "int16", "index", "which tick, from 0")
DATE = Column("date", "date", "date", "the day the tick opens", source="tick")
CLOCK = (REPLICATE, TICK, DATE)
MARKET = _name("market", "whose concentration: vendor, provider, lab, platform, or the buyers of one vendor")
BASIS = _name("basis", "what shares are counted in")
CHIP = _name("chip", "chip")

CONCENTRATION = Table(
    "concentration",
    "How concentrated each market is.",
    ("market", "basis", "replicate", "tick"),
    (
        *CLOCK,
        MARKET,
        BASIS,
        _float32(
            "hhi",
            "0-1",
            "Herfindahl-Hirschman index, the sum of squared shares; null while nothing is held",
        ),
        _float32("cr1", "0-1", "share of the largest"),
        _float32("cr4", "0-1", "share of the four largest"),
        _float32("effective_firms", "firms", "1 / HHI"),
        _float32("entropy", "nats", "Shannon entropy of the shares"),
        _float32("gini", "0-1", "Gini coefficient of the shares of those that hold something"),
    ),
)
SHARES = Table(
    "shares",
    "The shares behind `concentration`.",
    ("market", "entity", "basis", "replicate", "tick"),
    (
        *CLOCK,
        MARKET,
        BASIS,
        _name("entity", "firm, lab or platform"),
        _name("kind", "kind of entity"),
        _float32("quantity", "by basis", "PFLOP/s for `stock`, USD for `bookings`, USD a year for `revenue`"),
        _float32("share", "0-1", "quantity over the market's total; null while that is zero"),
    ),
)
SIGNALS = Table(
    "signals",
    "Series that say why the market moves, listed below. No row where there is nothing to measure.",
    ("signal", "group", "replicate", "tick"),
    (
        *CLOCK,
        _name("signal", "which series"),
        _name("group", "`all`, or the kind, firm, lab, chip or stack it is measured for"),
        _float32("value", "see unit", "value"),
        Column("unit", "enum", "name", "unit of the value", "unit", source="signal"),
    ),
)
CONTRACTS = Table(
    "contracts",
    "The tape: every contract signed or under way at the start, as it stood at the end of the run.",
    ("replicate", "contract"),
    (
        REPLICATE,
        Column("contract", "int32", "index", "number of the contract within its replicate, in order of signing"),
        _name("lab", "who rents"),
        _name("provider", "who lets"),
        Column(
            "through",
            "enum",
            "name",
            "the provider that rents it for the lab; null where the lab does",
            "provider",
            nullable=True,
        ),
        _name("provider_kind", "hyperscaler or neocloud", "kind"),
        CHIP,
        _chips("chips", "chips let"),
        _float64("usd_per_chip_hour", "USD per chip-hour", "price signed, scarcity rent included"),
        _float64("scarcity_rent", "USD per chip-hour", "the part of the price that is due to scarcity"),
        _name("lot", "what was let: ready, built to order, a renewal, or under way at the start"),
        _float32("term_years", "years", "length from start to end as signed"),
        _float32("take_or_pay", "0-1", "share of the rent that is owed whether used or not"),
        _float32("prepaid_share", "0-1", "share of the rent paid ahead"),
        _day("signed", "day signed"),
        _day("promised", "day the provider promised to start"),
        _day("started", "day it started; null if it has not", True),
        _day("ends", "day it ends by its term, counted from the start once started"),
        _day("ended", "day it ended, by whatever cause; null if it has not", True),
        _name("status", "where it stands"),
    ),
)
ORDERS = Table(
    "orders",
    "What buyers order from chip vendors, and what they are allocated; no row where all is zero.",
    ("vendor", "chip", "buyer", "replicate", "tick"),
    (
        *CLOCK,
        _name("vendor", "who makes"),
        CHIP,
        _name("buyer", "who orders"),
        _chips("ordered", "ordered this tick, for contracts and ahead of them"),
        _chips("allocated", "allocated and shipped this tick"),
        _chips("backlog", "ordered and not yet shipped, at the end of the tick"),
        _float32(
            "lead_time_years",
            "years",
            "the vendor's backlog, duplicate orders included, over its rate of supply",
        ),
    ),
)
DELIVERIES = Table(
    "deliveries",
    "What is built and comes into service; no row where all is zero. Over providers, shipped since the start "
    "and the fleet then = in pipe + in service + retired since.",
    ("provider", "chip", "replicate", "tick"),
    (
        *CLOCK,
        _name("provider", "who builds"),
        CHIP,
        _chips("chips_shipped", "arrived from the vendor this tick"),
        _chips("chips_started", "came into service this tick"),
        _chips(
            "chips_retired",
            "left service this tick, switched off or sold with a failed firm; negative for its buyer",
        ),
        _chips("chips_in_pipe", "arrived and not yet in service, at the end of the tick"),
        _chips("chips_in_service", "in service at the end of the tick"),
        _float32("promised_delay", "years", "mean delay promised for what started this tick; null if nothing did"),
        _float32("actual_delay", "years", "mean delay of what started this tick; null if nothing did"),
    ),
)
ACCOUNTS = Table(
    "accounts",
    "Money: stocks at the end of the tick, and flows during it (received +, paid -). Zeros have no row.",
    ("holder", "kind", "item", "replicate", "tick"),
    (
        *CLOCK,
        _name("holder", "vendor, provider, lab or outside sector"),
        _name("kind", "kind of holder"),
        _name("item", "which stock or flow"),
        _float64("usd", "USD", "amount"),
    ),
)
PRICES = Table(
    "prices",
    "Prices asked, signed and listed; no row where there is none.",
    ("what", "seller", "chip", "segment", "replicate", "tick"),
    (
        *CLOCK,
        _name("what", "quote, trade or list"),
        _name("seller", "provider or vendor"),
        CHIP,
        _name("segment", "`all`, or the kind of buyer or term that the price is for"),
        _float64("usd", "USD per chip-hour; per chip for list", "price; null where there is none", True),
    ),
)
FIT = Table(
    "fit",
    "How well each chip on the market suits each lab's models, every three months.",
    ("lab", "chip", "replicate", "tick"),
    (
        *CLOCK,
        _name("lab", "whose models"),
        CHIP,
        _float32("pflops_per_chip", "PFLOP/s", "useful throughput of one chip; null if the models cannot run on it"),
        _float32("mfu", "0-1", "useful throughput over the dense peak of the type used"),
        _float32("maturity", "0-1", "kernel maturity of the chip's family, mean over kinds of work"),
    ),
)

TABLES: dict[str, Table] = {
    declared.name: declared
    for declared in (
        CONCENTRATION,
        SHARES,
        SIGNALS,
        CONTRACTS,
        ORDERS,
        DELIVERIES,
        ACCOUNTS,
        PRICES,
        FIT,
    )
}
