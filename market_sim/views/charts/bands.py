"""Series over time with what replicates spread over: aggregated in polars, drawn as lines and bands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import altair as alt
import polars as pl

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
    legend,
    moment,
    series_scale,
    source,
    zoom,
)

QUANTILES = {"median": 0.5, "low50": 0.25, "high50": 0.75, "low90": 0.05, "high90": 0.95}
MOST_BANDED = 4  # runs in a panel; of more, only the inner band is drawn
SERIES_KEYS = ("scenario", "signal", "group", "date")


@dataclass(frozen=True)
class Measure:
    """How a signal is drawn: its title with the unit, the factor to that unit, and whether as means of years."""

    title: str
    scale: float = 1.0
    yearly: bool = False


def where(table: pl.LazyFrame, **held: str | Iterable[str]) -> pl.LazyFrame:
    """The rows whose columns of names hold one of these; a name that no run knows is in no row.

    Compares codes, so that whole groups of rows in a file are passed over by their statistics.
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
    value = pl.col("value").cast(pl.Float64)
    cut = {name: value.quantile(at, "linear") for name, at in QUANTILES.items()}
    found = known.group_by(by).agg(replicates=pl.len(), **cut).collect(engine="streaming")
    return texts(found).sort(by)


def measured(table: pl.LazyFrame, measures: Mapping[str, Measure], groups: str | Iterable[str]) -> pl.DataFrame:
    """Signals of these groups -> quantiles by scenario, panel (the measure's title), group and date."""
    rows = where(table, signal=measures, group=groups).select(*SERIES_KEYS, "replicate", "value")
    by_year = [name for name, measure in measures.items() if measure.yearly]
    months = where(rows, signal=[name for name in measures if name not in by_year])
    parts = [spread(months, SERIES_KEYS)]
    if by_year:
        parts.append(spread(yearly(where(rows, signal=by_year)), SERIES_KEYS))
    scales = {name: measure.scale for name, measure in measures.items()}
    titles = {name: measure.title for name, measure in measures.items()}
    scale = pl.col("signal").replace_strict(scales, return_dtype=pl.Float64)
    panel = pl.col("signal").replace_strict(titles, return_dtype=pl.String)
    frame = pl.concat(parts).with_columns(pl.col(*QUANTILES) * scale)
    return frame.select("scenario", panel.alias("panel"), pl.exclude("scenario", "signal"))


def yearly(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The mean of each calendar year and replicate, dated in its middle: for what is seldom in any one month."""
    middle = pl.col("date").dt.truncate("1y").dt.offset_by("6mo")
    known = rows.filter(pl.col("value").is_not_null())
    keys = [name for name in rows.collect_schema().names() if name not in ("date", "value", "tick")]
    return known.group_by(*keys, middle.alias("date")).agg(pl.col("value").mean())


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
    if draws_of(frame) in ("0", "1"):
        return f"{whose}One draw of luck: no band can be drawn."
    both = len(runs) <= MOST_BANDED
    bands = "bands hold 50 % and 90 %" if both else "the band holds 50 %"
    return f"{whose}Line: median; {bands} of {draws_of(frame)} replicates."


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
    """Lines and bands over `days`, the first and the last; a dot with whiskers where a line has but one date."""
    keys = [name for name in ("scenario", "panel", "group") if name in frame.columns]
    key_to = legend(hue.names)
    colour = alt.Color(f"{hue.column}:N", title=None, scale=hue.colours, legend=key_to)
    x = alt.X("date:T", title=None, axis=axis_of_dates(), scale=alt.Scale(domain=days))
    base = source(key).encode(x=x, color=colour)
    dash = alt.StrokeDash(f"{hue.column}:N", title=None, scale=dash_scale(hue.names), legend=key_to)
    outer = base.mark_area(opacity=hue.bands[0]).encode(y=_y("low90"), y2="high90:Q")
    inner = base.mark_area(opacity=hue.bands[1]).encode(y=_y("low50"), y2="high50:Q")
    line = base.mark_line(strokeWidth=2).encode(y=_y("median"), strokeDash=dash)
    bands = [outer, inner] if len(hue.names) <= MOST_BANDED else [inner]
    data = frame.with_columns(lone=pl.len().over(keys) == 1)
    dots = _dots(base) if data["lone"].any() else []
    chart = alt.layer(*bands, line, *dots, _hints(base, hue.column)).add_params(zoom(key))
    return Part(chart, {key: data})


def _dots(base: Any) -> list[Any]:
    """What stands for a line that has but one date."""
    alone = base.transform_filter("datum.lone")
    dot = alone.mark_point(filled=True, size=50, opacity=1.0).encode(y=_y("median"))
    return [alone.mark_rule(strokeWidth=2).encode(y=_y("low90"), y2="high90:Q"), dot]


def days_of(frame: pl.DataFrame) -> list[str]:
    """The first and the last date."""
    days = frame["date"].to_list()
    return [moment(min(days)), moment(max(days))] if days else []


def _y(column: str) -> alt.Y:
    axis = alt.Axis(tickCount=5, labelFlush=True)  # flush, so that headings of panels stand on one line
    return alt.Y(f"{column}:Q", title=None, scale=alt.Scale(zero=True), axis=axis)


def _hints(base: Any, colour: str) -> Any:
    """The figures of the date below the mouse."""
    figures = [alt.Tooltip(f"{name}:Q", format=",.3~g") for name in (*QUANTILES, "replicates")]
    place = [alt.Tooltip(f"{colour}:N"), alt.Tooltip("date:T", format="%Y-%m")]
    rule = base.mark_rule(strokeWidth=5, opacity=0.0, tooltip=True)
    return rule.encode(y="low90:Q", y2="high90:Q", tooltip=[*place, *figures])
