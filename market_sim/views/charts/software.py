"""The moat: what CUDA is worth, how far models write kernels, and how firmly labs sit on their platforms."""

from __future__ import annotations

from typing import Any

import polars as pl

from market_sim.views.charts.bands import overlaid, plain, said, spread
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import styled

MEASURES = {
    "cuda_premium": ("CUDA premium, % of spending", 100.0),
    "lock_in": ("Lock-in, log of advantage per USD", 1.0),
    "divergence": ("Divergence of architectures, log", 1.0),
    "segregation": ("Labs apart by platform, 0 to 1", 1.0),
}
MOST_STACKS = 5
AUTOMATION = "Automation, {}: % of kernel work"


def frames(tables: Tables) -> Frames:
    """`software`: quantiles by scenario, panel and date; `panels`: the panels in order."""
    table = tables["signals"].select(
        *(plain(name) for name in ("scenario", "signal", "group")), "date", "replicate", "value"
    )
    written = table.filter(pl.col("signal") == "automation")
    stacks = _ahead(written)
    parts = [_measured(table, name) for name in MEASURES]
    kept = written.filter(pl.col("group").is_in(stacks))
    parts.append(kept.with_columns(panel=pl.format(AUTOMATION, "group"), value=100.0 * pl.col("value")))
    drawn = pl.concat([spread(one) for one in parts])
    known = set(drawn["panel"])
    titles = [*(title for title, _ in MEASURES.values()), *(AUTOMATION.format(stack) for stack in stacks)]
    panels = [one for one in titles if one in known]
    return {"software": drawn, "panels": pl.DataFrame({"panel": panels}, schema={"panel": pl.String})}


def _measured(table: pl.LazyFrame, signal: str) -> pl.LazyFrame:
    title, scale = MEASURES[signal]
    held = table.filter(pl.col("signal") == signal, pl.col("group") == "all")
    return held.with_columns(panel=pl.lit(title), value=scale * pl.col("value"))


def _ahead(written: pl.LazyFrame) -> list[str]:
    """The stacks on which models write most of the kernels when the run begins."""
    first = written.filter(pl.col("date") == pl.col("date").min())
    mean = first.group_by("group").agg(pl.col("value").mean()).collect(engine="streaming")
    return mean.sort("value", "group", descending=[True, False])["group"].head(MOST_STACKS).to_list()


def picture(frames: Frames) -> Any:
    """A panel for each measure, a line for each run."""
    panels = overlaid(frames["software"], frames["panels"]["panel"].to_list(), columns=3)
    says = (said(frames["software"]), "Lock-in above 0: having adapted to its chips ties a lab to their platform.")
    return styled(panels, "The software moat", says)


SOFTWARE = ChartKind(
    "software",
    "CUDA premium, lock-in, and how much kernel work models do",
    "If the moat erodes, the premium falls as automation on other stacks catches up; lock-in is what still holds.",
    ("signals",),
    frames,
    picture,
)
