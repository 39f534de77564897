"""One run's numbers: every number or distribution of a scenario as an array with a leading replicate axis.

A draw follows from (seed, replicate, key path) alone, so a parameter has the same luck in every scenario,
batch and order of loading. Values listed as `draws` go by the replicate's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from market_sim.scenario.dates import years_after
from market_sim.scenario.declare import Declaration, Section
from market_sim.scenario.distributions import Distribution, Draws
from market_sim.scenario.keys import Parts, key_path, leaves

Array = np.ndarray
PURPOSE = "parameter"


class Realised:
    """A section with its numbers drawn; fields read as attributes, under the names they are declared by.

    In a plain section a number is (R,), a list of k numbers (R, k), a mapping over m names (R, m), a series a
    `Path`; whole numbers, flags, texts and fixed numbers (annotated `float`) have no replicate axis. In a
    named table of n entries every array has the entries as its next axis, (R, n), (R, n, k), (R, n, m); whole
    numbers, flags and fixed numbers are (n,), texts and lists of names tuples of length n; `names`
    are the keys in their order.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name}: a realised scenario cannot be changed")

    def __repr__(self) -> str:
        return f"Realised({', '.join(self.__dict__)})"


@dataclass(frozen=True)
class Path:
    """A path in time: `dates` (points,) in years since the start, `values` (R, points)."""

    dates: Array
    values: Array

    def at(self, years: float | Array) -> Array:
        """Values (R,) at one time, or (R, times) at several: straight between points, flat outside."""
        times = np.asarray(years, dtype=np.float64)
        if len(self.dates) == 1:
            return np.repeat(self.values, max(times.size, 1), axis=1).reshape(len(self.values), *times.shape)
        upper = np.clip(np.searchsorted(self.dates, times, side="right"), 1, len(self.dates) - 1)
        left, right = self.dates[upper - 1], self.dates[upper]
        weight = np.clip((times - left) / (right - left), 0.0, 1.0)
        before, after = np.take(self.values, upper - 1, axis=1), np.take(self.values, upper, axis=1)
        return before + weight * (after - before)


@dataclass(frozen=True)
class Paths:
    """The paths of a named table's entries, in their order."""

    each: tuple[Path, ...]

    def at(self, years: float | Array) -> Array:
        """Values (R, n) at one time, or (R, n, times) at several."""
        return np.stack([path.at(years) for path in self.each], axis=1)


@dataclass(frozen=True)
class _Draw:
    """What realising needs at every field: the replicates, the start, the axes and the draws by key path."""

    scenario: Section
    replicates: int
    start: str
    drawn: Mapping[Parts, Array]

    def column(self, value: Any, path: Parts) -> Array | float:
        """Draws (R,) of a distribution, or the one number that every replicate has."""
        if isinstance(value, Distribution):
            return self.drawn[path]
        return np.nan if value is None else value

    def over(self, kind: str) -> tuple[str, ...]:
        return self.scenario.names_of(kind)


def realise(scenario: Section, seed: int, replicates: Sequence[int]) -> Any:
    """The scenario with every distribution drawn for each replicate, as a tree of `Realised`.

    Distributions are drawn by inverse CDF from one uniform per (seed, replicate, "parameter", key path).
    """
    drawn = draw_parameters(scenario, seed, tuple(replicates))
    draw = _Draw(scenario, len(replicates), getattr(scenario, "start", "1970-01"), drawn)
    return _section(scenario, draw, ())


def draw_parameters(scenario: Section, seed: int, replicates: Sequence[int]) -> dict[Parts, Array]:
    """Draws (R,) of every distribution in the scenario, by key path."""
    found = list(distributions(scenario))
    if not found:
        return {}
    from market_sim.streams import uniforms

    luck = uniforms(seed, lucky(scenario, replicates), PURPOSE, [key_path(path) for path, _ in found], 1)
    return {
        path: one.of_replicates(replicates) if isinstance(one, Draws) else one.quantile(luck[:, at, 0])
        for at, (path, one) in enumerate(found)
    }


def lucky(scenario: Section, replicates: Sequence[int]) -> tuple[int, ...]:
    """The draw of luck that each replicate takes: its own number, unless the scenario lists them."""
    listed = getattr(scenario, "luck", None)
    return tuple(int(listed[one % len(listed)]) for one in replicates) if listed else tuple(replicates)


def distributions(scenario: Section) -> Iterator[tuple[Parts, Distribution]]:
    """Every distribution of a scenario with its key path, down to its place in a list or mapping."""
    for path, declaration, value in leaves(scenario):
        if isinstance(value, Distribution):
            yield path, value
        elif declaration.form == "series":
            yield from _placed(path, value)
        elif isinstance(value, dict):
            yield from _placed(path, value.items())
        elif isinstance(value, list):
            yield from _placed(path, ((str(at), one) for at, one in enumerate(value)))


def _placed(path: Parts, items: Any) -> Iterator[tuple[Parts, Distribution]]:
    yield from (((*path, place), one) for place, one in items if isinstance(one, Distribution))


