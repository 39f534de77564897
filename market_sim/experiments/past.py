"""What happened: quarterly figures of 2022 to 2025 by series, from a CSV file, checked as it is read.

Shipped in `market_sim/scenario/data/history_2023_2025.csv` with source, basis and confidence of every figure. A period
is a quarter (`2024-Q3`), or a year (`2023`) for flows whose quarters are not known.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.series import SERIES, series_of

SHIPPED = Path(__file__).parents[1] / "scenario" / "data" / "history_2023_2025.csv"
COLUMNS = ("period", "series", "value", "unit", "basis", "confidence", "known", "source", "note")
BASES = ("retrieved", "derived", "recalled")
PERIOD = re.compile(r"(\d{4})(?:-Q([1-4]))?")
FITTED = ("2023-Q1", "2024-Q4")  # for fitting; what comes after is the test
ORIGIN = FITTED[1]


@dataclass(frozen=True)
class Past:
    """Figures (series, quarter), NaN where history gives none; `quarters` have no holes.

    `confidence` (series, quarter) in 0..1; `known` (series, quarter) is the place in `quarters` from which a figure
    could be known, later than its own where it was derived from one that came later.
    """

    names: tuple[str, ...]
    quarters: tuple[str, ...]
    value: np.ndarray
    confidence: np.ndarray
    known: np.ndarray
    years: Mapping[str, Mapping[str, float]]  # figures for whole years, by series and year

    def place(self, quarter: str) -> int:
        """Where a quarter stands. Raises WrongRequest if the file does not reach it."""
        if quarter not in self.quarters:
            raise WrongRequest(f"history runs from {self.quarters[0]} to {self.quarters[-1]}: {quarter} lies outside")
        return self.quarters.index(quarter)

    def on(self, quarters: Sequence[str], names: Sequence[str] | None = None) -> np.ndarray:
        """Figures (series, quarter) of `names`, by default all, at these quarters.

        NaN where there is none, for quarters and series that the file lacks too.
        """
        wanted = self.names if names is None else tuple(names)
        out = np.full((len(wanted), len(quarters)), np.nan)
        at = [(k, self.quarters.index(quarter)) for k, quarter in enumerate(quarters) if quarter in self.quarters]
        for row, name in enumerate(wanted):
            for k, place in at if name in self.names else ():
                out[row, k] = self.value[self.names.index(name), place]
        return out

    def before(self, name: str, origin: str) -> np.ndarray:
        """What was known of a series at the end of `origin`: (quarter up to it), NaN where nothing was."""
        last = self.place(origin)
        if name not in self.names:
            return np.full(last + 1, np.nan)
        row = self.names.index(name)
        return np.where(self.known[row, : last + 1] <= last, self.value[row, : last + 1], np.nan)

    @cached_property
    def fitted(self) -> np.ndarray:
        """Which figures (series, quarter) may be used for fitting: 2023-Q1 to 2024-Q4."""
        first, last = (self.place(quarter) for quarter in FITTED)
        at = np.arange(len(self.quarters))
        return ~np.isnan(self.value) & (at >= first) & (at <= last)

    @cached_property
    def held_out(self) -> np.ndarray:
        """Which figures (series, quarter) are kept out of the fit: all after 2024-Q4."""
        return ~np.isnan(self.value) & (np.arange(len(self.quarters)) > self.place(ORIGIN))


@dataclass(frozen=True)
class Figure:
    """One row of the file."""

    name: str
    year: int
    quarter: int  # 1 to 4; 0 for a whole year
    value: float
    confidence: float
    known: int  # quarters since year 0

    @property
    def at(self) -> int:
        """Quarters since year 0."""
        return 4 * self.year + self.quarter - 1


def read_past(path: str | Path | None = None) -> Past:
    """Read and check a history file, by default the shipped one. Raises WrongRequest naming file and line."""
    place = SHIPPED if path is None else Path(path)
    figures = list(_figures(place))
    quarterly = [one for one in figures if one.quarter]
    if not quarterly:
        raise WrongRequest(f"{place} holds no quarterly figure; wanted rows with a period such as 2024-Q3")
    first, last = min(one.at for one in quarterly), max(one.at for one in quarterly)
    names = tuple(name for name in SERIES if any(one.name == name for one in figures))
    shape = (len(names), last - first + 1)
    value, confidence, known = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, np.int64)
    for one in quarterly:
        cell = names.index(one.name), one.at - first
        value[cell], confidence[cell], known[cell] = one.value, one.confidence, one.known - first
    years: dict[str, dict[str, float]] = {name: {} for name in names}
    for one in figures:
        if not one.quarter:
            years[one.name][str(one.year)] = one.value
    past = Past(names, tuple(quarter_name(k) for k in range(first, last + 1)), value, confidence, known, years)
    _refuse_holes(place, past)
    return past


def quarter_name(number: int) -> str:
    """`2024-Q3` of quarters since year 0."""
    return f"{number // 4}-Q{number % 4 + 1}"


def _figures(place: Path) -> Iterator[Figure]:
    try:
        with place.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if lacking:
                raise WrongRequest(f"{place} lacks the columns {', '.join(lacking)}; wanted {', '.join(COLUMNS)}")
            seen: dict[tuple[str, str], int] = {}
            for line, row in enumerate(reader, start=2):
                where = f"{place}, line {line}"
                key = (row["series"], row["period"])
                if key in seen:
                    raise WrongRequest(f"{where}: {row['series']} of {row['period']} stands in line {seen[key]} too")
                seen[key] = line
                yield _figure(row, where)
    except OSError as error:
        raise WrongRequest(f"{place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongRequest(f"{place} is no text in UTF-8; wanted a CSV file") from None


def _figure(row: Mapping[str, str], where: str) -> Figure:
    series = series_of(row["series"], where)
    if row["unit"] != series.unit:
        raise WrongRequest(f"{where}: {series.name} is given in {row['unit']!r}; wanted {series.unit!r}")
    if row["basis"] not in BASES:
        raise WrongRequest(f"{where}: basis {row['basis']!r}; wanted one of {', '.join(BASES)}")
    year, quarter = _period(row["period"], where)
    if not quarter and not series.flow:
        raise WrongRequest(f"{where}: {series.name} of the year {row['period']}; only flows are given for whole years")
    known = _period(row["known"], where) if row["known"] else (year, quarter or 4)
    value = _number(row["value"], "value", where)
    confidence = _number(row["confidence"], "confidence", where)
    if not 0.0 <= confidence <= 1.0:
        raise WrongRequest(f"{where}: confidence {row['confidence']}; wanted 0 to 1")
    return Figure(series.name, year, quarter, value, confidence, 4 * known[0] + (known[1] or 4) - 1)


def _period(text: str, where: str) -> tuple[int, int]:
    match = PERIOD.fullmatch(text or "")
    if not match:
        raise WrongRequest(f"{where}: period {text!r}; wanted a quarter such as 2024-Q3, or a year such as 2024")
    return int(match[1]), int(match[2] or 0)


def _number(text: str, what: str, where: str) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise WrongRequest(f"{where}: {what} {text!r}; wanted a number")
    return number


def _refuse_holes(place: Path, past: Past) -> None:
    """A series that is reported every quarter has a figure for each between its first and its last."""
    for row, name in enumerate(past.names):
        known = np.flatnonzero(~np.isnan(past.value[row]))
        if not SERIES[name].reported or not len(known):
            continue
        holes = [past.quarters[k] for k in range(known[0], known[-1]) if np.isnan(past.value[row, k])]
        if holes:
            span = f"{past.quarters[known[0]]} to {past.quarters[known[-1]]}"
            raise WrongRequest(f"{place}: {name} has no figure for {', '.join(holes)}; wanted every quarter of {span}")
