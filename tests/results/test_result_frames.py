"""Arrays of codes and numbers become tables."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from market_sim.results.calendar import Calendar
from market_sim.results.columns import TABLES
from market_sim.results.errors import ColumnMismatch
from market_sim.results.frames import Clock, cells, rows
from market_sim.results.names import Names


def signals(names: Names, calendar: Calendar, **changes: Any) -> pl.DataFrame:
    values: dict[str, Any] = {
        "replicate": [0, 0],
        "tick": [3, 0],
        "signal": names.codes("signal", ["vacancy", "divergence"]),
        "group": names.codes("group", ["neocloud", "all"]),
        "value": [0.25, np.nan],
    }
    return rows("signals", values | changes, names, calendar)


def test_a_small_table_by_hand(names: Names, calendar: Calendar) -> None:
    """Codes become names, the tick gives the date, the signal its unit, NaN is null; rows are sorted."""
    assert signals(names, calendar).rows() == [
        (0, 0, date(2023, 1, 1), "divergence", "all", None, "log"),
        (0, 3, date(2023, 4, 1), "vacancy", "neocloud", 0.25, "1"),
    ]


def test_every_table_has_the_types_declared(names: Names, made: Any) -> None:
    """Whatever number types come in, the declared ones go out."""
    for name, declared in TABLES.items():
        assert made(name).schema == declared.schema(names)


def test_rows_are_sorted_by_the_key(made: Any) -> None:
    """Rows of every table come out in key order, names in the order of their codes."""
    for name, declared in TABLES.items():
        frame = made(name, count=200)
        assert_frame_equal(frame, frame.sort(declared.key, maintain_order=True))


def test_a_contract_that_has_not_started_has_no_date(names: Names, calendar: Calendar) -> None:
    """NaN is null in `started` and `ended`, and an error in `signed`."""
    contract = {
        column.name: np.zeros(1, dtype=np.int64 if column.dtype in ("enum", "int32") else np.float64)
        for column in TABLES["contracts"].handed
    }
    contract |= {"signed": np.array([0.5]), "started": np.array([np.nan]), "ended": np.array([np.nan])}
    row = rows("contracts", contract, names, calendar).row(0, named=True)
    assert (row["signed"], row["started"], row["ended"]) == (date(2023, 7, 1), None, None)
    with pytest.raises(ColumnMismatch, match=r"contracts\.signed holds NaN"):
        rows("contracts", contract | {"signed": np.array([np.nan])}, names, calendar)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signal": [0, 99]}, r"signals\.signal run from 0 to 99"),
        ({"signal": [0, -1]}, r"signals\.signal run from -1 to 0"),
        ({"group": [0.0, 1.0]}, r"signals\.group.*float64"),
        ({"tick": [0, 40_000]}, r"signals\.tick.*wanted whole numbers from 0 to 32767"),
        ({"tick": [0, 1, 2]}, "of one length"),
        ({"colour": [0, 0]}, "does not know.*colour"),
        ({"date": [0, 0]}, "does not know.*date"),
    ],
)
def test_wrong_columns_are_refused(names: Names, calendar: Calendar, changes: dict, message: str) -> None:
    """What does not fit the declaration is refused by name before it becomes a table."""
    with pytest.raises(ColumnMismatch, match=message):
        signals(names, calendar, **changes)


PAIRS = {"market": np.array([0, 0, 1, 2]), "entity": np.array([0, 1, 2, 4]), "kind": np.array([0, 0, 1, 3])}


def shares_in_cells(names: Names, calendar: Calendar, **kwargs: Any) -> pl.DataFrame:
    """Shares of sparse (market, entity) pairs and two bases over replicates 3 and 5 and ticks 0, 2 and 7."""
    along = {name: np.repeat(codes, 2) for name, codes in PAIRS.items()} | {"basis": np.tile([0, 2], 4)}
    quantity = np.arange(8 * 2 * 3, dtype=np.float32).reshape(8, 2, 3)
    clock = Clock(np.array([3, 5]), np.array([0, 2, 7]), calendar)
    return cells("shares", along, {"quantity": quantity, "share": quantity / 100}, clock, names, **kwargs)


def shares_by_loops(names: Names, calendar: Calendar) -> pl.DataFrame:
    """The same, written out row by row."""
    listed = [
        (*pair, basis, replicate, tick)
        for pair in zip(*PAIRS.values(), strict=True)
        for basis in (0, 2)
        for replicate in (3, 5)
        for tick in (0, 2, 7)
    ]
    columns = ("market", "entity", "kind", "basis", "replicate", "tick")
    values: dict[str, Any] = {
        name: np.array(list(codes)) for name, codes in zip(columns, zip(*listed, strict=True), strict=True)
    }
    quantity = np.arange(len(listed), dtype=np.float32)
    return rows("shares", values | {"quantity": quantity, "share": quantity / 100}, names, calendar)


def test_cells_are_their_rows_written_out(names: Names, calendar: Calendar) -> None:
    """Cells give the very table that loops over them give."""
    assert_frame_equal(shares_in_cells(names, calendar), shares_by_loops(names, calendar))


def test_only_the_cells_kept_become_rows(names: Names, calendar: Calendar) -> None:
    """`keep` drops cells and leaves the rest as they were."""
    keep = np.arange(8 * 2 * 3).reshape(8, 2, 3) % 5 == 0
    kept = shares_in_cells(names, calendar, keep=keep)
    assert_frame_equal(kept, shares_by_loops(names, calendar).filter(pl.col("quantity") % 5 == 0))


def test_missing_numbers_are_null(names: Names, calendar: Calendar) -> None:
    """A signal has its unit by its name, and a NaN is null."""
    along = {"signal": names.codes("signal", ["divergence", "vacancy"]), "group": np.zeros(2, np.int32)}
    value = np.array([[[np.nan, 0.5]], [[1.0, 2.0]]], np.float32)
    frame = cells("signals", along, {"value": value}, Clock(np.zeros(1, int), np.arange(2), calendar), names)
    assert frame["value"].to_list() == [None, 0.5, 1.0, 2.0]
    assert frame["unit"].to_list() == ["log", "log", "1", "1"]


@pytest.mark.parametrize(
    ("along", "message"),
    [
        ({"lab": [0, 0], "chip": [0, 0]}, "or repeat"),
        ({"lab": [1, 0], "chip": [0, 0]}, "not in the order"),
        ({"lab": [0, 1], "chip": [0]}, "of one length"),
        ({"lab": [0, 1, 2], "chip": [0, 0, 0]}, r"has shape \(2, 1, 1\)"),
        ({"lab": [0, 1]}, "lacks columns.*chip"),
        ({"lab": [0, 1], "chip": [0, 9]}, r"fit\.chip run from 0 to 9"),
    ],
)
def test_cells_that_do_not_fit_are_refused(names: Names, calendar: Calendar, along: dict, message: str) -> None:
    """Repeated codes, another order, ragged axes, wrong shapes, unknown codes and missing key columns are named."""
    measures = {name: np.zeros((2, 1, 1), np.float32) for name in ("pflops_per_chip", "mfu", "maturity")}
    codes = {name: np.array(listed) for name, listed in along.items()}
    with pytest.raises(ColumnMismatch, match=message):
        cells("fit", codes, measures, Clock(np.zeros(1, int), np.zeros(1, int), calendar), names)


def test_a_table_of_no_rows_has_its_types(names: Names, calendar: Calendar) -> None:
    """Nothing recorded is a table of no rows."""
    empty = {column.name: np.zeros(0, dtype=np.int64) for column in TABLES["orders"].handed}
    frame = rows("orders", empty, names, calendar)
    assert frame.height == 0
    assert frame.schema == TABLES["orders"].schema(names)
