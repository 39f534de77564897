"""What stands behind the dashboard: its dials, its ensembles, the file it keeps, and the figures of a firm."""

import tomllib
from pathlib import Path

import polars as pl
import pytest

from market_sim.dashboard import firms
from market_sim.dashboard.dials import DIALS, model_params, moved, value_at
from market_sim.dashboard.ensemble import Ensemble, Settings, Stopped, differences, simulate
from market_sim.dashboard.overlay import command, overlay_text
from market_sim.experiments.batch import run_batch
from market_sim.results.read import read_runs
from market_sim.scenario.load import load_scenario

SHORT = {"replicates": 5, "years": 1}


def watched(settings: Settings, home: Path) -> tuple[Ensemble, list[Ensemble]]:
    seen: list[Ensemble] = []

    def look(so_far: Ensemble) -> bool:
        seen.append(so_far)
        return True

    return simulate(settings, home, look, "serial"), seen


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ensembles")


@pytest.fixture(scope="module")
def both(home: Path) -> tuple[Ensemble, list[Ensemble]]:
    """The baseline beside itself under another dispersion, four replicates and then one."""
    return watched(Settings(dials={"labs.sigma": 0.9}, **SHORT), home)


@pytest.mark.parametrize("dial", DIALS, ids=lambda dial: dial.key)
def test_every_dial_stands_where_the_scenario_does_and_may_reach_its_ends(dial):
    """A dial's value is the scenario's, within its range, and the scenario takes either end of the range."""
    scenario = load_scenario("baseline")
    shown = model_params(scenario)[dial.key]
    assert shown["value"] == value_at(scenario, dial.key)
    ends = shown["values"] if shown["type"] == "Select" else [shown["min"], shown["max"]]
    for end in ends:
        assert value_at(load_scenario("baseline", {dial.key: end}), dial.key) == end


def test_a_slider_that_rests_on_its_nearest_step_counts_as_not_moved():
    """Less than half a step from the scenario's value is no change; half a step is."""
    scenario = load_scenario("baseline")
    sigma = model_params(scenario)["labs.sigma"]
    near, far = (sigma["value"] + part * sigma["step"] for part in (0.49, 0.51))
    assert moved(scenario, {"labs.sigma": near, "labs.choice": "fit"}) == {}
    assert moved(scenario, {"labs.sigma": far}) == {"labs.sigma": far}


def test_an_ensemble_grows_chunk_by_chunk_under_common_luck(both):
    """It is seen after each chunk, untouched first; its rows are those of a batch of the same scenario and seed."""
    ensemble, seen = both
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert {one.total for one in seen} == {10}
    assert seen[-1].progress == ensemble.progress == 1.0
    assert [len(one.folders) for one in (seen[1], ensemble)] == [1, 2]
    alone = run_batch(
        Settings(**SHORT).loaded(), 5, "serial", ensemble.folders[0].parent / "alone", record="concentration"
    )
    columns = ["replicate", "tick", "market", "hhi"]
    rows = [
        runs["concentration"].select(columns).sort(columns).collect()
        for runs in (read_runs(ensemble.folders[0]), alone.read())
    ]
    assert rows[0].equals(rows[1])


def test_only_what_is_missing_is_run_again(both, home):
    """Another dial leaves the untouched scenario's parts alone, and asking for the same runs nothing."""
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.parquet")}
    watched(Settings(dials={"labs.sigma": 0.9}, **SHORT), home)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*.parquet")} == before


def test_an_ensemble_that_is_stopped_keeps_what_was_finished(tmp_path):
    """Stopping after the first chunk leaves its replicates to be read, and going on runs the rest."""
    settings = Settings(**SHORT)
    with pytest.raises(Stopped):
        simulate(settings, tmp_path, lambda so_far: so_far.done == 0, "serial")
    folder = next(tmp_path.iterdir())
    kept = read_runs(folder)["concentration"].select(pl.col("replicate").n_unique()).collect().item()
    ended, _ = watched(settings, tmp_path)
    whole = ended.read()
    assert kept == 4
    assert whole is not None
    assert whole["concentration"].select(pl.col("replicate").n_unique()).collect().item() == 5


def test_dials_that_change_nothing_differ_by_nothing(home):
    """Without a dial there is nothing to compare; with one, the difference of some metric is not zero."""
    untouched, _ = watched(Settings(**SHORT), home)
    assert differences(untouched) == []


def test_dials_that_change_something_show_it_pair_by_pair(both):
    """The page's differences are those of the two folders' means."""
    found = {one.metric: one for one in differences(both[0])}
    assert any(one.difference for one in found.values())
    assert all(one.pairs == 5 for one in found.values())
    for one in found.values():
        assert one.difference == pytest.approx(one.b - one.a, rel=1e-9, abs=1e-9)


def test_the_kept_file_is_the_scenario_that_was_shown(tmp_path):
    """Loading the overlay gives the dials' values, each with a standing, and all else as the parent has it."""
    dials = {"labs.sigma": 0.3, "labs.choice": "spec_sheet"}
    file = tmp_path / "mine.toml"
    file.write_text(overlay_text("baseline", "mine", dials))
    assert tomllib.loads(file.read_text())["sources"]["labs.sigma"]["standing"] == "illustrative"
    kept, meant = load_scenario(file), load_scenario("baseline", dials)
    alike = {"name": "x", "about": "x"}
    assert kept.model_copy(update=alike) == meant.model_copy(update=alike)


def test_the_command_quotes_what_a_shell_would_split():
    """A file with a space in its name stays one word."""
    words = command("baseline", "my own.toml", seed=3, replicates=8, ticks=60)
    assert words == "market-sim compare baseline 'my own.toml' --seed 3 -n 8 --set ticks=60"


def test_holders_are_mean_shares_at_the_end(both):
    """A firm's bar is the mean over replicates of its share of useful compute on the last day."""
    runs = both[0].read()
    assert runs is not None
    frame = firms.holders(runs)
    row = frame.row(by_predicate=(pl.col("entity") == "NVIDIA") & (pl.col("scenario") == "baseline"), named=True)
    held = runs["shares"].filter(
        pl.col("run").cast(pl.String) == both[0].folders[0].name,
        pl.col("basis").cast(pl.String) == "stock",
        pl.col("market").cast(pl.String) == "vendor",
        pl.col("entity").cast(pl.String) == "NVIDIA",
        pl.col("date") == pl.col("date").max(),
    )
    assert row["share"] == pytest.approx(held.collect()["share"].mean())


def test_a_firms_contracts_are_those_it_is_named_in(both):
    """A provider's rows name it, a lab's rows name it, and a vendor's rows are on its own chips."""
    runs = both[0].read()
    assert runs is not None
    assert set(firms.contracts(runs, "CoreWeave")["provider"]) == {"CoreWeave"}
    assert set(firms.contracts(runs, "OpenAI")["lab"]) == {"OpenAI"}
    made = {name for name, chip in load_scenario("baseline").chip.items() if chip.vendor == "AMD"}
    assert set(firms.contracts(runs, "AMD")["chip"]) <= made
    assert firms.contracts(runs, "AMD").height > 0
