"""Prices against best responses found by search, and against fine steps of the same laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.runs import shipped
from scipy.optimize import minimize_scalar

from market_sim.agents import provider
from market_sim.mechanisms import pricing, supply
from market_sim.simulation.prepare import prepare

ONE = np.ones(1)


def best_price(cost, sigma, rivals):
    """The price of the most profit when buyers spend a fixed budget by a logit in value per USD.

    Shares of spending are s = P^(-1/sigma) / (P^(-1/sigma) + rivals), quantity is s/P: the demand that labs
    show over providers, here over vendors, with rivals' prices fixed.
    """

    def share(price):
        own = price ** (-1.0 / sigma)
        return own / (own + rivals)

    def loss(log_price):
        price = np.exp(log_price)
        return -(price - cost) * share(price) / price / cost

    near = np.log(cost) + np.linspace(1e-3, 12.0, 400)
    start = near[np.argmin([loss(x) for x in near])]
    found = minimize_scalar(loss, bounds=(start - 0.1, start + 0.1), method="bounded", options={"xatol": 1e-12})
    return np.exp(found.x), share(np.exp(found.x))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.floats(10.0, 1e5), st.floats(0.2, 2.0), st.floats(0.05, 5.0))
def test_the_lerner_rule_is_the_best_response(cost, sigma, strength):
    """Rivals fixed, a vendor that searches for its own best price ends where (P - c)/P = 1/eps says."""
    best, share = best_price(cost, sigma, strength * cost ** (-1.0 / sigma))
    rule = pricing.lerner_price(cost * ONE[None], share * ONE[None], sigma * ONE, 1.0 * ONE, 0.0 * ONE)
    assert rule[0, 0] == pytest.approx(best, rel=1e-4)


def test_list_prices_scale_with_cost():
    """Twice the cost, twice the price: a markup in the ratio, never a sum."""
    args = (np.full((1, 1), 0.6), 0.6 * ONE, 1.28 * ONE, 0.5 * ONE)
    one, two = (pricing.lerner_price(np.full((1, 1), c), *args) for c in (7_500.0, 15_000.0))
    assert two[0, 0] == pytest.approx(2.0 * one[0, 0], rel=1e-14)


def test_a_monopoly_prices_at_the_floor_and_a_small_vendor_at_its_least_margin():
    """At a share of 1 margin is 1/eps_min; at a share of 0 it is sigma/(1 + sigma), unless the floor is higher."""
    price = pricing.lerner_price(
        np.full((1, 3), 100.0), np.array([[1.0, 0.0, 0.0]]), 0.6 * ONE, 1.28 * ONE, np.array([[0.0, 0.0, 0.5]])
    )
    np.testing.assert_allclose(1.0 - 100.0 / price[0], [1 / 1.28, 0.6 / 1.6, 0.5])


def quotes(dt, years, quote, target, vacancy, scarcity):
    """A quote carried to `years` in steps of `dt` under constant drivers."""
    grid = np.full((1, 1, 1), 1.0)
    for _ in range(round(years / dt)):
        quote = pricing.quoted(
            quote * grid, target * grid, 0.01 * grid, vacancy * grid, scarcity * grid, 2.0 * ONE, 2.8 * ONE, 0.08 * ONE,
            0.2 * ONE, dt,
        )[0, 0, 0]  # fmt: skip
    return quote


@pytest.mark.parametrize(("vacancy", "scarcity"), [(0.08, 0.0), (0.4, 0.0), (0.0, 2.0)])
def test_quotes_are_the_same_for_every_tick_and_solve_their_law(vacancy, scarcity):
    """d log p = k_r log(p*/p) dt - k_u (v - v*) dt + k_lambda lambda dt: any tick, and a fine Euler step."""
    p, h = np.log(2.0), 1e-5
    for _ in range(50_000):
        p += h * (2.0 * (np.log(3.0) - p) - 2.8 * (vacancy - 0.08) + 0.2 * scarcity)
    exact = [quotes(dt, 0.5, 2.0, 3.0, vacancy, scarcity) for dt in (0.5, 1 / 12, 1 / 48)]
    np.testing.assert_allclose(exact, exact[0], rtol=1e-12)
    assert exact[0] == pytest.approx(np.exp(p), rel=1e-4)


def test_quotes_never_fall_below_cash_cost():
    """Whatever the vacancy, switching off is better than less."""
    assert quotes(1 / 12, 10.0, 2.0, 0.02, 1.0, 0.0) == pytest.approx(0.01)


def test_a_site_and_a_chip_earn_back_what_they_cost():
    """Full cost paid hourly over the life, discounted at the WACC, is worth exactly price, server and site."""
    wacc, life, site_life = 0.11, 5.0, 15.0
    hourly = pricing.chip_hour_cost(
        np.full((1, 1, 1), 30_000.0), np.full((1, 1), 17_000.0), np.array([1.4]), np.full((1, 1), wacc),
        np.full((1, 1), 2_000.0), np.full((1, 1), 11_000.0), life * ONE, site_life * ONE,
    )[0, 0, 0]  # fmt: skip
    yearly = hourly * 8766.0 * pricing.CONTRACTED_UTILISATION

    def annuity(years):
        t = (np.arange(200_000) + 0.5) * years / 200_000
        return np.exp(-wacc * t).sum() * years / 200_000

    gear = 47_000.0 / annuity(life)
    assert yearly == pytest.approx(gear + 1.4 * (11_000.0 / annuity(site_life) + 2_000.0), rel=1e-6)


def test_recovery_without_interest_is_one_over_the_life():
    """r -> 0: r/(1 - e^(-r T)) -> 1/T, without a jump."""
    for rate in (0.0, 1e-13, 1e-9, 1e-5):
        hourly = pricing.chip_hour_cost(
            np.full((1, 1, 1), 30_000.0), np.zeros((1, 1)), np.array([1.4]), np.full((1, 1), rate), np.zeros((1, 1)),
            np.zeros((1, 1)), 5.0 * ONE, 15.0 * ONE,
        )[0, 0, 0]  # fmt: skip
        yearly = hourly * 8766.0 * pricing.CONTRACTED_UTILISATION
        assert yearly == pytest.approx(0.2 * 30_000.0, rel=1e-4)


def test_term_factors_are_one_at_a_year_and_on_demand_at_a_quarter():
    """1.45 on demand, 1 at a year, less beyond; between them the fade is log-linear."""
    got = pricing.term_factor(np.array([0.25, 0.5, 1.0, 4.0]), 1.45 * ONE[:, None], 0.06 * ONE)[0]
    np.testing.assert_allclose(got, [1.45, 1.45**0.5, 1.0, 4.0**-0.06])


@pytest.mark.parametrize("lead", [0.02, 0.2, 0.9])
def test_supply_grows_the_same_in_any_tick(lead):
    """A year under a constant lead: the target exactly, supply to first order."""

    def grown(dt):
        now, target = np.full((1, 1), 1e6), np.full((1, 1), 1e6)
        for _ in range(round(1.0 / dt)):
            now, target = supply.grown_supply(
                now,
                target,
                np.full((1, 1), lead),
                0.2 * ONE,
                np.zeros((1, 1)),
                np.full((1, 1), 0.8),
                ONE,
                np.zeros((1, 1)),
                0.5 * ONE,
                0.0,
                dt,
            )
        return now[0, 0], target[0, 0]

    month, half, day = grown(1 / 12), grown(1 / 24), grown(1 / 480)
    assert month[1] == pytest.approx(day[1], rel=1e-9)
    if lead >= 0.2:
        assert month[1] == pytest.approx(1e6 * min(lead / 0.2, 1.8))
    assert (month[1] < 1e6) == (lead < 0.2)
    assert abs(month[0] / day[0] - 1) < 0.06
    assert abs(half[0] - day[0]) < 0.6 * abs(month[0] - day[0]) + 1e-3


def test_duplicates_build_up_when_leads_are_long_and_go_when_they_shorten():
    """None up to 1.5x target, capped beyond, gone within a few cancel times; the same for any tick."""

    def after(lead, years, dt, start=0.0):
        share = np.full((1, 1), start)
        for _ in range(round(years / dt)):
            share = supply.duplicate_orders(
                share, np.full((1, 1), lead), 0.2 * ONE, 0.4 * ONE, 2.0 * ONE, 0.12 * ONE, dt
            )
        return share[0, 0]

    assert after(0.3, 2.0, 1 / 12) == 0.0
    assert after(0.6, 5.0, 1 / 12) == pytest.approx(0.4, rel=1e-9)
    assert after(100.0, 5.0, 1 / 12) == pytest.approx(2.0, rel=1e-9)
    assert after(0.1, 0.5, 1 / 12, start=2.0) == pytest.approx(2.0 * np.exp(-0.5 / 0.12), rel=1e-9)
    assert after(0.6, 1.0, 1 / 12) == pytest.approx(after(0.6, 1.0, 1 / 48), rel=1e-9)


def test_a_premium_on_demand_fades_to_a_year():
    """A firm that asks half as much again on demand does so for a quarter, by its root for half a year, and for longer
    not at all; nobody else's prices move."""
    usual, dear = (
        prepare(shipped("baseline", ticks=1, provider__CoreWeave__on_demand_premium=premium), 0, (0,))[0]
        for premium in (1.0, 1.5)
    )
    o = dear.offers
    more = (provider.term_factors(dear) / provider.term_factors(usual))[0]
    faded = np.clip(np.log(o.term) / np.log(0.25), 0.0, 1.0)
    theirs = o.provider == dear.providers.index("CoreWeave")
    assert faded[theirs].max() == 1.0
    np.testing.assert_allclose(more[theirs], 1.5 ** faded[theirs], rtol=1e-12)
    np.testing.assert_allclose(more[~theirs], 1.0, rtol=1e-12)
