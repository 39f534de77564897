"""Quantiles against SciPy, and their order."""

import numpy as np
import pytest
from scipy import special

from market_sim import quantiles

LUCK = np.concatenate([np.random.default_rng(1).random(4000), [2.0**-53, 1e-12, 0.075, 0.925, 1.0 - 2.0**-53]])


def test_normal_quantile_matches_scipy() -> None:
    """The normal quantile agrees with SciPy's to 14 digits, out to the last uniform that can be drawn."""
    np.testing.assert_allclose(quantiles.normal_quantile(LUCK), special.ndtri(LUCK), rtol=1e-14)


def test_normal_quantile_is_odd() -> None:
    """A uniform and its complement give opposite normals, and one half gives zero."""
    luck = (np.arange(1, 1024)) / 1024.0
    answers = quantiles.normal_quantile(luck)
    np.testing.assert_array_equal(answers, -answers[::-1])
    assert quantiles.normal_quantile(0.5) == 0.0


@pytest.mark.parametrize("shape", [0.05, 0.3, 0.7, 1.0, 2.5, 6.0, 40.0, 1000.0])
def test_gamma_quantile_matches_scipy(shape: float) -> None:
    """The gamma quantile agrees with SciPy's to 1e-12, in the far tails as well."""
    expected = special.gammaincinv(shape, LUCK)
    normal = expected > 1e-300
    got = quantiles.gamma_quantile(LUCK, shape)
    np.testing.assert_allclose(got[normal], expected[normal], rtol=1e-12)


def test_gamma_of_shape_one_is_the_exponential() -> None:
    """With shape one the gamma is -ln(1 - p)."""
    np.testing.assert_allclose(quantiles.gamma_quantile(LUCK, 1.0), -np.log1p(-LUCK), rtol=1e-12)


def test_gamma_shapes_broadcast() -> None:
    """A shape per firm goes with a draw per firm; a shape that is not positive is refused."""
    luck, shapes = LUCK[:6].reshape(3, 2), np.array([2.0, 9.0])
    got = quantiles.gamma_quantile(luck, shapes)
    np.testing.assert_array_equal(got[:, 1], quantiles.gamma_quantile(luck[:, 1], 9.0))
    with pytest.raises(ValueError, match="must be positive; got 0"):
        quantiles.gamma_quantile(luck, 0.0)


def test_exponential_and_gumbel_are_those_of_their_distributions() -> None:
    """Their distribution functions lead back to the uniform."""
    exponential, gumbel = quantiles.exponential_quantile(LUCK), quantiles.gumbel_quantile(LUCK)
    np.testing.assert_allclose(np.exp(-exponential), LUCK, rtol=1e-13)
    np.testing.assert_allclose(np.exp(-np.exp(-gumbel)), LUCK, rtol=1e-13)


def test_input_is_left_alone() -> None:
    """Quantiles are new arrays; the luck stays uniform."""
    luck = LUCK.copy()
    quantiles.normal_quantile(luck)
    quantiles.gumbel_quantile(luck)
    np.testing.assert_array_equal(luck, LUCK)
