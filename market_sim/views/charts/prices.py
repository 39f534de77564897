"""What compute costs: by the useful PFLOP-hour, and by the hour of each of the chips most traded."""

from __future__ import annotations

from typing import Any

import polars as pl

from market_sim.views.charts.bands import Measure, measured, overlaid, said, texts, where
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import finished

USEFUL = "Useful PFLOP-hour, USD signed"
ASKED = "{}, USD per chip-hour asked"
MOST_CHIPS = 8


def frames(tables: Tables) -> Frames:
    """`prices`: quantiles by scenario, panel and date; `panels`: the panels in order, useful compute first.

    Quotes are those asked for one year, at every date recorded; for the useful PFLOP-hour, yearly means of what was
    signed.
    """
    table = tables["signals"]
    chips = _most_traded(table)
    useful = measured(table, {"useful_price": Measure(USEFUL, yearly=True)}, "all")
    quotes = measured(table, {"quote": Measure(ASKED)}, chips)
    named = quotes.with_columns(panel=pl.format(ASKED, "group"))
    drawn = pl.concat([useful, named]).drop("group")
    known = set(drawn["panel"])
    panels = [one for one in (USEFUL, *map(ASKED.format, chips)) if one in known]
    return {"prices": drawn, "panels": pl.DataFrame({"panel": panels}, schema={"panel": pl.String})}


def _most_traded(table: pl.LazyFrame) -> list[str]:
    """Chips that were signed for at the most dates recorded, in order of their first; the quoted ones if none was."""
    for signal in ("trade", "quote"):
        counted = where(table, signal=signal).group_by("group").agg(months=pl.len(), first=pl.col("date").min())
        found = texts(counted.collect(engine="streaming"))
        if found.height:
            break
    ranked = found.sort("months", "group", descending=[True, False]).head(MOST_CHIPS)
    return ranked.sort("first", "group")["group"].to_list()


def picture(frames: Frames) -> Any:
    """A panel for each price, a line for each run."""
    panels = overlaid(frames["prices"], frames["panels"]["panel"].to_list(), columns=3)
    says = (said(frames["prices"]), "The chips most often signed for; asked for one year's rent.")
    return finished(panels, "What compute costs", says)


PRICES = ChartKind(
    "prices",
    "price of a useful PFLOP-hour, and of an hour of each chip most traded",
    "A chip's hour grows cheaper as better ones arrive; the useful PFLOP-hour tells what work costs, whatever does it.",
    ("signals",),
    frames,
    picture,
)
