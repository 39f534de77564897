"""Charts of a small batch on disk: what each draws, against the same figures by plain loops over the rows."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from market_sim.results.read import Runs
from market_sim.views.charts import CHARTS, save, specification
from market_sim.views.charts.bands import QUANTILES
from market_sim.views.charts.chips import MOST_CHIPS
from market_sim.views.charts.firms import OTHERS, firm_colours
from market_sim.views.charts.holdings import MARKETS, MOST_NAMED
from market_sim.views.charts.tape import LARGEST

Row = dict[str, Any]
Key = tuple[Any, ...]
SCENARIOS = ("baseline", "power_limited")
REPLICATES = range(5)


def rows_of(runs: Runs, table: str, **where: str) -> list[Row]:
    """The rows of a table as plain dictionaries; names as text."""
    rows = runs[table].collect().to_dicts()
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def grouped(rows: list[Row], key: Callable[[Row], Key], value: Callable[[Row], float | None]) -> dict[Key, list[float]]:
    """Key -> every value that is one."""
    found: dict[Key, list[float]] = defaultdict(list)
    for row in rows:
        if (number := value(row)) is not None:
            found[key(row)].append(number)
    return found


def agrees(row: Row, values: list[float]) -> bool:
    """Whether a row of quantiles is that of these values."""
    wanted = [np.quantile(values, at) for at in QUANTILES.values()]
    return row["replicates"] == len(values) and np.allclose([row[name] for name in QUANTILES], wanted, rtol=1e-6)


def by_year(values: dict[Key, list[float]]) -> dict[Key, list[float]]:
    """(... , date, replicate) -> values, as (..., year) -> the mean of each replicate."""
    mean: dict[Key, list[float]] = defaultdict(list)
    years: dict[Key, list[float]] = defaultdict(list)
    for (*place, day, replicate), held in values.items():
        years[(*place, day.year, replicate)] += held
    for (*place, year, _), held in years.items():
        mean[(*place, year)].append(float(np.mean(held)))
    return mean


def test_concentration_draws_the_quantiles_of_hhi(runs: Runs) -> None:
    """Every market, date and run, and nothing else."""
    rows = rows_of(runs, "concentration", basis="stock")
    held = grouped(rows, lambda row: (row["scenario"], row["market"], row["date"]), lambda row: row["hhi"])
    frame = CHARTS["concentration"].frames(runs)["hhi"]
    titles = {title: market for market, title in MARKETS.items()}
    assert frame.height == sum(market in MARKETS for _, market, _ in held) == 2 * 4 * 16
    for row in frame.to_dicts():
        assert agrees(row, held[(row["scenario"], titles[row["panel"]], row["date"])])


def shares_of(runs: Runs, market: str) -> dict[Key, float]:
    """Scenario, date, replicate and firm -> share."""
    rows = rows_of(runs, "shares", basis="stock", market=market)
    return {(row["scenario"], row["date"], row["replicate"], row["entity"]): row["share"] for row in rows}


@pytest.mark.parametrize("market", MARKETS)
def test_shares_are_means_of_the_seven_largest_and_the_rest(runs: Runs, market: str) -> None:
    """Stacks fill the market at every date; who is named was largest somewhere, in this order."""
    held = shares_of(runs, market)
    stack = CHARTS["shares"].frames(runs)["stack"].filter(pl.col("panel") == MARKETS[market])
    total: dict[Key, float] = defaultdict(float)
    mean: dict[Key, float] = defaultdict(float)
    for (scenario, day, _, firm), share in held.items():
        mean[(scenario, day, firm)] += share / len(REPLICATES)
    most: dict[str, float] = defaultdict(float)
    for (_, _, firm), share in mean.items():
        most[firm] = max(most[firm], share)
    ranked = sorted((firm for firm in most if most[firm] > 0.0), key=lambda firm: (-most[firm], firm))
    drawn = stack.filter(pl.col("entity") != OTHERS).sort("place")["entity"].unique(maintain_order=True).to_list()
    assert drawn == ranked[:MOST_NAMED]
    for row in stack.to_dicts():
        total[(row["scenario"], row["date"])] += row["share"]
        if row["entity"] != OTHERS:
            assert row["share"] == pytest.approx(mean[(row["scenario"], row["date"], row["entity"])])
    assert len(total) == 2 * 16
    assert all(filled == pytest.approx(1.0) for filled in total.values())


def test_dots_are_quantiles_at_the_last_date(runs: Runs) -> None:
    """The others are summed within a replicate before quantiles are taken."""
    held = shares_of(runs, "provider")
    last = max(day for _, day, _, _ in held)
    end = CHARTS["shares"].frames(runs)["end"].filter(pl.col("panel") == MARKETS["provider"])
    named = set(end["entity"])
    for row in end.to_dicts():
        assert row["date"] == last
        mine = [
            sum(
                share
                for (scenario, day, draw, firm), share in held.items()
                if (scenario, day, draw) == (row["scenario"], last, replicate)
                and (firm == row["entity"] or (row["entity"] == OTHERS and firm not in named))
            )
            for replicate in REPLICATES
        ]
        assert agrees(row, mine)


def test_kinds_sum_their_firms_and_measure_in_months_and_per_cent(runs: Runs) -> None:
    """Shares by month, times by year; years become months."""
    frame = CHARTS["provider_kinds"].frames(runs)["kinds"]
    rows = rows_of(runs, "shares", basis="stock", market="provider")
    summed = grouped(
        rows, lambda row: (row["scenario"], row["kind"], row["date"], row["replicate"]), lambda row: row["share"]
    )
    for row in frame.filter(pl.col("panel").str.starts_with("Share")).to_dicts():
        key = (row["scenario"], row["group"], row["date"])
        assert agrees(row, [100.0 * sum(summed[(*key, replicate)]) for replicate in REPLICATES])
    waits = grouped(
        rows_of(runs, "signals", signal="time_to_capacity"),
        lambda row: (row["scenario"], row["group"], row["date"], row["replicate"]),
        lambda row: 12.0 * row["value"],
    )
    yearly = by_year(waits)
    drawn = frame.filter(pl.col("panel").str.starts_with("Time")).to_dicts()
    assert len(drawn) == sum(kind in ("hyperscaler", "neocloud") for _, kind, _ in yearly) > 0
    assert all(agrees(row, yearly[(row["scenario"], row["group"], row["date"].year)]) for row in drawn)


def test_prices_are_quotes_by_month_and_the_useful_price_by_year(runs: Runs) -> None:
    """Of the chips that were signed for in the most months."""
    frames = CHARTS["prices"].frames(runs)
    panels, frame = frames["panels"]["panel"].to_list(), frames["prices"]
    months = grouped(rows_of(runs, "signals", signal="trade"), lambda row: (row["group"],), lambda row: row["value"])
    ranked = sorted(((chip, len(held)) for (chip,), held in months.items()), key=lambda one: (-one[1], one[0]))
    assert {panel.split(",")[0] for panel in panels[1:]} == {chip for chip, _ in ranked[:8]}
    quotes = grouped(
        rows_of(runs, "signals", signal="quote"),
        lambda row: (row["scenario"], row["group"], row["date"]),
        lambda row: row["value"],
    )
    useful = by_year(
        grouped(
            rows_of(runs, "signals", signal="useful_price", group="all"),
            lambda row: (row["scenario"], row["date"], row["replicate"]),
            lambda row: row["value"],
        )
    )
    for row in frame.to_dicts():
        chip = row["panel"].split(",")[0]
        by_chip = (row["scenario"], chip, row["date"])
        assert agrees(row, quotes[by_chip] if by_chip in quotes else useful[(row["scenario"], row["date"].year)])


def test_software_draws_premium_and_automation_in_per_cent(runs: Runs) -> None:
    """And the other measures as they are; what is measured once a year only when it was."""
    frame = CHARTS["software"].frames(runs)["software"]
    signals = {"CUDA premium": ("cuda_premium", 100.0), "Lock-in": ("lock_in", 1.0), "Labs apart": ("segregation", 1.0)}
    for start, (signal, scale) in signals.items():
        rows = rows_of(runs, "signals", signal=signal, group="all")
        held = grouped(
            [row for row in rows if signal == "segregation" or row["tick"] in (0, 11, 15)],
            lambda row: (row["scenario"], row["date"]),
            lambda row, scale=scale: scale * row["value"],
        )
        drawn = frame.filter(pl.col("panel").str.starts_with(start)).to_dicts()
        assert len(drawn) == len(held) > 0
        assert all(agrees(row, held[(row["scenario"], row["date"])]) for row in drawn)
    cuda = frame.filter(pl.col("panel").str.contains("Automation, CUDA"))
    assert cuda["median"].is_between(0.0, 100.0).all()
    assert cuda["median"].max() > 50.0


def test_the_vendor_is_the_leader_and_its_backing_is_in_billions(runs: Runs) -> None:
    """NVIDIA leads at the start; its buyers are a market of their own."""
    frames = CHARTS["vendor"].frames(runs)
    assert frames["vendor"]["vendor"].to_list() == ["NVIDIA"]
    held = grouped(
        rows_of(runs, "signals", signal="backing_exposure", group="NVIDIA"),
        lambda row: (row["scenario"], row["date"]),
        lambda row: row["value"] / 1e9,
    )
    drawn = frames["series"].filter(pl.col("panel").str.starts_with("Backing")).to_dicts()
    assert len(drawn) == len(held)
    assert all(agrees(row, held[(row["scenario"], row["date"])]) for row in drawn)
    hhi = grouped(
        rows_of(runs, "concentration", basis="stock", market="buyers of NVIDIA"),
        lambda row: (row["scenario"], row["date"]),
        lambda row: row["hhi"],
    )
    drawn = frames["series"].filter(pl.col("panel").str.starts_with("HHI")).to_dicts()
    assert len(drawn) == len(hhi)
    assert all(agrees(row, hhi[(row["scenario"], row["date"])]) for row in drawn)
    buyers = shares_of(runs, "buyers of NVIDIA")
    assert set(frames["stack"]["entity"]) - {OTHERS} <= {firm for *_, firm in buyers}


def worth(row: Row) -> float:
    """USD over the whole term."""
    return float(row["chips"] * row["usd_per_chip_hour"] * row["term_years"] * 8766.0)


def test_chips_are_parts_of_what_each_lab_signed_for(runs: Runs) -> None:
    """Contracts under way at the start are left out; a chip not bought in one replicate counts as nothing there."""
    frames = CHARTS["chips"].frames(runs)
    spent: dict[Key, float] = defaultdict(float)
    total: dict[Key, float] = defaultdict(float)
    by_chip: dict[str, float] = defaultdict(float)
    for row in rows_of(runs, "contracts"):
        if row["lot"] != "opening":
            place = (row["scenario"], row["lab"], row["replicate"])
            spent[(*place, row["chip"])] += worth(row)
            total[place] += worth(row)
            by_chip[row["chip"]] += worth(row)
    assert set(frames["bought"]["chip"]) == set(sorted(by_chip, key=lambda chip: -by_chip[chip])[:MOST_CHIPS])
    for row in frames["bought"].to_dicts():
        place = (row["scenario"], row["lab"])
        draws = [replicate for replicate in REPLICATES if (*place, replicate) in total]
        parts = [100.0 * spent[(*place, draw, row["chip"])] / total[(*place, draw)] for draw in draws]
        assert agrees(row, parts)
        assert row["mean"] == pytest.approx(np.mean(parts))


def test_fit_is_that_of_the_last_quarter(runs: Runs) -> None:
    """MFU in per cent, and the throughput of a chip, where the lab's models run on it at all."""
    rows = rows_of(runs, "fit")
    last = max(row["date"] for row in rows)
    rows = [row for row in rows if row["date"] == last]
    place = lambda row: (row["scenario"], row["lab"], row["chip"])  # noqa: E731
    mfu = grouped(rows, place, lambda row: None if row["mfu"] is None else 100.0 * row["mfu"])
    pflops = grouped(rows, place, lambda row: row["pflops_per_chip"])
    frame = CHARTS["chips"].frames(runs)["fit"]
    assert frame.height > 100
    for row in frame.to_dicts():
        assert agrees(row, mfu[place(row)])
        assert row["pflops"] == pytest.approx(np.median(pflops[place(row)]), rel=1e-6)


