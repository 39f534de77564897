"""Chips by lab: how well each suits, and what each lab signed for."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.bands import plain, scenarios_of, spread, texts, where
from market_sim.views.charts.holdings import last_days
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import INK, Part, finished, layered, source, together

MOST_CHIPS = 14
HOURS = 8766.0  # of a year
CELL_WIDTH, CELL_HEIGHT = 38, 24
PLACE = ("scenario", "lab", "chip")


def frames(tables: Tables) -> Frames:
    """By scenario, lab and chip, over replicates: `fit` quantiles of MFU (%) when it was last taken, and the
    median `pflops` of a chip; `bought` quantiles and `mean` of a chip's part (%) in what the lab signed for over the
    run, in USD over the whole term, contracts under way at the start left out. `chips`, `labs`: their names in order.

    The chips that the most was signed for are kept.
    """
    spent = _spent(tables["contracts"])
    total = spent.group_by("chip").agg(pl.col("usd").sum())
    chips = total.sort("usd", "chip", descending=[True, False])["chip"].head(MOST_CHIPS).to_list()
    bought = _bought(spent, chips)
    fit = _fit(tables["fit"], chips)
    return {
        "fit": fit,
        "bought": bought,
        "chips": _in_order(tables, "chip", chips),
        "labs": _in_order(tables, "lab", None),
    }


def _spent(contracts: pl.LazyFrame) -> pl.DataFrame:
    """USD signed for by scenario, lab, chip and replicate."""
    worth = pl.col("chips") * pl.col("usd_per_chip_hour") * pl.col("term_years") * HOURS
    signed = contracts.filter(plain("lot") != "opening")
    return texts(signed.group_by(*PLACE, "replicate").agg(usd=worth.sum()).collect(engine="streaming"))


def _bought(spent: pl.DataFrame, chips: list[str]) -> pl.DataFrame:
    """Parts of what each lab signed for; a replicate in which it signed for other chips alone counts as 0."""
    held = spent.with_columns(value=100.0 * pl.col("usd") / pl.col("usd").sum().over("scenario", "lab", "replicate"))
    parts = held.select(*PLACE, "replicate", "value")
    kept = parts.filter(pl.col("chip").is_in(chips))
    draws = parts.select("scenario", "lab", "replicate").unique()
    grid = kept.select(PLACE).unique().join(draws, on=["scenario", "lab"])
    filled = grid.join(kept, on=[*PLACE, "replicate"], how="left").with_columns(pl.col("value").fill_null(0.0))
    mean = filled.group_by(PLACE).agg(mean=pl.col("value").mean())
    return spread(filled.lazy(), PLACE).join(mean, on=PLACE).sort(PLACE)


def _fit(table: pl.LazyFrame, chips: list[str]) -> pl.DataFrame:
    days = last_days(table.select("scenario", "date").unique().collect(engine="streaming"))
    last = where(table, chip=chips).join(days.lazy(), on=["scenario", "date"])
    median = last.group_by(PLACE).agg(pflops=pl.col("pflops_per_chip").median())
    throughput = texts(median.collect(engine="streaming"))
    mfu = spread(last.with_columns(value=100.0 * pl.col("mfu")), (*PLACE, "date"))
    return mfu.join(throughput, on=PLACE).with_columns(mean=pl.col("median"))


def _in_order(tables: Tables, name: str, kept: list[str] | None) -> pl.DataFrame:
    """Names in the order of the catalogue."""
    found = tables["fit"].select(pl.col(name)).unique().sort(name).collect(engine="streaming")
    names = found[name].cast(pl.String).to_list()
    return pl.DataFrame({name: [one for one in names if kept is None or one in kept]}, schema={name: pl.String})


def picture(frames: Frames) -> Any:
    """For each run two maps side by side."""
    runs = scenarios_of(frames["fit"], frames["bought"])
    labs, chips = frames["labs"]["lab"].to_list(), frames["chips"]["chip"].to_list()
    maps = [
        _map(frames[name].filter(pl.col("scenario") == run), f"{name}{at}", labs, chips).titled(f"{title}, {run}")
        for at, run in enumerate(runs)
        for name, title in (("fit", "MFU at the end, %"), ("bought", "Part of what the lab signed for, %"))
    ]
    says = ["Dark: suits better, or bought more. The chips that most was spent on. Empty: cannot run, or not bought."]
    if any(_most(frames[name], "replicates") > 1.0 for name in ("fit", "bought")):
        says.append("Above: median fit, or mean part. Below: where 90 % of replicates lie.")
    both = together(maps, 2)
    return finished(Part(both.chart.resolve_scale(color="independent"), both.data), "Chips by lab", says)


def _map(own: pl.DataFrame, key: str, labs: list[str], chips: list[str]) -> Part:
    """One heat map with its figures."""
    many = _most(own, "replicates") > 1.0
    span = pl.format("{}–{}", pl.col("low90").round().cast(pl.Int32), pl.col("high90").round().cast(pl.Int32))
    most = _most(own, "mean")
    shown = own.with_columns(span=span, figure=pl.col("mean").round().cast(pl.Int32).cast(pl.String))
    seen = shown.filter((pl.col("mean") >= 0.5) | (pl.col("high90") >= 1.0))
    base = source(key).encode(
        x=alt.X(
            "chip:N",
            sort=chips,
            scale=alt.Scale(domain=chips),
            title=None,
            axis=alt.Axis(labelAngle=-50, orient="bottom"),
        ),
        y=alt.Y("lab:N", sort=labs, scale=alt.Scale(domain=labs), title=None, axis=alt.Axis(labelLimit=150)),
        tooltip=[
            alt.Tooltip("lab:N"),
            alt.Tooltip("chip:N"),
            *(alt.Tooltip(f"{name}:Q", format=".1f") for name in ("mean", "low90", "high90")),
        ],
    )
    fill = alt.Color("mean:Q", title=None, scale=alt.Scale(scheme="blues", domain=[0.0, most]), legend=None)
    ink = alt.condition(alt.datum.mean > 0.6 * most, alt.value("white"), alt.value(INK))
    upper = base.mark_text(fontSize=10, dy=-5 if many else 0).encode(text=alt.Text("figure:N"), color=ink)
    lower = [base.mark_text(fontSize=8, dy=6).encode(text=alt.Text("span:N"), color=ink)] if many else []
    layers = layered(base.mark_rect().encode(color=fill), upper, *lower)
    sized = layers.properties(width=CELL_WIDTH * len(chips), height=CELL_HEIGHT * len(labs))
    return Part(sized, {key: seen})


def _most(frame: pl.DataFrame, column: str) -> float:
    """The largest value; 1 where there is none."""
    return max(frame[column].cast(pl.Float64).to_list(), default=1.0)


CHIPS = ChartKind(
    "chips",
    "how well each chip suits each lab, and what each lab signed for",
    "Read along a row: where the two maps darken in the same places, labs buy what suits them.",
    ("fit", "contracts"),
    frames,
    picture,
    apart=True,
)
