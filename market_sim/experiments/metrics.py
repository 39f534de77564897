"""One number per replicate out of a run: `market/basis/measure`, `market/basis/share/entity` or a signal, at a date."""

from __future__ import annotations

import re
from bisect import bisect
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import polars as pl

from market_sim.experiments.design import DEFAULT_TABLES
from market_sim.experiments.errors import WrongRequest
from market_sim.results.columns import CONCENTRATION
from market_sim.results.light import days_of_ticks, is_thinned
from market_sim.results.names import Names
from market_sim.results.read import Places, Runs, read_runs
from market_sim.results.tables import Results
from market_sim.results.vocabulary import ONCE_A_YEAR, SIGNALS
from market_sim.scenario.accept import nearest

MEASURES = tuple(column.name for column in CONCENTRATION.columns if column.dtype == "float32")
KEY = ("run", "replicate")
HELD = ("share", "quantity")  # measures of one entity, from the table of shares
UNIT_OF_SIGNAL = {signal.name: signal.unit for signal in SIGNALS}
UNIT_OF_MEASURE = {column.name: column.unit for column in CONCENTRATION.columns}
DEFAULT_METRICS = (
    "vendor/stock/hhi",
    "provider/stock/hhi",
    "lab/stock/hhi",
    "platform/stock/hhi",
    "neocloud_share",
    "time_to_capacity",
    "useful_price",
    "useful_compute",
    "cuda_premium",
)


@dataclass(frozen=True, slots=True)
class Metric:
    """Which rows of which table, and the column that holds the number."""

    text: str
    table: str
    where: tuple[tuple[str, str], ...]
    column: str
    unit: str

    def in_each(self, runs: Runs | Results, when: When) -> pl.LazyFrame:
        """Columns run, replicate and value: the mean over the days of `when`, or the last value by its day.

        What is measured once a year has the mean of the measurements in that time. Raises WrongRequest where a run
        did not record the table, has none of the names, or holds nothing but year ends and another day is asked for.
        """
        self._refuse_unknown(runs)
        self._refuse_untold(runs, when)
        rows = runs[self.table].lazy().filter(pl.col(name) == held for name, held in self.where)
        value = pl.col(self.column).cast(pl.Float64)
        if self.once_a_year:
            rows = measured_days(rows, runs)
        if when.first is not None:
            rows, value = rows.filter(pl.col("date") >= when.first), value.mean()
        else:
            value = value.sort_by("tick").last()
        if when.last is not None:
            rows = rows.filter(pl.col("date") <= when.last)
        if isinstance(runs, Results):
            rows = rows.with_columns(pl.lit(runs.info.folder_name).alias("run"))
        return rows.group_by("run", "replicate").agg(value.alias("value"))

    @property
    def _what(self) -> str:
        """The signal or the market."""
        return self.where[0][1]

    @property
    def once_a_year(self) -> bool:
        """Whether it is measured at year ends, and held in between."""
        return self._what in ONCE_A_YEAR

    def untold(self, when: When, resolved: Mapping[str, Any], light: bool) -> str:
        """Why a run of a resolved scenario cannot tell it for that time, in words; empty if it can.

        `light`: whether single firms and chips were recorded at year ends alone.
        """
        thinned = light and is_thinned(self.table, self._what)
        if not (thinned or self.once_a_year):
            return ""
        days, told = days_of_ticks(resolved)
        asked = when.among(days)
        between = [day for day in asked if day not in told]
        if not between or (self.once_a_year and when.first and len(between) < len(asked)):
            return ""
        at = bisect(told, between[0])
        near = [f"{day:%Y-%m}" for day in told[max(0, at - 1) : at + 1]]
        lack = f"there is no {when}" if when.first else f"there is none of {when}"
        ask = f"here in {' and in '.join(near)}: {lack}; ask for one of those, such as --at {near[-1]}"
        if self.once_a_year:
            return f"{self.text} is measured once a year, {ask}"
        record = f"record every tick (market-sim batch ... --record {','.join(DEFAULT_TABLES)})"
        return f"{self.text} was recorded at year ends alone, {ask}, or {record}"

    def _refuse_untold(self, runs: Runs | Results, when: When) -> None:
        infos = [runs.info] if isinstance(runs, Results) else [one.info for one in runs.manifests.values()]
        for info in infos:
            if words := self.untold(when, info.resolved, info.light):
                raise WrongRequest(words)

    def _refuse_unknown(self, runs: Runs | Results) -> None:
        for place, tables, names in _held(runs):
            if self.table not in tables:
                raise WrongRequest(f"{self.text}: {place} did not record {self.table!r}")
            for vocabulary, name in self.where:
                _refuse_name(self.text, vocabulary, name, names)


def measured_days(rows: pl.LazyFrame, runs: Runs | Results) -> pl.LazyFrame:
    """The rows of the days on which what is measured once a year was."""
    if isinstance(runs, Results):
        return rows.filter(pl.col("date").is_in(days_of_ticks(runs.info.resolved)[1]))
    told = {run: days_of_ticks(manifest.info.resolved)[1] for run, manifest in runs.manifests.items()}
    measured = ((pl.col("run") == run) & pl.col("date").is_in(days) for run, days in told.items())
    return rows.filter(reduce(or_, measured))


