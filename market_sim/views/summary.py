"""What a run came to, in a few figures: who leads each market, how concentrated, how fast and at what price.

Reads results alone: any mapping of table name to polars frame, of one replicate or of several (their mean).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from market_sim.results.columns import TABLES
from market_sim.results.manifest import RunInfo
from market_sim.views.failures import Failure, failures

Tables = Mapping[str, pl.DataFrame] | Mapping[str, pl.LazyFrame]

MARKETS = ("vendor", "provider", "lab", "platform")
BASIS = "stock"
GROUPS = ("others", "enterprise")  # kinds of entity that stand for many firms at once
NEEDED = ("shares", "concentration", "signals")
YEAR_DAYS = 365


@dataclass(frozen=True)
class Change:
    """One figure at the start and at the end of a run; None where there was nothing to measure."""

    start: float | None
    end: float | None


@dataclass(frozen=True)
class Leader:
    """The largest of a market, by its share of useful compute."""

    name: str
    share: float
    group: bool = False  # many firms, counted as one


@dataclass(frozen=True)
class MarketSummary:
    """Who leads a market and how concentrated it is (HHI, 0-1), at the start and at the end."""

    market: str
    first: Leader | None
    last: Leader | None
    hhi: Change


@dataclass(frozen=True)
class Figure:
    """A figure with its name, its group (a kind of provider; empty for the whole market) and its unit."""

    name: str
    group: str
    unit: str
    change: Change


@dataclass(frozen=True)
class Summary:
    """The answer of a run."""

    scenario: str
    seed: int
    replicate: int
    replicates: int
    first_day: str
    last_day: str
    markets: tuple[MarketSummary, ...]
    figures: tuple[Figure, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data, the names of the fields as keys."""
        return asdict(self)


def summarise(tables: Tables, info: RunInfo) -> Summary:
    """The summary of a run's tables; what was not recorded is named in `missing` and left out."""
    frames = {name: tables[name].lazy() for name in NEEDED if name in tables}
    days = _days(tables)
    return Summary(
        info.scenario,
        info.seed,
        info.first_replicate,
        info.replicates,
        *days,
        markets=_markets(frames),
        figures=_figures(frames),
        counts=_counts(frames.get("signals")),
        missing=tuple(name for name in NEEDED if name not in frames),
        failures=failures(tables),
    )


def _days(tables: Tables) -> tuple[str, str]:
    """First and last day of the first recorded table that has dates."""
    for name in tables:
        if TABLES[name].columns[2].name == "date":
            span = tables[name].lazy().select(pl.col("date").min().alias("a"), pl.col("date").max().alias("b"))
            row = span.collect().row(0)
            return str(row[0] or ""), str(row[1] or "")
    return "", ""


