"""What compute costs: by the useful PFLOP-hour, and by the hour of each of the chips most traded."""

from __future__ import annotations

from typing import Any

import polars as pl

from market_sim.views.charts.bands import overlaid, plain, said, spread, yearly
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import styled

USEFUL = "Useful PFLOP-hour, USD signed"
MOST_CHIPS = 8


def frames(tables: Tables) -> Frames:
    """`prices`: quantiles by scenario, panel and date; `panels`: the panels in order, useful compute first.

    Quotes are those asked for one year, by month; what a useful PFLOP-hour was signed at is a yearly mean.
    """
    table = tables["signals"].select(
        *(plain(name) for name in ("scenario", "signal", "group")), "date", "replicate", "value"
    )
    chips = _most_traded(table)
    asked = table.filter(pl.col("signal") == "quote", pl.col("group").is_in(chips))
    quotes = asked.with_columns(panel=pl.format("{}, USD per chip-hour asked", "group"))
    useful = table.filter(pl.col("signal") == "useful_price", pl.col("group") == "all")
    keys = ("scenario", "panel", "date", "replicate", "value")
    drawn = pl.concat(
        [spread(yearly(useful.with_columns(panel=pl.lit(USEFUL)).select(keys))), spread(quotes.select(keys))]
    )
    known = drawn["panel"].unique()
    panels = [one for one in (USEFUL, *(f"{chip}, USD per chip-hour asked" for chip in chips)) if one in known]
    return {"prices": drawn, "panels": pl.DataFrame({"panel": panels}, schema={"panel": pl.String})}


def _most_traded(table: pl.LazyFrame) -> list[str]:
    """Chips that were signed for in the most months, in order of their launch; the quoted ones if none was."""
    traded = table.filter(pl.col("signal").is_in(["trade", "quote"])).group_by("signal", "group")
    counted = traded.agg(months=pl.len(), first=pl.col("date").min()).collect(engine="streaming")
    held = counted.filter(pl.col("signal") == "trade")
    ranked = (held if held.height else counted).sort("months", "group", descending=[True, False]).head(MOST_CHIPS)
    return ranked.sort("first", "group")["group"].to_list()


def picture(frames: Frames) -> Any:
    """A panel for each price, a line for each run."""
    panels = overlaid(frames["prices"], frames["panels"]["panel"].to_list(), columns=3)
    says = (said(frames["prices"]), "The chips that were signed for in the most months; asked for one year's rent.")
    return styled(panels, "What compute costs", says)


PRICES = ChartKind(
    "prices",
    "price of a useful PFLOP-hour, and of an hour of each chip most traded",
    "A chip's hour grows cheaper as better ones arrive; the useful PFLOP-hour tells what work costs, whatever does it.",
    ("signals",),
    frames,
    picture,
)
