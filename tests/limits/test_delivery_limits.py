"""Building in the limits where queueing theory and first-order conditions give the answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.building import empty_pipeline, open_lots
from scipy.optimize import minimize_scalar
from scipy.special import lambertw

from market_sim.mechanisms import delivery


@pytest.mark.parametrize("dt", [1 / 12, 1 / 24])
def test_in_steady_state_chips_in_the_pipe_are_rate_times_mean_time(dt):
    """Little's law: a constant inflow of lots, each with its own gamma site time, chips there from the start.

    Chips under way are integrated within ticks too, so the window's two ends are all that is left of an error.
    """
    rng, yearly, warm, years = np.random.default_rng(0), 1200.0, 5.0, 30.0
    pipeline, chip_years, waited, done = empty_pipeline(600), 0.0, 0.0, 0.0
    for k in range(round(years / dt)):
        now = k * dt
        pipeline = open_lots(pipeline, now, chips=yearly * dt, site=float(rng.gamma(6.0, 0.1)), bring_up=0.1)
        under_way = delivery.add_up(pipeline, np.ones(1), 1)
        step = delivery.advance(pipeline, under_way.waiting, np.ones((1, 1)), np.ones(1), now, dt)
        pipeline, count = step.pipeline, step.finished_count[0]
        if now >= warm:
            gone = (now + dt - step.finished_at[0, :count]) * step.finished["chips"][0, :count]
            chip_years += under_way.building[0, 0] * dt - gone.sum()
            waited, done = waited + step.delay[0, 0], done + step.completed[0, 0]
    assert chip_years / (years - warm) == pytest.approx(yearly * waited / done, rel=0.01)


def test_the_mean_time_is_site_work_plus_bring_up_when_chips_are_there():
    """A lot of x years of site work at speed v takes x/v, then its bring-up, whatever the tick."""
    for dt in (1 / 12, 1 / 48, 1.0):
        pipeline = open_lots(empty_pipeline(2), 0.0, chips=10.0, site=0.5, bring_up=0.1)
        shipped, now, at = np.full((1, 1, 1), 10.0), 0.0, np.nan
        for _ in range(round(2 / dt)):
            step = delivery.advance(pipeline, shipped, np.full((1, 1), 2.0), np.ones(1), now, dt)
            pipeline, shipped, now = step.pipeline, np.zeros((1, 1, 1)), now + dt
            at = step.finished_at[0, 0] if step.finished_count[0] else at
        assert at == pytest.approx(0.5 / 2.0 + 0.1, abs=1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_chips_in_are_chips_out_and_chips_in_the_pipe(seed):
    """Whatever arrives, whenever: ordered = in service + under way, and received never exceeds what was sent."""
    rng = np.random.default_rng(seed)
    pipeline, ordered, sent, served = empty_pipeline(60), 0.0, 0.0, 0.0
    for k in range(40):
        if rng.random() < 0.5:
            chips = float(rng.integers(1, 100))
            pipeline, ordered = open_lots(pipeline, k / 12, chips, rng.gamma(2.0, 0.2), 0.05), ordered + chips
        waiting = delivery.add_up(pipeline, np.ones(1), 1).waiting
        shipped = waiting * rng.random()
        step = delivery.advance(pipeline, shipped, np.full((1, 1), rng.uniform(0.1, 3)), np.ones(1), k / 12, 1 / 12)
        pipeline, sent, served = step.pipeline, sent + shipped.sum(), served + step.in_service.sum()
        pipe = delivery.add_up(pipeline, np.ones(1), 1)
        assert ordered == pytest.approx(served + pipe.building.sum(), rel=1e-9, abs=1e-9)
        assert sent == pytest.approx(served + pipe.received.sum(), rel=1e-6, abs=1e-6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.floats(0.0, 1e8))
def test_lambert_w_agrees_with_scipy(z):
    """W(z) e^W(z) = z to the last digits, for every z >= 0."""
    assert delivery.lambert_w(np.array([z]))[0] == pytest.approx(lambertw(z).real, rel=1e-13, abs=1e-15)


def test_without_a_speed_premium_nobody_makes_an_effort():
    """Nothing to win by speed, or nobody to win it from: x = 0."""
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    for incentive, worth in ((zero, one), (one, zero)):
        assert delivery.chosen_speed(incentive, worth, one, 0.35 * one, 3.0 * one)[0, 0] == 0.0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.floats(0.01, 3.0), st.floats(0.01, 2.0), st.floats(0.1, 3.0), st.floats(0.05, 2.0))
def test_chosen_effort_is_the_best_there_is(incentive, worth, ordinary, cost):
    """Against numerical maximisation of incentive * worth * D (1 - e^-x) - cost x^2, below the cap."""
    gain = incentive * worth * ordinary
    best = minimize_scalar(
        lambda x: cost * x * x - gain * -np.expm1(-x), bounds=(0, 5), method="bounded", options={"xatol": 1e-10}
    )
    arrays = (np.full((1, 1), v) for v in (incentive, worth, ordinary, cost, 1e9))
    assert delivery.chosen_speed(*arrays)[0, 0] == pytest.approx(best.x, abs=1e-5)


def test_effort_stops_at_its_cap():
    """However much speed is worth, e^x stays within the largest speed-up."""
    arrays = (np.full((1, 1), v) for v in (1e6, 1.0, 1.0, 0.35, 3.0))
    assert np.exp(delivery.chosen_speed(*arrays)[0, 0]) == pytest.approx(3.0, rel=1e-12)


def test_two_who_are_alike_have_an_incentive_of_one_half():
    """With a logit the sales that a little speed wins from others are 1 - s; a firm alone wins nothing."""
    spend = np.array([[[10.0, 10.0]]])
    np.testing.assert_allclose(delivery.incentive(spend), 0.5)
    np.testing.assert_allclose(delivery.incentive(np.array([[[10.0]]])), 0.0)
