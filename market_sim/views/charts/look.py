"""How charts look: colours that colour-blind readers and grey printers tell apart, sizes, fonts, hints and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import altair as alt
import polars as pl
from polars import selectors

Still = Literal["svg", "png"]
Format = Literal["svg", "png", "html"]
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])  # the version that Altair writes

# Okabe & Ito (2008), in an order in which neighbours differ in lightness too; yellow is too pale for a line.
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [10, 4], [4, 1], [1, 3])
GREY, INK = "#999999", "#333333"
WIDTH, HEIGHT = 280, 170
DOTS_PER_INCH = 144
OUTER, INNER = 0.16, 0.28  # opacity of the band of nine tenths, and of the half within it
OVERLAID = 0.08, 0.24  # the same where bands of several runs lie over one another
CONFIG = alt.Config(
    view=alt.ViewConfig(stroke=None, continuousWidth=WIDTH, continuousHeight=HEIGHT),
    axis=alt.AxisConfig(
        gridColor="#e8e8e8", domainColor="#888888", tickColor="#888888", labelColor=INK, titleFontWeight="normal"
    ),
    title=alt.TitleConfig(anchor="start", frame="group", fontSize=12, fontWeight=600, subtitlePadding=4),
    legend=alt.LegendConfig(labelLimit=240, orient="top", title=None, symbolOpacity=1.0),
    facet=alt.CompositionConfig(spacing=18),
    concat=alt.CompositionConfig(spacing=22),
)


def series_scale(names: Sequence[str]) -> alt.Scale:
    """Colour by name, in the order given; beyond seven the colours come again, with other dashes."""
    return alt.Scale(domain=list(names), range=[SERIES[at % len(SERIES)] for at in range(len(names))])


def dash_scale(names: Sequence[str]) -> alt.Scale:
    """Dashes by name, so that lines are told apart in grey."""
    dashes = [DASHES[(at + at // len(DASHES)) % len(DASHES)] for at in range(len(names))]
    return alt.Scale(domain=list(names), range=dashes)


@dataclass(frozen=True)
class Part:
    """A part of a picture, and the rows it draws by the name of their data set.

    Rows are kept beside the drawing until it is whole: Altair copies all that it holds at every step.
    """

    chart: Any
    data: Mapping[str, pl.DataFrame]

    def titled(self, title: str) -> Part:
        """The same under a title."""
        return Part(self.chart.properties(title=title), self.data)


def source(key: str) -> alt.Chart:
    """A chart of the data set of that name."""
    return alt.Chart(alt.NamedData(name=key))


def together(parts: Sequence[Part], columns: int) -> Part:
    """Parts side by side, so many to a row."""
    chart = alt.concat(*(part.chart for part in parts), columns=columns)
    return Part(chart, {key: rows for part in parts for key, rows in part.data.items()})


def layered(*layers: Any) -> Any:
    """One drawing over another.

    Marks and encodings become plain data: Altair copies all there is at every step, with each of the hundred
    properties that a mark or an axis could have.
    """
    for layer in layers:
        layer.mark = layer.mark if isinstance(layer.mark, str) else layer.mark.to_dict(validate=False)
        channels = layer.encoding.to_dict(validate=False, context={"data": layer.data})
        layer.encoding = alt.FacetedEncoding(**channels)
    return alt.layer(*layers)


def by_run(part: Part, runs: Sequence[str], title: str) -> Part:
    """A panel for each run, in order; where there is but one, the part itself."""
    if len(runs) < 2:
        return part.titled(title)
    facet = alt.Facet("scenario:N", sort=list(runs), title=None, header=header())
    panels = part.chart.facet(facet=facet, columns=min(3, len(runs)), title=title)
    return Part(panels.properties(bounds="flush", spacing={"row": 50, "column": 24}), part.data)  # rows stand in line


def moment(day: date | None) -> str:
    """A day as charts take it: its first moment by the reader's own clock."""
    return f"{day:%Y-%m-%d}T00:00:00" if day else ""


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: days as texts, and nothing for what is not a number."""
    days = [pl.col(name).dt.strftime("%Y-%m-%dT00:00:00") for name, kind in frame.schema.items() if kind == pl.Date]
    return frame.with_columns(*days, selectors.float().fill_nan(None)).to_dicts()


def header() -> alt.Header:
    """The heading of a panel."""
    return alt.Header(labelFontSize=12, labelFontWeight=600, labelAnchor="start", labelLimit=WIDTH, title=None)


def zoom(key: str) -> alt.Parameter:
    """Drag to pan along the dates, shift and wheel to zoom, double-click to go back; `key` is its own in a chart."""
    return alt.selection_interval(name=f"zoom_{key}", bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")


def legend(names: Sequence[str]) -> alt.Legend | None:
    """Lines with their dashes, where there is more than one name to tell apart."""
    return alt.Legend(symbolType="stroke", symbolStrokeWidth=3, symbolSize=350) if len(names) > 1 else None


def axis_of_dates() -> alt.Axis:
    """Years."""
    return alt.Axis(format="%Y", tickCount=5, labelFlush=False)


def finished(part: Part, title: str, says: Sequence[str] = ()) -> Any:
    """The picture with its rows, under a title."""
    chart = styled(part.chart, title, says)
    chart.datasets = {key: _rows(frame) for key, frame in part.data.items()}
    return chart


def gap(title: str, words: str) -> Any:
    """A frame with words where a picture would be."""
    text = source("gap").mark_text(color=INK, fontSize=12, align="left").encode(text="words:N", x=alt.value(0))
    return finished(Part(text.properties(width=WIDTH, height=40), {"gap": pl.DataFrame({"words": [words]})}), title)


def styled(chart: Any, title: str, says: Sequence[str] = ()) -> Any:
    """The chart under a title, and below it in small what is drawn."""
    chart.title = alt.Title(title, subtitle=list(says), fontSize=15, subtitleColor="#555555", offset=10)
    chart.padding = {"left": 6, "right": 12, "top": 6, "bottom": 6}
    chart.config = CONFIG  # set at once: each of Altair's own `configure_` copies the whole chart
    return chart


def save(chart: Any, path: Path, layout: Format, *, dots: int = DOTS_PER_INCH) -> None:
    """Write a chart as SVG, PNG (of so many dots per inch) or a page that opens without a network."""
    if layout == "html":
        path.write_bytes(page(chart))
        return
    from market_sim.views.engine import rendered

    path.write_bytes(rendered(still(chart), VEGA_LITE, dots if layout == "png" else None))


def page(chart: Any) -> bytes:
    """A page that opens without a network."""
    text = StringIO()
    chart.save(text, format="html", inline=True)
    return text.getvalue().encode()


def still(chart: Any) -> str:
    """The specification of a chart as a picture that stands still, in JSON."""
    return json.dumps(without_hover(specification(chart)))


def specification(chart: Any) -> dict[str, Any]:
    """The Vega-Lite specification of a chart made here; its rows are put in as they are, and never copied."""
    rows, chart.datasets = chart.datasets, alt.Undefined
    try:
        spec: dict[str, Any] = chart.to_dict(validate=False)
    finally:
        chart.datasets = rows
    if rows is not alt.Undefined:
        spec["datasets"] = spec.get("datasets", {}) | rows
    return spec


def without_hover(spec: Any) -> Any:
    """A specification less what only answers the mouse: layers, hints, and panning, which clips every panel."""
    if isinstance(spec, list):
        return [without_hover(one) for one in spec if not _answers_the_mouse(one)]
    if isinstance(spec, dict):
        kept = {key: one for key, one in spec.items() if key not in ("params", "tooltip")}
        return {key: one if key == "datasets" else without_hover(one) for key, one in kept.items()}
    return spec


def _answers_the_mouse(layer: Any) -> bool:
    """Whether it is a layer that cannot be seen; a name would make Altair take it for a view of its own."""
    mark = layer.get("mark") if isinstance(layer, dict) else None
    return isinstance(mark, dict) and mark.get("opacity") == 0.0
