"""Trade in the limits where its answer is known, or found by an independent route."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import trade
from scipy.integrate import quad
from scipy.optimize import minimize

from market_sim.mechanisms.clearing import attraction, clear
from market_sim.mechanisms.valuation import outside_worth, payment_factor, useful_life_factor, wait_discount


def market(values, capacity, budget, sigma, price=1.0, outside=-np.inf, log_attraction=0.0):
    """One replicate, an own pool for every offer; `values` are useful PFLOP/s a chip (lab, offer)."""
    values = np.asarray(values, float)
    labs, offers = values.shape
    return dict(
        utility=np.log(values / price)[None],
        outside=np.full((1, labs), outside),
        budget=np.asarray(budget, float)[None],
        price=np.full((1, labs, offers), price),
        pool=np.column_stack([np.arange(offers), np.full(offers, -1)]),
        weight=np.ones((offers, 2)),
        capacity=np.asarray(capacity, float)[None],
        log_attraction=np.full((1, offers), log_attraction),
        sigma=np.array([sigma]),
        shadow=np.zeros((1, offers)),
    )


def test_unlimited_capacity_gives_plain_choice():
    """With capacity to spare nothing is scarce and money splits as a multinomial logit of U/sigma."""
    arrays = trade.random_market(2, tightness=1e-9)
    arrays["capacity"][:] = 1e18
    cleared = clear(**arrays)
    assert (cleared.shadow == 0).all()
    assert (cleared.sweeps == 1).all()
    for r in range(2):
        bare = trade.one_replicate(arrays, r)
        weight = np.exp((bare.utility / bare.sigma) + bare.attraction)
        logit = weight / (np.exp(bare.outside / bare.sigma)[:, None] + weight.sum(1, keepdims=True))
        spent = cleared.chips[r] * bare.price
        np.testing.assert_allclose(spent, bare.budget[:, None] * logit, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.02, 0.45, 3.0])
@pytest.mark.parametrize("price", [1.0, 2.5])
def test_one_buyer_and_one_seller_share_out_the_budget(price, sigma):
    """Without an outside option the price paid is p e^lambda = B/C, whatever sigma."""
    cleared = clear(**market([[3.0]], [40.0], [1000.0], sigma, price), tolerance=1e-10)
    assert price * np.exp(cleared.shadow[0, 0]) == pytest.approx(1000.0 / 40.0, rel=1e-9)
    assert cleared.chips[0, 0, 0] == pytest.approx(40.0, rel=1e-9)


def eisenberg_gale(values, capacity, budget, rho=1.0, taste=1.0):
    """Prices and chips that maximise sum B log u, u = (sum taste (v x)^rho)^(1/rho), within capacity
    (Fisher).
    """
    labs, offers = values.shape
    x0 = np.outer(budget / budget.sum(), capacity)

    def negative(flat):
        inner = taste * (values * np.maximum(flat.reshape(labs, offers), 1e-12)) ** rho
        return -(budget * np.log(inner.sum(1))).sum() / rho / budget.sum()

    def slope(flat):
        x = np.maximum(flat.reshape(labs, offers), 1e-12)
        inner = taste * (values * x) ** rho
        return -((budget / inner.sum(1))[:, None] * inner / x).ravel() / budget.sum()

    room = [{"type": "ineq", "fun": lambda flat: 1 - flat.reshape(labs, offers).sum(0) / capacity}]
    found = minimize(
        negative, x0.ravel(), jac=slope, bounds=[(0, None)] * x0.size, constraints=room, method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )  # fmt: skip
    return (-slope(found.x)).reshape(labs, offers).max(0) * budget.sum(), found.x.reshape(labs, offers)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_sigma_vanishes_prices_are_the_linear_fisher_market(seed):
    """Against the Eisenberg-Gale programme solved apart: prices agree, and the gap shrinks with sigma."""
    g = np.random.default_rng(seed)
    values, capacity, budget = g.uniform(0.5, 2, (4, 5)), g.uniform(1, 5, 5), g.uniform(1, 10, 4)
    fisher, _ = eisenberg_gale(values, capacity, budget)
    gaps = []
    for sigma in (0.08, 0.02, 0.005):
        cleared = clear(**market(values, capacity, budget, sigma, 1e-3), tolerance=1e-7, max_sweeps=20000)
        gaps.append(abs(np.log(1e-3 * np.exp(cleared.shadow[0]) / fisher)).max())
    assert gaps[2] < 0.01
    assert gaps[2] < gaps[1] < gaps[0]


@pytest.mark.parametrize("sigma", [0.45, 1.5])
def test_at_any_sigma_chips_are_the_fisher_market_of_ces_buyers(sigma):
    """Spending shares e^{U/sigma} are a CES buyer's with rho = 1/(1 + sigma): same programme, same chips."""
    g = np.random.default_rng(7)
    values, capacity, budget = g.uniform(0.5, 2, (3, 4)), g.uniform(1, 5, 4), g.uniform(1, 10, 3)
    prices, chips = eisenberg_gale(values, capacity, budget, rho=1 / (1 + sigma))
    cleared = clear(**market(values, capacity, budget, sigma, 1e-3), tolerance=1e-10)
    np.testing.assert_allclose(cleared.chips[0], chips, rtol=1e-3)
    np.testing.assert_allclose(1e-3 * np.exp(cleared.shadow[0]), prices, rtol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.45, 1.0]), st.floats(1.01, 5.0))
