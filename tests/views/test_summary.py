"""The summary of a run, against tables small enough to read."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest

from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names
from market_sim.views.failures import failures
from market_sim.views.summary import Change, Leader, Summary, summarise

DAYS = [date(2026, 1, 1), date(2027, 1, 1), date(2028, 1, 1)]


def info(replicates: int = 1) -> RunInfo:
    names = Names.of(vendor=["NVIDIA"], provider=["AWS"], lab=["OpenAI"], chip=["H100"])
    return RunInfo("toy", {}, "", 7, replicates, names)


def shares(rows: list[tuple[int, int, str, str, str, float]]) -> pl.DataFrame:
    """Rows of replicate, tick, market, entity, kind and quantity."""
    columns = ["replicate", "tick", "market", "entity", "kind", "quantity"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    total = pl.col("quantity").sum().over("replicate", "tick", "market")
    days = pl.col("tick").replace_strict(dict(enumerate(DAYS)), return_dtype=pl.Date)
    return frame.with_columns(share=pl.col("quantity") / total, basis=pl.lit("stock"), date=days).select(
        "replicate", "tick", "date", "market", "basis", "entity", "kind", "quantity", "share"
    )


CLOUD = [
    (0, 0, "provider", "AWS", "hyperscaler", 3000.0), (0, 0, "provider", "CoreWeave", "neocloud", 1000.0),
    (0, 1, "provider", "AWS", "hyperscaler", 9000.0), (0, 1, "provider", "CoreWeave", "neocloud", 100.0),
    (0, 2, "provider", "AWS", "hyperscaler", 2000.0), (0, 2, "provider", "CoreWeave", "neocloud", 6000.0),
]  # fmt: skip


def signals(rows: Sequence[tuple[int, str, str, float | None]]) -> pl.DataFrame:
    """Rows of tick, signal, group and value."""
    frame = pl.DataFrame(rows, schema=["tick", "signal", "group", "value"], orient="row")
    days = pl.col("tick").replace_strict(dict(enumerate(DAYS)), return_dtype=pl.Date)
    return frame.with_columns(date=days, replicate=pl.lit(0))


def figure(summary: Summary, name: str, group: str = "") -> Change:
    return next(one.change for one in summary.figures if (one.name, one.group) == (name, group))


def test_the_leader_is_the_largest_at_the_first_and_at_the_last_tick() -> None:
    """AWS leads with three quarters, CoreWeave ends with three quarters; between them nothing counts."""
    cloud = next(one for one in summarise({"shares": shares(CLOUD)}, info()).markets if one.market == "provider")
    assert (cloud.first, cloud.last) == (Leader("AWS", 0.75), Leader("CoreWeave", 0.75))


def test_the_neocloud_share_and_the_growth_of_compute() -> None:
    """Neoclouds hold a quarter, then three quarters, of compute that doubles."""
    summary = summarise({"shares": shares(CLOUD)}, info())
    assert figure(summary, "share held by neoclouds") == Change(0.25, 0.75)
    assert figure(summary, "compute in service") == Change(4.0, 8.0)


def test_replicates_are_averaged() -> None:
    """The leader leads on average, and compute is that of one market, not of both."""
    second = [(1, tick, market, entity, kind, 2000.0) for _, tick, market, entity, kind, _ in CLOUD]
    summary = summarise({"shares": shares(CLOUD + second)}, info(2))
    cloud = next(one for one in summary.markets if one.market == "provider")
    assert cloud.first == Leader("AWS", pytest.approx(0.625))  # type: ignore[arg-type]
    assert figure(summary, "compute in service") == Change(4.0, 6.0)


def test_concentration_is_that_of_the_first_and_of_the_last_tick() -> None:
    """HHI on the 0-1 scale, of the stock of useful compute."""
    rows = [(tick, "vendor", basis, hhi) for tick, hhi in enumerate((0.5, 0.9, 0.3)) for basis in ("stock",)]
    rows += [(0, "vendor", "revenue", 0.99)]
    frame = pl.DataFrame(rows, schema=["tick", "market", "basis", "hhi"], orient="row")
    frame = frame.select(
        replicate=pl.lit(0), tick="tick", date=pl.lit(DAYS[0]), market="market", basis="basis", hhi="hhi"
    )
    vendor = summarise({"concentration": frame}, info()).markets[0]
    assert (vendor.market, vendor.hhi, vendor.first) == ("vendor", Change(0.5, 0.3), None)


def test_times_and_prices_are_means_over_the_first_and_the_last_year() -> None:
    """Ticks a year apart stand for themselves; months are twelve to the year; nulls do not count."""
    rows = [
        (0, "time_to_capacity", "neocloud", 0.5), (1, "time_to_capacity", "neocloud", 9.0),
        (2, "time_to_capacity", "neocloud", 0.25), (0, "cuda_premium", "all", 0.2), (2, "cuda_premium", "all", 0.1),
        (0, "time_to_capacity", "hyperscaler", None),
    ]  # fmt: skip
    summary = summarise({"signals": signals(rows)}, info())
    assert figure(summary, "time to capacity", "neocloud") == Change(6.0, 3.0)
    assert figure(summary, "CUDA premium") == Change(0.2, 0.1)
    assert not any(one.group == "hyperscaler" for one in summary.figures)


def test_defaults_and_entries_are_counted_over_the_whole_run() -> None:
    """Also those of the years between; a total beside its parts does not count twice."""
    rows = [(tick, "defaults", kind, 0.5) for tick in range(3) for kind in ("neocloud", "lab")]
    rows += [(1, "entries", group, 2.0) for group in ("all", "neocloud")]
    assert summarise({"signals": signals(rows)}, info()).counts == {"defaults": 3, "entries": 2}


def test_what_was_not_recorded_is_named() -> None:
    """A summary of nothing says so, and is no error."""
    assert summarise({}, info()).missing == ("shares", "concentration", "signals")


def test_failures_are_named_from_the_accounts_else_from_the_shares() -> None:
    """Two neoclouds fail at tick 1: one had debts written off, the other's compute fell to nothing."""
    told = signals([(1, "defaults", "neocloud", 2.0), (2, "defaults", "lab", 1.0)])
    rows = [(0, 1, "CoreWeave", "neocloud", "written_off", 5.0), (0, 1, "NVIDIA", "vendor", "written_off", -5.0)]
    accounts = pl.DataFrame(rows, schema=["replicate", "tick", "holder", "kind", "item", "usd"], orient="row")
    emptied = [(0, tick, "provider", "Nebius", "neocloud", held) for tick, held in ((0, 9.0), (1, 0.0))]
    found = failures({"signals": told, "accounts": accounts, "shares": shares(emptied)})
    assert [(one.firm, one.day[:7]) for one in found] == [
        ("CoreWeave", "2027-01"), ("Nebius", "2027-01"), ("", "2028-01"),
    ]  # fmt: skip


def test_a_leader_that_stands_for_many_is_marked() -> None:
    """The rest of the world is no firm."""
    rows = [(0, 0, "provider", "Rest of world", "others", 3.0), (0, 0, "provider", "AWS", "hyperscaler", 1.0)]
    cloud = next(one for one in summarise({"shares": shares(rows)}, info()).markets if one.market == "provider")
    assert cloud.first == Leader("Rest of world", 0.75, group=True)
