"""A run with the error that its model has shown."""

import json
from pathlib import Path

import numpy as np
import pytest

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.predictive import COPIES, read_factors, with_error
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
