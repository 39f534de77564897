"""Naive forecasts and scores on cases worked by hand."""

import numpy as np
import pytest

from market_sim.experiments import naive
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.hindcast import fitted, held_out
from market_sim.experiments.past import Past
from market_sim.experiments.retrace import Retraced
from market_sim.experiments.scoring import crps, directions, score, tally

NAN = np.nan
QUARTERS = ("2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2")


def past_of(**series):
    """History of some series over QUARTERS, all known in their own quarter."""
    value = np.array(list(series.values()), float)
    known = np.broadcast_to(np.arange(len(QUARTERS)), value.shape).copy()
    return Past(tuple(series), QUARTERS, value, np.ones_like(value), known, {})


def run_of(*draws, name="capex"):
    """A run of one series, one row a replicate."""
    return Retraced((name,), QUARTERS, np.array(draws, float)[:, None, :])


def test_naive_forecasts_by_hand():
    """8, 10 go on as 10, 10; as 12.5, 15.625; and a straight doubling line is carried on by the regression."""
    seen = np.array([NAN, 8.0, 10.0])
    assert naive.last_value(seen, 2).tolist() == [10.0, 10.0]
    assert naive.last_growth(seen, 2).tolist() == [12.5, 15.625]
    assert np.isnan(naive.ar1(seen, 2)).all()
    doubling = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    assert naive.ar1(doubling, 2) == pytest.approx([32.0, 64.0])
    assert naive.ar1(np.array([1.0, 3.0, 2.0, 2.5, 2.25]), 1) == pytest.approx([2.375])  # x' = 3.5 - x / 2


def test_growth_over_a_gap_counts_its_quarters():
    """From 4 to 16 in two quarters is a factor 2 each; a forecast starts where the series was last seen."""
    assert naive.last_growth(np.array([4.0, NAN, 16.0]), 1).tolist() == [32.0]
    assert naive.last_growth(np.array([4.0, NAN, 16.0, NAN]), 1).tolist() == [64.0]


@pytest.mark.parametrize("method", naive.METHODS.values())
def test_too_little_to_go_on_is_no_forecast(method):
    """Nothing known: no answer, and no warning."""
    assert np.isnan(method(np.full(6, NAN), 3)).all()


def test_nothing_after_the_origin_is_used():
    """A wild future changes no forecast, and a figure known only later is no basis for one."""
    calm, wild = past_of(capex=[1, 2, 3, 4, 5, 6]), past_of(capex=[1, 2, 3, 4, 5000, 6000])
    for past in (calm, wild):
        assert past.before("capex", "2024-Q4").tolist() == [1, 2, 3, 4]
    late = past_of(capex=[1, 2, 3, 4, 5, 6])
    late.known[0, 3] = 5
    assert naive.last_value(late.before("capex", "2024-Q4"), 1).tolist() == [3.0]


def test_scale_by_hand():
    """Changes of 2 and of 6 over two quarters: (2 + 3) / 2."""
    assert naive.scale(np.array([1.0, 3.0, NAN, 9.0])) == 2.5
    assert np.isnan(naive.scale(np.array([1.0, NAN])))
    assert np.isnan(naive.scale(np.array([1.0, 1.0])))


def test_mase_and_naive_by_hand():
    """History grows by 2 a quarter to 10, then 12 and 14; a median 1 too high has MASE .5, the last value 1.5."""
    past = past_of(capex=[4, 6, 8, 10, 12, 14])
    (one,) = score(run_of([0, 0, 0, 9, 13, 15]), past, QUARTERS[4:], "2024-Q4")
    assert (one.points, one.mae, one.scale, one.mase) == (2, 1.0, 2.0, 0.5)
    assert one.naive["last value"] == 3.0
    assert one.naive["last growth"] == pytest.approx(np.mean([12.5 - 12, 15.625 - 14]))
    assert one.best == "last value" if one.naive["last growth"] > 3.0 else one.best == "last growth"
    assert one.beats is (one.mae < min(one.naive["last value"], one.naive["last growth"]))
    assert (one.right, one.turns) == (2, 2)


def test_the_best_naive_forecast_can_win():
    """A median that is off by more than the best naive forecast does not beat it."""
    past = past_of(capex=[10, 10, 10, 11, 11, 11])
    (one,) = score(run_of([10, 10, 10, 11, 12, 13]), past, QUARTERS[4:], "2024-Q4")
    assert one.naive["last value"] == 0.0
    assert one.beats is False
    assert tally([one]).share_won == 0.0


def test_directions_bridge_gaps_and_count_standing_still_as_wrong():
    """Up over a gap is right; a median that stands still while history moves is not."""
    figures = np.array([1.0, NAN, 3.0, 2.0, NAN, 5.0])
    middle = np.array([1.0, 9.0, 2.0, 2.0, 0.0, 3.0])
    assert directions(middle, figures, range(6)) == (2, 3)
    assert directions(middle, figures, [5]) == (1, 1)


def test_crps_by_hand():
    """One draw: its absolute error. Draws 0 and 2 around 1: 1 - 2/4."""
    assert crps(np.array([3.0]), 1.0) == 2.0
    assert crps(np.array([0.0, 2.0]), 1.0) == 0.5
    draws = np.random.default_rng(0).normal(size=50)
    pairs = np.abs(draws[:, None] - draws[None, :]).mean()
    assert crps(draws, 0.3) == pytest.approx(np.abs(draws - 0.3).mean() - pairs / 2)


def test_bands_hold_what_lies_inside_them():
    """Of draws 0 to 100, the middle half is 25 to 75 and the middle nine tenths 5 to 95."""
    draws = np.broadcast_to(np.arange(101.0)[:, None], (101, 6))
    past = past_of(capex=[1, 1, 1, 1, 75, 96])
    (one,) = score(run_of(*draws), past, QUARTERS[4:], "2024-Q4")
    assert dict(one.within) == {"50": 1, "90": 1}
    assert tally([one]).coverage("90") == 0.5


def test_a_run_that_does_not_reach_is_refused():
    """Quarters outside the run, and windows that history is silent on."""
    past = past_of(capex=[4, 6, 8, 10, NAN, NAN])
    with pytest.raises(WrongRequest, match="history tells nothing of 2025-Q1 to 2025-Q2"):
        score(run_of([1, 1, 1, 1, 1, 1]), past, QUARTERS[4:], "2024-Q4")
    short = Retraced(("capex",), QUARTERS[:2], np.ones((1, 1, 2)))
    with pytest.raises(WrongRequest, match="wanted 2025-Q1 too"):
        score(short, past, QUARTERS[4:], "2024-Q4")


def test_windows_share_no_quarter():
    """What is fitted is not the test."""
    quarters = ("2022-Q4", *QUARTERS)
    assert fitted(quarters).tolist() == [False, True, True, True, True, False, False]
    assert held_out(quarters).tolist() == [False, False, False, False, False, True, True]
