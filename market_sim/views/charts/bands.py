"""Series over time with what replicates spread over: aggregated in polars, drawn as lines and bands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import altair as alt
import polars as pl

from market_sim.results.calendar import year_ends
from market_sim.results.vocabulary import ONCE_A_YEAR
from market_sim.views.charts.look import (
    HEIGHT,
    INNER,
    OUTER,
    OVERLAID,
    WIDTH,
    Part,
    axis_of_dates,
    dash_scale,
    header,
    layered,
    legend,
    moment,
    series_scale,
    source,
    zoom,
)

QUANTILES = {"median": 0.5, "low50": 0.25, "high50": 0.75, "low90": 0.05, "high90": 0.95}
MOST_BANDED = 4  # runs in a panel; of more, only the inner band is drawn
SERIES_KEYS = ("scenario", "signal", "group", "date")
DAYS_OF_YEAR = 365.2425


@dataclass(frozen=True)
class Measure:
    """How a signal is drawn: its title with the unit, the factor to that unit, and whether as means of years."""

    title: str
    scale: float = 1.0
    yearly: bool = False


def where(table: pl.LazyFrame, **held: str | Iterable[str]) -> pl.LazyFrame:
    """The rows whose columns of names hold one of these; a name that no run knows is in no row.

    Compares codes, column by column, so that whole groups of rows in a file are passed over by their statistics.
    """
    schema = table.collect_schema()
    for column, names in held.items():
        kind = schema[column]
        wanted = [names] if isinstance(names, str) else list(names)
        known = [name for name in wanted if not isinstance(kind, pl.Enum) or name in kind.categories]
        table = table.filter(reduce(or_, (pl.col(column) == name for name in known), pl.lit(False)))
    return table


def plain(name: str) -> pl.Expr:
    """A column of names as text, whatever names its run knows."""
    return pl.col(name).cast(pl.String)


def texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its names as text."""
    return frame.with_columns(pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if kind == pl.Enum)


def spread(rows: pl.LazyFrame, by: Sequence[str]) -> pl.DataFrame:
    """Rows of `by` and `value`, one a replicate -> its quantiles, and how many `replicates` have a value."""
    known = rows.filter(pl.col("value").is_not_null() & pl.col("value").is_finite())
    cut = {name: pl.col("value").quantile(at, "linear").cast(pl.Float64) for name, at in QUANTILES.items()}
    found = known.group_by(by).agg(replicates=pl.len(), **cut).collect(engine="streaming")
    return texts(found).sort(by)


def measured(table: pl.LazyFrame, measures: Mapping[str, Measure], groups: str | Iterable[str]) -> pl.DataFrame:
    """Signals of these groups -> quantiles by scenario, panel (the measure's title), group and date.

    At every date that was recorded, but for signals that are measured once a year and held in between: those are
    there when they were measured. Reads the table once, whatever is asked for.
    """
    asked = where(table, signal=measures, group=groups).select(*SERIES_KEYS, "tick", "replicate", "value")
    rows = asked.collect(engine="streaming").lazy()
    by_year = [name for name, measure in measures.items() if measure.yearly]
    once = [name for name in measures if name in ONCE_A_YEAR]
    often = where(rows, signal=[name for name in measures if name not in (*by_year, *once)])
    parts = [spread(often, SERIES_KEYS)]
    if by_year:
        parts.append(spread(yearly(where(rows, signal=by_year)), SERIES_KEYS))
    if once:
        parts.append(spread(where(rows, signal=once).join(year_ends_of(rows), on=["scenario", "tick"]), SERIES_KEYS))
    scales = {name: measure.scale for name, measure in measures.items()}
    titles = {name: measure.title for name, measure in measures.items()}
    scale = pl.col("signal").replace_strict(scales, return_dtype=pl.Float64)
    panel = pl.col("signal").replace_strict(titles, return_dtype=pl.String)
    frame = pl.concat(parts).with_columns(pl.col(*QUANTILES) * scale)
    return frame.select("scenario", panel.alias("panel"), pl.exclude("scenario", "signal"))


