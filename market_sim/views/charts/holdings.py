"""Who holds the useful compute, and how concentrated that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

import altair as alt
import polars as pl

from market_sim.views.charts.bands import draws_of, overlaid, plain, said, scenarios_of, seldom, spread, texts, where
from market_sim.views.charts.firms import OTHERS, firm_colours
from market_sim.views.charts.kind import ChartKind, Frames, Tables
from market_sim.views.charts.look import (
    HEIGHT,
    INK,
    WIDTH,
    Part,
    axis_of_dates,
    by_run,
    finished,
    layered,
    source,
    together,
)

MARKETS = {
    "vendor": "Chip vendors",
    "provider": "Cloud providers",
    "lab": "Model labs and other users",
    "platform": "Software platforms",
}
BASIS = "stock"
MOST_NAMED = 7  # firms of a market
STRIP, ROW = 150, 9  # pixels: the strip of intervals beside a stack, and a row of it for one run
COLUMN = 24  # pixels, at most: a column of a stack
PLACE = ("scenario", "market", "date")


def concentration_frames(tables: Tables) -> Frames:
    """`hhi`: HHI (0-1) of useful compute in service by scenario, panel (market) and date."""
    return {"hhi": hhi_of(tables["concentration"], MARKETS)}


def hhi_of(table: pl.LazyFrame, markets: Mapping[str, str]) -> pl.DataFrame:
    """Quantiles of HHI by scenario, panel (the market's title) and date."""
    held = where(table, basis=BASIS, market=markets)
    return _titled(spread(held.select(*PLACE, value="hhi"), PLACE), markets)


def concentration_picture(frames: Frames) -> Any:
    """A panel for each market, on one axis."""
    panels = overlaid(frames["hhi"], list(MARKETS.values()), shared=True)
    says = (
        said(frames["hhi"]),
        "HHI: 1 is one holder, 0.1 is ten alike; US merger guidelines call 0.18 and more high.",
    )
    return finished(panels, "Concentration of useful compute in service (HHI, 0 to 1)", says)


def shares_frames(tables: Tables) -> Frames:
    """`stack` and `end` of the four markets, as `held_frames` gives them."""
    return held_frames(tables, MARKETS)


def held_frames(tables: Tables, markets: Mapping[str, str]) -> Frames:
    """What firms hold: markets -> their titles.

    `stack`: mean share (0-1) by scenario, panel (title), entity and date, with `place` in the stack, 0 at the
    bottom. `end`: quantiles over replicates at the last date that all runs reach. The seven firms that were
    ever largest are named, the others are one; a firm that a replicate does not name holds nothing in it.
    """
    held = where(tables["shares"], basis=BASIS, market=markets).filter(pl.col("share").is_not_null())
    rows = held.select(*PLACE, "entity", "replicate", "share")
    summed = rows.group_by(*PLACE, "entity").agg(pl.col("share").sum()).collect(engine="streaming")
    means = summed.with_columns(pl.col("share") / pl.col("share").sum().over(PLACE))  # shares of a replicate sum to 1
    named = _named(means)
    return {
        "stack": _titled(texts(_stacked(means, named)), markets),
        "end": _titled(_ends(rows, named, last_days(means)), markets),
    }


def _named(means: pl.DataFrame) -> pl.DataFrame:
    """Market, entity and place in the stack of the firms with the largest shares that any date knows."""
    size = means.group_by("market", "entity").agg(pl.col("share").max()).filter(pl.col("share") > 0.0)
    ranked = size.sort("market", "share", plain("entity"), descending=[False, True, False])
    place = pl.int_range(pl.len()).over("market").alias("place")
    return ranked.group_by("market", maintain_order=True).head(MOST_NAMED).select("market", "entity", place)


def _gathered(rows: pl.LazyFrame, named: pl.DataFrame) -> pl.LazyFrame:
    """Firms that are not named become one, on top of the stack."""
    joined = rows.join(named.lazy(), on=["market", "entity"], how="left")
    entity = pl.when(pl.col("place").is_null()).then(pl.lit(OTHERS)).otherwise(plain("entity"))
    return joined.with_columns(entity=entity, place=pl.col("place").fill_null(MOST_NAMED))


def _stacked(means: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    keys = ["scenario", "market", "place", "entity", "date"]
    return _gathered(means.lazy(), named).group_by(keys).agg(pl.col("share").sum()).sort(keys).collect()


def last_days(frame: pl.DataFrame) -> pl.DataFrame:
    """Scenario and the day at which it is compared: its last one that every other has reached, else its own last."""
    common = min(frame.group_by("scenario").agg(pl.col("date").max())["date"], default=date.max)
    day = pl.col("date").filter(pl.col("date") <= common).max()
    return frame.group_by("scenario").agg(pl.coalesce(day, pl.col("date").max()).alias("date"))


def _ends(rows: pl.LazyFrame, named: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Quantiles over all replicates that the market has, on the day of each scenario."""
    keys = ["scenario", "market", "place", "entity", "date"]
    last = (pl.lit(day) == pl.col("date") for day in days["date"].unique())
    there = rows.filter(reduce(or_, last, pl.lit(False))).join(days.lazy(), on=["scenario", "date"])
    held = _gathered(there, named)
    own = held.group_by(*keys, "replicate").agg(value=pl.col("share").sum()).collect(engine="streaming")
    draws = own.select(*PLACE, "replicate").unique()
    grid = own.select(keys).unique().join(draws, on=PLACE)
    return spread(
        grid.join(own, on=[*keys, "replicate"], how="left").with_columns(pl.col("value").fill_null(0.0)).lazy(), keys
    )


def _titled(frame: pl.DataFrame, markets: Mapping[str, str]) -> pl.DataFrame:
    """The market's title as `panel`, rows in the order of the markets."""
    order = {name: at for at, name in enumerate(markets)}
    panel = pl.col("market").replace_strict(markets, return_dtype=pl.String)
    at = pl.col("market").replace_strict(order, return_dtype=pl.Int64)
    return frame.sort(at, maintain_order=True).select(panel.alias("panel"), pl.exclude("market"))


def shares_picture(frames: Frames) -> Any:
    """A row for each market: a stack for each run, and where each firm ends."""
    stack, end = frames["stack"], frames["end"]
    rows = held_rows(frames, stack["panel"].unique(maintain_order=True).to_list(), "shares")
    runs = scenarios_of(end)
    columns, whose = (2, (f"{runs[0]}.",)) if len(runs) == 1 else (1, ())
    return finished(together(rows, columns), "Shares of useful compute in service", (*whose, *stack_says(stack, end)))


def stack_says(stack: pl.DataFrame, end: pl.DataFrame) -> Sequence[str]:
    """What stacks and dots are, and of when."""
    days = " and ".join(sorted({f"{day:%Y-%m}" for day in end["date"]}))
    runs = scenarios_of(end)
    columns = f"{_columns_say(stack) if yearly_at_most(stack) else 'Stacks: over time'}, in the order of the names"
    if draws_of(end) == "1":
        return (f"{columns}. Dots: shares at {days}. One draw of luck: no interval can be drawn.",)
    dots = f"Dots: median share at {days}; thick bars hold 50 %, thin ones 90 % of {draws_of(end)} replicates."
    order = (f"Of each firm from top to bottom: {'; '.join(runs)}.",) if len(runs) > 1 else ()
    return f"{columns}, mean over replicates.", dots, *order


def _columns_say(stack: pl.DataFrame) -> str:
    """Of when the columns are: not of whole years."""
    days = [f"{day:%Y-%m}" for day in stack["date"].unique().sort()]
    if len(days) < 4:
        return f"Columns: {' and '.join(days)}"
    return f"Columns: {days[0]}, {days[1]} and once a year to {days[-1]}"


def yearly_at_most(stack: pl.DataFrame) -> bool:
    """Whether shares are there once a year or less, as batches tell of single firms unless asked for more."""
    return bool(stack.select(seldom(("scenario", "panel", "entity")).all()).item())


def held_rows(frames: Frames, panels: Sequence[str], key: str) -> list[Part]:
    """For each panel its stacks and its strip; colours are the firms' own."""
    stack, end = frames["stack"], frames["end"]
    names = [_firms(stack.filter(pl.col("panel") == panel)) for panel in panels]
    colours = firm_colours(names)
    rows = []
    for at, (panel, own) in enumerate(zip(panels, names, strict=True)):
        stacks = _stacks(stack.filter(pl.col("panel") == panel), Look(f"{key}{at}", own, colours), panel)
        strip = _strip(end.filter(pl.col("panel") == panel), Look(f"{key}_end{at}", own, colours))
        pair = together([stacks, strip], 2)
        rows.append(Part(pair.chart.resolve_scale(color="independent"), pair.data))
    return rows


@dataclass(frozen=True)
class Look:
    """The data set of a part, its firms in the order of the stack, and all colours."""

    key: str
    firms: list[str]
    colours: Mapping[str, str]

    @property
    def scale(self) -> alt.Scale:
        """The colours of the firms."""
        return alt.Scale(domain=self.firms, range=[self.colours[name] for name in self.firms])


def _firms(own: pl.DataFrame) -> list[str]:
    return own.sort("place")["entity"].unique(maintain_order=True).to_list()


def _stacks(own: pl.DataFrame, look: Look, title: str) -> Part:
    """One market's shares as a stack for each run, the largest at the bottom; columns where dates are few."""
    runs = scenarios_of(own)
    chart = source(look.key)
    columns = min(COLUMN, 0.8 * (WIDTH - 40) / own["date"].n_unique())
    apart: dict[str, Any] = {"stroke": "white", "strokeWidth": 0.7}  # neighbours may be alike in grey
    marked = chart.mark_bar(size=columns, **apart) if yearly_at_most(own) else chart.mark_area(**apart)
    encoded = marked.encode(
        x=alt.X("date:T", title=None, axis=axis_of_dates()),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0.0, 1.0])),
        color=alt.Color("entity:N", title=None, scale=look.scale, legend=None),
        order=alt.Order("place:Q"),
        tooltip=[alt.Tooltip("scenario:N"), alt.Tooltip("entity:N"), alt.Tooltip("share:Q", format=".1%")],
    ).properties(width=WIDTH - 40, height=HEIGHT)
    return by_run(Part(encoded, {look.key: own}), runs, title)


