"""Quarters from ticks, worked by hand; and a market measured the same however it is run."""

import numpy as np
import pytest

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.retrace import MEASURES, Quarters, refuse_unfit, retrace, retrace_chunk
from market_sim.experiments.series import SERIES
from market_sim.scenario.load import load_scenario

SHORT = {"ticks": 6}


def test_ticks_add_up_to_quarters():
    """Sums, means, ends and years of 13 months: four quarters, the last month left out."""
    q = Quarters({"x": np.arange(13.0)[None, :]}, 3)
    assert q.total("x").tolist() == [[3.0, 12.0, 21.0, 30.0]]
    assert q.mean("x").tolist() == [[1.0, 4.0, 7.0, 10.0]]
    assert q.last("x").tolist() == [[2.0, 5.0, 8.0, 11.0]]
    assert np.isnan(q.year("x")[0, :3]).all()
    assert q.year("x")[0, 3] == 66.0


def test_every_series_has_its_measure():
    """One entry each in both lists."""
    assert set(MEASURES) == set(SERIES)


def test_a_run_is_measured_alike_however_it_is_run():
    """Alone, in a chunk and through an executor: the same bits."""
    scenario = load_scenario("history_2023", SHORT)
    both = retrace_chunk(scenario, seed=3, replicates=(0, 1))
    alone = retrace_chunk(scenario, seed=3, replicates=(1,))
    spread = retrace(scenario, 2, seed=3, executor="serial")
    assert both.quarters == ("2023-Q1", "2023-Q2")
    np.testing.assert_array_equal(both.value[1], alone.value[0])
    np.testing.assert_array_equal(both.value, spread.value)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("history_2023", {"start": "2023-02"}, "wanted the first month of a quarter"),
        ("history_2023", {"tick_months": 2.0}, "tick_months = 2; wanted a part of 3"),
    ],
)
def test_unfit_scenarios_are_refused(name, changes, said):
    """A scenario whose ticks or firms history knows nothing of."""
    with pytest.raises(WrongRequest, match=said):
        refuse_unfit(load_scenario(name, changes))
