"""A small batch of two scenarios, recorded in full: what charts and reports are drawn from."""

from pathlib import Path

import pytest

from market_sim.experiments.batch import run_batch
from market_sim.results.read import Runs, read_runs
from market_sim.scenario.load import load_scenario

TICKS, REPLICATES = 16, 5


@pytest.fixture(scope="session")
def batch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the batch: sixteen months, five draws of luck, every table."""
    scenarios = [load_scenario(name, {"ticks": TICKS}) for name in ("baseline", "power_limited")]
    out = tmp_path_factory.mktemp("batch") / "batch"
    return run_batch(scenarios, REPLICATES, "serial", out, record="all").folder


@pytest.fixture
def runs(batch_folder: Path) -> Runs:
    """Its two runs."""
    return read_runs(batch_folder)


@pytest.fixture(scope="session")
def light_runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The same two runs as a batch records them unless asked for more."""
    scenarios = [load_scenario(name, {"ticks": TICKS}) for name in ("baseline", "power_limited")]
    return read_runs(run_batch(scenarios, REPLICATES, "serial", tmp_path_factory.mktemp("light") / "batch").folder)
