"""Every chart, drawn once from the tables of runs: who holds what, how concentrated it is, and by what kind.

A chart takes the tables of one or of many run folders, and shows the median over replicates; with several
replicates a band holds nine tenths of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from market_sim.views.labels import labelled

Tables = Mapping[str, pl.LazyFrame]

MARKETS = {
    "vendor": "Chip vendors",
    "provider": "Cloud providers",
    "lab": "Model labs and other users",
    "platform": "Software platforms",
}
KINDS = {"hyperscaler": "#0072B2", "neocloud": "#E69F00", "others": "#999999"}
# Okabe and Ito's eight colours, told apart by colour-blind readers too; the rest of a market is grey.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
MORE_COLOURS = (
    "#332288", "#AA4499", "#999933", "#882255", "#117733", "#88CCEE", "#CC6677", "#44AA99", "#DDCC77", "#661100",
    "#6699CC", "#AA4466", "#4477AA", "#228833", "#BBCC33", "#EE8866", "#FFAABB",
)  # fmt: skip
NAMED = 7  # firms of a market that are named
OTHERS = "all others"
BASIS = "stock"
WIDTH, HEIGHT = 300, 190


@dataclass(frozen=True)
class ChartKind:
    """A chart by name: what it shows, the tables it needs, and what draws it."""

    name: str
    shows: str
    needs: tuple[str, ...]
    draw: Callable[[Tables], Any]


def concentration(tables: Tables) -> Any:
    """HHI of each market by date; one line for a run."""
    held = labelled(tables)["concentration"].filter(_is("basis", BASIS), _plain("market").is_in(list(MARKETS)))
    frame = _spread(held.with_columns(market=_titled()), "hhi", "market").collect()
    panels = _banded(frame, "HHI (0 to 1)", alt.Scale(domain=[0.0, 1.0]))
    return _styled(panels, "Concentration of useful compute in service")


def shares(tables: Tables) -> Any:
    """Shares of useful compute in service by firm, stacked; of a market the seven that were ever largest are named.

    A firm has one colour in all markets and runs.
    """
    held = labelled(tables)["shares"].filter(_is("basis", BASIS), _plain("market").is_in(list(MARKETS)))
    frame = _mean_shares(held).collect().sort("scenario", "market", "entity", "date")
    named = {market: _largest(frame.filter(pl.col("market") == market)) for market in MARKETS}
    colours = firm_colours(list(named.values()))
    scenarios = frame["scenario"].unique().sort().to_list()
    stacks = [
        _stack(frame.filter(pl.col("scenario") == name, pl.col("market") == market), named[market], colours).properties(
            title=f"{MARKETS[market]}, {name}"
        )
        for name in scenarios
        for market in MARKETS
    ]
    chart = alt.concat(*stacks, columns=2, spacing=30).resolve_scale(color="independent")
    return _styled(chart, "Shares of useful compute in service")


def provider_kinds(tables: Tables) -> Any:
    """What hyperscalers and neoclouds hold, how long each takes to bring capacity in, and what it costs."""
    tables = labelled(tables)
    signals = tables["signals"].with_columns(group=_plain("group"), signal=_plain("signal"))
    panels = [_kind_shares(tables["shares"])]
    for signal, title, scale in (
        ("time_to_capacity", "Months from order to service", 12.0),
        ("useful_price", "USD per useful PFLOP-hour", 1.0),
    ):
        held = signals.filter(pl.col("signal") == signal, pl.col("group").is_in(list(KINDS)))
        frame = _yearly(held.with_columns(pl.col("value") * scale)).collect()
        panels.append(_kind_lines(frame, title, alt.Scale(zero=True)))
    return _styled(alt.hconcat(*panels, spacing=24), "Hyperscalers and neoclouds")


CHARTS = {
    kind.name: kind
    for kind in (
        ChartKind("concentration", "HHI of each market over time", ("concentration",), concentration),
        ChartKind("shares", "who holds the useful compute, by market", ("shares",), shares),
        ChartKind(
            "provider_kinds",
            "hyperscalers against neoclouds: share, speed, price",
            ("shares", "signals"),
            provider_kinds,
        ),
    )
}


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _is(column: str, value: str) -> pl.Expr:
    return _plain(column) == value


def _titled() -> pl.Expr:
    return _plain("market").replace(MARKETS)


def _spread(frame: pl.LazyFrame, value: str, panel: str) -> pl.LazyFrame:
    """Median and the band of nine tenths over replicates, by scenario, panel and date."""
    keys = (_plain("scenario"), _plain(panel), pl.col("date"))
    quantiles = {"median": 0.5, "low": 0.05, "high": 0.95}
    spread = {name: pl.col(value).quantile(at, "linear") for name, at in quantiles.items()}
    return frame.group_by(*keys).agg(**spread).sort("scenario", panel, "date")


def _yearly(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Means by calendar year, scenario and group: events are few in any one month."""
    year = pl.col("date").dt.truncate("1y").alias("date")
    known = frame.filter(pl.col("value").is_not_null())
    return known.group_by(_plain("scenario"), "group", year).agg(pl.col("value").mean()).sort("group", "date")