def _section(section: Section, draw: _Draw, at: Parts) -> Realised:
    fields = {
        name: _one(getattr(section, name), declaration, draw, (*at, name))
        for name, declaration in section.declarations.items()
    }
    return Realised(fields)


def _one(value: Any, declaration: Declaration, draw: _Draw, path: Parts) -> Any:
    """A field of a plain section: the table of one entry, without the entry's axis."""
    if declaration.form == "table":
        return _section(value, draw, path)
    if declaration.form == "named":
        entries = list(value.values())
        below = [(*path, name) for name in value]
        return _entries(declaration.section, entries, draw, below, tuple(value))
    many = _column(declaration, [value], draw, [path])
    if isinstance(many, Paths):
        return many.each[0]
    if declaration.form in ("number", "numbers", "mapping") and not declaration.fixed:
        return many[:, 0]
    first = many[0]
    return first.item() if isinstance(first, np.generic) else first


def _entries(
    section: type[Section], entries: list[Any], draw: _Draw, at: list[Parts], names: tuple[str, ...]
) -> Realised:
    """The entries of a named table, field by field, each with the entries as an axis."""
    fields: dict[str, Any] = {"names": names} if names or not entries else {}
    for name, declaration in section.declarations.items():
        values = [getattr(entry, name) for entry in entries]
        below = [(*path, name) for path in at]
        if declaration.form == "table":
            fields[name] = _entries(declaration.section, values, draw, below, names)
        elif declaration.form == "named":
            fields[name] = tuple(_one(v, declaration, draw, p) for v, p in zip(values, below, strict=True))
        else:
            fields[name] = _column(declaration, values, draw, below)
    return Realised(fields)


def _column(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Any:
    return COLUMNS[declaration.form](declaration, values, draw, paths)


def _numbers_of(declaration: Declaration, draw: _Draw, shape: tuple[int, ...], cells: Any) -> Array:
    """An array (R, *shape) from cells of (value, path) in row order: one fill, then the drawn columns.

    Without the replicate axis where the field is fixed.
    """
    cells = list(cells)
    row = [np.nan if isinstance(v, Distribution) or v is None else v for v, _ in cells]
    if declaration.fixed:
        return np.array(row, dtype=np.float64).reshape(shape)
    flat = np.empty((draw.replicates, len(cells)))
    flat[:] = row
    for at, (value, path) in enumerate(cells):
        if isinstance(value, Distribution):
            flat[:, at] = draw.drawn[path]
    return flat.reshape(draw.replicates, *shape)


def _number(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Array:
    return _numbers_of(declaration, draw, (len(values),), zip(values, paths, strict=True))


def _numbers(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Array:
    """Lists (R, n, k); where entries differ in length the shorter ones end in NaN."""
    longest = max((len(value) for value in values), default=declaration.count or 0)
    cells = [
        (value[at] if at < len(value) else None, (*path, str(at)))
        for value, path in zip(values, paths, strict=True)
        for at in range(longest)
    ]
    return _numbers_of(declaration, draw, (len(values), longest), cells)


def _mapping(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Array:
    over = draw.over(declaration.refers)
    cells = [
        (value.get(name, declaration.default), (*path, name))
        for value, path in zip(values, paths, strict=True)
        for name in over
    ]
    return _numbers_of(declaration, draw, (len(values), len(over)), cells)


def _series(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Paths:
    each = []
    for points, path in zip(values, paths, strict=True):
        dates = np.array([years_after(draw.start, date) for date, _ in points])
        cells = [(value, (*path, date)) for date, value in points]
        each.append(Path(dates, _numbers_of(declaration, draw, (len(points),), cells)))
    return Paths(tuple(each))


def _whole(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Array:
    return np.array(values, dtype=object if None in values else np.int64)


def _flag(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> Array:
    return np.array(values, dtype=np.bool_)


def _words(declaration: Declaration, values: list[Any], draw: _Draw, paths: list[Parts]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


COLUMNS: dict[str, Callable[[Declaration, list[Any], _Draw, list[Parts]], Any]] = {
    "number": _number,
    "numbers": _numbers,
    "mapping": _mapping,
    "series": _series,
    "whole": _whole,
    "flag": _flag,
    "text": _words,
    "month": _words,
    "choice": _words,
    "names": _words,
}


def positions(texts: Sequence[str], names: Sequence[str]) -> Array:
    """Index (n,) of each text among the names, -1 for an empty text; raises KeyError for an unknown one."""
    at = {name: index for index, name in enumerate(names)} | {"": -1, None: -1}
    return np.array([at[text] for text in texts], dtype=np.int64)


def incidence(lists: Sequence[Sequence[str]], names: Sequence[str]) -> Array:
    """Whether each of n lists holds each of m names, (n, m) booleans."""
    held = [[name in one for name in names] for one in lists]
    return np.array(held, dtype=np.bool_).reshape(len(lists), len(names))