def _strip(own: pl.DataFrame, look: Look) -> Part:
    """Where each firm ends: a dot at the median with bars for half and for nine tenths of replicates."""
    runs = scenarios_of(own)
    order = list(reversed(look.firms))
    y = alt.Y(
        "entity:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=150, labelPadding=8, orient="right", grid=True, ticks=False, domain=False),
    )
    shape = alt.Shape("scenario:N", title=None, sort=runs, legend=None)
    figures = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("median", "low50", "high50", "low90", "high90")]
    base = source(look.key).encode(
        y=y,
        yOffset=alt.YOffset("scenario:N", sort=runs),
        color=alt.Color("entity:N", scale=look.scale, legend=None),
        tooltip=[alt.Tooltip("scenario:N"), alt.Tooltip("entity:N"), *figures, alt.Tooltip("replicates:Q")],
    )
    x = alt.X("median:Q", title="share at the end", axis=alt.Axis(format="%", tickCount=4), scale=alt.Scale(zero=True))
    wide = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low90:Q"), x2=alt.X2("high90:Q"))
    half = base.mark_rule(strokeWidth=4).encode(x=alt.X("low50:Q"), x2=alt.X2("high50:Q"))
    dot = base.mark_point(filled=True, size=34, stroke=INK, strokeWidth=0.7, opacity=1.0).encode(x=x, shape=shape)
    height = max(HEIGHT, ROW * len(runs) * len(look.firms))
    return Part(layered(wide, half, dot).properties(width=STRIP, height=height), {look.key: own})


CONCENTRATION = ChartKind(
    "concentration",
    "HHI of each market over time",
    "One line for each run: higher means fewer hands. Where the bands of two runs lie apart, luck alone does not "
    "explain the difference.",
    ("concentration",),
    concentration_frames,
    concentration_picture,
)
SHARES = ChartKind(
    "shares",
    "who holds the useful compute, by market",
    "The thickness of a layer is a firm's mean share; the dots to the right say how sure its share at the end is.",
    ("shares",),
    shares_frames,
    shares_picture,
)
