"""Clearing: capacity, scarcity prices and budgets in markets small and random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import trade

from market_sim.mechanisms.clearing import Reason, attraction, clear

markets = st.builds(
    trade.random_market,
    seed=st.integers(0, 10**6),
    labs=st.integers(1, 9),
    offers=st.integers(2, 21),
    pools=st.integers(1, 6),
    sigma=st.sampled_from([0.02, 0.2, 0.45, 1.0]),
    two_pools=st.booleans(),
    tightness=st.sampled_from([0.1, 1.0, 10.0]),
)


def simple(utility, capacity, budget, price=None, outside=-np.inf, sigma=0.45, **others):
    """One replicate, one pool per offer."""
    utility = np.atleast_2d(np.asarray(utility, float))[None]
    labs, offers = utility.shape[1:]
    arrays = dict(
        utility=utility,
        outside=np.full((1, labs), float(outside)),
        budget=np.broadcast_to(np.asarray(budget, float), (1, labs)).copy(),
        price=np.ones(utility.shape) if price is None else np.broadcast_to(price, utility.shape).astype(float),
        pool=np.column_stack([np.arange(offers), np.full(offers, -1)]),
        weight=np.ones((offers, 2)),
        capacity=np.broadcast_to(np.asarray(capacity, float), (1, offers)).copy(),
        log_attraction=np.zeros((1, offers)),
        sigma=np.array([float(sigma)]),
        shadow=np.zeros((1, offers)),
    )
    return {**arrays, **others}


@settings(max_examples=60, deadline=None)
@given(markets, st.sampled_from([(1e-4, 500), (1e-10, 500), (1e-4, 1)]))
def test_no_pool_is_ever_sold_beyond_its_capacity(arrays, effort):
    """Whatever the market, and however early the search stops, sum w q <= C exactly, and chips are never
    negative.
    """
    cleared = clear(**arrays, tolerance=effort[0], max_sweeps=effort[1])
    demand = trade.demand_of(cleared.chips, arrays["pool"], arrays["weight"], arrays["capacity"].shape[1])
    assert (demand <= arrays["capacity"]).all()
    assert (cleared.chips >= 0).all()
    assert (cleared.shadow >= 0).all()
    assert np.isfinite(cleared.chips).all()
    assert np.isfinite(cleared.shadow).all()


@settings(max_examples=40, deadline=None)
@given(markets)
def test_budgets_are_spent_inside_or_outside(arrays):
    """Chips at the price paid, p e^lambda, cost each lab its budget times its share inside, which is at most
    1.
    """
    cleared = clear(**arrays)
    paid = (cleared.chips * arrays["price"] * np.exp(cleared.scarcity)[:, None]).sum(2)
    np.testing.assert_allclose(paid, arrays["budget"] * cleared.share_inside, rtol=1e-12)
    assert (cleared.share_inside <= 1 + 1e-12).all()
    assert (cleared.chips[arrays["budget"] == 0] == 0).all()


@pytest.mark.parametrize("two_pools", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_a_price_stands_only_where_its_pool_binds(seed, two_pools):
    """At the answer every pool is sold out or has no scarcity price, and demand is what was sold."""
    arrays = trade.random_market(seed, two_pools=two_pools, tightness=0.7)
    cleared = clear(**arrays, tolerance=1e-10, max_sweeps=5000)
    demand = trade.demand_of(cleared.chips, arrays["pool"], arrays["weight"], arrays["capacity"].shape[1])
    assert (cleared.reason == Reason.CLEARED).all()
    binding = cleared.shadow > 1e-9
    assert binding.any()
    assert (~binding).any()
    np.testing.assert_allclose(demand[binding], arrays["capacity"][binding], rtol=1e-9)
    for r in range(len(demand)):
        market = trade.one_replicate(arrays, r)
        np.testing.assert_allclose(cleared.chips[r], trade.chips(market, cleared.shadow[r]), rtol=2e-10, atol=1e-9)


@pytest.mark.parametrize("two_pools", [False, True])
@pytest.mark.parametrize("sigma", [0.2, 0.45, 1.0])
def test_the_kernel_equals_its_plain_form(sigma, two_pools):
    """Chips, shadows and shares are those of plain damped scaling in NumPy, to 1e-12 when both go all the
    way.
    """
    for seed in range(8):
        arrays = trade.random_market(seed, sigma=sigma, two_pools=two_pools)
        cleared = clear(**arrays, tolerance=1e-13)
        for r in range(len(arrays["sigma"])):
            sold, shadow, inside, _ = trade.clear(trade.one_replicate(arrays, r), arrays["shadow"][r], 1e-13, 5000)
            np.testing.assert_allclose(cleared.shadow[r], shadow, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(cleared.chips[r], sold, rtol=3e-12, atol=1e-9)
            np.testing.assert_allclose(cleared.share_inside[r], inside, rtol=3e-12)


def test_replicates_clear_alone_as_in_a_chunk():
    """The same replicate gives the same bits, sweeps included, alone or among others."""
    arrays = trade.random_market(3, replicates=5, two_pools=True)
    together = clear(**arrays)
    shared = {"pool", "weight"}
    for r in range(5):
        alone = clear(**{k: v if k in shared else v[r : r + 1] for k, v in arrays.items()})
        for name in ("chips", "shadow", "scarcity", "share_inside", "sweeps", "reason"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[r])


def test_where_the_search_starts_does_not_change_its_answer():
    """Cold, warm and absurd starting prices lead to one answer, the warm start in fewer sweeps."""
    for seed in range(5):
        arrays = trade.random_market(seed, two_pools=seed % 2 == 1)
        cold = clear(**arrays, tolerance=1e-11, max_sweeps=5000)
        warm = clear(**{**arrays, "shadow": cold.shadow}, tolerance=1e-10)
        high = clear(**{**arrays, "shadow": cold.shadow + 20.0}, tolerance=1e-11, max_sweeps=5000)
        assert (warm.sweeps == 1).all()
        np.testing.assert_allclose(high.shadow, cold.shadow, atol=1e-8)
        np.testing.assert_allclose(high.chips, cold.chips, rtol=1e-7, atol=1e-9)


def test_relabelling_firms_relabels_the_answer():
    """Permuting labs, offers and pools permutes chips and prices: nothing hangs on a row's number."""
    arrays = trade.random_market(11, labs=6, offers=14, pools=5, two_pools=True)
    g = np.random.default_rng(0)
    labs, offers, pools = g.permutation(6), g.permutation(14), g.permutation(7)
    new_pool = np.where(arrays["pool"] >= 0, np.argsort(pools)[arrays["pool"]], -1)
    moved = dict(
        utility=arrays["utility"][:, labs][:, :, offers],
        outside=arrays["outside"][:, labs],
        budget=arrays["budget"][:, labs],
        price=arrays["price"][:, labs][:, :, offers],
        pool=new_pool[offers],
        weight=arrays["weight"][offers],
        capacity=arrays["capacity"][:, pools],
        log_attraction=arrays["log_attraction"][:, offers],
        sigma=arrays["sigma"],
        shadow=arrays["shadow"][:, pools],
    )
    before, after = clear(**arrays, tolerance=1e-10), clear(**moved, tolerance=1e-10)
    np.testing.assert_allclose(after.chips, before.chips[:, labs][:, :, offers], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(after.shadow, before.shadow[:, pools], atol=1e-10)


def test_the_unit_of_money_is_immaterial():
    """All money times 1000 leaves chips and log scarcity prices alone."""
    arrays = trade.random_market(5)
    times = np.log(1000.0)
    dear = {**arrays, "budget": arrays["budget"] * 1000, "price": arrays["price"] * 1000}
    dear |= {"utility": arrays["utility"] - times, "outside": arrays["outside"] - times}
    one, other = clear(**arrays, tolerance=1e-10), clear(**dear, tolerance=1e-10)
    np.testing.assert_allclose(other.chips, one.chips, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.shadow, one.shadow, atol=1e-9)


def test_ties_split_pro_rata():
    """Twin offers of one pool sell alike; labs alike but for budget share a scarce pool as their budgets."""
    twins = simple(np.zeros((2, 2)), [60.0, 60.0], [100.0, 200.0], pool=np.array([[0, -1], [0, -1]]))
    chips = clear(**twins).chips[0]
    np.testing.assert_array_equal(chips[:, 0], chips[:, 1])
    np.testing.assert_allclose(chips.sum(1), [20.0, 40.0], rtol=1e-12)


def test_an_empty_pool_sells_nothing_and_has_no_price():
    """Its offers are out, even when the other pool of an offer has plenty."""
    arrays = simple(np.zeros((1, 2)), [0.0, 50.0], 100.0, pool=np.array([[1, 0], [1, -1]]))
    cleared = clear(**arrays)
    assert cleared.chips[0, 0, 0] == 0
    assert cleared.chips[0, 0, 1] == pytest.approx(50.0)
    assert cleared.shadow[0, 0] == 0


def test_an_offer_without_a_pool_sells_without_limit():
    """No pool, no scarcity: it takes all the money there is at its quote."""
    arrays = simple([[0.0]], [1.0], 100.0, price=4.0, pool=np.array([[-1, -1]]))
    cleared = clear(**arrays)
    assert cleared.chips[0, 0, 0] == pytest.approx(25.0)
    assert cleared.scarcity[0, 0] == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"budget": np.zeros((1, 1))}, Reason.NOTHING_ASKED),
        ({"capacity": np.zeros((1, 2))}, Reason.NOTHING_OFFERED),
        ({"log_attraction": np.full((1, 2), -np.inf)}, Reason.NOTHING_OFFERED),
        ({"utility": np.full((1, 1, 2), -np.inf)}, Reason.CLEARED),
        ({"max_sweeps": 0}, Reason.SWEEPS_SPENT),
        ({}, Reason.CLEARED),
    ],
)
def test_every_stop_has_its_reason_and_sentence(change, reason):
    """Nothing asked, nothing offered, nothing wanted and sweeps run out are told apart, and trade nothing
    amiss.
    """
    cleared = clear(**(simple([[0.0, 1.0]], 10.0, 100.0, outside=0.0) | change))
    assert cleared.reason[0] == reason
    assert Reason(reason).sentence.endswith(".")
    assert cleared.chips.sum() <= 20.0
    if reason in (Reason.NOTHING_ASKED, Reason.NOTHING_OFFERED) or "utility" in change:
        assert cleared.chips.sum() == 0
        assert cleared.share_inside.sum() == 0


