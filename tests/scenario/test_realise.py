"""Realising: numbers become arrays with a leading replicate axis, drawn by luck that hangs on their name."""

import numpy as np
import pytest
from toy_market import BASE, Market

from market_sim.scenario.dates import month_at, years_after
from market_sim.scenario.load import loads
from market_sim.scenario.realise import incidence, positions, realise
from market_sim.streams import uniforms

REPLICATES = range(6)


def realised(text: str = BASE, seed: int = 3, replicates: object = REPLICATES) -> object:
    """The toy market of this text, realised."""
    return realise(loads(text, schema=Market), seed, replicates)  # type: ignore[arg-type]


def test_every_form_has_its_shape() -> None:
    """Scalars (R,), tables (R, n), lists (R, n, k), mappings (R, n, m); texts, flags and counts without R."""
    made = realised()
    firms = made.provider
    assert made.software.floor.shape == (6,)
    assert made.software.factors.shape == (6, 2)
    assert made.software.path.at(np.array([0.0, 1.0, 2.0])).shape == (6, 3)
    assert (firms.wacc.shape, firms.terms.shape, firms.fleet.shape) == ((6, 2), (6, 2, 2), (6, 2, 2))
    assert firms.quote.markup.shape == (6, 2)
    assert firms.names == firms.quote.names == ("CoreWeave", "Lambda Labs")
    assert firms.kind == ("neocloud", "neocloud")
    assert firms.chips == (("H100",), ())
    assert (firms.sites.dtype, firms.active.dtype, firms.wacc.dtype) == (np.int64, np.bool_, np.float64)
    assert (made.ticks, made.tick_months, made.name) == (24, 1.0, "base")
    assert made.lots.tolist() == [0.5, 1.0]
    assert made.provider.wacc.flags.c_contiguous


def test_numbers_stand_where_they_were_said() -> None:
    """Constants fill every replicate, a mapping's gaps take the default, an unset number is NaN."""
    firms = realised().provider
    assert np.all(firms.wacc == [0.14, 0.2])
    assert np.all(firms.fleet[:, 1] == 2.0)
    assert np.all(firms.fleet[:, 0, 1] == 2.0)
    assert np.all(np.isnan(firms.limit))
    assert np.all(firms.terms[:, 0, 0] == 1.5)


def test_a_draw_is_the_quantile_of_its_own_luck() -> None:
    """The lognormal of one fleet is drawn from the uniform named by its key path."""
    luck = uniforms(3, REPLICATES, "parameter", ['provider."Lambda Labs".power'], 1)[:, 0, 0]
    np.testing.assert_allclose(realised().provider.power[:, 1], 10.0 + 10.0 * luck, rtol=1e-14)


def test_luck_differs_between_parameters_replicates_and_seeds() -> None:
    """No two of them share a draw."""
    one, other = realised(seed=1), realised(seed=2)
    drawn = np.concatenate([one.provider.power[:, 1], other.provider.power[:, 1]])
    assert len(np.unique(drawn)) == 12
    ranks = [np.argsort(one.provider.power[:, 1]), np.argsort(one.chip.power[:, 1])]
    assert not np.array_equal(*ranks)


def test_a_parameter_keeps_its_luck_when_the_rest_of_the_scenario_changes() -> None:
    """Another firm removed, another parameter made uncertain, the order turned: the same draws."""
    base = realised().provider
    extra = '[provider.AAA]\npower = {dist = "uniform", low = 1.0, high = 2.0}\n[sources]\n'
    more = realised(BASE.replace("[sources]\n", extra)).provider
    assert np.array_equal(base.power[:, 1], more.power[:, more.names.index("Lambda Labs")])
    assert np.array_equal(base.fleet[:, 0, 0], more.fleet[:, 0, 0])


def test_a_replicate_is_the_same_alone_and_in_a_batch() -> None:
    """Replicate 4 of six equals replicate 4 drawn by itself, bit for bit."""
    batch, alone = realised(), realised(replicates=[4])
    assert np.array_equal(batch.provider.power[4:5], alone.provider.power)
    assert np.array_equal(batch.provider.fleet[4:5], alone.provider.fleet)


def test_a_path_is_straight_between_points_and_flat_outside() -> None:
    """Half way from 0 to .5 it is .25; before the first point and after the last it stays."""
    path = realised().software.path
    np.testing.assert_allclose(path.at(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]))[2], [0, 0, 0.25, 0.5, 0.5])
    assert path.at(0.5).tolist() == [0.375] * 6


def test_a_path_of_one_point_is_constant() -> None:
    """One point holds for all time."""
    path = realised('software.path = [["2025-06", 0.3]]\n' + BASE).software.path
    assert np.all(path.at(np.array([-1.0, 0.0, 5.0])) == 0.3)
    assert path.at(1.0).shape == (6,)


def test_a_path_may_be_uncertain() -> None:
    """A distribution at a point is drawn once and bends the path in its replicate only."""
    text = 'software.path = [["2025-01", 0.0], ["2026-01", {dist = "uniform", low = 0.2, high = 0.4}]]\n' + BASE
    path = realised(text).software.path
    ends = path.at(1.0)
    assert len(np.unique(ends)) == 6
    np.testing.assert_allclose(path.at(0.5), ends / 2)


def test_a_realised_scenario_cannot_be_changed() -> None:
    """Assignment is refused."""
    with pytest.raises(AttributeError, match="cannot be changed"):
        realised().provider.wacc = 3.0


def test_names_turn_into_positions_and_incidence() -> None:
    """Firms point at rows by index; an empty name points at none."""
    assert positions(["b", "", "a"], ["a", "b"]).tolist() == [1, -1, 0]
    assert incidence([["b"], []], ["a", "b"]).tolist() == [[False, True], [False, False]]
    with pytest.raises(KeyError):
        positions(["z"], ["a"])


def test_dates_count_in_twelfths_of_a_year() -> None:
    """Two months are a sixth of a year, mid-month half a twelfth, and a month comes back from its years."""
    assert years_after("2025-01", "2025-03") == pytest.approx(1 / 6)
    assert years_after("2025-01", "2023-01") == -2.0
    assert years_after("2025-04", "2025-04-16") == pytest.approx(0.5 / 12)
    for months in range(40):
        assert years_after("2024-11", month_at("2024-11", months / 12)) == pytest.approx(months / 12)
