"""Who failed and when, as far as the recorded tables tell.

`signals` counts failures by kind; the name follows from `accounts` (debts or equity that were written off to the
firm's relief that tick), else from `shares` (a firm whose compute falls to nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

Tables = Mapping[str, pl.DataFrame] | Mapping[str, pl.LazyFrame]
Place = tuple[int, int, str]  # replicate, tick, kind


@dataclass(frozen=True)
class Failure:
    """A firm that failed; the name is empty where no table tells it."""

    firm: str
    kind: str
    day: str
    replicate: int


def failures(tables: Tables) -> tuple[Failure, ...]:
    """Every failure in order of replicate and date; none without the table `signals`."""
    if "signals" not in tables:
        return ()
    suspects = [found(tables[name].lazy()) for name, found in WITNESSES.items() if name in tables]
    told: list[Failure] = []
    for row in _counted(tables["signals"].lazy()):
        place = (row["replicate"], row["tick"], row["group"])
        named = list(dict.fromkeys(name for by_place in suspects for name in by_place.get(place, ())))
        count = round(row["value"])
        for name in [*named[:count], *[""] * (count - len(named))]:
            told.append(Failure(name, row["group"], str(row["date"]), row["replicate"]))
    return tuple(told)


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


def _counted(signals: pl.LazyFrame) -> list[dict[str, Any]]:
    held = signals.filter(_plain("signal") == "defaults", _plain("group") != "all", pl.col("value") > 0.5)
    rows = held.select("replicate", "tick", "date", _plain("group"), "value").sort("replicate", "tick", "group")
    return rows.collect().to_dicts()


def _relieved(accounts: pl.LazyFrame) -> dict[Place, list[str]]:
    """Holders of what was written off, the largest first."""
    held = accounts.filter(_plain("item") == "written_off", pl.col("usd") > 0.0)
    return _by_place(held.sort("usd", descending=True, maintain_order=True), "holder")


def _emptied(shares: pl.LazyFrame) -> dict[Place, list[str]]:
    """Providers and labs whose compute falls to nothing from one tick to the next."""
    markets = _plain("market").is_in(["provider", "lab"])
    held = shares.filter(_plain("basis") == "stock", markets).sort("tick", maintain_order=True)
    own = ("replicate", "market", "entity")
    before = (pl.col("quantity").shift(1) > 0.0) & (pl.col("tick").shift(1) == pl.col("tick") - 1)
    return _by_place(held.filter((pl.col("quantity") <= 0.0) & before.over(own)), "entity")


def _by_place(frame: pl.LazyFrame, name: str) -> dict[Place, list[str]]:
    found: dict[Place, list[str]] = {}
    for row in frame.select("replicate", "tick", _plain("kind"), _plain(name).alias("name")).collect().to_dicts():
        found.setdefault((row["replicate"], row["tick"], row["kind"]), []).append(row["name"])
    return found


WITNESSES = {"accounts": _relieved, "shares": _emptied}
