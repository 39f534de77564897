"""Charts: what they draw follows from the tables, and the files stand alone."""

from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names
from market_sim.views.charts import CHARTS, save
from market_sim.views.charts.holdings import OTHERS, concentration, firm_colours, provider_kinds, shares
from market_sim.views.labels import labels

DAYS = [date(2026, month, 1) for month in (1, 2, 3)]
MARKETS = ("vendor", "provider", "lab", "platform")


def shares_table(firms: int) -> pl.LazyFrame:
    """Firms of sizes 1, 2, 3 ... in every market, at three dates, in two scenarios."""
    total = firms * (firms + 1) / 2
    rows = [
        (scenario, 0, day, market, "stock", f"firm {size}", ("neocloud", "hyperscaler")[size % 2], size / total)
        for scenario in ("base", "other")
        for day in DAYS
        for market in MARKETS
        for size in range(1, firms + 1)
    ]
    columns = ["scenario", "replicate", "date", "market", "basis", "entity", "kind", "share"]
    return pl.LazyFrame(rows, schema=columns, orient="row")


def concentration_table(replicates: int) -> pl.LazyFrame:
    """HHI of replicate r is r tenths in every market."""
    rows = [
        ("base", replicate, day, market, "stock", replicate / 10)
        for replicate in range(replicates)
        for day in DAYS
        for market in MARKETS
    ]
    return pl.LazyFrame(rows, schema=["scenario", "replicate", "date", "market", "basis", "hhi"], orient="row")


def signals_table() -> pl.LazyFrame:
    rows = [
        ("base", day, signal, kind, value)
        for day in DAYS
        for kind, value in (("hyperscaler", 1.0), ("neocloud", 0.5))
        for signal in ("time_to_capacity", "useful_price")
    ]
    return pl.LazyFrame(rows, schema=["scenario", "date", "signal", "group", "value"], orient="row")


def drawn_rows(chart: Any) -> list[list[dict[str, Any]]]:
    """The rows of every data set that a chart carries."""
    return list(chart.to_dict()["datasets"].values())


def test_stacks_fill_the_market_whatever_the_number_of_firms() -> None:
    """Shares at a date sum to one; beyond seven firms the small are put together."""
    sets = drawn_rows(shares({"shares": shares_table(12)}))
    for rows in sets:
        by_day: dict[str, float] = defaultdict(float)
        for row in rows:
            by_day[row["date"]] += row["share"]
        assert len(by_day) == len(DAYS)
        assert all(total == pytest.approx(1.0) for total in by_day.values())
        assert {row["entity"] for row in rows} == {OTHERS, *(f"firm {size}" for size in range(6, 13))}


def test_there_is_a_panel_for_every_market_and_scenario() -> None:
    """Two scenarios, four markets."""
    assert len(shares({"shares": shares_table(3)}).to_dict()["concat"]) == 8


def test_concentration_draws_the_median_and_nine_tenths_of_replicates() -> None:
    """Of 0, .1, ... 1.0 the median is .5, and the band goes from .05 to .95."""
    (rows,) = drawn_rows(concentration({"concentration": concentration_table(11)}))
    assert len(rows) == len(MARKETS) * len(DAYS)
    for row in rows:
        assert (row["median"], row["low"], row["high"]) == pytest.approx((0.5, 0.05, 0.95))


def test_kinds_are_summed_over_their_firms_and_times_are_in_months() -> None:
    """Of sizes 1, 2, 3 the odd ones are hyperscalers: two thirds; half a year is six months."""
    sets = drawn_rows(provider_kinds({"shares": shares_table(3), "signals": signals_table()}))
    values = {(row["group"], round(row["value"], 6)) for rows in sets for row in rows}
    assert values >= {("hyperscaler", 0.666667), ("neocloud", 0.333333), ("neocloud", 6.0), ("neocloud", 0.5)}


@pytest.mark.parametrize("name", CHARTS)
def test_a_drawing_stands_alone_and_names_what_it_shows(name: str, tmp_path: Path) -> None:
    """An SVG with its title in words, and nothing fetched from elsewhere."""
    tables = {"shares": shares_table(3), "signals": signals_table(), "concentration": concentration_table(2)}
    save(CHARTS[name].draw(tables), tmp_path / "chart.svg", "svg")
    text = (tmp_path / "chart.svg").read_text()
    assert text.startswith("<svg")
    assert "2026" in text or "Jan" in text
    assert "href=" not in text


def run_info(scenario: str, seed: int, first: int = 0, replicates: int = 1) -> RunInfo:
    names = Names.of(vendor=["NVIDIA"], provider=["AWS"], lab=["OpenAI"], chip=["H100"])
    return RunInfo(scenario, {}, "", seed, replicates, names, first_replicate=first)


def test_every_run_has_a_label_of_its_own() -> None:
    """A scenario met once needs no more; else seed, replicates or, failing those, the folder tell runs apart."""
    runs = {"a": run_info("base", 0), "b": run_info("base", 1), "c": run_info("base", 1), "d": run_info("slump", 0)}
    assert list(labels(runs).values()) == ["base, seed 0", "base, seed 1 (b)", "base, seed 1 (c)", "slump"]
    draws = {"a": run_info("base", 0, first=3), "b": run_info("base", 0, replicates=8)}
    assert list(labels(draws).values()) == ["base, replicate 3", "base, replicates 0-7"]


def test_a_firm_that_a_replicate_lacks_holds_nothing_in_it() -> None:
    """Of two replicates one knows A alone, the other B alone: each has a half, and no more than all is held."""
    rows = [
        ("base", replicate, DAYS[0], market, "stock", firm, "neocloud", 1.0)
        for replicate, firm in enumerate("AB")
        for market in MARKETS
    ]
    columns = ["scenario", "replicate", "date", "market", "basis", "entity", "kind", "share"]
    sets = drawn_rows(shares({"shares": pl.LazyFrame(rows, schema=columns, orient="row")}))
    assert all({row["entity"]: row["share"] for row in rows} == {"A": 0.5, "B": 0.5} for rows in sets)


def test_a_firm_has_one_colour_and_a_panel_no_colour_twice() -> None:
    """Whatever panels it is in; the legend stands in the order of the stack."""
    panels = [[f"firm {number}" for number in range(first, first + 7)] for first in (0, 5, 10, 15)]
    colours = firm_colours(panels)
    assert all(len({colours[name] for name in names}) == 7 for names in panels)
    drawn = shares({"shares": shares_table(3)}).to_dict()["concat"]
    scales = [panel["encoding"]["color"]["scale"] for panel in drawn]
    assert scales[0]["domain"] == ["firm 1", "firm 2", "firm 3"]
    assert all(scale == scales[0] for scale in scales)


def test_a_lone_year_is_a_point() -> None:
    """A line through one date would show nothing."""
    drawn = provider_kinds({"shares": shares_table(3), "signals": signals_table()}).to_dict()["hconcat"]
    marks = [[layer["mark"]["type"] for layer in panel["layer"]] for panel in drawn]
    assert marks == [["line"], ["line", "point"], ["line", "point"]]
