"""A run with the error that its model has shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from market_sim.experiments.discrepancy import SCALES
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.past import Past
from market_sim.experiments.predictive import COPIES, read_factors, rebased, with_error
from market_sim.experiments.retrace import Retraced

RUN = Retraced(("capex", "nvidia_margin", "build_slip"), ("2023-Q1", "2023-Q2"), np.full((500, 3, 2), 50.0))


def test_a_series_gets_its_error_and_keeps_it() -> None:
    """Of the declared size times the factor, in logs or in points, the same in all quarters; others are left alone."""
    wide = with_error(RUN, {"capex": 2.0, "nvidia_margin": 1.0}, 0)
    assert wide.value.shape == (500 * COPIES, 3, 2)
    capex, margin, slip = wide.value.transpose(1, 0, 2)
    assert np.log(capex[:, 0] / 50.0).std() == pytest.approx(0.2, rel=0.05)
    assert np.median(capex) == pytest.approx(50.0, rel=0.02)
    assert margin[:, 0].std() == pytest.approx(3.0, rel=0.05)
    assert np.array_equal(capex[:, 0], capex[:, 1])
    assert (slip == 50.0).all()
    assert (with_error(RUN, {"nvidia_margin": 100.0}, 0).value <= 100.0).all()


def test_no_error_is_none_and_a_seed_gives_the_same() -> None:
    """Without factors the replicates come several times over; errors of one series do not hang on the others'."""
    assert (with_error(RUN, {}, 0).value == 50.0).all()
    alone, beside = with_error(RUN, {"capex": 1.0}, 3), with_error(RUN, {"capex": 1.0, "nvidia_margin": 1.0}, 3)
    assert np.array_equal(alone.value[:, 0], beside.value[:, 0])


def test_factors_are_read_from_the_report_of_a_calibration(tmp_path: Path) -> None:
    """Anything else is refused."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"series": {"capex": {"factor": 1.5, "bias": 0.1}}}))
    assert read_factors(path) == {"capex": 1.5}
    for content in ("{}", "[]", "no json", '{"series": {"capex": 3}}'):
        path.write_text(content)
        with pytest.raises(WrongRequest, match="wanted the JSON that"):
            read_factors(path)
    with pytest.raises(WrongRequest, match="cannot be read"):
        read_factors(tmp_path / "none.json")


def history(figures: dict[str, list[float]], quarters: tuple[str, ...]) -> Past:
    """Figures that could be known at once."""
    names = tuple(figures)
    value = np.array(list(figures.values()), dtype=float)
    known = np.broadcast_to(np.arange(len(quarters)), value.shape).copy()
    return Past(names, quarters, value, np.ones_like(value), known, {})


QUARTERS = ("2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2")


def test_a_forecast_begins_where_history_stands() -> None:
    """From 80, where the model doubles from 50, it goes to 160; what came later is not looked at."""
    paths = np.broadcast_to([40.0, 50.0, 100.0, 100.0], (400, 1, 4)).copy()
    run = Retraced(("capex",), QUARTERS, paths)
    past = history({"capex": [np.nan, 80.0, 1.0, 2.0]}, QUARTERS)
    found = rebased(run, past, "2024-Q4", 0).value[:, 0]
    assert (found[:, :2] == [40.0, 50.0]).all()
    assert np.median(found[:, 2]) == pytest.approx(160.0, rel=0.01)
    assert np.log(found[:, 3]).std() == pytest.approx(np.sqrt(2.0) * np.log(found[:, 2]).std(), rel=0.1)
    other = history({"capex": [np.nan, 80.0, 99.0, 99.0]}, QUARTERS)
    assert np.array_equal(rebased(run, other, "2024-Q4", 0).value[:, 0], found)


def test_the_gap_opens_again_as_it_moved_before() -> None:
    """A gap that moved by a tenth a quarter makes a band of that size; a steady one half the declared scale a year."""
    quarters = tuple(f"{2023 + k // 4}-Q{k % 4 + 1}" for k in range(9))
    run = Retraced(("capex",), quarters, np.full((2000, 1, 9), 100.0))
    moving = history({"capex": [100.0 * np.exp(0.1 * (k % 2)) for k in range(8)] + [np.nan]}, quarters)
    steady = history({"capex": [110.0] * 8 + [np.nan]}, quarters)
    for past, size in ((moving, 0.1), (steady, 0.25 * SCALES["capex"].size)):
        ahead = rebased(run, past, "2024-Q4", 1).value[:, 0, 8]
        assert np.log(ahead).std() == pytest.approx(size, rel=0.05)
    untold = rebased(run, history({"capex": [np.nan] * 9}, quarters), "2024-Q4", 1)
    assert (untold.value == 100.0).all()
