"""Arrays of codes and numbers -> result tables. No string and no date is ever built for a row.

`cells` is for what is recorded at every tick (its rows come out sorted without a sort), `rows` for event
lists.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from market_sim.numerics import kernel
from market_sim.results.calendar import NO_DAY, Calendar
from market_sim.results.columns import Column, Table, table
from market_sim.results.errors import ColumnMismatch
from market_sim.results.names import Names
from market_sim.results.vocabulary import UNIT_OF_SIGNAL

Array = NDArray[Any]


def rows(name: str, values: Mapping[str, ArrayLike], names: Names, calendar: Calendar) -> pl.DataFrame:
    """A table from one array per column, each (rows): codes, numbers, and moments in years since the start.

    Derived columns (`date`, `unit`) are left out. A NaN or a negative code is null where the column allows
    it. Raises ColumnMismatch.
    """
    declared = table(name)
    arrays = {column: np.asarray(array) for column, array in values.items()}
    _check_columns(declared, arrays)
    lengths = {column: array.shape for column, array in arrays.items()}
    if len(set(lengths.values())) != 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise ColumnMismatch(f"columns of {name!r} must be flat and of one length, but their shapes are {lengths}")
    return _sorted(_assembled(declared, arrays, names, calendar), declared)


@dataclass(frozen=True)
class Clock:
    """Whose ticks the last two axes of `cells` are: numbers of replicates and of ticks, and the dates of ticks."""

    replicates: Array
    ticks: Array
    calendar: Calendar

    def along(self, declared: Table) -> tuple[Array, Array, Array]:
        """Replicates, ticks and days as numbers of the types of their columns."""
        number, moment = (declared.column(name) for name in ("replicate", "tick"))
        _check_whole(declared, number, self.replicates)
        _check_whole(declared, moment, self.ticks)
        days = self.calendar.days_of_ticks(self.ticks)
        return self.replicates.astype(number.dtype), self.ticks.astype(moment.dtype), days


def cells(
    name: str,
    along: Mapping[str, Array],
    measures: Mapping[str, Array],
    clock: Clock,
    names: Names,
    keep: Array | None = None,
) -> pl.DataFrame:
    """A table from measures (slot, replicate, tick), float32, which are laid out as its rows are.

    `along`: key and other columns by slot, slots in key order. `keep` (slot, replicate, tick): which cells become
    rows, all by default. Raises ColumnMismatch.
    """
    declared = table(name)
    clocked = {"replicate": clock.replicates, "tick": clock.ticks}
    _check_columns(declared, {column: None for column in (*along, *clocked)} | dict(measures))
    shape = (_length(declared, along), len(clock.replicates), len(clock.ticks))
    _check_slots(declared, along)
    kept = np.ascontiguousarray(np.ones((1, 1, 1), np.bool_) if keep is None else keep)
    number = int(np.count_nonzero(kept)) * (math.prod(shape) // max(1, kept.size))
    axes, at, places = clock.along(declared), np.empty(number, np.int64), np.empty(number, np.uint32)
    replicate, tick, day = (np.empty(number, one.dtype) for one in axes)
    _lay_out(kept, shape[0], *axes, at, places, replicate, tick, day)
    slot = pl.Series(places)
    columns = {column: _gathered(declared, column, codes, slot, names) for column, codes in along.items()}
    columns |= {"replicate": pl.Series(replicate), "tick": pl.Series(tick), "date": pl.Series(day).cast(pl.Date)}
    for column, numbers in measures.items():
        if numbers.shape != shape:
            raise ColumnMismatch(f"{name}.{column} has shape {numbers.shape}: its axes want {shape}")
        flat = numbers.reshape(-1) if keep is None else np.take(numbers.reshape(-1), at)
        columns[column] = _numbers(declared, declared.column(column), flat)
    for derived in declared.columns:
        if derived.source == "signal":
            columns[derived.name] = _gathered(declared, derived.name, along["signal"], slot, names)
    return pl.DataFrame({column.name: columns[column.name] for column in declared.columns})


@kernel
def _lay_out(keep, slots, replicates, ticks, days, at, slot, replicate, tick, day):  # type: ignore[no-untyped-def]
    """Where every row lies (slot, replicate, tick) in flat arrays, its slot, and what its places along the axes stand
    for. `keep` spreads over the axes along which it is one long."""
    by_slot, by_replicate, by_tick = min(1, keep.shape[0] - 1), min(1, keep.shape[1] - 1), min(1, keep.shape[2] - 1)
    place, n = 0, 0
    for s in range(slots):
        for r in range(replicates.shape[0]):
            told = keep[s * by_slot, r * by_replicate]
            for t in range(ticks.shape[0]):
                if told[t * by_tick]:
                    at[n], slot[n] = place + t, s
                    replicate[n], tick[n], day[n] = replicates[r], ticks[t], days[t]
                    n += 1
            place += ticks.shape[0]


def _gathered(declared: Table, name: str, codes: Array, slot: pl.Series, names: Names) -> pl.Series:
    """The names of a column by slot, then by row."""
    return _enum(declared, declared.column(name), codes, names).gather(slot)


def _length(declared: Table, along: Mapping[str, Array]) -> int:
    lengths = {column: codes.shape for column, codes in along.items()}
    if len(set(lengths.values())) != 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise ColumnMismatch(f"codes along one axis of {declared.name!r} must be flat and of one length: {lengths}")
    return next(iter(lengths.values()))[0]


def _check_slots(declared: Table, along: Mapping[str, Array]) -> None:
    """Raise ColumnMismatch unless slots rise in the order of the key, which the replicate and the tick end."""
    keys = [column for column in declared.key if column in along]
    if (*keys, "replicate", "tick") != declared.key:
        raise ColumnMismatch(f"slots of {declared.name!r} have the keys {keys}: wanted those of {declared.key}")
    rows = list(zip(*(along[column].tolist() for column in keys), strict=True))
    if any(first >= second for first, second in pairwise(rows)):
        raise ColumnMismatch(f"slots of {declared.name!r} are not in the order of {keys}, or repeat")


def _check_columns(declared: Table, values: Mapping[str, object]) -> None:
    wanted = [column.name for column in declared.handed]
    lacking = [column for column in wanted if column not in values]
    unknown = [column for column in values if column not in wanted]
    if lacking or unknown:
        raise ColumnMismatch(f"table {declared.name!r} lacks columns {lacking} and does not know {unknown}")


def _assembled(declared: Table, values: Mapping[str, Array], names: Names, calendar: Calendar) -> pl.DataFrame:
    """Flat arrays -> a frame with the declared columns in the declared order."""
    made = {}
    for column in declared.columns:
        source = values[column.source or column.name]
        made[column.name] = _series(declared, column, source, names, calendar)
    return pl.DataFrame(made)


def _series(declared: Table, column: Column, values: Array, names: Names, calendar: Calendar) -> pl.Series:
    if column.dtype == "enum":
        return _enum(declared, column, values, names)
    if column.dtype == "date":
        return _dates(declared, column, values, calendar)
    if column.dtype in ("float32", "float64"):
        return _numbers(declared, column, values)
    return _whole(declared, column, values)


def _enum(declared: Table, column: Column, codes: Array, names: Names) -> pl.Series:
    """Codes -> names, by one gather; the unit of a signal follows from the signal's code."""
    if column.source == "signal":
        codes = np.asarray(UNIT_OF_SIGNAL)[codes]
    listed = names[column.vocabulary]
    lowest, highest = (int(codes.min()), int(codes.max())) if codes.size else (0, -1)
    if codes.dtype.kind not in "iu" or highest >= len(listed) or (lowest < 0 and not column.nullable):
        raise ColumnMismatch(
            f"codes of {declared.name}.{column.name} run from {lowest} to {highest} ({codes.dtype}): "
            f"wanted whole numbers from 0 to {len(listed) - 1}"
        )
    places = pl.Series(codes)
    if lowest < 0:
        places = places.set(places < 0, None)
    return names.lookup(column.vocabulary).gather(places.cast(pl.UInt32))


