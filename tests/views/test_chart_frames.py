"""Aggregation for charts on rows small enough to work by hand: gaps, odd horizons, single draws."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names
from market_sim.views.charts import CHARTS
from market_sim.views.charts.bands import said, spread, year_ends_of, yearly
from market_sim.views.charts.holdings import held_frames, last_days
from market_sim.views.labels import labels

DAYS = [date(2026, month, 1) for month in (1, 2, 3)]
SHARES = ["scenario", "replicate", "date", "market", "basis", "entity", "kind", "share"]


def held(rows: list[tuple[str, int, date, str, float]]) -> pl.LazyFrame:
    """Shares of providers: scenario, replicate, date, firm and share."""
    full = [
        (scenario, draw, day, "provider", "stock", firm, "neocloud", share) for scenario, draw, day, firm, share in rows
    ]
    return pl.LazyFrame(full, schema=SHARES, orient="row")


def ends(table: pl.LazyFrame) -> dict[tuple[str, str], tuple[date, float, float]]:
    """Scenario and firm -> the day it is compared at, the 5 % and the 95 % quantile."""
    frame = held_frames({"shares": table}, {"provider": "Clouds"})["end"]
    return {(row["scenario"], row["entity"]): (row["date"], row["low90"], row["high90"]) for row in frame.to_dicts()}


def test_quantiles_leave_out_what_is_no_number() -> None:
    """Of 0, .1 ... 1.0, a null and a NaN: the median is .5, and the bands go from .05 to .95."""
    values = [*(tenth / 10 for tenth in range(11)), None, float("nan")]
    rows = pl.LazyFrame({"scenario": "a", "panel": "p", "date": DAYS[0], "value": values})
    (row,) = spread(rows, ("scenario", "panel", "date")).to_dicts()
    assert (row["median"], row["low90"], row["high90"], row["low50"]) == pytest.approx((0.5, 0.05, 0.95, 0.25))
    assert row["replicates"] == 11


def test_years_are_means_of_each_replicate() -> None:
    """One with a single month weighs as much as one with two."""
    rows = pl.LazyFrame(
        {"scenario": "a", "replicate": [0, 0, 1], "date": [DAYS[0], DAYS[1], DAYS[0]], "value": [1.0, 3.0, 10.0]}
    )
    found = yearly(rows).sort("replicate").collect()
    assert found["value"].to_list() == [2.0, 10.0]
    assert set(found["date"]) == {date(2026, 7, 1)}


def test_a_firm_that_a_replicate_lacks_holds_nothing_in_it() -> None:
    """Of two replicates one knows A alone, the other B alone: the mean is a half, the quantiles from 0 to 1."""
    rows = [("base", draw, day, firm, 1.0) for draw, firm in enumerate("AB") for day in DAYS]
    frames = held_frames({"shares": held(rows)}, {"provider": "Clouds"})
    assert set(frames["stack"]["share"]) == {0.5}
    assert {(row["median"], row["low90"], row["replicates"]) for row in frames["end"].to_dicts()} == {(0.5, 0.05, 2)}


def test_runs_of_unlike_horizons_are_compared_where_both_have_been() -> None:
    """The longer run's share on the shorter's last day."""
    rows = [("long", 0, day, "A", 0.1 * at) for at, day in enumerate(DAYS)] + [("short", 0, DAYS[1], "A", 0.7)]
    found = ends(held(rows))
    assert found[("long", "A")] == (DAYS[1], pytest.approx(0.1), pytest.approx(0.1))
    assert found[("short", "A")][0] == DAYS[1]


def test_runs_of_unlike_years_keep_their_own_last_day() -> None:
    """One ended before the other began: nothing is left out, and each says its date."""
    days = pl.DataFrame({"scenario": ["past", "future"], "date": [date(2024, 1, 1), date(2030, 1, 1)]})
    found = dict(last_days(days).rows())
    assert found == {"past": date(2024, 1, 1), "future": date(2030, 1, 1)}


def test_a_single_draw_says_that_it_is_one() -> None:
    """No band, and words for why; of many draws their number."""
    one = pl.DataFrame({"scenario": ["a"], "replicates": [1]})
    assert "One draw of luck" in said(one)
    assert "of 1,000 to 2,000 replicates" in said(pl.DataFrame({"scenario": ["a", "b"], "replicates": [1000, 2000]}))


def test_a_lone_date_is_a_dot_with_whiskers() -> None:
    """A line through one date would show nothing."""
    rows = [
        ("base", draw, DAYS[0], market, "stock", 0.1 * draw)
        for draw in range(3)
        for market in ("vendor", "provider", "lab", "platform")
    ]
    columns = ["scenario", "replicate", "date", "market", "basis", "hhi"]
    chart = CHARTS["concentration"].draw({"concentration": pl.LazyFrame(rows, schema=columns, orient="row")}).to_dict()
    assert len(rows_of(chart)) == 4
    layers = chart["spec"]["layer"]
    marked = {layer["transform"][0]["filter"]: layer["mark"]["type"] for layer in layers if "transform" in layer}
    assert marked == {"datum.first": "rule", "datum.seldom || datum.first": "point"}
    assert {(row["first"], row["lone"], row["seldom"]) for row in rows_of(chart)} == {(True, True, True)}


def rows_of(chart: dict[str, Any]) -> list[dict[str, Any]]:
    """What a chart draws."""
    return [row for data in chart["datasets"].values() for row in data]


def clocked(ticks: list[int]) -> pl.LazyFrame:
    """HHI of one market at these months of 2026 and on, three replicates of it."""
    days = [date(2026 + tick // 12, 1 + tick % 12, 1) for tick in ticks]
    rows = [("base", draw, day, "vendor", "stock", 0.1 * draw) for draw in range(3) for day in days]
    columns = ["scenario", "replicate", "date", "market", "basis", "hhi"]
    return pl.LazyFrame(rows, schema=columns, orient="row")


@pytest.mark.parametrize(
    ("ticks", "few"),
    [
        ([0, 11, 23, 35], True),
        ([0, 11, 15], True),
        ([5, 17, 29], True),
        ([*range(36)], False),
        ([0, 3, 6, 9, 12], False),
    ],
)
def test_a_line_through_few_dates_marks_them_and_says_so(ticks: list[int], few: bool) -> None:
    """Once a year or less: a dot at each, words in the heading. Every month or quarter: neither."""
    chart = CHARTS["concentration"].draw({"concentration": clocked(ticks)}).to_dict()
    assert {row["seldom"] for row in rows_of(chart)} == {few}
    assert any("Dots on lines: one figure a year" in line for line in chart["title"]["subtitle"]) == few
    kinds = [layer["mark"]["type"] for layer in chart["spec"]["layer"]]
    assert ("point" in kinds) == few


def test_years_end_where_the_scenario_s_do() -> None:
    """Of a run from July over fourteen months: first, twelfth and last; of one over three quarters: first and last."""
    month = [date(2026 + (6 + tick) // 12, 1 + (6 + tick) % 12, 1) for tick in range(14)]
    quarter = [date(2026, 1 + 3 * tick, 1) for tick in range(3)]
    rows = [("months", tick, day) for tick, day in enumerate(month)]
    rows += [("quarters", tick, day) for tick, day in enumerate(quarter)]
    found = year_ends_of(pl.LazyFrame(rows, schema=["scenario", "tick", "date"], orient="row")).collect()
    assert sorted(found.rows()) == [("months", 0), ("months", 11), ("months", 13), ("quarters", 0), ("quarters", 2)]


def test_stacks_of_few_dates_are_columns_with_their_dates() -> None:
    """An area between year ends would tell of months that nobody recorded."""
    days = [date(2026, 1, 1), *(date(year, 12, 1) for year in range(2026, 2030))]
    rows = [("base", draw, day, firm, 0.5) for draw in range(2) for day in days for firm in "AB"]
    markets = pl.concat([held(rows).with_columns(market=pl.lit(name)) for name in ("vendor", "provider")])
    chart = CHARTS["shares"].draw({"shares": markets}).to_dict()
    stacks = [one["concat"][0]["mark"]["type"] for one in chart["concat"]]
    assert stacks == ["bar", "bar"]
    assert "Columns: 2026-01, 2026-12 and once a year to 2029-12" in chart["title"]["subtitle"][1]
    months = [date(2026 + at // 12, 1 + at % 12, 1) for at in range(30)]
    rows = [("base", draw, day, firm, 0.5) for draw in range(2) for day in months for firm in "AB"]
    chart = CHARTS["shares"].draw({"shares": held(rows)}).to_dict()
    assert {one["concat"][0]["mark"]["type"] for one in chart["concat"]} == {"area"}


def run_info(scenario: str, seed: int, first: int = 0, replicates: int = 1) -> RunInfo:
    names = Names.of(vendor=["NVIDIA"], provider=["AWS"], lab=["OpenAI"], chip=["H100"])
    return RunInfo(scenario, {}, "", seed, replicates, names, first_replicate=first)


def test_every_run_has_a_label_of_its_own() -> None:
    """A scenario met once needs no more; else seed, replicates or, failing those, the folder tell runs apart."""
    runs = {"a": run_info("base", 0), "b": run_info("base", 1), "c": run_info("base", 1), "d": run_info("slump", 0)}
    assert list(labels(runs).values()) == ["base, seed 0", "base, seed 1 (b)", "base, seed 1 (c)", "slump"]
    draws = {"a": run_info("base", 0, first=3), "b": run_info("base", 0, replicates=8)}
    assert list(labels(draws).values()) == ["base, replicate 3", "base, replicates 0-7"]
