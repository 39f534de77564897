"""The moat: what CUDA is worth, how far models write kernels, and how firmly labs sit on their platforms."""

from __future__ import annotations

from typing import Any

import polars as pl

from market_sim.views.charts.bands import Measure, measured, overlaid, said, texts, where
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import finished

MEASURES = {
    "cuda_premium": Measure("CUDA premium, % of spending", 100.0),
    "lock_in": Measure("Lock-in, log of advantage per USD"),
    "divergence": Measure("Divergence of architectures, log"),
    "segregation": Measure("Labs apart by platform, 0 to 1"),
}
MOST_STACKS = 3
AUTOMATION = "Automation, {}: % of kernel work"


def frames(tables: Tables) -> Frames:
    """`software`: quantiles by scenario, panel and date; `panels`: the panels in order."""
    table = tables["signals"]
    stacks = _ahead(table)
    written = measured(table, {"automation": Measure(AUTOMATION, 100.0)}, stacks)
    named = written.with_columns(panel=pl.format(AUTOMATION, "group"))
    drawn = pl.concat([measured(table, MEASURES, "all"), named]).drop("group")
    known = set(drawn["panel"])
    titles = [*(measure.title for measure in MEASURES.values()), *map(AUTOMATION.format, stacks)]
    panels = [one for one in titles if one in known]
    return {"software": drawn, "panels": pl.DataFrame({"panel": panels}, schema={"panel": pl.String})}


def _ahead(table: pl.LazyFrame) -> list[str]:
    """The stacks on which models write most of the kernels when the first run begins."""
    mean = where(table, signal="automation").group_by("group", "date").agg(pl.col("value").mean())
    found = texts(mean.collect(engine="streaming"))
    first = found.filter(pl.col("date") == pl.col("date").min())
    return first.sort("value", "group", descending=[True, False])["group"].head(MOST_STACKS).to_list()


def picture(frames: Frames) -> Any:
    """A panel for each measure, a line for each run."""
    panels = overlaid(frames["software"], frames["panels"]["panel"].to_list(), columns=4)
    says = (said(frames["software"]), "Lock-in above 0: having adapted to its chips ties a lab to their platform.")
    return finished(panels, "The software moat", says)


SOFTWARE = ChartKind(
    "software",
    "CUDA premium, lock-in, and how much kernel work models do",
    "If the moat erodes, the premium falls as automation on other stacks catches up; lock-in is what still holds.",
    ("signals",),
    frames,
    picture,
)
