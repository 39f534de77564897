"""Concentration indices: cases by hand, identities on generated markets, and two outside codes."""

import numpy as np
import pyblp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from market_sim.mechanisms.concentration import measure, merged, shares

INDICES = ("hhi", "cr1", "cr4", "effective_firms", "entropy", "gini")
quantities = arrays(np.float64, st.integers(1, 12), elements=st.one_of(st.just(0.0), st.floats(1e-6, 1e12)))
markets = quantities.filter(lambda held: held.any())


@pytest.mark.parametrize(
    ("held", "hhi", "cr1", "cr4", "gini"),
    [
        ([50, 30, 20], 0.38, 0.5, 1.0, 0.2),
        ([7], 1.0, 1.0, 1.0, 0.0),
        ([1, 1, 1, 1, 1], 0.2, 0.2, 0.8, 0.0),
        ([60, 10, 10, 10, 10], 0.4, 0.6, 0.9, 0.4),
        ([3, 0, 1, 0], 0.625, 0.75, 1.0, 0.25),
    ],
)
def test_markets_small_enough_to_work_by_hand(held, hhi, cr1, cr4, gini) -> None:
    """HHI, concentration ratios and Gini are what paper and pencil say; who holds nothing does not count."""
    found = measure(np.array(held, float))
    assert (found.hhi, found.cr1, found.cr4, found.gini) == pytest.approx((hhi, cr1, cr4, gini))
    assert found.effective_firms == pytest.approx(1 / hhi)
    assert found.held


def test_entropy_by_hand() -> None:
    """Two equal halves have log 2 of entropy, one firm none."""
    assert measure(np.array([[4.0, 4.0], [4.0, 0.0]])).entropy == pytest.approx([np.log(2), 0.0])


def test_a_market_without_holders_answers_zero() -> None:
    """Nobody holds anything: every index is 0, `held` is False, shares are NaN."""
    found = measure(np.zeros((2, 3)))
    assert all((getattr(found, name) == 0.0).all() for name in INDICES)
    assert not found.held.any()
    assert np.isnan(shares(np.zeros((2, 3)))).all()


@given(markets)
def test_bounds(held) -> None:
    """1/n <= HHI <= CR1 <= CR4 <= 1, entropy <= log n, 0 <= Gini <= 1 - 1/n, over the n that hold something."""
    found, n, slack = measure(held), (held > 0.0).sum(), 1e-12
    assert 1 / n - slack <= found.hhi <= found.cr1 + slack
    assert found.cr1 <= found.cr4 + slack <= 1.0 + 2 * slack
    assert 1.0 - slack <= found.effective_firms <= n + 1e-9
    assert 0.0 <= found.entropy <= np.log(n) + 1e-9
    assert 0.0 <= found.gini <= 1 - 1 / n + slack


@given(markets)
def test_entropy_counts_at_least_as_many_firms(held) -> None:
    """e^entropy >= 1/HHI: Hill numbers fall with their order."""
    found = measure(held)
    assert np.exp(found.entropy) >= found.effective_firms * (1 - 1e-9)


@given(markets.filter(lambda held: len(held) > 1), st.data())
def test_a_merger_adds_twice_the_product_of_shares(held, data) -> None:
    """Merging a and b raises HHI by 2 s_a s_b, and changes no total."""
    a, b = data.draw(st.permutations(range(len(held))))[:2]
    owner = np.arange(len(held))
    owner[b] = a
    after, share = merged(held, owner, len(held)), shares(held)
    assert measure(after).hhi - measure(held).hhi == pytest.approx(2 * share[a] * share[b], abs=1e-12)
    assert after.sum() == pytest.approx(held.sum())


@given(markets, st.floats(1e-3, 1e3))
def test_units_do_not_matter(held, unit) -> None:
    """Counting in other units changes no index."""
    one, other = measure(held), measure(held * unit)
    for name in INDICES:
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9, abs=1e-12)