def _dates(declared: Table, column: Column, moments: Array, calendar: Calendar) -> pl.Series:
    """Ticks or years since the start -> dates; ticks by a lookup, since they repeat."""
    if column.source == "tick":
        last = int(moments.max()) if moments.size else -1
        days = calendar.days_of_ticks(np.arange(last + 1))[moments]
    else:
        days = calendar.days_of_years(moments)
    dates = pl.Series(days)
    if (days == NO_DAY).any():
        _refuse_missing(declared, column)
        dates = dates.set(dates == NO_DAY, None)
    return dates.cast(pl.Date)


def _numbers(declared: Table, column: Column, values: Array) -> pl.Series:
    numbers = np.ascontiguousarray(values, dtype=column.dtype)
    missing = bool(np.isnan(numbers).any())
    if missing:
        _refuse_missing(declared, column)
    return pl.Series(numbers, nan_to_null=missing)


def _whole(declared: Table, column: Column, values: Array) -> pl.Series:
    _check_whole(declared, column, values)
    return pl.Series(values.astype(column.dtype))


def _check_whole(declared: Table, column: Column, values: Array) -> None:
    """Raise ColumnMismatch unless the column can hold the whole numbers."""
    limits = np.iinfo(column.dtype)
    lowest, highest = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if values.dtype.kind not in "iu" or lowest < 0 or highest > limits.max:
        raise ColumnMismatch(
            f"{declared.name}.{column.name} runs from {lowest} to {highest} ({values.dtype}): "
            f"wanted whole numbers from 0 to {limits.max}"
        )


def _refuse_missing(declared: Table, column: Column) -> None:
    if not column.nullable:
        raise ColumnMismatch(f"{declared.name}.{column.name} holds NaN, but every row must have a value there")


def _sorted(frame: pl.DataFrame, declared: Table) -> pl.DataFrame:
    return frame.sort(declared.key, maintain_order=True)