def _ends(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of the first and of the last tick."""
    return frame.filter((pl.col("tick") == pl.col("tick").min()) | (pl.col("tick") == pl.col("tick").max()))


def _markets(frames: Mapping[str, pl.LazyFrame]) -> tuple[MarketSummary, ...]:
    if "shares" not in frames and "concentration" not in frames:
        return ()
    leaders, hhi = _leaders(frames.get("shares")), _hhi(frames.get("concentration"))
    none = Change(None, None)
    return tuple(MarketSummary(market, *leaders.get(market, (None, None)), hhi.get(market, none)) for market in MARKETS)


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _leaders(shares: pl.LazyFrame | None) -> dict[str, tuple[Leader | None, Leader | None]]:
    """Market -> its largest at the first and at the last tick, by share averaged over replicates."""
    if shares is None:
        return {}
    held = _ends(shares.filter(_plain("basis") == BASIS, _plain("market").is_in(MARKETS)))
    mean = held.group_by("tick", _plain("market"), _plain("entity"), maintain_order=True)
    ranked = mean.agg(pl.col("share").mean(), _plain("kind").first()).sort(
        "tick", "share", "entity", descending=[False, True, False]
    )
    top = ranked.drop_nulls("share").group_by("market", "tick", maintain_order=True).first().collect()
    found = {(row["market"], row["tick"]): _leader(row) for row in top.to_dicts()}
    ticks = sorted({tick for _, tick in found})
    return {market: (found.get((market, ticks[0])), found.get((market, ticks[-1]))) for market, _ in found}


def _leader(row: Mapping[str, Any]) -> Leader:
    return Leader(row["entity"], row["share"], row["kind"] in GROUPS)


def _hhi(concentration: pl.LazyFrame | None) -> dict[str, Change]:
    if concentration is None:
        return {}
    held = concentration.filter(_plain("basis") == BASIS, _plain("market").is_in(MARKETS))
    return {str(market): change for market, change in _changes(held, "market", "hhi").items()}


def _changes(frame: pl.LazyFrame, by: str, value: str) -> dict[str, Change]:
    """Group -> the mean over replicates at the first and at the last tick."""
    mean = _ends(frame).group_by(_plain(by), "tick", maintain_order=True).agg(pl.col(value).mean())
    rows = mean.sort("tick").collect()
    ticks = rows["tick"].unique().sort().to_list()
    found = {(row[by], row["tick"]): row[value] for row in rows.to_dicts()}
    groups = dict.fromkeys(rows[by].to_list())
    return {name: Change(found.get((name, ticks[0])), found.get((name, ticks[-1]))) for name in groups}


def _figures(frames: Mapping[str, pl.LazyFrame]) -> tuple[Figure, ...]:
    figures = [*_compute(frames.get("shares"))]
    if "signals" in frames:
        signals = frames["signals"]
        figures += _yearly(signals, "time_to_capacity", "time to capacity", "months", scale=12.0)
        figures += _yearly(signals, "useful_price", "price of useful compute", "USD per useful PFLOP-hour")
        figures += _premium(signals)
    return tuple(figures)


def _compute(shares: pl.LazyFrame | None) -> list[Figure]:
    """Useful compute in service, and the part of it that neoclouds hold."""
    if shares is None:
        return []
    held = _ends(shares.filter(_plain("basis") == BASIS, _plain("market") == "provider"))
    total = held.group_by("tick", maintain_order=True).agg(
        (pl.col("quantity").sum() / pl.col("replicate").n_unique()).alias("stock"),
        pl.col("quantity").filter(_plain("kind") == "neocloud").sum().alias("neocloud"),
        pl.col("quantity").sum().alias("all"),
    )
    rows = total.sort("tick").collect().to_dicts()
    if not rows:
        return []
    part = [row["neocloud"] / row["all"] if row["all"] else None for row in rows]
    return [
        Figure("share held by neoclouds", "", "share", Change(part[0], part[-1])),
        Figure(
            "compute in service",
            "",
            "useful EFLOP/s",
            Change(rows[0]["stock"] / 1e3, rows[-1]["stock"] / 1e3),
        ),
    ]


def _yearly(signals: pl.LazyFrame, signal: str, name: str, unit: str, scale: float = 1.0) -> list[Figure]:
    """A signal by group: its mean over the first and over the last twelve months."""
    held = signals.filter(_plain("signal") == signal, pl.col("value").is_not_null())
    first, last = pl.col("date").min(), pl.col("date").max()
    year = pl.duration(days=YEAR_DAYS)
    rows = (
        held.with_columns(late=pl.col("date") > last - year, early=pl.col("date") < first + year)
        .group_by(_plain("group"), maintain_order=True)
        .agg(
            start=(pl.col("value").filter(pl.col("early")).mean() * scale),
            end=(pl.col("value").filter(pl.col("late")).mean() * scale),
        )
        .collect()
        .to_dicts()
    )
    return [
        Figure(name, "" if row["group"] == "all" else row["group"], unit, Change(row["start"], row["end"]))
        for row in rows
    ]


def _premium(signals: pl.LazyFrame) -> list[Figure]:
    """What software was worth when the run began and when it ended: it is measured then and held in between."""
    held = signals.filter(_plain("signal") == "cuda_premium", pl.col("value").is_not_null())
    return [
        Figure("CUDA premium", "", "share of spending", change) for change in _changes(held, "group", "value").values()
    ]


def _counts(signals: pl.LazyFrame | None) -> dict[str, int]:
    """Firms that failed and that entered over the whole run, summed over replicates."""
    if signals is None:
        return {}
    held = signals.filter(_plain("signal").is_in(["defaults", "entries"]))
    by_group = held.group_by(_plain("signal"), _plain("group")).agg(pl.col("value").sum()).collect()
    found: dict[str, dict[str, float]] = {}
    for row in by_group.sort("signal", "group").to_dicts():
        found.setdefault(row["signal"], {})[row["group"]] = row["value"]
    return {name: round(groups.get("all", sum(groups.values()))) for name, groups in found.items()}