def test_the_tape_holds_the_largest_contracts_of_each_year(runs: Runs) -> None:
    """Of the first replicate, of providers that are firms; with the part of all worth that they are."""
    frames = CHARTS["tape"].frames(runs)
    kinds = ("hyperscaler", "neocloud")
    for scenario in SCENARIOS:
        mine = [row for row in rows_of(runs, "contracts", scenario=scenario) if row["replicate"] == 0]
        mine = [row for row in mine if row["lot"] != "opening" and row["provider_kind"] in kinds]
        largest = set()
        for year in {row["signed"].year for row in mine}:
            signed = sorted((row for row in mine if row["signed"].year == year), key=worth, reverse=True)
            largest |= {row["contract"] for row in signed[:LARGEST]}
        drawn = frames["tape"].filter(pl.col("scenario") == scenario)
        assert set(drawn["contract"]) == largest
        assert drawn["signed"].is_sorted()
        told = frames["all"].filter(pl.col("scenario") == scenario).to_dicts()[0]
        part = sum(worth(row) for row in mine if row["contract"] in largest) / sum(map(worth, mine))
        assert told["contracts"] == len(mine)
        assert told["part"] == pytest.approx(part)


def data_sets(chart: Any) -> Iterator[list[Row]]:
    """The rows of every data set that a chart carries."""
    yield from chart.to_dict()["datasets"].values()