@pytest.mark.parametrize("worse", [0.0, -50.0])
def test_a_tiny_sigma_and_distant_utilities_stay_finite(worse):
    """At sigma .02 weights span e^2500; the answer still sells both pools out to the one lab."""
    cleared = clear(**simple([[0.0, worse]], [10.0, 10.0], 100.0, sigma=0.02), tolerance=1e-8, max_sweeps=5000)
    assert np.isfinite(cleared.shadow).all()
    assert cleared.chips[0, 0, 0] == pytest.approx(10.0)
    if worse == 0:
        np.testing.assert_allclose(cleared.shadow[0], np.log(5.0), rtol=1e-6)


def test_the_search_ends_and_prices_stay_within_what_money_can_pay():
    """In 400 small markets, many nearly degenerate, one pool per offer always clears, and never at a wild price."""
    g = np.random.default_rng(1)
    for seed in range(400):
        sigma, tightness = float(g.choice([0.02, 0.2, 0.45, 1.0])), float(g.choice([0.1, 1.0, 10.0]))
        shape = {
            "labs": int(g.integers(1, 10)),
            "offers": int(g.integers(2, 22)),
            "pools": int(g.integers(1, 7)),
        }
        arrays = trade.random_market(seed, sigma=sigma, two_pools=seed % 2 == 0, tightness=tightness, **shape)
        for sweeps in (5, 500):
            cleared = clear(**arrays, max_sweeps=sweeps)
            assert cleared.shadow.max() < 30.0
        if seed % 2:
            assert (cleared.reason != Reason.SWEEPS_SPENT).all()


def test_attraction_counts_lots_to_the_power_omega_over_offers_in_the_pool():
    """By hand: 8 lots, 2 offers: 8/2 at omega 1, 1/2 at omega 0; an offer without lots is out."""
    lots = np.array([[8.0, 1.0, 0.0]] * 2)
    answer = attraction(lots, np.array([2, 1, 1]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(np.exp(answer), [[4.0, 1.0, 0.0], [0.5, 1.0, 0.0]], rtol=1e-15)
