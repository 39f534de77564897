"""The real schema and the shipped scenarios: documented in full, sourced in full, and stable when written."""

import subprocess
import sys

import numpy as np
import pytest

from market_sim.scenario.canonical import resolved_toml, scenario_hash
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.document import parameter_rows
from market_sim.scenario.load import ScenarioError, load_scenario, loads, shipped
from market_sim.scenario.provenance import unsourced
from market_sim.scenario.realise import realise
from market_sim.scenario.schema import Scenario

SHIPPED = sorted(shipped())


def test_every_numeric_default_names_its_source() -> None:
    """A number in the schema without a source would be an opinion in disguise."""
    rows = [row for row in parameter_rows(Scenario) if row.unit and row.key_path != "ticks"]
    assert len(rows) > 50
    assert [row.key_path for row in rows if not row.source and row.default != "required"] == []


def test_every_number_and_month_is_bounded_on_both_sides() -> None:
    """A slip of the keyboard, a price of 1e300 or the year 9990, is refused rather than simulated."""
    rows = [row for row in parameter_rows(Scenario) if row.unit or row.type == "month"]
    assert {"start", "lab.*.revenue"} <= {row.key_path for row in rows}
    assert [row.key_path for row in rows if " to " not in row.bounds] == []


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("start", "1900-01", "a month in the years 2000 to 2099"),
        ("start", "9990-01", "a month in the years 2000 to 2099"),
        ("chip.H100.available", "1999-12", "2000 to 2099"),
        ("lab.OpenAI.revenue", 1e16, "0 to 1e"),
        ("chip.H100.price", 1e9, "0 to 1e"),
        ("lab.OpenAI.cash", {"dist": "lognormal", "median": 1e12, "sigma": 2.0}, "its draws reach from"),
    ],
)
def test_what_lies_beyond_any_market_is_refused(key: str, value: object, wanted: str) -> None:
    """Naming the range that is taken."""
    with pytest.raises(ScenarioError, match=wanted):
        load_scenario("baseline", {key: value})


def test_a_lognormal_without_a_cut_reaches_as_far_as_its_draws() -> None:
    """So an amount of money may be drawn from one, though the law itself has no end."""
    drawn = load_scenario("baseline", {"lab.OpenAI.cash": {"dist": "lognormal", "median": 3e10, "sigma": 0.5}})
    law = drawn.lab["OpenAI"].cash
    assert isinstance(law, Distribution)
    farthest = float(law.quantile(np.array([1.0 - 2.0**-53]))[0])
    assert 0.9 * law.support[1] < farthest <= law.support[1] < 1e15


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_survives_being_written(name: str) -> None:
    """Loaded, resolved and loaded again it is equal, hash included."""
    scenario = load_scenario(name)
    again = loads(resolved_toml(scenario))
    assert again == scenario
    assert scenario_hash(again) == scenario_hash(scenario)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_of_a_shipped_scenario_has_a_source(name: str) -> None:
    """Each value said in a file is covered by an entry of `[sources]`."""
    assert unsourced(load_scenario(name)) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_realises_with_finite_numbers(name: str) -> None:
    """Every table has its rows, and a replicate is the same alone as in a batch."""
    scenario = load_scenario(name)
    batch, alone = realise(scenario, 0, range(3)), realise(scenario, 0, [2])
    assert batch.provider.names == tuple(scenario.provider)
    for field, values in vars(batch.provider).items():
        if isinstance(values, np.ndarray) and values.ndim > 1:
            assert np.array_equal(values[2:], getattr(alone.provider, field), equal_nan=True)


def test_loading_a_scenario_stays_cheap_to_import() -> None:
    """Neither SciPy, Polars nor Numba is imported to read and check a scenario."""
    heavy = "[name for name in ('scipy', 'polars', 'numba') if name in sys.modules]"
    code = f"import sys, market_sim.scenario.load; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