@pytest.mark.parametrize("name", CHARTS)
def test_a_picture_shows_its_frames_and_stands_alone(name: str, runs: Runs, tmp_path: Path) -> None:
    """The rows are in the specification; the SVG has marks, its title in words, and fetches nothing."""
    frames = CHARTS[name].frames(runs)
    chart = CHARTS[name].picture(frames)
    shown = [row for rows in data_sets(chart) for row in rows]
    figures = {round(row["median"], 9) for row in shown if row.get("median") is not None}
    for frame in frames.values():
        if "median" in frame.columns and name != "chips":  # of chips, only parts that can be seen are drawn
            panels = set(frames["panels"]["panel"]) if "panels" in frames else set(frame.get_column("panel"))
            kept = frame.filter(pl.col("panel").is_in(panels))
            assert {round(value, 9) for value in kept["median"].to_list()} <= figures
    save(chart, tmp_path / "chart.svg", "svg")
    text = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    marks = [node for node in ElementTree.fromstring(text).iter() if node.get("aria-roledescription")]
    assert len(marks) > 20
    assert "href=" not in text
    for words in ("baseline", "power_limited"):
        assert words in text


@pytest.mark.parametrize("name", CHARTS)
def test_few_rows_are_drawn_whatever_the_replicates(name: str, runs: Runs) -> None:
    """No chart carries a row for each replicate: at most one for each run, date, place and firm."""
    rows = sum(len(held) for held in data_sets(CHARTS[name].draw(runs)))
    assert rows < 6000