def yearly(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The mean of each calendar year and replicate, dated in its middle: for what is seldom in any one month."""
    keys = [name for name in rows.collect_schema().names() if name not in ("date", "value", "tick")]
    known = rows.filter(pl.col("value").is_not_null())
    mean = known.group_by(*keys, year=pl.col("date").dt.year()).agg(pl.col("value").mean())
    return mean.with_columns(date=pl.date("year", 7, 1)).drop("year")


def year_ends_of(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Scenario and tick of the first tick, of those that end a year since the start, and of the last one."""
    clock = rows.group_by("scenario").agg(
        ticks=pl.col("tick").max() + 1, days=(pl.col("date").max() - pl.col("date").min()).dt.total_days()
    )
    found = clock.collect()
    months = found["days"] / (DAYS_OF_YEAR / 12.0) / (found["ticks"] - 1)
    ends = [
        list(year_ends(ticks, length) if ticks > 1 else (0,))
        for ticks, length in zip(found["ticks"], months, strict=True)
    ]
    listed = found.select("scenario", tick=pl.Series(ends, dtype=pl.List(pl.Int16)))
    return listed.explode("tick").lazy()


def scenarios_of(*frames: pl.DataFrame) -> list[str]:
    """Labels of the runs in frames, in order."""
    return sorted({name for frame in frames for name in frame["scenario"].unique()}, key=_baseline_first)


def _baseline_first(name: str) -> tuple[bool, str]:
    return not name.startswith("baseline"), name


def draws_of(frame: pl.DataFrame) -> str:
    """How many replicates the runs of a frame have, such as `32` or `32 to 1,000`."""
    most = frame.group_by("scenario").agg(pl.col("replicates").max())["replicates"].unique().sort().to_list()
    return f"{most[0]:,}" if len(most) == 1 else f"{most[0]:,} to {most[-1]:,}" if most else "0"


def said(frame: pl.DataFrame) -> str:
    """What lines and bands are, and of how many replicates."""
    runs = scenarios_of(frame)
    whose = f"{runs[0]}. " if len(runs) == 1 else ""
    dots = " Dots on lines: one figure a year." if _has_dots(frame) else ""
    if draws_of(frame) in ("0", "1"):
        return f"{whose}One draw of luck: no band can be drawn.{dots}"
    both = len(runs) <= MOST_BANDED
    bands = "bands hold 50 % and 90 %" if both else "the band holds 50 %"
    return f"{whose}Line: median; {bands} of {draws_of(frame)} replicates.{dots}"


def _has_dots(frame: pl.DataFrame) -> bool:
    """Whether some line has dates that are marked."""
    if "date" not in frame.columns or not frame.height:
        return False
    keys = keys_of(frame)
    return bool(frame.select(((pl.len() > 1).over(keys) & seldom(keys)).any()).item())


def overlaid(frame: pl.DataFrame, panels: Sequence[str], *, columns: int = 2, shared: bool = False) -> Part:
    """A panel for each name in `panels`, a line with bands for each run; `shared`: one y axis for all."""
    runs = scenarios_of(frame)
    hue = Hue("scenario", runs, series_scale(runs), OVERLAID if len(runs) > 1 else (OUTER, INNER))
    part = banded(frame.filter(pl.col("panel").is_in(list(panels))), hue, "series", days_of(frame))
    facet = alt.Facet("panel:N", sort=list(panels), title=None, header=header())
    drawn = part.chart.properties(width=WIDTH, height=HEIGHT).facet(facet=facet, columns=columns)
    drawn = drawn.properties(bounds="flush", spacing={"row": 62, "column": 52})
    drawn = drawn.resolve_scale(y="shared" if shared else "independent").resolve_axis(x="independent", y="independent")
    return Part(drawn, part.data)


@dataclass(frozen=True)
class Hue:
    """What lines are told apart by: a column, its names, their colours, and how strong the bands are."""

    column: str
    names: Sequence[str]
    colours: Any
    bands: tuple[float, float] = (OUTER, INNER)


def banded(frame: pl.DataFrame, hue: Hue, key: str, days: list[str]) -> Part:
    """Lines and bands over `days`, the first and the last; dots where a line has few dates, whiskers for a lone one."""
    keys = keys_of(frame)
    key_to = legend(hue.names)
    colour = alt.Color(f"{hue.column}:N", title=None, scale=hue.colours, legend=key_to)
    x = alt.X("date:T", title=None, axis=axis_of_dates(), scale=alt.Scale(domain=days))
    base = source(key).encode(x=x, color=colour)
    dash = alt.StrokeDash(f"{hue.column}:N", title=None, scale=dash_scale(hue.names), legend=key_to)
    outer = base.mark_area(fillOpacity=hue.bands[0]).encode(y=_y("low90"), y2=alt.Y2("high90:Q"))
    inner = base.mark_area(fillOpacity=hue.bands[1]).encode(y=_y("low50"), y2=alt.Y2("high50:Q"))
    line = base.mark_line(strokeWidth=2).encode(y=_y("median"), strokeDash=dash)
    bands = [outer, inner] if len(hue.names) <= MOST_BANDED else [inner]
    first = pl.col("date") == pl.col("date").min().over(keys)
    data = frame.with_columns(first=first, lone=pl.len().over(keys) == 1, seldom=seldom(keys))
    marked = [*_whiskers(base, data), *_dots(base, data)]
    chart = layered(*bands, line, *marked, _hints(base, hue.column)).add_params(zoom(key))
    return Part(chart, {key: data})


def seldom(keys: Sequence[str]) -> pl.Expr:
    """Whether a series has a date a year or fewer: those are marked, since the line between them is but drawn."""
    days = (pl.col("date").max() - pl.col("date").min()).dt.total_days()
    return (pl.len() <= (days / DAYS_OF_YEAR).floor() + 2).over(keys)


def _whiskers(base: Any, data: pl.DataFrame) -> list[Any]:
    """What stands for the bands of a line that has but one date."""
    if not data["lone"].any():
        return []
    rule = base.transform_filter("datum.first").mark_rule()  # every panel has one, so that every axis has an extent
    width = alt.condition("datum.lone", alt.value(2), alt.value(0))
    return [rule.encode(y=_y("low90"), y2=alt.Y2("high90:Q"), strokeWidth=width)]


def _dots(base: Any, data: pl.DataFrame) -> list[Any]:
    """The dates of a line that has few."""
    if not data["seldom"].any():
        return []
    dot = base.transform_filter("datum.seldom || datum.first").mark_point(filled=True, opacity=1.0)
    return [dot.encode(y=_y("median"), size=alt.condition("datum.seldom", alt.value(30), alt.value(0)))]


def days_of(frame: pl.DataFrame) -> list[str]:
    """The first and the last date."""
    days = frame["date"].to_list()
    return [moment(min(days)), moment(max(days))] if days else []


def keys_of(frame: pl.DataFrame) -> list[str]:
    """What tells the series of a frame apart."""
    return [name for name in ("scenario", "panel", "group") if name in frame.columns]


def _y(column: str) -> alt.Y:
    axis = alt.Axis(tickCount=5, labelFlush=True)  # flush, so that headings of panels stand on one line
    return alt.Y(f"{column}:Q", title=None, scale=alt.Scale(zero=True), axis=axis)


def _hints(base: Any, colour: str) -> Any:
    """The figures of the date below the mouse."""
    figures = [alt.Tooltip(f"{name}:Q", format=",.3~g") for name in (*QUANTILES, "replicates")]
    place = [alt.Tooltip(f"{colour}:N"), alt.Tooltip("date:T", format="%Y-%m")]
    rule = base.mark_rule(strokeWidth=5, opacity=0.0, tooltip=True)
    return rule.encode(y=alt.Y("low90:Q"), y2=alt.Y2("high90:Q"), tooltip=[*place, *figures])