def test_more_capacity_never_raises_a_price(seed, sigma, times):
    """With one pool per offer, offers are gross substitutes: more of one pool lowers every scarcity price or
    none.
    """
    arrays = trade.random_market(seed, sigma=sigma, tightness=2.0)
    more = {**arrays, "capacity": arrays["capacity"].copy()}
    more["capacity"][:, seed % 4] *= times
    before = clear(**arrays, tolerance=1e-10, max_sweeps=5000)
    after = clear(**more, tolerance=1e-10, max_sweeps=5000)
    assert (after.shadow <= before.shadow + 1e-8).all()


def split_market(omega, halves):
    """Two firms of 60 and 40 lots, the first in one piece or in `halves`; a scarce and a plentiful lab
    budget.
    """
    lots = np.array([60.0 / halves] * halves + [40.0])
    values = np.array([[1.0] * halves + [1.3], [1.4] * halves + [0.9]])
    arrays = market(values, lots * 10, [900.0, 700.0], 0.45, outside=-0.5)
    arrays["log_attraction"] = attraction(lots[None], np.ones(lots.size), np.array([omega]))
    return clear(**arrays, tolerance=1e-10)


def test_splitting_a_firm_in_two_changes_nothing_at_omega_one():
    """Two halves sell together what the whole sold, to each lab, at the same scarcity price."""
    whole, halves = split_market(1.0, 1), split_market(1.0, 2)
    np.testing.assert_allclose(halves.chips[0, :, :2].sum(1), whole.chips[0, :, 0], rtol=1e-8)
    np.testing.assert_allclose(halves.chips[0, :, 2], whole.chips[0, :, 1], rtol=1e-8)
    np.testing.assert_allclose(halves.shadow[0, [0, 2]], whole.shadow[0], atol=1e-9)


def test_splitting_a_firm_in_two_wins_money_at_omega_zero():
    """Every offer is then noticed alike, so two halves draw more money than the whole."""
    whole, halves = split_market(0.0, 1), split_market(0.0, 2)
    paid = [(c.chips[0] * np.exp(c.scarcity[0])).sum(0) for c in (whole, halves)]
    assert paid[1][:2].sum() > paid[0][0] * 1.05


@pytest.mark.parametrize("dial", [0.0, 1.0, 1.7])
@pytest.mark.parametrize(("delay", "term", "prepaid"), [(0.0, 1.0, 0.0), (0.8, 3.0, 0.2), (1.5, 0.1, 1.0)])
def test_the_worth_of_an_offer_is_discounted_compute_over_discounted_payments(delay, term, prepaid, dial):
    """G/kappa_pay against numerical integration of the two streams over wait and term."""
    r, o = 0.12, 0.45
    waited = np.exp(-(r + dial * o) * delay)
    compute = waited * quad(lambda t: np.exp(-(r + o) * t), 0, term)[0]
    payments = prepaid * term + quad(lambda t: (1 - prepaid) * np.exp(-r * t), delay, delay + term)[0]
    kept = wait_discount(delay, r, o, dial) * useful_life_factor(term, r, o)
    assert kept / payment_factor(prepaid, delay, term, r) == pytest.approx(compute / payments, rel=1e-10)


def test_a_lab_buys_nothing_when_every_offer_is_dearer_than_its_reservation_price():
    """As sigma vanishes: an offer a little under the reservation price takes all money, a little over it
    none.
    """
    for price, inside in ((0.9, 1.0), (1.1, 0.0)):
        outside = float(outside_worth(np.array([1.0]))[0])
        cleared = clear(**market([[1.0]], [1e6], [100.0], 0.005, price, outside))
        assert cleared.share_inside[0, 0] == pytest.approx(inside, abs=1e-6)
