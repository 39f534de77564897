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
from market_sim.results.frames import grid, rows
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


def shares_on_a_grid(names: Names, calendar: Calendar, permuted: tuple[int, ...], **kwargs: Any) -> pl.DataFrame:
    """Shares of sparse (market, entity) pairs, the axes of the measures handed over in another order."""
    pairs = {"market": [2, 0, 1, 0], "entity": [4, 1, 2, 0], "kind": [3, 0, 1, 0]}
    axes = [{"replicate": [1, 0]}, {"tick": [0, 1, 2]}, pairs, {"basis": [0, 2, 1]}]
    quantity = np.arange(2 * 3 * 4 * 3, dtype=np.float64).reshape(2, 3, 4, 3)
    measures = {"quantity": quantity.transpose(permuted), "share": (quantity / 100).transpose(permuted)}
    return grid("shares", [axes[axis] for axis in permuted], measures, names, calendar, **kwargs)


def shares_by_loops(names: Names, calendar: Calendar) -> pl.DataFrame:
    """The same, written out row by row."""
    pairs = [(2, 4, 3), (0, 1, 0), (1, 2, 1), (0, 0, 0)]
    listed = [
        (replicate, tick, basis, *pair)
        for replicate in (1, 0)
        for tick in (0, 1, 2)
        for pair in pairs
        for basis in (0, 2, 1)
    ]
    columns = ("replicate", "tick", "basis", "market", "entity", "kind")
    values: dict[str, Any] = {
        name: np.array(list(codes)) for name, codes in zip(columns, zip(*listed, strict=True), strict=True)
    }
    quantity = np.arange(len(listed), dtype=np.float64)
    return rows("shares", values | {"quantity": quantity, "share": quantity / 100}, names, calendar)


@pytest.mark.parametrize("permuted", [(0, 1, 2, 3), (2, 3, 0, 1), (3, 0, 2, 1)])
def test_a_grid_is_its_rows_written_out(names: Names, calendar: Calendar, permuted: tuple[int, ...]) -> None:
    """The grid gives the very table that loops over its cells give, whatever the order of its axes."""
    assert_frame_equal(shares_on_a_grid(names, calendar, permuted), shares_by_loops(names, calendar))


def test_a_grid_whose_axes_cross_the_key_is_sorted_all_the_same(names: Names, calendar: Calendar) -> None:
    """The basis stands between market and replicate in the key: rows still come out in key order."""
    measures = {
        name: np.arange(16.0).reshape(4, 2, 2) for name in ("hhi", "cr1", "cr4", "effective_firms", "entropy", "gini")
    }
    axes = [{"market": [0, 0, 1, 1], "replicate": [0, 1, 1, 0]}, {"basis": [0, 1]}, {"tick": [0, 1]}]
    frame = grid("concentration", axes, measures, names, calendar)
    assert frame["replicate"].to_list() == [0, 0, 1, 1] * 4
    assert frame["hhi"].head(8).to_list() == [0, 1, 4, 5, 2, 3, 6, 7]
    assert_frame_equal(frame, frame.sort(TABLES["concentration"].key, maintain_order=True))


def test_only_the_cells_kept_become_rows(names: Names, calendar: Calendar) -> None:
    """`keep` drops cells of the grid and leaves the rest as they were."""
    keep = np.arange(2 * 3 * 4 * 3).reshape(2, 3, 4, 3) % 5 == 0
    kept = shares_on_a_grid(names, calendar, (0, 1, 2, 3), keep=keep)
    assert_frame_equal(kept, shares_by_loops(names, calendar).filter(pl.col("quantity") % 5 == 0))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([{"replicate": [0]}, {"tick": [0]}, {"lab": [0, 0]}, {"chip": [0]}], "repeat"),
        ([{"replicate": [0]}, {"tick": [0]}, {"lab": [0, 1], "chip": [0]}], "of one length"),
        ([{"replicate": [0]}, {"tick": [0]}, {"lab": [0, 1, 2]}, {"chip": [0]}], r"shape \(1, 1, 2, 1\)"),
        ([{"replicate": [0]}, {"tick": [0]}, {"lab": [0, 1]}], "lacks columns.*chip"),
    ],
)
def test_a_grid_that_does_not_fit_is_refused(names: Names, calendar: Calendar, axes: list, message: str) -> None:
    """Repeated codes, ragged axes, wrong shapes and missing key columns are named."""
    measures = {name: np.zeros((1, 1, 2, 1)) for name in ("pflops_per_chip", "mfu", "maturity")}
    with pytest.raises(ColumnMismatch, match=message):
        grid("fit", axes, measures, names, calendar)


def test_a_table_of_no_rows_has_its_types(names: Names, calendar: Calendar) -> None:
    """Nothing recorded is a table of no rows."""
    empty = {column.name: np.zeros(0, dtype=np.int64) for column in TABLES["orders"].handed}
    frame = rows("orders", empty, names, calendar)
    assert frame.height == 0
    assert frame.schema == TABLES["orders"].schema(names)