def _banded(frame: pl.DataFrame, title: str, scale: Any) -> Any:
    """A panel for each market, with a line and a band for each run, or a point where it has but one date."""
    x = alt.X("date:T", title=None)
    legend = alt.Legend(symbolOpacity=1.0)
    colour = alt.Color("scenario:N", title=None, scale=alt.Scale(range=list(COLOURS)), legend=legend)
    lone = pl.len().over("scenario", "market") == 1
    base = alt.Chart(frame.with_columns(lone=lone)).encode(x=x, color=colour)
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("median:Q", title=title, scale=scale))
    point = base.transform_filter("datum.lone").mark_point(filled=True, size=50).encode(y="median:Q")
    layers = alt.layer(band, line, point).properties(width=WIDTH, height=HEIGHT)
    header = alt.Header(labelFontSize=13, labelFontWeight=600, labelAnchor="start")
    facet = alt.Facet("market:N", title=None, sort=list(MARKETS.values()), header=header)
    return layers.facet(facet=facet, columns=2)


def _mean_shares(held: pl.LazyFrame) -> pl.LazyFrame:
    """Mean share over the replicates of a run; a firm that a replicate does not name holds nothing in it."""
    place = (_plain("scenario"), _plain("market"), pl.col("date"))
    known = held.filter(pl.col("share").is_not_null())
    draws = known.group_by(*place).agg(draws=pl.col("replicate").n_unique())
    summed = known.group_by(*place, _plain("entity")).agg(pl.col("share").sum())
    mean = summed.join(draws, on=["scenario", "market", "date"])
    return mean.with_columns(share=pl.col("share") / pl.col("draws")).drop("draws")


def _largest(own: pl.DataFrame) -> list[str]:
    """The firms of a market with the largest shares that any date of any run knows, the largest first."""
    size = own.group_by("entity").agg(pl.col("share").max()).sort("share", "entity", descending=[True, False])
    return size["entity"].head(NAMED).to_list()


def firm_colours(panels: list[list[str]]) -> dict[str, str]:
    """Firm -> its colour: one for each firm, and never one for two firms of a panel while there are enough."""
    colours: dict[str, str] = {}
    palette = (*COLOURS, *MORE_COLOURS)
    for name in dict.fromkeys(name for names in panels for name in names):
        near = {colours.get(mate) for names in panels if name in names for mate in names}
        used = list(colours.values())
        colours[name] = min(palette, key=lambda colour: (colour in near, used.count(colour)))
    return colours


def _stack(own: pl.DataFrame, named: list[str], colours: Mapping[str, str]) -> Any:
    """One market's shares in one run as a stack, the largest at the bottom; the legend in the stack's order."""
    kept = pl.when(pl.col("entity").is_in(named)).then(pl.col("entity")).otherwise(pl.lit(OTHERS))
    data = own.group_by(kept.alias("entity"), "date").agg(pl.col("share").sum()).sort("entity", "date")
    order = {name: at for at, name in enumerate([*named, OTHERS])}
    data = data.with_columns(place=pl.col("entity").replace_strict(order, return_dtype=pl.Int64))
    shown = [name for name in reversed(order) if name in set(data["entity"])]
    scale = alt.Scale(domain=shown, range=[colours.get(name, KINDS["others"]) for name in shown])
    chart = alt.Chart(data)
    marked = chart.mark_bar() if data["date"].n_unique() == 1 else chart.mark_area()
    return marked.encode(
        x=alt.X("date:T", title=None),
        y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0.0, 1.0])),
        color=alt.Color("entity:N", title=None, scale=scale),
        order="place:Q",
    ).properties(width=WIDTH, height=HEIGHT)


def _kind_shares(shares_table: pl.LazyFrame) -> Any:
    """Share of useful compute by kind of provider."""
    held = shares_table.filter(_is("basis", BASIS), _is("market", "provider"))
    by_kind = held.group_by(_plain("scenario"), "replicate", "date", _plain("kind").alias("group")).agg(
        pl.col("share").sum()
    )
    mean = by_kind.group_by("scenario", "date", "group").agg(value=pl.col("share").mean())
    frame = mean.sort("group", "date").collect()
    return _kind_lines(frame, "Share of useful compute in service", alt.Scale(domain=[0.0, 1.0]))


def _kind_lines(frame: pl.DataFrame, title: str, scale: Any) -> Any:
    """A line for each kind of provider, a point where there is but one date; runs differ by dash."""
    base = alt.Chart(frame).encode(
        x=alt.X("date:T", title=None),
        y=alt.Y("value:Q", title=None, scale=scale),
        color=alt.Color("group:N", title=None, scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values()))),
    )
    lines = base.mark_line(strokeWidth=2).encode(strokeDash=alt.StrokeDash("scenario:N", title=None))
    lone = frame.filter(pl.len().over("scenario", "group") == 1)
    layers = [lines, base.mark_point(filled=True, size=50).properties(data=lone)] if lone.height else [lines]
    return alt.layer(*layers, title=title).properties(width=WIDTH, height=HEIGHT)


def _styled(chart: Any, title: str) -> Any:
    """The look that all charts share."""
    return (
        chart.properties(title=alt.Title(title, fontSize=16, offset=12))
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e5e5e5", domainColor="#888888", tickColor="#888888", labelColor="#333333")
        .configure_title(anchor="start", fontSize=13, fontWeight=600)
        .configure_legend(labelLimit=220)
    )
