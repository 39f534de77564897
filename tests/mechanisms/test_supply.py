"""Lead times, and shipments that stay within stock and capacity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_sim.mechanisms import supply


def test_lead_time_is_backlog_beyond_stock_over_supply():
    """Twelve months of orders with two in stock: ten months; stock to spare: none."""
    rate = np.array([[12.0, 12.0]])
    lead = supply.lead_time(np.array([[12.0, 1.0]]), np.array([[2.0, 2.0]]), rate, rate, np.array([0.5]))
    np.testing.assert_allclose(lead, [[10 / 12, 0.0]])


@pytest.mark.parametrize("target", [1.0, 6.0, 40.0])
@pytest.mark.parametrize("backlog", [0.01, 3.0, 500.0])
def test_vendors_quote_by_the_supply_they_have_contracted(target, backlog):
    """What a vendor on its way from 6 to its target makes within the lead is what stands before the order."""
    lag = 0.5
    lead = supply.lead_time(
        np.array([[backlog]]), np.zeros((1, 1)), np.array([[6.0]]), np.array([[target]]), np.array([lag])
    )[0, 0]
    at = (np.arange(100_000) + 0.5) / 100_000 * lead
    made = (target + (6.0 - target) * np.exp(-at / lag)).mean() * lead
    assert made == pytest.approx(backlog, rel=1e-6)
    assert (lead < backlog / 6.0) == (target > 6.0) or target == 6.0


def test_supply_keeps_up_with_orders_at_the_lead_it_aims_for():
    """Orders that double in a year while leads are as they should be: the target doubles; it never beats the cap."""
    one = np.ones(1)
    for cap, grown in ((2.0, 2.0), (0.5, 1.5)):
        now = target = np.full((1, 1), 10.0)
        for _ in range(12):
            now, target = supply.grown_supply(
                now, target, np.full((1, 1), 0.2), 0.2 * one, np.zeros((1, 1)), np.full((1, 1), cap), one,
                np.full((1, 1), np.log(2.0)), 0.5 * one, 0.0, 1 / 12,
            )  # fmt: skip
        assert target[0, 0] == pytest.approx(10.0 * grown)
        assert 10.0 < now[0, 0] < target[0, 0]


def test_a_rival_maker_is_worth_less_to_a_vendor():
    """Margins relative to the mean, less the discount for buyers with silicon of their own."""
    one = np.ones(1)
    worth = supply.worth_of_buyers(
        np.array([[[1.0, 0.0], [0.0, 3.0]]]), np.array([[[1.0, 3.0]]]), np.array([[2.5, 0.5]]), np.ones(2),
        np.zeros(2, np.int64), np.array([[False, True]]), 0.3 * one,
    )  # fmt: skip
    np.testing.assert_allclose(worth, [[[2.5, 0.2]]])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_shipments_stay_within_orders_stock_and_capacity(seed):
    """Shipped = taken from stock + made; made within capacity; nobody gets more than waits or was allotted."""
    rng = np.random.default_rng(seed)
    waiting = rng.uniform(0, 100, (1, 3, 4)) * (rng.random((1, 3, 4)) < 0.7)
    packages, vendor = rng.uniform(0.5, 2, 4), np.array([0, 0, 1, 1])
    stock, capacity = rng.uniform(0, 80, (1, 4)), rng.uniform(0, 150, (1, 2))
    ordered = np.stack([(waiting * packages)[:, :, vendor == v].sum(axis=2) for v in (0, 1)], axis=1)
    allotted = ordered * rng.random((1, 2, 3))
    ship, make = supply.shipments(allotted, waiting, stock, packages, vendor, capacity)
    assert (ship <= waiting * (1 + 1e-12)).all()
    assert (ship.sum(axis=1) <= stock + make + 1e-9).all()
    for v in (0, 1):
        assert (make * packages)[0, vendor == v].sum() <= capacity[0, v] * (1 + 1e-12)
        sent = (ship * packages)[:, :, vendor == v].sum(axis=2)
        assert (sent <= allotted[:, v] * (1 + 1e-9) + 1e-9).all()


def test_stock_is_used_before_anything_is_made():
    """Ten waiting, eight in stock: two are made."""
    one = np.ones(1)
    ship, make = supply.shipments(
        np.array([[[10.0]]]), np.array([[[10.0]]]), np.array([[8.0]]), one, np.array([0]), np.array([[5.0]])
    )
    assert ship[0, 0, 0] == 10.0
    assert make[0, 0] == 2.0
