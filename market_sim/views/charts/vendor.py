"""The leading vendor: who buys its chips, how spread they are, and what it puts behind them."""

from __future__ import annotations

from typing import Any

import polars as pl

from market_sim.results.vocabulary import BUYERS_OF
from market_sim.views.charts.bands import Measure, measured, overlaid, said, texts, where
from market_sim.views.charts.holdings import BASIS, held_frames, held_rows, hhi_of, stack_says
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import finished, together

HHI = "HHI of its buyers, 0 to 1"
MEASURES = {
    "backing_exposure": Measure("Backing outstanding, bn USD", 1e-9),
    "vendor_margin": Measure("Gross margin on chips shipped, %", 100.0, yearly=True),
    "lead_time": Measure("Lead time, weeks", 52.18),
}


def frames(tables: Tables) -> Frames:
    """`series`: quantiles by scenario, panel and date; `stack`, `end`: its buyers; `vendor`: its name."""
    vendor = leading(tables["shares"])
    market = BUYERS_OF.format(vendor=vendor)
    hhi = hhi_of(tables["concentration"], {market: HHI})
    signals = measured(tables["signals"], MEASURES, vendor).select(hhi.columns)
    bought = held_frames(tables, {market: f"Who holds the chips of {vendor}"})
    return {"series": pl.concat([hhi, signals]), "vendor": pl.DataFrame({"vendor": [vendor]}), **bought}


def leading(shares: pl.LazyFrame) -> str:
    """The vendor with the largest mean share of useful compute when the runs begin."""
    held = where(shares, basis=BASIS, market="vendor").group_by("scenario", "date", "entity")
    mean = texts(held.agg(pl.col("share").mean()).collect(engine="streaming")).drop_nulls("share")
    first = mean.filter(pl.col("date") == pl.col("date").min().over("scenario"))
    ranked = first.group_by("entity").agg(pl.col("share").mean()).sort("share", "entity", descending=[True, False])
    return str(ranked["entity"].first() or "")


def picture(frames: Frames) -> Any:
    """Series above, its buyers below."""
    series = frames["series"]
    titles = [HHI, *(measure.title for measure in MEASURES.values())]
    columns = 2 if series["scenario"].n_unique() == 1 else 4
    above = overlaid(series, [one for one in titles if one in set(series["panel"])], columns=columns)
    below = held_rows(frames, frames["stack"]["panel"].unique(maintain_order=True).to_list(), "buyers")
    says = (said(series), *stack_says(frames["stack"], frames["end"]))
    return finished(together([above, *below], 1), f"{frames['vendor']['vendor'][0]}: its buyers and its backing", says)


VENDOR = ChartKind(
    "vendor",
    "the leading vendor's buyers, backing, margin and lead time",
    "A vendor that shapes its market has more buyers of like size (a low HHI), and pays in exposure or in margin.",
    ("concentration", "shares", "signals"),
    frames,
    picture,
)