def _held(runs: Runs | Results) -> Iterator[tuple[str, Iterable[str], Names]]:
    """Of each run: what to call it, the tables that it holds, and its names."""
    if isinstance(runs, Results):
        yield "the run in memory", runs, runs.names
        return
    for run, manifest in runs.manifests.items():
        yield str(runs.folders[run]), manifest.info.tables, manifest.info.names


def _refuse_name(text: str, vocabulary: str, name: str, names: Names) -> None:
    known = names[vocabulary]
    if name not in known:
        raise WrongRequest(_no_such(text, f"{vocabulary} {name!r}", name, known))


def _no_such(text: str, what: str, name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else ""
    return f"metric {text!r}: there is no {what}{hint} Wanted one of {', '.join(known)}"


def metric_of(text: str) -> Metric:
    """Read `provider/stock/hhi`, `provider/stock/share/CoreWeave`, `useful_price` or `useful_price/neocloud`.

    Raises WrongRequest.
    """
    parts = tuple(part.strip() for part in text.split("/"))
    if parts[0] in UNIT_OF_SIGNAL and len(parts) <= 2:
        group = parts[1] if len(parts) == 2 else "all"
        return Metric(text, "signals", (("signal", parts[0]), ("group", group)), "value", UNIT_OF_SIGNAL[parts[0]])
    if len(parts) == 4 and parts[2] in HELD:
        held = (("market", parts[0]), ("basis", parts[1]), ("entity", parts[3]))
        return Metric(text, "shares", held, parts[2], "0-1" if parts[2] == "share" else "by basis")
    if len(parts) == 3 and parts[2] in MEASURES:
        where = (("market", parts[0]), ("basis", parts[1]))
        return Metric(text, "concentration", where, parts[2], UNIT_OF_MEASURE[parts[2]])
    if len(parts) == 3:
        raise WrongRequest(_no_such(text, f"measure {parts[2]!r}", parts[2], MEASURES))
    if len(parts) <= 2:
        raise WrongRequest(_no_such(text, f"signal {parts[0]!r}", parts[0], tuple(UNIT_OF_SIGNAL)))
    raise WrongRequest(f"metric {text!r}: wanted market/basis/measure, market/basis/share/entity or signal[/group]")


@dataclass(frozen=True, slots=True)
class When:
    """A day, whose last value counts, or the days `first` to `last`, whose mean counts; None for the end."""

    last: date | None = None
    first: date | None = None

    def among(self, days: Sequence[date]) -> list[date]:
        """Those of the days, in order, whose values count."""
        within = [day for day in days if self.last is None or day <= self.last]
        return within[-1:] if self.first is None else [day for day in within if day >= self.first]

    def __str__(self) -> str:
        last = str(self.last) if self.last else "the end"
        return f"mean of {self.first} to {last}" if self.first else last


DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def when_of(text: str) -> When:
    """Read `end`, `2030-06`, `2030-06-15` (the last value by then), `2030` or `2029-07..2030-06` (means).

    Raises WrongRequest.
    """
    first, dots, last = text.partition("..")
    if dots:
        when = When(_days(text, last)[1], _days(text, first)[0])
        if when.first and when.last and when.first > when.last:
            raise WrongRequest(f"--at {text!r}: it ends before it begins")
        return when
    if text == "end":
        return When()
    begin, end = _days(text, text)
    return When(end, begin if len(text) == 4 else None)


def _days(text: str, day: str) -> tuple[date, date]:
    """The first and the last day of a year, a month or a day."""
    match = DAY.fullmatch(day.strip())
    try:
        if not match:
            raise ValueError
        year, month, number = (int(part) if part else None for part in match.groups())
        assert year is not None
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        return date(year, month, number or 1), date(year, month, number or monthrange(year, month)[1])
    except ValueError:
        raise WrongRequest(f"--at {text!r}: wanted end, 2030, 2030-06, 2030-06-15 or 2029-07..2030-06") from None


def metric_values(
    runs: Runs | Results | Places, metrics: Iterable[str | Metric], at: str | When = "end"
) -> pl.DataFrame:
    """The numbers of every replicate of one or many runs at a date: what an analysis of a design starts from.

    `runs`: opened runs, results in memory, or what `read_runs` takes. `metrics`: see `metric_of`; `at`: see
    `when_of`. Columns `run`, `replicate`, and one per metric, called as it was asked for; sorted by the first two,
    runs in the order of `Runs.manifests`. Null where a replicate has no such number by then; a replicate without
    any is left out. Units are those of `Metric.unit`. Batches tell of single firms and chips at year ends, unless
    asked to `record` more: other dates are refused for those.

        metric_values("runs/sweep-*/*", ["provider/stock/hhi", "neocloud_share"], at="2030")

    Raises WrongRequest, and what `read_runs` raises.
    """
    opened = runs if isinstance(runs, Runs | Results) else read_runs(runs)
    asked = [one if isinstance(one, Metric) else metric_of(one) for one in metrics]
    if not asked:
        raise WrongRequest("metric_values: wanted a metric at least, such as 'provider/stock/hhi'")
    when = at if isinstance(at, When) else when_of(at)
    frames = [one.in_each(opened, when).rename({"value": one.text}) for one in dict.fromkeys(asked)]
    joined = reduce(lambda one, other: one.join(other, on=KEY, how="full", coalesce=True), frames)
    return joined.sort(KEY).collect()
