"""Distributions: draws lie in the support, and the inverse CDF is the inverse of the CDF."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from market_sim.scenario.declaration import Refused
from market_sim.scenario.distributions import Choice, Distribution, read_distribution

FINITE = some.floats(-1e6, 1e6).map(lambda x: round(x, 3))
WIDTH = some.floats(1e-3, 1e6).map(lambda x: round(x, 3))
UNIFORM = some.floats(0, 1, exclude_max=True)
GRID = (np.arange(400) + 0.5) / 400


@some.composite
def bounded_tables(draw: some.DrawFn) -> dict[str, object]:
    """A table of a random kind and shape, every argument legal."""
    low, rise, fall = draw(FINITE), draw(WIDTH), draw(WIDTH)
    spread = {"low": low, "high": low + rise + fall}
    positive = draw(some.floats(0.1, 1e3))
    return draw(
        some.sampled_from(
            [
                {"dist": "uniform", **spread},
                {"dist": "triangular", **spread, "mode": low + rise},
                {"dist": "beta", "a": draw(some.floats(0.3, 9)), "b": draw(some.floats(0.3, 9)), **spread},
                {"dist": "normal", "mean": low + rise, "sd": rise, **spread},
                {"dist": "normal", "mean": low, "sd": rise},
                {"dist": "lognormal", "median": positive, "sigma": 0.4},
                {
                    "dist": "lognormal",
                    "median": positive,
                    "sigma": 0.4,
                    "low": positive / 2,
                    "high": positive * 3,
                },
                {"dist": "choice", "values": [low, low + rise], "weights": [rise, fall]},
            ]
        )
    )


@settings(max_examples=200, deadline=None)
@given(table=bounded_tables(), uniforms=some.lists(some.floats(0, 1, exclude_max=True), min_size=1, max_size=20))
def test_draws_lie_in_the_support_and_rise_with_the_uniform(table: dict, uniforms: list[float]) -> None:
    """Every quantile lies between the least and the greatest draw, finite, and more luck is never less."""
    one = read_distribution(table)
    drawn = one.quantile(np.sort(np.array(uniforms)))
    low, high = one.support
    assert np.all(np.isfinite(drawn))
    assert np.all((drawn >= low) & (drawn <= high))
    assert np.all(np.diff(drawn) >= -1e-9 * (1 + np.abs(drawn[1:])))


@settings(max_examples=100, deadline=None)
@given(table=bounded_tables())
def test_a_distribution_survives_being_written_and_read(table: dict) -> None:
    """`as_table` gives back what `read_distribution` took."""
    one = read_distribution(table)
    assert read_distribution(one.as_table()) == one


def _truncated_normal(mean: float, sd: float, low: float, high: float) -> object:
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, mean, sd)


@pytest.mark.parametrize(
    ("table", "oracle"),
    [
        ({"dist": "uniform", "low": -2.0, "high": 3.0}, stats.uniform(-2.0, 5.0)),
        ({"dist": "triangular", "low": 1.0, "mode": 1.5, "high": 4.0}, stats.triang(1 / 6, 1.0, 3.0)),
        ({"dist": "triangular", "low": 1.0, "mode": 1.0, "high": 4.0}, stats.triang(0.0, 1.0, 3.0)),
        ({"dist": "triangular", "low": 1.0, "mode": 4.0, "high": 4.0}, stats.triang(1.0, 1.0, 3.0)),
        ({"dist": "normal", "mean": 5.0, "sd": 2.0}, stats.norm(5.0, 2.0)),
        ({"dist": "normal", "mean": 5.0, "sd": 2.0, "low": 4.0, "high": 9.0}, _truncated_normal(5, 2, 4, 9)),
        ({"dist": "lognormal", "median": 3.0, "sigma": 0.5}, stats.lognorm(0.5, scale=3.0)),
        ({"dist": "beta", "a": 2.0, "b": 5.0, "low": 1.0, "high": 3.0}, stats.beta(2.0, 5.0, 1.0, 2.0)),
    ],
)
def test_quantiles_agree_with_scipy(table: dict, oracle: object) -> None:
    """On a grid of uniforms the draws are SciPy's quantiles to 1e-9."""
    drawn = read_distribution(table).quantile(GRID)
    np.testing.assert_allclose(drawn, oracle.ppf(GRID), rtol=1e-9, atol=1e-9)  # type: ignore[attr-defined]


def test_a_cut_lognormal_is_the_lognormal_between_its_cuts() -> None:
    """The share of a cut distribution below a point is that of the whole, rescaled."""
    whole = stats.lognorm(0.5, scale=3.0)
    drawn = read_distribution({"dist": "lognormal", "median": 3.0, "sigma": 0.5, "low": 2.0, "high": 6.0})
    share = (whole.cdf(drawn.quantile(GRID)) - whole.cdf(2.0)) / (whole.cdf(6.0) - whole.cdf(2.0))
    np.testing.assert_allclose(share, GRID, atol=1e-9)


def test_choice_draws_each_value_by_its_weight() -> None:
    """Weights 1, 0, 3: a quarter of the uniforms give the first value, none the second."""
    drawn = Choice((7.0, 8.0, 9.0), (1.0, 0.0, 3.0)).quantile(np.array([0.0, 0.2499, 0.25, 0.9999]))
    assert drawn.tolist() == [7.0, 7.0, 9.0, 9.0]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"dist": "trangular", "low": 1, "mode": 2, "high": 3}, "dist = one of"),
        ({"low": 1, "high": 3}, "dist = one of"),
        ({"dist": "uniform", "low": 1}, "'high' is missing"),
        ({"dist": "uniform", "low": 1, "hight": 3, "high": 3}, "no 'hight'"),
        ({"dist": "uniform", "low": 3, "high": 1}, "low no greater"),
        ({"dist": "uniform", "low": float("nan"), "high": 1}, "finite"),
        ({"dist": "uniform", "low": "1", "high": 2}, "finite"),
        ({"dist": "triangular", "low": 1, "mode": 5, "high": 3}, "low <= mode"),
        ({"dist": "normal", "mean": 1, "sd": 0}, "sd above 0"),
        ({"dist": "normal", "mean": 0, "sd": 1, "low": 50, "high": 51}, "billionth"),
        ({"dist": "lognormal", "median": -1, "sigma": 1}, "above 0"),
        ({"dist": "beta", "a": 0, "b": 1}, "above 0"),
        ({"dist": "choice", "values": []}, "at least one"),
        ({"dist": "choice", "values": [1, 2], "weights": [1]}, "as many weights"),
        ({"dist": "choice", "values": 3}, "finite"),
    ],
)
def test_an_ill_made_distribution_is_refused_in_words(table: dict, complaint: str) -> None:
    """Unknown kinds, missing, unknown or contradicting arguments each say what was wanted."""
    with pytest.raises(Refused, match=complaint):
        read_distribution(table)


def test_a_misspelt_kind_names_the_nearest() -> None:
    """`trangular` is answered with `triangular`."""
    with pytest.raises(Refused) as refused:
        read_distribution({"dist": "trangular"})
    assert refused.value.nearest == "triangular"


def test_the_base_class_draws_nothing() -> None:
    """Only the kinds have a support and quantiles."""
    with pytest.raises(NotImplementedError):
        _ = Distribution().support
    with pytest.raises(NotImplementedError):
        Distribution().quantile(GRID)
