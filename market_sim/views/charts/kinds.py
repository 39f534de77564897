"""Neoclouds against hyperscalers: what they hold, how fast they build, how full they are, and what they charge."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.bands import (
    Hue,
    Measure,
    banded,
    days_of,
    measured,
    said,
    scenarios_of,
    spread,
    where,
)
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import HEIGHT, WIDTH, Part, by_run, finished, together

KINDS = {"hyperscaler": "#0072B2", "neocloud": "#E69F00"}
SHARE = "Share of useful compute, %"
MEASURES = {
    "time_to_capacity": Measure("Time from order to service, months", 12.0, yearly=True),
    "utilisation": Measure("Chips under contract, % of those in service", 100.0),
    "useful_price": Measure("Price signed, USD per useful PFLOP-hour", yearly=True),
}


def frames(tables: Tables) -> Frames:
    """`kinds`: quantiles by scenario, panel (measure with its unit), group (kind of provider) and date."""
    return {"kinds": pl.concat([_shares(tables["shares"]), measured(tables["signals"], MEASURES, KINDS)])}


def _shares(table: pl.LazyFrame) -> pl.DataFrame:
    held = where(table, basis="stock", market="provider", kind=KINDS)
    keys = ("scenario", "kind", "date")
    summed = spread(held.group_by(*keys, "replicate").agg(value=100.0 * pl.col("share").sum()), keys)
    named = summed.rename({"kind": "group"})
    return named.select("scenario", pl.lit(SHARE).alias("panel"), pl.exclude("scenario"))


def picture(frames: Frames) -> Any:
    """A row for each measure, a panel for each run."""
    frame = frames["kinds"]
    titles = [SHARE, *(measure.title for measure in MEASURES.values())]
    days = days_of(frame)
    rows = [_measure(frame.filter(pl.col("panel") == title), title, at, days) for at, title in enumerate(titles)]
    says = (said(frame), "Times and prices are yearly means. Providers of other kinds are left out.")
    columns = 2 if len(scenarios_of(frame)) == 1 else 1
    return finished(together(rows, columns), "Neoclouds against hyperscalers", says)


def _measure(own: pl.DataFrame, title: str, at: int, days: list[str]) -> Part:
    """One measure; its runs share their axis."""
    runs = scenarios_of(own)
    hue = Hue("group", list(KINDS), alt.Scale(domain=list(KINDS), range=list(KINDS.values())))
    part = banded(own, hue, f"kinds{at}", days)
    return by_run(Part(part.chart.properties(width=WIDTH, height=HEIGHT - 30), part.data), runs, title)


PROVIDER_KINDS = ChartKind(
    "provider_kinds",
    "neoclouds against hyperscalers: share, speed, use, price",
    "Two lines to a panel: if neoclouds last, theirs keeps a share, by building faster or by charging less.",
    ("shares", "signals"),
    frames,
    picture,
)
