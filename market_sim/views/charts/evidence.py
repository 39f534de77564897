"""How sure we are: paired differences, sensitivity indices, and the past retraced.

These three draw tidy frames that experiments answer with, and no run folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
import polars as pl

from market_sim.results.errors import ColumnMismatch
from market_sim.views.charts.look import HEIGHT, INK, INNER, OUTER, SERIES, WIDTH, header, series_scale, styled

Rows = pl.DataFrame | Sequence[Mapping[str, Any]]

DIFFERENCES = ("metric", "unit", "pairs", "a", "b", "difference", "low", "high")
INDICES = ("output", "parameter", "kind", "value", "low", "high")
PAST = ("series", "period", "history", "median", "low50", "high50", "low90", "high90", "naive")
PERIOD = re.compile(r"(\d{4})(?:-Q([1-4])|-(\d{2})(?:-(\d{2}))?)?")
ROW = 24  # pixels for a row of dots or bars
NUMBERS = 190  # pixels for the column of figures beside a forest
SIZES = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
SMALLEST = 1e-4  # that is written with three figures
FURTHEST = 1.5  # of A: differences beyond are drawn at the edge


def forest(rows: Rows, *, a: str = "A", b: str = "B", confidence: float = 0.95) -> Any:
    """Paired differences B less A with their intervals, in per cent of A; the figures in their own units beside.

    `rows`: the `differences` of `compare`'s `as_json()`, or a frame with columns `metric` (text), `unit`,
    `pairs` (replicates that both have), `a`, `b` (means), `difference`, `low`, `high` (null where nothing can be
    said). A column `comparison` (text, such as the scenario that B is) gives each of several its own panel. A
    filled dot: the interval leaves out zero; a triangle: further out than the axis goes. A metric that is zero in
    A has figures and no dot. Raises ColumnMismatch.
    """
    frame = forest_frame(rows)
    span = _axis_of(frame)
    panels = [
        _forest_panel(frame.filter(pl.col("comparison") == name), name, a, span)
        for name in frame["comparison"].unique(maintain_order=True).to_list()
    ]
    pairs = _span_of(frame["pairs"].drop_nulls().to_list())
    says = (f"Mean of paired differences, in % of {a}, with {confidence:.0%} intervals; {pairs} pairs.",)
    note = ("Filled: the interval leaves out zero.",)
    return styled(alt.concat(*panels, columns=1), f"{b} less {a}, under the same luck", says + note)


def forest_frame(rows: Rows) -> pl.DataFrame:
    """What `forest` draws: the rows, and `relative`, `relative_low`, `relative_high` (1), `certain`, `figures`."""
    frame = checked(rows, DIFFERENCES, "paired differences")
    if "comparison" not in frame.columns:
        frame = frame.with_columns(comparison=pl.lit(""))
    numbers = frame.with_columns(pl.col("a", "b", "difference", "low", "high").cast(pl.Float64))
    size = pl.when(pl.col("a") != 0.0).then(pl.col("a").abs())
    return numbers.with_columns(
        relative=pl.col("difference") / size,
        relative_low=pl.col("low") / size,
        relative_high=pl.col("high") / size,
        certain=((pl.col("low") > 0.0) | (pl.col("high") < 0.0)).fill_null(False),
        figures=pl.Series([_figures(row) for row in numbers.to_dicts()], dtype=pl.String),
    )


def _figures(row: Mapping[str, Any]) -> str:
    """A difference and its interval in words, such as `+0.012 (0.004 to 0.020) USD`."""
    if row["difference"] is None:
        return "nothing to compare"
    span = f" ({short(row['low'])} to {short(row['high'])})" if row["low"] is not None else ""
    unit = "" if row["unit"] in ("0-1", "1") else f" {row['unit']}"
    return f"{short(row['difference'], '+')}{span}{unit}"


def short(number: float, sign: str = "-") -> str:
    """Three figures without powers of ten, such as `-82.5M` and `0.00037`; `sign`: as in format specifications."""
    size, word = next(((size, word) for size, word in SIZES if abs(number) >= 0.9995 * size), (1.0, ""))
    scaled = number / size
    if abs(scaled) >= SMALLEST:
        return f"{scaled:{sign}.3g}{word}"
    return f"{scaled:{sign}.5f}".rstrip("0").rstrip(".") if round(scaled, 5) else "0"


def _axis_of(frame: pl.DataFrame) -> list[float]:
    """Where the axis of all panels begins and ends: around every interval and zero, within FURTHEST."""
    ends = [*frame["relative"], *frame["relative_low"], *frame["relative_high"], 0.0]
    known = [end for end in ends if end is not None]
    low, high = max(min(known), -FURTHEST), min(max(known), FURTHEST)
    margin = 0.05 * (high - low) or 0.01
    return [low - margin, high + margin]


def _forest_panel(own: pl.DataFrame, name: str, a: str, span: list[float]) -> Any:
    """One comparison: dots with whiskers over a line at zero, figures to the right."""
    order = own["metric"].to_list()
    at = pl.col("relative").clip(*span)
    side = pl.when(pl.col("relative") > span[1]).then(pl.lit("triangle-right"))
    shape = side.when(pl.col("relative") < span[0]).then(pl.lit("triangle-left")).otherwise(pl.lit("circle"))
    y = alt.Y("metric:N", sort=order, title=None, axis=alt.Axis(labelLimit=200))
    scale = alt.Scale(domain=span, nice=False)
    axis = alt.Axis(format="+%", labelExpr="datum.value ? datum.label : '0%'", tickCount=5, labelFlush=False)
    base = alt.Chart(own.with_columns(at=at, shape=shape)).encode(y=y, tooltip=["metric", "figures", "pairs"])
    dots = base.mark_point(size=60, color=SERIES[0], strokeWidth=2, opacity=1.0).encode(
        x=alt.X("at:Q", title=f"difference, % of {a}", axis=axis, scale=scale),
        fill=alt.condition("datum.certain", alt.value(SERIES[0]), alt.value("white")),
        shape=alt.Shape("shape:N", scale=None),
    )
    whiskers = base.mark_rule(color=SERIES[0], strokeWidth=2, clip=True).encode(x="relative_low:Q", x2="relative_high")
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="zero:Q")
    height = ROW * len(order)
    left = alt.layer(zero, whiskers, dots).properties(width=WIDTH, height=height, title=name)
    words = base.mark_text(align="left", color=INK, fontSize=11).encode(
        y=alt.Y("metric:N", sort=order, axis=None), x=alt.value(0), text="figures:N"
    )
    return alt.hconcat(left, words.properties(width=NUMBERS, height=height), spacing=4)


def sensitivity_bars(rows: Rows) -> Any:
    """Sensitivity indices as bars with their confidence intervals, the most influential parameter on top.

    `rows`: columns `output` (metric), `parameter` (key path), `kind` (of index, such as `first order`, `total` or
    `mu*`), `value`, `low`, `high` (its interval; null where there is none), all numbers in the index's own unit.
    A panel for each output, one bar for each kind. Raises ColumnMismatch.
    """
    frame = sensitivity_frame(rows)
    kinds = frame["kind"].unique(maintain_order=True).to_list()
    outputs = frame["output"].unique(maintain_order=True).to_list()
    panels = [_bars(frame.filter(pl.col("output") == name), name, kinds) for name in outputs]
    says = ("Bars: the index. Whiskers: its confidence interval.",)
    return styled(alt.concat(*panels, columns=2), "What the answer hangs on", says)


def sensitivity_frame(rows: Rows) -> pl.DataFrame:
    """What `sensitivity_bars` draws: parameters of each output in order of their largest index."""
    frame = checked(rows, INDICES, "sensitivity indices").with_columns(pl.col("value", "low", "high").cast(pl.Float64))
    firsts = {name: at for at, name in enumerate(frame["output"].unique(maintain_order=True))}
    place = pl.col("output").replace_strict(firsts, return_dtype=pl.Int64)
    largest = pl.col("value").abs().max().over("output", "parameter")
    ordered = frame.with_columns(place=place, largest=largest)
    return ordered.sort("place", "largest", "parameter", descending=[False, True, False], maintain_order=True).drop(
        "place", "largest"
    )


def _bars(own: pl.DataFrame, name: str, kinds: list[str]) -> Any:
    """One output."""
    order = own["parameter"].unique(maintain_order=True).to_list()
    y = alt.Y("parameter:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    base = alt.Chart(own).encode(
        y=y,
        yOffset=alt.YOffset("kind:N", sort=kinds),
        tooltip=["parameter", "kind", alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
                 alt.Tooltip("high:Q", format=".3f")],
    )  # fmt: skip
    bars = base.mark_bar().encode(
        x=alt.X("value:Q", title="index"), color=alt.Color("kind:N", title=None, scale=series_scale(kinds))
    )
    whiskers = base.mark_rule(color="black").encode(x="low:Q", x2="high:Q")
    height = max(ROW, 14 * len(kinds)) * len(order)
    return alt.layer(bars, whiskers).properties(width=WIDTH, height=height, title=name)


def hindcast(rows: Rows) -> Any:
    """The past retraced: the model's median and bands, what happened as dots, a naive forecast as crosses.

    `rows`: columns `series` (name with its unit, the panel's title), `period` (a date, or text such as `2023-Q1`,
    `2023-07` or `2023`: its first day), `history`, `median`, `low50`, `high50`, `low90`, `high90` (the model's
    quantiles over replicates) and `naive` (forecast that knows no model), all in the series' unit and null where
    there is none. Raises ColumnMismatch.
    """
    frame = hindcast_frame(rows)
    order = frame["series"].unique(maintain_order=True).to_list()
    layers = alt.layer(*_past_layers(alt.Chart(frame))).properties(width=WIDTH, height=HEIGHT)
    facet = alt.Facet("series:N", sort=order, title=None, header=header())
    panels = layers.facet(facet=facet, columns=3).resolve_scale(y="independent").resolve_axis(x="independent")
    says = ("Line: the model's median; bands hold 50 % and 90 % of replicates. ● what happened. × naive forecast.",)
    return styled(panels, "The past retraced", says)


def hindcast_frame(rows: Rows) -> pl.DataFrame:
    """What `hindcast` draws: the rows, and `day`, on which each period begins."""
    frame = checked(rows, PAST, "a hindcast").with_columns(pl.col(PAST[2:]).cast(pl.Float64))
    days = [_first_day(period) for period in frame["period"]]
    return frame.with_columns(pl.col("period").cast(pl.String), day=pl.Series(days, dtype=pl.Date))


def _past_layers(base: Any) -> list[Any]:
    x = alt.X("day:T", title=None, axis=alt.Axis(format="%Y", tickCount="year"))
    base = base.encode(x=x)
    y = alt.Y("median:Q", title=None, scale=alt.Scale(zero=True))
    hint = [alt.Tooltip("period:N"), *(alt.Tooltip(f"{name}:Q", format=",.3~g") for name in PAST[2:])]
    return [
        base.mark_area(fillOpacity=OUTER, color=SERIES[0]).encode(y="low90:Q", y2="high90:Q"),
        base.mark_area(fillOpacity=INNER, color=SERIES[0]).encode(y="low50:Q", y2="high50:Q"),
        base.mark_line(color=SERIES[0], strokeWidth=2).encode(y=y),
        _marked(base, "naive", shape="cross", color="#777777", size=45, angle=45, filled=True, opacity=1.0),
        _marked(base, "history", shape="circle", color="black", size=45, filled=True, opacity=1.0).encode(tooltip=hint),
    ]


def _marked(base: Any, column: str, **mark: Any) -> Any:
    return base.transform_filter(f"isValid(datum.{column})").mark_point(**mark).encode(y=f"{column}:Q")


def _first_day(period: date | str) -> date:
    """The first day of a period. Raises ColumnMismatch for a text that names none."""
    if isinstance(period, date):
        return period
    match = PERIOD.fullmatch(str(period))
    if match is None:
        raise ColumnMismatch(f"period {period!r}: wanted a date, or text such as 2023-Q1, 2023-07 or 2023")
    year, quarter, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    return date(year, 3 * quarter - 2 if quarter else month or 1, day or 1)


def checked(rows: Rows, wanted: tuple[str, ...], what: str) -> pl.DataFrame:
    """The rows as a frame that has the columns wanted, and rows at all."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(list(rows), infer_schema_length=None)
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking:
        raise ColumnMismatch(f"{what} lack {', '.join(lacking)}: wanted the columns {', '.join(wanted)}")
    return frame


def _span_of(counts: list[int]) -> str:
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    return str(low) if low == high else f"{low} to {high}"
