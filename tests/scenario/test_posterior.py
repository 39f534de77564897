"""The posterior that is shipped: what it was fitted with, and who takes it."""

import json
from pathlib import Path

from market_sim.scenario.distributions import Draws
from market_sim.scenario.draws import read_draws
from market_sim.scenario.files import shipped_folder
from market_sim.scenario.keys import key_path
from market_sim.scenario.load import load_scenario
from market_sim.scenario.provenance import provenance
from market_sim.scenario.realise import distributions

FILE = Path(str(shipped_folder()), "posteriors", "2023-2024.parquet")
REPORT = json.loads(FILE.with_suffix(".json").read_text())


def drawn(name: str) -> set[str]:
    return {key_path(path) for path, one in distributions(load_scenario(name)) if isinstance(one, Draws)}


def test_it_holds_what_its_report_says() -> None:
    """A column for each parameter, as many rows as draws, nothing fitted beyond 2024, resting on many simulations."""
    held = read_draws(FILE)
    assert set(held.columns) == set(REPORT["parameters"])
    assert held.rows == REPORT["draws"]
    assert REPORT["fitted"] == ["2023-Q1", "2024-Q4"]
    assert REPORT["effective"] > 100.0


def test_every_free_parameter_is_one_that_the_market_of_2023_draws() -> None:
    """And each draw lies within what it draws from: a posterior is no wider than its prior."""
    priors = {key_path(path): one for path, one in distributions(load_scenario("history_2023"))}
    held = read_draws(FILE)
    assert set(held.columns) == set(priors)
    for key, values in held.columns.items():
        low, high = priors[key].support
        assert low <= min(values)
        assert max(values) <= high


def test_the_markets_take_it() -> None:
    """2023 takes all of it, the baseline what it shares with 2023 and no figure of that year; both say whence."""
    assert drawn("history_2023_fitted") == set(REPORT["parameters"])
    shared = drawn("baseline")
    assert shared < set(REPORT["parameters"])
    assert not [key for key in shared if key.startswith(("vendor.", "chip.", "provider.", "pool."))]
    scenario = load_scenario("baseline")
    assert scenario.drawn_from.startswith("2023-2024.parquet sha256 ")
    assert "2023-2024.parquet" in provenance(scenario, "trade.omega").source