def test_a_firm_has_one_colour_and_a_panel_no_colour_twice() -> None:
    """Whatever panels it is in and whoever is beside it."""
    panels = [["NVIDIA", "AMD", *(f"firm {number}" for number in range(first, first + 5))] for first in (0, 3, 6)]
    colours = firm_colours(panels)
    assert all(len({colours[name] for name in names}) == len(names) for names in panels)
    assert firm_colours([["NVIDIA"]])["NVIDIA"] == colours["NVIDIA"] == firm_colours([["CUDA"]])["CUDA"]


@pytest.mark.parametrize("name", ["shares", "vendor"])
def test_neighbours_in_a_stack_are_parted(name: str, runs: Runs, light_runs: Runs) -> None:
    """White lines tell areas and columns of like greys apart; the names beside them are in the same order."""
    for held, mark in ((runs, "area"), (light_runs, "bar")):
        text = json.dumps(specification(CHARTS[name].draw(held)))
        stacks = re.findall(r'"mark": (\{[^{}]*"type": "' + mark + r'"[^{}]*\})', text)
        strokes = {json.loads(stack).get("stroke") for stack in stacks if '"fillOpacity"' not in stack}
        assert strokes == {"white"}
        assert "in the order of the names" in text


@pytest.mark.parametrize("layout", ["png", "html"])
def test_a_chart_is_saved_as_picture_or_page(layout: str, runs: Runs, tmp_path: Path) -> None:
    """A page carries all it needs within itself."""
    save(CHARTS["concentration"].draw(runs), tmp_path / f"chart.{layout}", layout)  # type: ignore[arg-type]
    content = (tmp_path / f"chart.{layout}").read_bytes()
    assert content.lstrip().startswith({"png": b"\x89PNG", "html": b"<!DOCTYPE html>"}[layout])
    assert b'src="http' not in content


@pytest.mark.parametrize("name", ["concentration", "shares", "provider_kinds", "vendor", "software", "prices"])
def test_a_light_batch_draws_the_same_figures_where_it_has_them(name: str, runs: Runs, light_runs: Runs) -> None:
    """Every row it draws is one of the full batch's, to a thousandth; what is kept at year ends is drawn then."""
    full, light = CHARTS[name].frames(runs), CHARTS[name].frames(light_runs)
    ends = {row["date"] for row in rows_of(light_runs, "shares")}
    assert len(ends) == 3
    for key, drawn in light.items():
        held = [column for column in drawn.columns if drawn.schema[column] in (pl.String, pl.Date)]
        if "date" not in held or not {"median", "share"} & set(drawn.columns):
            continue
        column = "median" if "median" in drawn.columns else "share"
        both = drawn.join(full[key], on=held, suffix="_full")
        kept = drawn if name != "prices" else both  # of prices, other chips may be drawn
        assert both.height == kept.height > 0
        assert np.allclose(both[column], both[f"{column}_full"], rtol=2e-3, atol=1e-9)
        thinned = drawn.filter(pl.col("panel").str.contains("its buyers|Share of|CUDA premium|Lock-in|chip-hour"))
        assert set(thinned["date"]) <= ends
        months = drawn.filter(pl.col("panel").str.contains("Chips under|Labs apart|Lead time|Chip vendors$"))
        assert months.height == 0 or key == "stack" or key == "end" or months["date"].n_unique() == 16
