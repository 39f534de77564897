"""The answer in words: who leads and how sure that is, how concentrated, how fast, at what price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from market_sim.views.charts import Frames
from market_sim.views.charts.bands import texts, where
from market_sim.views.charts.evidence import forest_frame
from market_sim.views.charts.holdings import BASIS, MARKETS, last_days

CONFIDENT = 2  # leaders that are named where draws disagree


@dataclass(frozen=True)
class Answer:
    """What one run says: a heading, and a sentence for each market and measure."""

    run: str
    sentences: tuple[str, ...]


def leaders(shares: pl.LazyFrame) -> pl.DataFrame:
    """Who holds most: scenario, market, entity, `part` of replicates in which it leads (0-1), `replicates`, `date`.

    On the last day that all runs reach.
    """
    held = where(shares, basis=BASIS, market=MARKETS).filter(pl.col("share").is_not_null())
    days = last_days(held.select("scenario", "date").unique().collect(engine="streaming"))
    place = ["scenario", "market", "date", "replicate"]
    last = held.join(days.lazy(), on=["scenario", "date"]).select(*place, "entity", "share")
    first = last.group_by(place).agg(pl.col("entity").sort_by("share", descending=True).first())
    counted = first.group_by("scenario", "market", "date", "entity").agg(times=pl.len()).collect(engine="streaming")
    total = pl.col("times").sum().over("scenario", "market")
    told = texts(counted).with_columns(part=pl.col("times") / total, replicates=total)
    return told.sort("scenario", "market", "part", "entity", descending=[False, False, True, False])


def answers(frames: Mapping[str, Frames], led: pl.DataFrame | None, runs: Sequence[str]) -> list[Answer]:
    """For each run what its pictures say, as far as they were drawn; `led` as `leaders` gives it."""
    return [Answer(run, tuple(_sentences(frames, led, run))) for run in runs]


def _sentences(frames: Mapping[str, Frames], led: pl.DataFrame | None, run: str) -> Iterator[str]:
    for market, title in MARKETS.items():
        parts = [_leads(led, run, market), _concentrated(frames, run, title)]
        if said := [part for part in parts if part]:
            yield f"{title}: {'; '.join(said)}."
    yield from _kinds(frames, run)
    yield from _moat(frames, run)


def _leads(led: pl.DataFrame | None, run: str, market: str) -> str:
    """Who holds most at the end."""
    if led is None:
        return ""
    rows = led.filter(pl.col("scenario") == run, pl.col("market") == market).to_dicts()
    if not rows:
        return ""
    when, draws = f"{rows[0]['date']:%Y-%m}", rows[0]["replicates"]
    if draws == 1:
        return f"{rows[0]['entity']} holds most in {when}"
    told = [f"{row['entity']} in {row['part']:.0%}" for row in rows[:CONFIDENT]]
    return f"in {when} most is held by {' and by '.join(told)} of {draws:,} replicates"


def _concentrated(frames: Mapping[str, Frames], run: str, title: str) -> str:
    rows = _ends(frames, "concentration", "hhi", run, title)
    return f"HHI {_figure(rows[0], 3)} at first, {_figure(rows[1], 3)} at the end" if rows else ""


def _kinds(frames: Mapping[str, Frames], run: str) -> Iterator[str]:
    """What neoclouds hold, and how both kinds build and charge."""
    if rows := _ends(frames, "provider_kinds", "kinds", run, "Share of useful compute", "neocloud"):
        first, last = (_figure(row, 0) for row in rows)
        yield f"Neoclouds hold {first} % of useful compute at first and {last} % at the end."
    for start, words, unit in (
        ("Time from order", "Capacity takes", "months"),
        ("Price signed", "A useful PFLOP-hour costs", "USD"),
    ):
        own = [_ends(frames, "provider_kinds", "kinds", run, start, kind) for kind in ("hyperscaler", "neocloud")]
        told = [_figure(rows[1], 2) for rows in own if rows]
        if len(told) == len(own):
            yield f"{words} {told[0]} {unit} from hyperscalers and {told[1]} from neoclouds in the last year."


def _moat(frames: Mapping[str, Frames], run: str) -> Iterator[str]:
    if rows := _ends(frames, "software", "software", run, "CUDA premium"):
        first, last = (_figure(row, 1) for row in rows)
        yield f"The CUDA premium is {first} % of spending at first and {last} % at the end."


def _ends(
    frames: Mapping[str, Frames], chart: str, name: str, run: str, panel: str, group: str = ""
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The first and the last row of a run's series; None where it was not drawn."""
    if chart not in frames:
        return None
    frame = frames[chart][name].filter(pl.col("scenario") == run, pl.col("panel").str.starts_with(panel))
    own = frame.filter(pl.col("group") == group) if group else frame
    rows = own.sort("date").to_dicts()
    return (rows[0], rows[-1]) if rows else None


def _figure(row: Mapping[str, Any], digits: int) -> str:
    """The median, and in brackets where nine tenths of replicates lie."""
    median = f"{row['median']:,.{digits}f}"
    return median if row["replicates"] == 1 else f"{median} ({row['low90']:,.{digits}f} to {row['high90']:,.{digits}f})"


METRICS = {
    "vendor/stock/hhi": "HHI of chip vendors",
    "provider/stock/hhi": "HHI of cloud providers",
    "lab/stock/hhi": "HHI of labs and other users",
    "platform/stock/hhi": "HHI of software platforms",
    "neocloud_share": "neoclouds' share of rent",
    "time_to_capacity": "time to capacity",
    "useful_price": "price of useful compute",
    "useful_compute": "useful compute",
    "cuda_premium": "CUDA premium",
}


def in_words(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Paired differences with their metrics in words."""
    return [{**row, "metric": METRICS.get(row["metric"], row["metric"])} for row in rows]


def differences_in_words(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each comparison: what is surely higher, surely lower, and what cannot be told apart.

    `rows`: as `forest` takes them, with `comparison`.
    """
    frame = forest_frame(rows) if rows else pl.DataFrame(schema={"comparison": pl.String})
    names = frame["comparison"].unique(maintain_order=True).to_list()
    return [_difference(name, frame.filter(pl.col("comparison") == name).to_dicts()) for name in names]


def _difference(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    higher = [_by(row) for row in rows if row["certain"] and row["difference"] > 0.0]
    lower = [_by(row) for row in rows if row["certain"] and row["difference"] < 0.0]
    rest = [row["metric"] for row in rows if not row["certain"]]
    told = (("higher", higher), ("lower", lower), ("not told apart", rest))
    phrases = [f"{word}: {', '.join(held)}" for word, held in told if held]
    return f"{name}: {'; '.join(phrases)}."


def _by(row: Mapping[str, Any]) -> str:
    """A difference in per cent of A, or as it is where A is nothing."""
    if row["relative"] is None:
        return f"{row['metric']} {row['figures']}"
    return f"{row['metric']} {row['relative']:+.0%} ({row['relative_low']:+.0%} to {row['relative_high']:+.0%})"
