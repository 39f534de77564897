"""Lead times, and shipments that stay within stock and capacity."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market_sim.mechanisms import supply


def test_lead_time_is_backlog_beyond_stock_over_supply():
    """Twelve months of orders with two in stock: ten months; stock to spare: none."""
    lead = supply.lead_time(np.array([[12.0, 1.0]]), np.array([[2.0, 2.0]]), np.array([[12.0, 12.0]]))
    np.testing.assert_allclose(lead, [[10 / 12, 0.0]])


def test_a_rival_maker_is_worth_less_to_a_vendor():
    """Margins relative to the mean, less the discount for buyers with silicon of their own."""
    worth = supply.worth_of_buyers(
        np.array([[[2.0, 1.0]]]), np.array([[1.0]]), np.array([[False, True]]), np.array([0.3])
    )
    np.testing.assert_allclose(worth, [[[2.0, 0.7]]])


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
