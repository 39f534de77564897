"""Customers, plans and asks, by hand and across ticks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_sim.mechanisms import demand

ONE = np.ones(1)


def cell(value):
    return np.full((1, 1), float(value))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(-50, 50), st.integers(0, 1), st.booleans()), min_size=1, max_size=8))
def test_shares_of_a_pool_sum_to_one_over_labs_in_business(labs):
    """Every pool with a lab in business is shared out in full; labs out of business get nothing."""
    level, pool, active = (np.array(column) for column in zip(*labs, strict=True))
    share = demand.shares(level[None], pool, 2, active[None])[0]
    for m in range(2):
        assert share[pool == m].sum() == pytest.approx(float((active & (pool == m)).any()))
    assert (share[~active] == 0.0).all()


def test_shares_are_a_logit():
    """One unit of attraction more is e times the share; the pool next door is none of its business."""
    share = demand.shares(np.array([[1.0, 0.0, 7.0]]), np.array([0, 0, 1]), 2, np.ones((1, 3), bool))[0]
    assert share[0] / share[1] == pytest.approx(np.e)
    assert share[2] == 1.0


def test_capability_rests_at_elasticity_times_log_compute_and_gets_there_in_any_tick():
    """A constant fleet: the same path for month and week, and the goal in the end."""
    for dt in (1.0, 1 / 12, 1 / 48):
        level = cell(0.0)
        for _ in range(round(2.0 / dt)):
            level = demand.capability_step(level, cell(np.e**2), cell(0.1), 0.35 * ONE, 0.7 * ONE, dt)
        assert level[0, 0] == pytest.approx(0.6 * (1 - np.exp(-1.4)), rel=1e-12)


def test_growth_is_learned_from_growth():
    """Demand that grows at 40 % a year in logs is believed to, whatever the tick."""
    for dt in (1 / 12, 1 / 48):
        belief, level = cell(0.0), cell(1e9)
        for _ in range(round(3.0 / dt)):
            now = level * np.exp(0.4 * dt)
            belief, level = demand.learned_growth(belief, now, level, 0.75 * ONE, dt), now
        assert belief[0, 0] == pytest.approx(0.4 * (1 - np.exp(-4.0)), rel=1e-9)


def plan(**given_):
    """W of one lab; what is not given is a lab with a million of demand and no money."""
    numbers = {
        "demand": 1e6, "revenue": 1e6, "growth": 0.4, "purse": 0.0, "funding": 0.0, "compute_share": 0.6,
        "other_cost": 0.25, "pending": 0.0,
    } | given_  # fmt: skip
    common = {"horizon": 0.75, "growth_cap": 1.2, "runway": 1.5, "bridge": 0.15}
    return demand.planned_spend(**{k: cell(v) for k, v in numbers.items()}, **{k: v * ONE for k, v in common.items()})[
        0, 0
    ]


def test_plans_look_ahead_and_bridge_what_is_being_built():
    """Compute per USD of forward revenue, and a part of the rent of what is awaited."""
    forward = 1e6 * np.exp(0.3)
    assert plan() == pytest.approx(0.6 * forward)
    assert plan(pending=1e5) == pytest.approx(0.6 * forward + 1.5e4)


def test_nobody_plans_more_than_revenue_funding_and_cash_can_pay():
    """A lab that wants 5 USD of compute per USD earned pays from revenue, then funding, then its runway."""
    forward = 1e6 * np.exp(0.15)
    assert plan(compute_share=5.0) == pytest.approx(0.75 * forward)
    assert plan(compute_share=5.0, funding=1e5, purse=3e5) == pytest.approx(0.75 * forward + 1e5 + 2e5)
    assert plan(demand=0.0) == 0.0
    assert plan(revenue=0.5e6, compute_share=5.0) == pytest.approx(0.75 * 0.5 * forward), "what is earned pays"


@pytest.mark.parametrize("growth", [9.0, -9.0])
def test_beliefs_are_capped(growth):
    """Nobody plans on more than the largest growth rate, up or down."""
    assert plan(growth=growth) == pytest.approx(plan(growth=np.sign(growth) * 1.2))


def test_the_ask_closes_the_gap_at_its_own_pace_in_any_tick():
    """Filled in full each tick, a gap decays by e^(-t/tau), whatever the tick."""
    for dt in (0.25, 1 / 12, 1 / 48):
        held = 0.0
        for _ in range(round(0.5 / dt)):
            held += demand.ask(cell(8766e3), cell(held * 8766), cell(0.0), 0.25 * ONE, dt)[0, 0]
        assert held == pytest.approx(1000.0 * (1 - np.exp(-2.0)), rel=1e-12)


def test_what_rounding_left_is_asked_again_but_never_more_than_the_gap():
    """Carry comes on top, up to what is still wanted; with too much committed nothing is asked."""
    part = 1 - np.exp(-1 / 3)
    got = [
        demand.ask(cell(8766e3), cell(c), cell(k), 0.25 * ONE, 1 / 12)[0, 0] for c, k in ((0, 100), (0, 1e9), (9e6, 5))
    ]
    assert got == pytest.approx([1000 * part + 100, 1000.0, 0.0])


def test_twice_the_compute_serves_twice_the_revenue():
    """Linear in compute and in what compute costs to replace; none serves none."""
    served = [demand.servable_revenue(cell(q), cell(1.5), cell(2.0), 1.25 * ONE)[0, 0] for q in (0.0, 1.0, 2.0)]
    assert served[0] == 0.0
    assert served[2] == 2 * served[1]
