"""Neoclouds against hyperscalers: what they hold, how fast they build, how full they are, and what they charge."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.bands import Hue, banded, days_of, plain, said, scenarios_of, spread, yearly
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import HEIGHT, WIDTH, by_run, styled

KINDS = {"hyperscaler": "#0072B2", "neocloud": "#E69F00"}
SHARE = "Share of useful compute, %"
# signal -> title, scale, and whether years are drawn, since in any one month there is little to measure
SIGNALS = {
    "time_to_capacity": ("Time from order to service, months", 12.0, True),
    "utilisation": ("Chips under contract, % of those in service", 100.0, False),
    "useful_price": ("Price signed, USD per useful PFLOP-hour", 1.0, True),
}


def frames(tables: Tables) -> Frames:
    """`kinds`: quantiles by scenario, panel (measure with its unit), group (kind of provider) and date."""
    rows = [_shares(tables["shares"]), *(_signal(tables["signals"], name) for name in SIGNALS)]
    by = ("scenario", "panel", "group", "date")
    return {"kinds": pl.concat([spread(one, by) for one in rows])}


def _shares(table: pl.LazyFrame) -> pl.LazyFrame:
    held = table.filter(plain("basis") == "stock", plain("market") == "provider", plain("kind").is_in(list(KINDS)))
    keys = (plain("scenario"), pl.lit(SHARE).alias("panel"), plain("kind").alias("group"), "date", "replicate")
    return held.group_by(*keys).agg(value=100.0 * pl.col("share").sum())


def _signal(table: pl.LazyFrame, signal: str) -> pl.LazyFrame:
    title, scale, by_year = SIGNALS[signal]
    held = table.filter(plain("signal") == signal, plain("group").is_in(list(KINDS)))
    rows = held.select(
        plain("scenario"),
        pl.lit(title).alias("panel"),
        plain("group"),
        "date",
        "replicate",
        value=pl.col("value") * scale,
    )
    return yearly(rows) if by_year else rows


def picture(frames: Frames) -> Any:
    """A row for each measure, a panel for each run."""
    frame = frames["kinds"]
    titles = [SHARE, *(title for title, _, _ in SIGNALS.values())]
    days = days_of(frame)
    rows = [_measure(frame.filter(pl.col("panel") == title), title, at, days) for at, title in enumerate(titles)]
    says = (said(frame), "Times and prices are yearly means. Providers of other kinds are left out.")
    columns = 2 if len(scenarios_of(frame)) == 1 else 1
    return styled(alt.concat(*rows, columns=columns), "Neoclouds against hyperscalers", says)


def _measure(own: pl.DataFrame, title: str, at: int, days: list[str]) -> Any:
    """One measure; its runs share their axis."""
    runs = scenarios_of(own)
    hue = Hue("group", list(KINDS), alt.Scale(domain=list(KINDS), range=list(KINDS.values())))
    layers = banded(own, hue, f"kinds{at}", days).properties(width=WIDTH, height=HEIGHT - 30)
    return by_run(layers, runs, title)


PROVIDER_KINDS = ChartKind(
    "provider_kinds",
    "neoclouds against hyperscalers: share, speed, use, price",
    "Two lines to a panel: if neoclouds last, theirs keeps a share, by building faster or by charging less.",
    ("shares", "signals"),
    frames,
    picture,
)
