"""Draws from a file in place of priors: read, checked, joined by row, and part of the scenario from then on."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from toy_market import BASE, Market

from market_sim.scenario.canonical import resolved_toml, scenario_hash
from market_sim.scenario.declare import text
from market_sim.scenario.load import ScenarioError, load_scenario, loads, with_overrides
from market_sim.scenario.provenance import provenance
from market_sim.scenario.realise import realise


class Drawn(Market):
    """A toy market that notes where its draws come from."""

    drawn_from: str = text("", meaning="File of draws")


COLUMNS = {'provider."Lambda Labs".power': [11.0, 12.0, 13.0], "software.floor": [0.1, 0.2, 0.3]}


def market(folder: Path, asked: str, columns: dict[str, list[float]] | None = None, suffix: str = ".parquet") -> Path:
    """A toy market that names a file of draws beside it."""
    frame = pl.DataFrame(columns or COLUMNS)
    (frame.write_csv if suffix == ".csv" else frame.write_parquet)(folder / f"draws{suffix}")
    path = folder / "market.toml"
    path.write_text(f"parameters_from = {asked}\n{BASE}")
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_replicate_k_takes_row_k(tmp_path: Path, suffix: str) -> None:
    """What stands in one row stays together; after the last row the first comes again, whatever the seed."""
    path = market(tmp_path, f'"draws{suffix}"', suffix=suffix)
    made = realise(load_scenario(path, schema=Market), 5, [0, 1, 2, 3, 7])
    assert made.provider.power[:, 1].tolist() == [11.0, 12.0, 13.0, 11.0, 12.0]
    assert made.software.floor.tolist() == [0.1, 0.2, 0.3, 0.1, 0.2]


def test_the_scenario_stands_for_itself(tmp_path: Path) -> None:
    """Its TOML holds the draws, the name of the file and its hash, and loads again where no such file is."""
    scenario = load_scenario(market(tmp_path, '"draws.parquet"'), schema=Drawn)
    again = loads(resolved_toml(scenario), schema=Drawn)
    assert scenario_hash(again) == scenario_hash(scenario)
    assert realise(again, 0, [2]).software.floor.tolist() == [0.3]
    assert again.drawn_from.startswith("draws.parquet sha256 ")
    assert "draws of draws.parquet: 3 rows" in provenance(again, "software.floor").source


def test_some_columns_may_be_chosen(tmp_path: Path) -> None:
    """The others keep what the scenario says."""
    path = market(tmp_path, '{file = "draws.parquet", keys = ["software.*"]}')
    made = realise(load_scenario(path, schema=Market), 0, range(3))
    assert made.software.floor.tolist() == [0.1, 0.2, 0.3]
    assert not set(made.provider.power[:, 1].tolist()) & {11.0, 12.0, 13.0}


def test_an_overlay_speaks_last(tmp_path: Path) -> None:
    """It may set a parameter that was drawn, name another file, or none; so may the command line."""
    market(tmp_path, '"draws.parquet"')
    pl.DataFrame({"software.floor": [0.5]}).write_parquet(tmp_path / "other.parquet")
    said = {"software.floor = 0.05": 0.05, 'parameters_from = "other.parquet"': 0.5, 'parameters_from = ""': 0.1}
    for at, (line, wanted) in enumerate(said.items()):
        path = tmp_path / f"overlay{at}.toml"
        path.write_text(f'extends = "market.toml"\n{line}\n')
        made = realise(load_scenario(path, schema=Market), 0, [1])
        assert made.software.floor.tolist() == [wanted]
    told = load_scenario(tmp_path / "market.toml", {"parameters_from": str(tmp_path / "other.parquet")}, schema=Market)
    assert realise(told, 0, [1]).software.floor.tolist() == [0.5]
    later = with_overrides(
        load_scenario(tmp_path / "market.toml", schema=Market), {"parameters_from": str(tmp_path / "other.parquet")}
    )
    assert realise(later, 0, [1]).software.floor.tolist() == [0.5]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"software.flor": [0.1]}, r"column 'software.flor': .*did you mean 'software.floor'"),
        ({"software.floor": [0.1, 1.2]}, r"column 'software.floor', row 2: 1.2; wanted 0 to 1"),
        ({"software.floor": [0.1, float("nan")]}, r"column 'software.floor', row 2: nan; wanted a finite number"),
        ({"provider.Nobody.power": [1.0]}, r"column 'provider.Nobody.power': wanted a name in provider"),
        ({"ticks": [1.0]}, r"column 'ticks': wanted a parameter that may differ"),
        ({"tick_months": [1.0]}, r"column 'tick_months': wanted a parameter that may differ"),
        ({"a.": [1.0]}, r"column 'a.' is not a dotted key path"),
    ],
)
def test_a_column_that_does_not_fit_is_refused(tmp_path: Path, columns: dict[str, list[float]], wanted: str) -> None:
    """In one message that names file, column, row and value."""
    with pytest.raises(ScenarioError, match=wanted) as refused:
        load_scenario(market(tmp_path, '"draws.parquet"', columns), schema=Market)
    assert "draws.parquet" in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ('"nothing.parquet"', "no such file"),
        ("3", "wanted the name of a file"),
        ('{keys = ["software.floor"]}', "wanted the name of a file"),
        ('{file = "draws.parquet", keys = ["labs.sigma"]}', "no column for 'labs.sigma'"),
    ],
)
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, asked: str, wanted: str) -> None:
    """And so is a request that cannot be read."""
    with pytest.raises(ScenarioError, match=wanted):
        load_scenario(market(tmp_path, asked), schema=Market)


def test_a_file_that_holds_no_draws_is_refused(tmp_path: Path) -> None:
    """Whether it is empty, ragged or no Parquet at all."""
    path = market(tmp_path, '"draws.csv"', suffix=".csv")
    for content, wanted in (("software.floor\n", "holds no draws"), ("a,b\n1\n", "row 1 has 1 values; wanted 2")):
        (tmp_path / "draws.csv").write_text(content)
        with pytest.raises(ScenarioError, match=wanted):
            load_scenario(path, schema=Market)
    path = market(tmp_path, '"draws.parquet"')
    (tmp_path / "draws.parquet").write_bytes(b"none")
    with pytest.raises(ScenarioError, match=r"draws.parquet: cannot be read as Parquet"):
        load_scenario(path, schema=Market)


def test_luck_may_be_listed() -> None:
    """Replicates that take the same draw of luck differ in their draws of parameters alone."""
    from market_sim.scenario.schema import Scenario
    from market_sim.simulation.prepare import prepare

    scenario = load_scenario(
        "baseline", {"ticks": 2, "luck": [4, 4, 5], "labs.sigma": {"dist": "draws", "values": [0.3, 0.4]}}
    )
    assert isinstance(scenario, Scenario)
    setup, _ = prepare(scenario, 0, (0, 1, 2))
    plain, _ = prepare(load_scenario("baseline", {"ticks": 2}), 0, (4, 5))
    assert setup.drawn.labs.sigma.tolist() == [0.3, 0.4, 0.3]
    assert np.array_equal(setup.luck.entry, plain.luck.entry[[0, 0, 1]])
    site_cost = setup.drawn.providers.site_cost  # a distribution of the scenario's own, drawn by that luck
    assert np.array_equal(site_cost, plain.drawn.providers.site_cost[[0, 0, 1]])
    assert site_cost[1] != site_cost[2]


def test_luck_counts_in_whole_numbers() -> None:
    """A part of a draw is refused."""
    with pytest.raises(ScenarioError, match="whole numbers"):
        load_scenario("baseline", {"luck": [0.5]})
