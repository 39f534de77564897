"""A vendor's scarce chips over its orders: the limits of its three rules, and an independent optimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from market_sim.mechanisms.supply import HIGHEST_MARGIN, PRO_RATA, STRATEGIC, allocate


def share_out(rule, orders, margin, supply, theta=0.0, inertia=0.5):
    """One replicate, one vendor."""
    return allocate(
        np.array([rule]), np.array([[orders]], float), np.array([[margin]], float), np.array([[supply]], float),
        np.array([[theta]], float), np.array([inertia], float),
    )[0, 0]  # fmt: skip


ORDERS = [100.0, 300.0, 50.0, 550.0]


@pytest.mark.parametrize("inertia", [0.01, 0.5, 20.0])
def test_without_aversion_and_at_equal_margins_the_strategic_rule_is_pro_rata(inertia):
    """theta = 0, k > 0: nobody is worth more, so leaving the pro-rata split only costs."""
    got = share_out(STRATEGIC, ORDERS, [1.0] * 4, 400.0, 0.0, inertia)
    np.testing.assert_allclose(got, np.array(ORDERS) * 0.4, rtol=1e-9)


def test_without_aversion_the_strategic_rule_is_pro_rata_up_to_margins():
    """theta = 0: each buyer's allocation over its pro-rata part differs by its margin over k, and no more."""
    margin, inertia = np.array([1.1, 1.0, 0.9, 1.0]), 2.0
    got = share_out(STRATEGIC, ORDERS, margin, 400.0, 0.0, inertia)
    over = got / (np.array(ORDERS) * 0.4)
    np.testing.assert_allclose(over - over[1], (margin - margin[1]) / inertia, atol=1e-9)


def test_boundless_aversion_splits_supply_equally():
    """theta -> inf: every buyer gets the same, up to what it ordered."""
    got = share_out(STRATEGIC, [300.0, 300.0, 400.0, 900.0], [2.0, 1.0, 0.5, 1.0], 400.0, 1e9)
    np.testing.assert_allclose(got, 100.0, rtol=1e-6)
    short = share_out(STRATEGIC, ORDERS, [1.0] * 4, 400.0, 1e9)
    np.testing.assert_allclose(short, [100.0, 125.0, 50.0, 125.0], rtol=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(1.0, 100.0), st.floats(0.2, 2.0)), min_size=2, max_size=6),
    st.floats(0.1, 0.95), st.floats(0.0, 20.0), st.floats(0.05, 5.0),
)  # fmt: skip
def test_the_strategic_rule_is_the_optimum_of_its_objective(buyers, part, theta, inertia):
    """Against a general solver: no feasible allocation is worth more, and this one's is feasible."""
    orders, margin = (np.array(column) for column in zip(*buyers, strict=True))
    supply = part * orders.sum()
    fair = orders * part

    def loss(a):
        cost = theta / (2 * supply) * (a * a).sum() + inertia / 2 * ((a - fair) ** 2 / fair).sum()
        return (cost - (margin * a).sum()) / supply

    got = share_out(STRATEGIC, orders, margin, supply, theta, inertia)
    best = minimize(
        loss, fair, bounds=[(0, o) for o in orders], method="SLSQP",
        constraints=[{"type": "ineq", "fun": lambda a: (supply - a.sum()) / supply}],
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert got.sum() == pytest.approx(supply, rel=1e-9)
    assert (got >= 0.0).all()
    assert (got <= orders * (1 + 1e-12)).all()
    if best.success and best.x.sum() >= supply * (1 - 1e-9):
        assert loss(got) <= best.fun + 1e-8
        np.testing.assert_allclose(got, best.x, atol=2e-3 * supply)


def test_highest_margin_serves_the_best_paying_first():
    """In order of margin until supply is gone; buyers of equal margin share pro rata."""
    got = share_out(HIGHEST_MARGIN, ORDERS, [1.0, 2.0, 3.0, 1.0], 480.0)
    np.testing.assert_allclose(got, [130.0 * 100 / 650, 300.0, 50.0, 130.0 * 550 / 650])


@pytest.mark.parametrize("rule", [PRO_RATA, HIGHEST_MARGIN, STRATEGIC])
def test_with_supply_to_spare_everyone_gets_what_they_ordered(rule):
    """No rule bites where nothing is scarce; with no supply nobody gets anything."""
    np.testing.assert_allclose(share_out(rule, ORDERS, [1.0, 2.0, 3.0, 1.0], 1000.0, 5.0), ORDERS)
    assert (share_out(rule, ORDERS, [1.0, 2.0, 3.0, 1.0], 0.0, 5.0) == 0.0).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0.0, 1e6), min_size=1, max_size=6),
    st.floats(0.0, 3e6),
    st.sampled_from([0, 1, 2]),
    st.floats(0, 1e6),
)
def test_no_rule_gives_more_than_there_is_or_was_ordered(orders, supply, rule, theta):
    """Within supply and within every order, and nothing left over while somebody waits."""
    got = share_out(rule, orders, np.linspace(0.5, 1.5, len(orders)), supply, theta)
    assert got.sum() <= supply * (1 + 1e-9) + 1e-9
    assert (got <= np.array(orders) * (1 + 1e-12) + 1e-12).all()
    assert got.sum() == pytest.approx(min(supply, sum(orders)), rel=1e-6, abs=1e-6)
