"""Rounding of flows to whole-lot contracts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import trade

from benchmarks.plain_mesa.luck import bits, mixed, uniform
from market_sim.mechanisms.clearing import clear
from market_sim.mechanisms.lots import sign
from market_sim.streams import name_key


def keys(offers):
    """What the luck of so many offers hangs on."""
    return np.array([name_key("offer", str(j)) for j in range(offers)], np.uint64)


def single(chips, lot, capacity=1e9, luck=0.5, order_luck=0.5, most=50, price=1.0):
    """One replicate, one pool for all offers; scalars stretch over labs."""
    chips = np.atleast_2d(np.asarray(chips, float))[None]
    labs, offers = chips.shape[1:]
    rows = [np.broadcast_to(np.asarray(x, float), (1, labs)).copy() for x in (lot, luck, order_luck)]
    pool = np.column_stack([np.zeros(offers, int), np.full(offers, -1)])
    return sign(
        chips, np.full(chips.shape, price), rows[0], pool, np.ones((offers, 2)), np.full((1, 1), float(capacity)),
        keys(offers), rows[1], rows[2], most,
    )  # fmt: skip


def cleared_market(seed, two_pools=True):
    """A cleared random market with whole lots of some tenth of each lab's plan, as arguments of `sign`."""
    arrays = trade.random_market(seed, replicates=3, two_pools=two_pools)
    chips = clear(**arrays).chips
    g = np.random.default_rng(seed)
    lot = np.maximum(1.0, np.round(chips.sum(2) * 0.1))
    luck = g.random((2, *lot.shape))
    return [
        chips,
        arrays["price"],
        lot,
        arrays["pool"],
        arrays["weight"],
        arrays["capacity"],
        keys(chips.shape[2]),
        luck[0],
        luck[1],
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([1, 5, 60]))
def test_contracts_never_exceed_a_pool_and_are_whole_chips(seed, two_pools, most):
    """However the lots fall, pools hold them exactly, and every contract is of whole chips."""
    arguments = cleared_market(seed, two_pools)
    deals = sign(*arguments, most)
    chips, pool, weight, capacity = arguments[0], *arguments[3:6]
    signed = np.zeros(chips.shape)
    for r in range(3):
        n = deals.count[r]
        assert n <= most
        signed[r, deals.lab[r, :n], deals.offer[r, :n]] = deals.chips[r, :n]
        assert (deals.lab[r, n:] == -1).all()
        assert (deals.chips[r, n:] == 0).all()
        assert (deals.chips[r, :n] >= 1).all()
        assert (deals.chips[r, :n] == np.round(deals.chips[r, :n])).all()
        assert np.count_nonzero(signed[r]) == n  # lots of one lab at one offer are one contract
    assert (signed[chips == 0] == 0).all()
    assert (trade.demand_of(signed, pool, weight, capacity.shape[1]) <= capacity * (1 + 1e-14)).all()
    np.testing.assert_allclose(deals.signed_value, (signed * arguments[1]).sum(2), rtol=1e-12)


def test_rounding_is_unbiased_over_luck():
    """Averaged over an even grid of luck every offer gets the chips that clearing gave it, within four standard
    errors of races; the lab gets them to the grid."""
    flows = np.array([[30.0, 7.0, 0.0, 163.0]])
    grid = (np.arange(4000) + 0.5) / 4000
    total = np.zeros(4)
    for luck in grid:
        deals = single(flows, 20.0, luck=luck)
        np.add.at(total, deals.offer[0, : deals.count[0]], deals.chips[0, : deals.count[0]])
    np.testing.assert_allclose(total / grid.size, flows[0], atol=4 * 20.0 * 0.5 / np.sqrt(grid.size))
    assert total.sum() / grid.size == pytest.approx(flows.sum(), abs=0.02)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=8), st.floats(0, 0.999))
def test_lots_are_whole_ones_and_prizes_of_races_for_the_parts(flows, luck):
    """Offer by offer as in the plain form; the lab's total is within one lot of its flow."""
    deals = single([flows], 20.0, luck=luck)
    lots, _ = trade.lots_drawn(np.array(flows), 20.0, 1e9, keys(len(flows)), luck)
    got = np.zeros(len(flows))
    got[deals.offer[0, : deals.count[0]]] = deals.chips[0, : deals.count[0]]
    np.testing.assert_array_equal(got, lots * 20)
    assert abs(got.sum() - sum(flows)) < 20.0 + 1e-9


