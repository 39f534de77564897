"""Arrays of codes and numbers -> result tables. No string and no date is ever built for a row.

`grid` is for what is recorded at every tick (its rows come out sorted without a sort), `rows` for event
lists.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

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


def grid(
    name: str,
    axes: Sequence[Mapping[str, ArrayLike]],
    measures: Mapping[str, ArrayLike],
    names: Names,
    calendar: Calendar,
    keep: ArrayLike | None = None,
) -> pl.DataFrame:
    """A table from measures over a grid.

    `axes`: one mapping per axis of the measures, in their order: key column -> codes along that axis
    (several columns walk together, so a sparse pair such as market and entity is one axis). `measures`:
    column -> numbers that broadcast to the grid. `keep`: which cells become rows, all by default. Raises
    ColumnMismatch.
    """
    declared = table(name)
    arranged = [{column: np.asarray(codes) for column, codes in axis.items()} for axis in axes]
    shape = tuple(_length(declared, axis) for axis in arranged)
    _check_columns(declared, {column: None for axis in arranged for column in axis} | dict(measures))
    order = sorted(range(len(arranged)), key=lambda axis: _rank(declared, arranged[axis]))
    places = [_places_in_order(declared, axis) for axis in arranged]
    columns = _spread_axes(arranged, order, places, shape)
    columns |= {column: _flat(numbers, order, places, shape) for column, numbers in measures.items()}
    frame = _assembled(declared, columns, names, calendar)
    if keep is not None:
        frame = frame.filter(pl.Series(_flat(keep, order, places, shape)))
    return frame if _runs_in_key_order(declared, arranged, order) else _sorted(frame, declared)


def _length(declared: Table, axis: Mapping[str, Array]) -> int:
    lengths = {column: codes.shape for column, codes in axis.items()}
    if len(set(lengths.values())) != 1 or any(len(shape) != 1 for shape in lengths.values()):
        raise ColumnMismatch(f"codes along one axis of {declared.name!r} must be flat and of one length: {lengths}")
    return next(iter(lengths.values()))[0]


def _rank(declared: Table, axis: Mapping[str, Array]) -> int:
    """Where an axis first appears in the sort key."""
    ranks = [declared.key.index(column) for column in axis if column in declared.key]
    if not ranks:
        raise ColumnMismatch(f"an axis of {declared.name!r} has {list(axis)}: wanted one of its key {declared.key}")
    return min(ranks)


def _keys(declared: Table, axis: Mapping[str, Array]) -> list[str]:
    return [column for column in declared.key if column in axis]


def _places_in_order(declared: Table, axis: Mapping[str, Array]) -> Array | None:
    """The places along an axis in key order; None if that is its order. Raises ColumnMismatch on repeats."""
    keys = [axis[column] for column in _keys(declared, axis)]
    places = np.lexsort(keys[::-1])
    ordered = [key[places] for key in keys]
    if np.any(np.all([key[1:] == key[:-1] for key in ordered], axis=0)):
        raise ColumnMismatch(f"codes along an axis of {declared.name!r} repeat: {_keys(declared, axis)} must differ")
    return None if np.array_equal(places, np.arange(places.size)) else places


def _runs_in_key_order(declared: Table, axes: list[dict[str, Array]], order: list[int]) -> bool:
    """Whether walking the axes in this order is walking the key in its own."""
    return tuple(column for axis in order for column in _keys(declared, axes[axis])) == declared.key


def _spread_axes(
    axes: list[dict[str, Array]], order: list[int], places: list[Array | None], shape: tuple[int, ...]
) -> dict[str, Array]:
    """Each axis column, repeated over the other axes and laid flat in row order."""
    arranged = tuple(shape[axis] for axis in order)
    spread = {}
    for position, axis in enumerate(order):
        along = tuple(-1 if other == position else 1 for other in range(len(order)))
        for column, codes in axes[axis].items():
            walked = codes if (place := places[axis]) is None else codes[place]
            spread[column] = np.broadcast_to(_narrow(walked).reshape(along), arranged).reshape(-1)
    return spread


def _narrow(codes: Array) -> Array:
    """The same whole numbers in 32 bits: half the memory to spread; wider ones are left to the type check."""
    fits = codes.dtype.kind in "iu" and (not codes.size or np.abs(codes).max() < 2**31)
    return codes.astype(np.int32) if fits else codes


def _flat(numbers: ArrayLike, order: list[int], places: list[Array | None], shape: tuple[int, ...]) -> Array:
    """Numbers over the grid -> flat, in row order."""
    try:
        spread = np.broadcast_to(np.asarray(numbers), shape)
    except ValueError:
        raise ColumnMismatch(f"a measure has shape {np.shape(numbers)}: its axes want {shape}") from None
    for axis, place in enumerate(places):
        spread = spread if place is None else np.take(spread, place, axis=axis)
    return spread.transpose(order).reshape(-1)


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
    limits = np.iinfo(column.dtype)
    lowest, highest = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if values.dtype.kind not in "iu" or lowest < 0 or highest > limits.max:
        raise ColumnMismatch(
            f"{declared.name}.{column.name} runs from {lowest} to {highest} ({values.dtype}): "
            f"wanted whole numbers from 0 to {limits.max}"
        )
    return pl.Series(values.astype(column.dtype))


def _refuse_missing(declared: Table, column: Column) -> None:
    if not column.nullable:
        raise ColumnMismatch(f"{declared.name}.{column.name} holds NaN, but every row must have a value there")


def _sorted(frame: pl.DataFrame, declared: Table) -> pl.DataFrame:
    return frame.sort(declared.key, maintain_order=True)