@given(markets, st.randoms(use_true_random=False))
def test_names_do_not_matter(held, luck) -> None:
    """Listing firms in another order changes no bit, nor does listing firms that hold nothing."""
    order = list(range(len(held)))
    luck.shuffle(order)
    listed = np.concatenate([[0.0], held[order]])
    assert all(getattr(measure(listed), name) == getattr(measure(held), name) for name in INDICES)


@given(markets)
def test_gini_is_the_mean_difference(held) -> None:
    """Gini is the sum of |s_i - s_j| over all pairs of holders, over 2n."""
    share = shares(held[held > 0.0])
    pairs = np.abs(share[:, None] - share).sum() / (2 * len(share))
    assert measure(held).gini == pytest.approx(pairs, abs=1e-12)


@given(markets)
def test_entropy_is_scipys(held) -> None:
    """Entropy in nats is scipy's."""
    assert measure(held).entropy == pytest.approx(stats.entropy(held), rel=1e-9, abs=1e-12)


@settings(max_examples=20)
@given(arrays(np.float64, (3, 4, 5), elements=st.floats(0.0, 1e6)))
def test_a_market_alone_and_among_others(held) -> None:
    """(replicate, tick, firm) gives the bits that each market gives alone."""
    together = measure(held)
    for r in range(3):
        alone = measure(held[r : r + 1])
        assert all(getattr(together, name)[r].tobytes() == getattr(alone, name).tobytes() for name in INDICES)


def test_shares_add_up_to_one() -> None:
    """Shares are quantities over their total."""
    assert shares(np.array([[1.0, 3.0]])).tolist() == [[0.25, 0.75]]


def test_firms_without_an_owner_are_left_out() -> None:
    """An owner of -1 takes a firm out of the market."""
    assert merged(np.array([[1.0, 2.0, 4.0]]), np.array([1, -1, 1]), 3).tolist() == [[0.0, 5.0, 0.0]]


@pytest.fixture(scope="module")
def triopolies() -> pyblp.SimulationResults:
    """Three markets of six products and three firms, in equilibrium after Berry, Levinsohn & Pakes."""
    pyblp.options.verbose = False
    simulation = pyblp.Simulation(
        product_formulations=(pyblp.Formulation("1 + prices + x"), None, pyblp.Formulation("1 + x")),
        beta=[1, -2, 1],
        gamma=[0.5, 0.5],
        xi_variance=0.3,
        omega_variance=0.3,
        correlation=0.2,
        product_data=pyblp.build_id_data(T=3, J=6, F=3),
        seed=0,
    )
    return simulation.replace_endogenous()


def inside_shares(results: pyblp.SimulationResults) -> tuple[np.ndarray, np.ndarray]:
    """Shares among inside goods (market, product), and each product's firm."""
    share = results.product_data["shares"].reshape(3, 6)
    return shares(share), results.product_data["firm_ids"].reshape(3, 6)[0].astype(np.int64)


def test_hhi_is_pyblps(triopolies) -> None:
    """HHI of firms with several products is what pyblp computes for the same equilibrium."""
    share, firm = inside_shares(triopolies)
    theirs = triopolies.compute_hhi(shares=share.reshape(-1, 1)) / 1e4
    assert measure(merged(share, firm, 3)).hhi == pytest.approx(theirs[:, 0], rel=1e-12)


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_the_change_by_a_merger_is_pyblps(triopolies, pair) -> None:
    """2 s_a s_b is how pyblp's HHI changes when firm b's products pass to a."""
    share, firm = inside_shares(triopolies)
    a, b = pair
    flat, owner = share.reshape(-1, 1), np.tile(np.where(firm == b, a, firm), 3)[:, None]
    theirs = triopolies.compute_hhi(firm_ids=owner, shares=flat) - triopolies.compute_hhi(shares=flat)
    held = merged(share, firm, 3)
    assert 2 * held[:, a] * held[:, b] == pytest.approx(theirs[:, 0] / 1e4, rel=1e-9)
