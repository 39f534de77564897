"""From a market to one firm of it: who holds what at the end, a firm's share over time, and its contracts."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.results.read import Runs
from market_sim.views.charts.look import SERIES, WIDTH, header, styled
from market_sim.views.labels import labelled

MARKETS = {"vendor": "Chip vendors", "provider": "Cloud providers", "lab": "Model labs"}
SHOWN = 8  # firms of each market
ROW = 15  # pixels for a bar
TAPE = (
    "lab", "provider", "chip", "chips", "usd_per_chip_hour", "term_years", "signed", "promised", "started", "ends",
    "status",
)  # fmt: skip


def holders(runs: Runs) -> pl.DataFrame:
    """Mean share of useful compute at the last date, by variant: columns scenario, market, entity, share."""
    held = _shares(runs).filter(pl.col("date") == pl.col("date").max())
    draws = held.group_by("scenario").agg(draws=pl.col("replicate").n_unique())
    summed = held.group_by("scenario", "market", "entity").agg(pl.col("share").sum())
    frame = summed.join(draws, on="scenario").with_columns(share=pl.col("share") / pl.col("draws")).drop("draws")
    largest = frame.group_by("market", "entity").agg(size=pl.col("share").max())
    kept = largest.with_columns(rank=pl.col("size").rank("ordinal", descending=True).over("market"))
    named = kept.filter(pl.col("rank") <= SHOWN).select("market", "entity")
    return frame.join(named, on=["market", "entity"]).sort("market", "entity", "scenario").collect()


def holders_chart(runs: Runs) -> Any:
    """Bars of who holds what at the end; a click on one names the firm."""
    frame = holders(runs).with_columns(pl.col("market").replace_strict(MARKETS))
    variants = frame["scenario"].unique().sort().to_list()
    bars = (
        alt.Chart(frame)
        .mark_bar(cursor="pointer")
        .encode(
            x=alt.X("share:Q", title="share of useful compute at the end", axis=alt.Axis(format="%")),
            y=alt.Y("entity:N", title=None, sort="-x"),
            yOffset=alt.YOffset("scenario:N", sort=variants),
            color=alt.Color("scenario:N", scale=alt.Scale(domain=variants, range=list(SERIES[: len(variants)]))),
            tooltip=["entity", "scenario", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=WIDTH, height=alt.Step(ROW))
    )
    panels = bars.facet(facet=alt.Facet("market:N", title=None, header=header()), columns=3)
    return styled(panels.resolve_scale(y="independent", x="independent"), "Who holds what", ("Click a firm for more.",))


def firms(runs: Runs) -> list[str]:
    """Every firm that holds anything, by name."""
    return _shares(runs).select("entity").unique().sort("entity").collect()["entity"].to_list()


def firm_frame(runs: Runs, firm: str) -> pl.DataFrame:
    """Median and nine tenths of a firm's share over replicates: columns scenario, market, date, median, low, high."""
    share = pl.col("share")
    spread = {"median": share.median(), "low": share.quantile(0.05), "high": share.quantile(0.95)}
    held = _shares(runs).filter(pl.col("entity") == firm)
    return held.group_by("scenario", "market", "date").agg(**spread).sort("market", "scenario", "date").collect()


def firm_chart(runs: Runs, firm: str) -> Any:
    """A firm's share of each market it is in, by variant."""
    frame = firm_frame(runs, firm).with_columns(pl.col("market").replace_strict(MARKETS))
    variants = frame["scenario"].unique().sort().to_list()
    colour = alt.Color("scenario:N", scale=alt.Scale(domain=variants, range=list(SERIES[: len(variants)])))
    base = alt.Chart(frame).encode(x=alt.X("date:T", title=None), color=colour)
    share = alt.Axis(format="%", title="share of useful compute")
    band = base.mark_area(opacity=0.2).encode(y=alt.Y("low:Q", axis=share), y2="high:Q")
    line = base.mark_line(strokeWidth=2, point=False).encode(y=alt.Y("median:Q", axis=share))
    panels = alt.layer(band, line).properties(width=WIDTH, height=170).facet(facet=alt.Facet("market:N", title=None))
    return styled(panels, firm, ("Median and nine tenths of the replicates.",))


def contracts(runs: Runs, firm: str) -> pl.DataFrame:
    """The contracts that a firm rents, lets or made the chips for, in replicate 0 of the last variant.

    The largest spending first.
    """
    last = list(runs.manifests)[-1]
    made = [name for name, chip in runs.manifests[last].info.resolved["chip"].items() if chip["vendor"] == firm]
    tape = runs["contracts"].filter(pl.col("run").cast(pl.String) == last, pl.col("replicate") == 0)
    named = tape.with_columns(pl.col(pl.Enum).cast(pl.String))
    own = named.filter((pl.col("lab") == firm) | (pl.col("provider") == firm) | pl.col("chip").is_in(made))
    return own.sort(pl.col("chips") * pl.col("usd_per_chip_hour"), descending=True).select(TAPE).collect()


def _shares(runs: Runs) -> pl.LazyFrame:
    """Shares of useful compute in service, with names as text and the variant in `scenario`."""
    shares = labelled(runs)["shares"].with_columns(pl.col(pl.Enum).cast(pl.String))
    return shares.filter(pl.col("basis") == "stock", pl.col("market").is_in(list(MARKETS)))
