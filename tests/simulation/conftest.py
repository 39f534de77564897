"""One short run of the baseline, shared by the tests of what is recorded."""

import pytest

from market_sim.results.tables import Results
from market_sim.scenario.load import load_scenario
from market_sim.scenario.schema import Scenario
from market_sim.simulation.observe import Observer
from market_sim.simulation.run import Run, run_info

TICKS = 12
SEED = 3
REPLICATES = (0, 1, 2)


@pytest.fixture(scope="session")
def short_baseline() -> Scenario:
    """The shipped baseline, for a year."""
    return load_scenario("baseline", {"ticks": TICKS})


@pytest.fixture(scope="session")
def watched(short_baseline: Scenario) -> Run:
    """A chunk of three replicates, brought to its end; `last` is its last day."""
    run = Run(short_baseline, seed=SEED, replicates=REPLICATES)
    while not run.done:
        run.last = run.step()
    return run


@pytest.fixture(scope="session")
def observer(watched: Run) -> Observer:
    """What watched it."""
    return watched.observer


@pytest.fixture(scope="session")
def chunk(short_baseline: Scenario, watched: Run) -> Results:
    """Its results."""
    frames = watched.frames()
    info = run_info(short_baseline, seed=SEED, replicates=REPLICATES, tables=tuple(frames))
    return Results(frames, info)
