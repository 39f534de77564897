"""The real schema and the shipped scenarios: documented in full, sourced in full, and stable when written."""

import subprocess
import sys

import numpy as np
import pytest

from market_sim.scenario.canonical import resolved_toml, scenario_hash
from market_sim.scenario.document import parameter_rows
from market_sim.scenario.load import load_scenario, loads, shipped
from market_sim.scenario.provenance import unsourced
from market_sim.scenario.realise import realise
from market_sim.scenario.schema import Scenario

SHIPPED = sorted(shipped())


def test_every_numeric_default_names_its_source() -> None:
    """A number in the schema without a source would be an opinion in disguise."""
    rows = [row for row in parameter_rows(Scenario) if row.unit and row.key_path != "ticks"]
    assert len(rows) > 50
    assert [row.key_path for row in rows if not row.source and row.default != "required"] == []


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
