"""The leading vendor: who buys its chips, how spread they are, and what it puts behind them."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.results.vocabulary import BUYERS_OF
from market_sim.views.charts.bands import overlaid, plain, said, spread, yearly
from market_sim.views.charts.holdings import BASIS, held_frames, held_rows, stack_says
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import styled

HHI = "HHI of its buyers, 0 to 1"
SIGNALS = {
    "backing_exposure": ("Backing outstanding, bn USD", 1e-9, False),
    "vendor_margin": ("Gross margin on chips shipped, %", 100.0, True),
    "lead_time": ("Lead time, weeks", 52.18, False),
}


def frames(tables: Tables) -> Frames:
    """`series`: quantiles by scenario, panel and date; `stack`, `end`: its buyers; `vendor`: its name."""
    vendor = leading(tables["shares"])
    market = BUYERS_OF.format(vendor=vendor)
    held = tables["concentration"].filter(plain("basis") == BASIS, plain("market") == market)
    hhi = held.select(plain("scenario"), pl.lit(HHI).alias("panel"), "date", "replicate", value="hhi")
    series = pl.concat([spread(hhi), *(spread(_signal(tables["signals"], name, vendor)) for name in SIGNALS)])
    bought = held_frames(tables, {market: f"Who holds the chips of {vendor}"})
    return {"series": series, "vendor": pl.DataFrame({"vendor": [vendor]}), **bought}


def leading(shares: pl.LazyFrame) -> str:
    """The vendor with the largest mean share of useful compute when the runs begin."""
    held = shares.filter(plain("basis") == BASIS, plain("market") == "vendor", pl.col("share").is_not_null())
    first = held.filter(pl.col("date") == pl.col("date").min().over(plain("scenario")))
    mean = first.group_by(plain("entity")).agg(pl.col("share").mean()).collect(engine="streaming")
    return str(mean.sort("share", "entity", descending=[True, False])["entity"].first() or "")


def _signal(table: pl.LazyFrame, signal: str, vendor: str) -> pl.LazyFrame:
    title, scale, by_year = SIGNALS[signal]
    held = table.filter(plain("signal") == signal, plain("group") == vendor)
    value = pl.col("value").cast(pl.Float64) * scale
    rows = held.select(plain("scenario"), pl.lit(title).alias("panel"), "date", "replicate", value=value)
    return yearly(rows) if by_year else rows


def picture(frames: Frames) -> Any:
    """Series above, its buyers below."""
    series = frames["series"]
    titles = [HHI, *(title for title, _, _ in SIGNALS.values())]
    columns = 2 if series["scenario"].n_unique() == 1 else 4
    above = overlaid(series, [one for one in titles if one in set(series["panel"])], columns=columns)
    below = held_rows(frames, frames["stack"]["panel"].unique(maintain_order=True).to_list(), "buyers")
    says = (said(series), *stack_says(frames["end"]))
    return styled(alt.vconcat(above, *below), f"{frames['vendor']['vendor'][0]}: its buyers and its backing", says)


VENDOR = ChartKind(
    "vendor",
    "the leading vendor's buyers, backing, margin and lead time",
    "A vendor that shapes its market has more buyers of like size (a low HHI), and pays in exposure or in margin.",
    ("concentration", "shares", "signals"),
    frames,
    picture,
)
