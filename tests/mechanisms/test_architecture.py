"""Drift, co-design and what they leave to be seen: divergence, lock-in, segregation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from market_sim.mechanisms import architecture

ONE = np.ones(1)


def generation(codesign, adaptation=0.6, curvature=1.0, releases=True, gradient=(0.3, -0.2, 0.0, 0.1)):
    """The next generation of one lab at 0 whose ideal is (1, 0, 0, 0)."""
    ideal = np.array([[[1.0, 0.0, 0.0, 0.0]]])
    return architecture.next_generation(
        np.zeros((1, 1, 4)), ideal, np.array([[gradient]]), np.array([[releases]]), adaptation * ONE, codesign * ONE,
        curvature * ONE,
    )[0, 0]  # fmt: skip


def test_without_codesign_a_lab_goes_part_of_the_way_to_its_ideal():
    """Six tenths of the way at each release, nothing between releases."""
    np.testing.assert_allclose(generation(0.0), [0.6, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(generation(0.5, releases=False), 0.0)


def test_the_pull_of_installed_chips_is_bounded_by_the_loss_of_quality():
    """However strong, it ends where the gain in fit meets the loss: the optimum of g'x - x'Mx/2."""
    gradient, curvature = np.array([0.3, -0.2, 0.0, 0.1]), 2.0
    best = minimize(lambda x: curvature / 2 * (x * x).sum() - (gradient * x).sum(), np.zeros(4)).x
    np.testing.assert_allclose(generation(1e9, 0.0, curvature), best, atol=1e-5)
    small, large = generation(0.1, 0.0), generation(1.0, 0.0)
    assert 0 < small[0] < large[0] < gradient[0]


def test_quality_is_lost_by_the_square_of_the_distance():
    """Half the curvature times the squared gap."""
    gap = np.array([[[0.3, 0.0, 0.4, 0.0]]])
    assert architecture.quality_loss(gap, 0 * gap, 2.0 * ONE)[0, 0] == pytest.approx(0.25)


@pytest.mark.parametrize("dt", [1 / 48, 1 / 12, 0.5])
def test_models_are_released_once_a_generation(dt):
    """Ten generations in nine years of .9 each, whatever the tick and the phase."""
    phase = np.array([[0.0, 0.31, 0.99]])
    count = sum(architecture.releases(k * dt, dt, phase, 0.9 * ONE).astype(int) for k in range(round(9 / dt)))
    assert (abs(count - 10) <= 1).all()


def test_divergence_is_the_spread_around_the_centre():
    """Two labs one apart: half of it each; alike, none; a lab without weight does not count."""
    drift = np.array([[[0.0, 0, 0, 0], [1.0, 0, 0, 0], [9.0, 0, 0, 0]]])
    assert architecture.divergence(drift, np.array([[1.0, 1.0, 0.0]]))[0] == pytest.approx(0.5)
    assert architecture.divergence(np.ones((1, 3, 4)), np.ones((1, 3)))[0] == pytest.approx(0.0)


def test_segregation_is_zero_when_all_use_the_same_mix_and_one_when_mixes_are_pure():
    """Theil's H at its two ends, and between them in between."""
    same = np.array([[[3.0, 1.0], [6.0, 2.0]]])
    pure = np.array([[[3.0, 0.0], [0.0, 2.0]]])
    assert architecture.segregation(same)[0] == pytest.approx(0.0, abs=1e-12)
    assert architecture.segregation(pure)[0] == pytest.approx(1.0)
    assert 0.0 < architecture.segregation(0.5 * same + pure)[0] < 1.0


def test_segregation_is_zero_where_there_is_one_platform_or_nobody():
    """Nothing to be segregated over."""
    assert architecture.segregation(np.array([[[3.0, 0.0], [1.0, 0.0]]]))[0] == 0.0
    assert architecture.segregation(np.zeros((1, 2, 2)))[0] == 0.0


def test_a_lab_that_never_adapted_is_not_locked_in():
    """Its best platform beats its best alternative by what its twin's does: the index is the difference."""
    fit = np.array([[[2.0, 1.0, 4.0]]])
    price, vendor, there = np.ones((1, 3)), np.array([0, 0, 1]), np.ones((1, 3), bool)

    def index(throughput, reference):
        return architecture.lock_in(throughput, reference, there, price, vendor, 2, np.ones((1, 1)))[0]

    assert index(fit, fit) == 0.0
    adapted = fit * np.array([1.0, 1.0, np.e])
    assert index(adapted, fit) == pytest.approx(1.0)
