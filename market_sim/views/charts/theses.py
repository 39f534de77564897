"""What a mechanism does, in smallest effects that would matter: beyond +1 as claimed, beyond -1 against it."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.evidence import ROW, Rows, checked
from market_sim.views.charts.look import GREY, INK, WIDTH, series_scale, styled

EFFECTS = ("measure", "omega", "years", "effect", "low", "high", "sign", "matters")
FURTHEST = 6.0  # smallest effects that matter: what lies beyond is drawn at the edge


def effects(rows: Rows, title: str) -> Any:
    """Effects of one thesis with their intervals, a panel for each measure that has a say in the verdict.

    `rows`: columns `measure` (text), `omega`, `years`, `effect`, `low`, `high` (all in the measure's unit, null where
    nothing can be said), `sign` (+1 or -1: which way supports the claim) and `matters` (the smallest effect of
    interest). Raises ColumnMismatch.
    """
    frame = effects_frame(rows)
    years = frame["years"].unique().sort().to_list()
    panels = [
        _panel(frame.filter(pl.col("measure") == name), name, years)
        for name in frame["measure"].unique(maintain_order=True).to_list()
    ]
    says = (
        "Effect over the smallest that would matter, 95 % intervals.",
        "Right of the band: as claimed; left: against.",
    )
    return styled(alt.concat(*panels, columns=2), title, says)


def effects_frame(rows: Rows) -> pl.DataFrame:
    """What `effects` draws: the rows, and `at`, `from`, `to` in smallest effects that matter, positive as claimed."""
    frame = checked(rows, EFFECTS, "effects of a thesis")
    unit = pl.col("sign") / pl.col("matters")
    ends = [(pl.col(name) * unit).clip(-FURTHEST, FURTHEST) for name in ("effect", "low", "high")]
    return frame.with_columns(
        ends[0].alias("at"),
        pl.min_horizontal(ends[1], ends[2]).alias("from"),
        pl.max_horizontal(ends[1], ends[2]).alias("to"),
        after=pl.format("{} years", pl.col("years")),
    )


def _panel(own: pl.DataFrame, name: str, years: list[int]) -> Any:
    """One measure: a row for each omega, a dot with its whisker for each horizon, over a band of what is too small."""
    names = [f"{one} years" for one in years]
    y = alt.Y("omega:N", title="omega", sort="ascending")
    offset = alt.YOffset("after:N", sort=names)
    scale = alt.Scale(domain=[-FURTHEST, FURTHEST], nice=False)
    base = alt.Chart(own).encode(y=y, yOffset=offset, color=alt.Color("after:N", title=None, scale=series_scale(names)))
    dots = base.mark_point(filled=True, size=45, opacity=1.0).encode(
        x=alt.X("at:Q", title="smallest effects that would matter", scale=scale)
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(x="from:Q", x2="to:Q")
    small = alt.Chart(pl.DataFrame({"low": [-1.0], "high": [1.0]}))
    band = small.mark_rect(color=GREY, opacity=0.25).encode(x="low:Q", x2="high:Q")
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=INK, strokeDash=[3, 3]).encode(x="zero:Q")
    height = ROW * own["omega"].n_unique() * max(1, len(years)) * 0.7
    return alt.layer(band, zero, whiskers, dots).properties(width=WIDTH, height=height, title=name)
