"""Hold one value to its declaration: give back the value in its settled type, or refuse it in words."""

from __future__ import annotations

import datetime
import itertools
import math
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from market_sim.scenario.declaration import Declaration, Refused
from market_sim.scenario.distributions import Distribution, read_distribution

MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:-(\d{2}))?")
NUMBER_WITH_UNIT = re.compile(r"\s*[-+]?[\d.][\d_,.]*(?:[eE][-+]?\d+)?\s*(\D.*?)?\s*")


def accept(declaration: Declaration, value: Any) -> Any:
    """The value as the field will hold it.

    Raises `Refused`, saying what was wanted, if the value does not suit the declaration.
    """
    if value is None and declaration.optional:
        return None
    return FORMS[declaration.form](declaration, value)


def nearest(word: str, known: Sequence[str]) -> str:
    """The known name closest to a misspelt one, or an empty text."""
    folded = {name.casefold(): name for name in reversed(known)}
    close = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.55)
    return folded[close[0]] if close else ""


def _number(declaration: Declaration, value: Any) -> float | Distribution:
    if isinstance(value, Mapping):
        value = read_distribution(value)
    if isinstance(value, Distribution):
        if declaration.fixed:
            raise Refused("one number: this field is the same in every replicate")
        return _supported(declaration, value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Refused(_not_a_number(declaration, value))
    return _bounded(declaration, _as_float(value))


def _as_float(value: numbers.Real) -> float:
    """A float, infinite where a whole number is too large to be one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _not_a_number(declaration: Declaration, value: Any) -> str:
    unit = declaration.unit
    held = f"a number in {unit}" if unit != "1" else "a plain number (no unit)"
    if isinstance(value, str) and (match := NUMBER_WITH_UNIT.fullmatch(value)):
        return f"{held}, written without quotes" + (f" and without {match[1]!r}" if match[1] else "")
    return held


def _bounded(declaration: Declaration, value: float) -> float:
    if not math.isfinite(value):
        raise Refused(f"a finite number, {declaration.bounds} ({declaration.unit})")
    if not declaration.admits(value):
        raise Refused(f"{declaration.bounds} ({declaration.unit})")
    return value


def _supported(declaration: Declaration, drawn: Distribution) -> Distribution:
    low, high = drawn.support
    inside = declaration.admits(low) or (drawn.open_low and low >= declaration.low)
    if not (inside and high <= declaration.high):
        reach = f"its draws reach from {low:g} to {high:g}"
        raise Refused(f"every draw {declaration.bounds} ({declaration.unit}); {reach}")
    return drawn


def _whole(declaration: Declaration, value: Any) -> int:
    if isinstance(value, Mapping | Distribution):
        raise Refused("a whole number; this field cannot be drawn from a distribution")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise Refused(_not_a_number(declaration, value).replace("number", "whole number", 1))
    held = _as_float(value)
    if not held.is_integer() or abs(held) > 2**53:
        raise Refused(f"a whole number, {declaration.bounds} ({declaration.unit})")
    return int(_bounded(declaration, held))


def _text(declaration: Declaration, value: Any) -> str:
    if not isinstance(value, str):
        raise Refused("text in quotes")
    return value


def _month(declaration: Declaration, value: Any) -> str:
    held = _day(value)
    if not declaration.admits(float(held[:4])):
        raise Refused(f"a month in the years {declaration.bounds}")
    return held


def _day(value: Any) -> str:
    if isinstance(value, datetime.date):
        value = value.isoformat()[:10]
    if not isinstance(value, str) or not (match := MONTH.fullmatch(value)):
        raise Refused('a month as "YYYY-MM", such as "2025-01"')
    year, month, day = match.groups(default="1")
    try:
        datetime.date(int(year), int(month), int(day))
    except ValueError:
        raise Refused('a date that exists, as "YYYY-MM" or "YYYY-MM-DD"') from None
    return value


def _flag(declaration: Declaration, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused("true or false, without quotes")
    return value


def _choice(declaration: Declaration, value: Any) -> str:
    if not isinstance(value, str) or value not in declaration.options:
        wanted = "one of " + ", ".join(repr(option) for option in declaration.options)
        raise Refused(wanted, nearest(str(value), declaration.options))
    return value


def _names(declaration: Declaration, value: Any) -> list[str]:
    given = _listed(value, "a list of names, each in quotes")
    if not all(isinstance(name, str) for name in given):
        raise Refused("a list of names, each in quotes")
    if repeated := [name for at, name in enumerate(given) if name in given[:at]]:
        raise Refused(f"each name once; {repeated[0]!r} is there twice")
    return _long_enough(declaration, given, "names")


def _numbers(declaration: Declaration, value: Any) -> list[float | Distribution]:
    given = _listed(value, f"a list of numbers in {declaration.unit}")
    if declaration.count is not None and len(given) != declaration.count:
        raise Refused(f"a list of {declaration.count} numbers; there are {len(given)}")
    return [_part(declaration, f"item {at}", one) for at, one in enumerate(given, 1)]


def _mapping(declaration: Declaration, value: Any) -> dict[str, float | Distribution]:
    if not isinstance(value, Mapping):
        raise Refused(f"a table of numbers in {declaration.unit}, keyed by name of {declaration.refers}")
    return {str(name): _part(declaration, repr(name), one) for name, one in value.items()}


def _series(declaration: Declaration, value: Any) -> list[tuple[str, float | Distribution]]:
    wanted = f'a list of ["YYYY-MM", number in {declaration.unit}] points'
    given = _long_enough(declaration, _listed(value, wanted), "points")
    if any(not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2 for point in given):
        raise Refused(wanted)
    points = [(_day(date), _part(declaration, f"at {date}", one)) for date, one in given]
    if any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(points)):
        raise Refused("points in order of date, each date once")
    return points


def _part(declaration: Declaration, where: str, value: Any) -> float | Distribution:
    """One number inside a list or table, refused with its place."""
    try:
        return _number(declaration, value)
    except Refused as refusal:
        raise Refused(f"{refusal.wanted}, {where} is {value!r}", refusal.nearest) from None


def _listed(value: Any, wanted: str) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Refused(wanted)
    return list(value)


def _long_enough(declaration: Declaration, given: list[Any], of: str) -> list[Any]:
    if len(given) < declaration.least:
        raise Refused(f"at least {declaration.least} {of}")
    return given


def _table(declaration: Declaration, value: Any) -> Any:
    if not isinstance(value, Mapping | declaration.section):
        raise Refused("a table of fields")
    return value


def _named(declaration: Declaration, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Refused("a table of named entries, each a table of fields")
    if len(value) < declaration.least:
        raise Refused(f"at least {declaration.least} named entry: the market would be empty without it")
    return value


FORMS: dict[str, Callable[[Declaration, Any], Any]] = {
    "number": _number,
    "whole": _whole,
    "text": _text,
    "month": _month,
    "flag": _flag,
    "choice": _choice,
    "names": _names,
    "numbers": _numbers,
    "mapping": _mapping,
    "series": _series,
    "table": _table,
    "named": _named,
}