def test_lots_stay_where_they_are_when_flows_move_a_little():
    """Of 200 offers each moves by a hundredth: a lot goes elsewhere in no more than twice that part of months, and
    when an offer is gone, only its own lots do."""
    g = np.random.default_rng(5)
    flows = 10.0 * g.dirichlet(np.full(200, 0.5))  # half a lot in all, of 20 chips
    moved = flows * np.exp(g.normal(0.0, 0.01, 200))
    gone = flows * (np.arange(200) != np.argmax(flows))
    change = np.abs(moved - flows).sum() / flows.sum()
    elsewhere = signed = 0
    for luck in g.uniform(0.5, 1.0, 2000):  # so that there is a lot to sign
        before, after, without = (single([one], 20.0, luck=luck).offer[0, 0] for one in (flows, moved, gone))
        if before >= 0 and after >= 0:
            signed, elsewhere = signed + 1, elsewhere + (before != after)
        if before not in (-1, np.argmax(flows)) and without >= 0:
            assert without == before
    assert signed > 1900
    assert elsewhere / signed < 2.0 * change


def test_who_waits_is_decided_by_luck():
    """Two lots for three labs: the one whose offer and luck rank last waits, whichever row it stands in."""
    for waits in range(3):
        order = np.full(3, 0.2)
        order[waits] = 0.9
        first, last = (uniform(mixed(int(keys(1)[0]), bits(luck))) for luck in (0.2, 0.9))
        assert first < last
        deals = single([[10.0]] * 3, 10.0, capacity=20.0, order_luck=order)
        assert set(deals.lab[0, :2]) == {0, 1, 2} - {waits}
        assert deals.waiting[0, waits] == 10.0
        assert deals.waiting[0].sum() == 10.0


def test_the_order_of_rows_does_not_decide_who_waits():
    """Permuting labs with their luck permutes what they sign, in markets where not everything fits."""
    waited = 0.0
    for seed in range(10):
        arguments = cleared_market(seed)
        order = np.random.default_rng(seed).permutation(5)
        per_lab = {0, 1, 2, 7, 8}
        moved = [a[:, order] if k in per_lab else a for k, a in enumerate(arguments)]
        before, after = sign(*arguments, 6), sign(*moved, 6)
        np.testing.assert_array_equal(after.signed_value, before.signed_value[:, order])
        np.testing.assert_array_equal(after.chips, before.chips)
        waited += before.waiting.sum()
    assert waited > 0


def test_every_lab_waits_equally_often():
    """Ten labs, five lots: over many draws each signs half the time, also the lab in the last row."""
    g = np.random.default_rng(0)
    signed = np.zeros(10)
    for _ in range(2000):
        signed += single([[10.0]] * 10, 10.0, capacity=50.0, order_luck=g.random(10)).signed_value[0]
    np.testing.assert_allclose(signed / 20000, 0.5, atol=0.05)


def test_a_pool_smaller_than_a_lot_is_sold_whole():
    """A pool of 7 chips and a lot of 20: the lot is the pool, and on average the flow is kept."""
    signed = [single([[3.5]], 20.0, capacity=7.9, luck=u).chips[0, 0] for u in (0.1, 0.4, 0.6, 0.9)]
    assert signed == [0.0, 0.0, 7.0, 7.0]


def test_a_lot_is_not_split_in_a_pool_that_could_hold_one():
    """50 chips and a lot of 20: two lots are signed, the last 10 chips are left over."""
    deals = single([[50.0]], 20.0, capacity=50.0, luck=0.9)
    assert deals.chips[0, 0] == 40.0
    assert deals.waiting[0, 0] == 20.0


def test_a_pool_without_a_whole_chip_signs_nothing():
    """Less than one chip left is no lot."""
    assert single([[0.6]], 20.0, capacity=0.9, luck=0.99).count[0] == 0


@pytest.mark.parametrize("most", [0, 1, 2])
def test_no_more_deals_than_a_tick_can_sign(most):
    """The rest waits, and its value is reported."""
    deals = single([[10.0], [10.0], [10.0]], 10.0, most=most, price=2.0)
    assert deals.count[0] == most
    assert deals.signed_value.sum() == 20.0 * most
    assert deals.waiting.sum() == 20.0 * (3 - most)


def test_replicates_sign_alone_as_in_a_chunk():
    """The same replicate gives the same deals alone or among others."""
    arguments = cleared_market(4)
    together = sign(*arguments, 10)
    for r in range(3):
        alone = sign(*[a if k in (3, 4, 6) else a[r : r + 1] for k, a in enumerate(arguments)], 10)
        for name in ("count", "lab", "offer", "chips", "signed_value", "waiting"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[r])
