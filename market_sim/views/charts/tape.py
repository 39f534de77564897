"""The contract tape of one replicate as a timeline: who rents what from whom, since when and until when."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.bands import plain, scenarios_of, texts, where
from market_sim.views.charts.chips import HOURS
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.kinds import KINDS
from market_sim.views.charts.look import INK, Part, finished, layered, source, together

LARGEST = 4  # contracts that are drawn of each year
ROW = 13
ENDINGS = {"walked": "lab walked away", "defaulted": "lab failed", "sublet": "let on to others"}
SHAPES = ("cross", "triangle-down", "diamond")


def frames(tables: Tables) -> Frames:
    """`tape`: of each run's first replicate the contracts of each year that are worth the most over their term.

    One row a contract: scenario, replicate, contract, what (in words), worth (USD), signed, opens (started, or
    promised while it has not), closes (ended, or due to end), ending (words), and the table's columns.
    `all`: by scenario, how many contracts that replicate has, and the `part` of their worth (0-1) that is drawn.
    Contracts under way at the start, and those of providers that stand for many, are left out.
    """
    held = where(tables["contracts"], provider_kind=KINDS).filter(plain("lot") != "opening")
    first = held.group_by("scenario").agg(pl.col("replicate").min())
    worth = pl.col("chips") * pl.col("usd_per_chip_hour") * pl.col("term_years") * HOURS
    found = held.join(first, on=["scenario", "replicate"]).with_columns(worth=worth)
    own = texts(found.collect(engine="streaming"))
    ranked = own.sort("scenario", "worth", "contract", descending=[False, True, False])
    largest = ranked.group_by("scenario", pl.col("signed").dt.year().alias("year"), maintain_order=True).head(LARGEST)
    drawn = largest.with_columns(
        opens=pl.coalesce("started", "promised"),
        closes=pl.coalesce("ended", "ends"),
        ending=pl.col("status").replace_strict(ENDINGS, default=None, return_dtype=pl.String),
        what=pl.format("{} ← {}: {}k {}", "lab", "provider", (pl.col("chips") / 1e3).round(1), "chip"),
    ).sort("scenario", "signed", "contract")
    part = largest.group_by("scenario").agg(drawn=pl.col("worth").sum())
    total = own.group_by("scenario").agg(contracts=pl.len(), worth=pl.col("worth").sum()).join(part, on="scenario")
    return {"tape": drawn, "all": total.with_columns(part=pl.col("drawn") / pl.col("worth")).sort("scenario")}


def picture(frames: Frames) -> Any:
    """One timeline for each run, one below the other."""
    tape = frames["tape"]
    totals = {row["scenario"]: row for row in frames["all"].to_dicts()}
    lines = [
        _timeline(tape.filter(pl.col("scenario") == run), f"tape{at}", totals[run])
        for at, run in enumerate(scenarios_of(tape))
    ]
    says = (
        f"Who rents ← from whom: the {LARGEST} contracts worth most of those signed in each year.",
        "Thin: signed and waiting. Thick: in service, as long as it lasted or is due to.",
    )
    return finished(together(lines, 1), "The contract tape: largest contracts", says)


def _timeline(own: pl.DataFrame, key: str, total: dict[str, Any]) -> Part:
    """One run's contracts, in order of signing."""
    number = own["replicate"].to_list()[0]
    drawn = f"{own.height} of {total['contracts']:,} contracts, {total['part']:.0%} of their worth"
    title = f"{total['scenario']}, replicate {number}: {drawn}"
    rows = own.with_columns(row=pl.int_range(pl.len()).cast(pl.String).str.pad_start(4, "0"))
    words = alt.Axis(labelExpr=_words(rows), labelLimit=260, ticks=False, domain=False, labelFontSize=9)
    y = alt.Y("row:N", title=None, axis=words)
    figures = [alt.Tooltip("chips:Q", format=",.0f"), alt.Tooltip("usd_per_chip_hour:Q", format=".2f"),
               alt.Tooltip("worth:Q", format=".3~s", title="USD over its term")]  # fmt: skip
    days = [alt.Tooltip(f"{name}:T", format="%Y-%m-%d") for name in ("signed", "promised", "started", "closes")]
    names = [alt.Tooltip(f"{name}:N") for name in ("lab", "provider", "chip", "lot", "status")]
    base = source(key).encode(y=y, tooltip=[*names, *figures, *days])
    x = alt.X("signed:T", title=None, axis=alt.Axis(format="%Y", orient="top"))
    hue = alt.Color("provider_kind:N", title=None, scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())))
    waits = base.mark_rule(color=INK, strokeWidth=1).encode(x=x, x2=alt.X2("opens:T"))
    serves = base.mark_bar(height=ROW - 5).encode(x=alt.X("opens:T"), x2=alt.X2("closes:T"), color=hue)
    marks = alt.Shape("ending:N", title=None, scale=alt.Scale(domain=list(ENDINGS.values()), range=list(SHAPES)))
    broken = base.transform_filter("isValid(datum.ending)")
    ends = broken.mark_point(filled=True, size=45, color="black", opacity=1.0).encode(x=alt.X("closes:T"), shape=marks)
    broken_off = [ends] if rows["ending"].is_not_null().any() else []
    chart = layered(waits, serves, *broken_off).properties(width=420, height=ROW * own.height, title=title)
    return Part(chart, {key: rows})


def _words(rows: pl.DataFrame) -> str:
    """An expression that names the contract of a row."""
    import json

    named = json.dumps(dict(zip(rows["row"], rows["what"], strict=True)), ensure_ascii=False)
    return f"({named})[datum.value]"


TAPE = ChartKind(
    "tape",
    "the largest contracts of one replicate as a timeline",
    "One bar for each contract, from the day it was signed; long thin lines are capacity that took long to come.",
    ("contracts",),
    frames,
    picture,
    apart=True,
)
