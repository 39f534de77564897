"""Worth of offers, and the premium that speed carries across them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import trade

from market_sim.mechanisms.hedonic import hedonic_speed_premium
from market_sim.mechanisms.valuation import outside_worth, payment_factor, worth


def random_offers(seed, replicates=3, labs=4, offers=9, providers=3, chips=4, stacks=2):
    """Keyword arguments of `worth`, with dead offers, free ones and a chip that cannot run a lab's model."""
    g = np.random.default_rng(seed)
    throughput = np.exp(g.normal(-1, 0.5, (replicates, labs, chips)))
    throughput[0, 0, 0] = 0
    price = np.exp(g.normal(0.9, 0.3, (replicates, labs, offers)))
    price[-1, -1, -1] = 0
    return dict(
        throughput=throughput,
        delivered=g.uniform(0.8, 1, (replicates, providers)),
        price=price,
        delay=g.uniform(0, 1.5, (replicates, offers)),
        template=g.uniform(0, 1, (replicates, providers)),
        template_weight=g.uniform(0, 1, (replicates, labs)),
        affinity=g.normal(0, 0.2, (replicates, labs, providers)),
        chip_taste=g.normal(0, 0.2, (replicates, labs, chips)),
        switching=g.uniform(0, 0.3, (replicates, labs, stacks)),
        discount=g.uniform(0, 0.2, replicates),
        obsolescence=g.uniform(0, 0.7, replicates),
        delay_dial=g.uniform(0, 2, replicates),
        offer_provider=g.integers(0, providers, offers),
        offer_chip=np.arange(offers) % chips,
        offer_term=g.choice([0.1, 1.0, 3.0, 4.0], offers),
        prepaid=g.uniform(0, 0.3, offers),
        chip_stack=g.integers(0, stacks, chips),
        live=g.random((replicates, offers)) < 0.8,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_kernel_equals_the_formula(seed):
    """U is the formula's in every cell, to 1e-12, and -inf exactly where an offer can't be had or used."""
    arrays = random_offers(seed)
    answer, plain = worth(**arrays), trade.worth(**arrays)
    np.testing.assert_array_equal(np.isneginf(answer), np.isneginf(plain))
    usable = np.isfinite(plain)
    np.testing.assert_allclose(answer[usable], plain[usable], rtol=1e-12, atol=1e-12)


def test_replicates_are_valued_alone_as_in_a_chunk():
    """The same replicate gives the same bits alone or among others."""
    arrays = random_offers(1)
    shared = {"offer_provider", "offer_chip", "offer_term", "prepaid", "chip_stack"}
    together = worth(**arrays)
    for r in range(3):
        alone = worth(**{k: v if k in shared else v[r : r + 1] for k, v in arrays.items()})
        np.testing.assert_array_equal(alone[0], together[r])


def test_an_offer_at_once_for_a_moment_is_worth_its_compute_per_dollar():
    """By hand: no wait, no discounting, no tastes: U = log(2 x .9 / 3)."""
    arrays = random_offers(0, replicates=1, labs=1, offers=1, providers=1, chips=1, stacks=1)
    for name in ("delay", "template", "affinity", "chip_taste", "switching", "discount", "obsolescence"):
        arrays[name] = np.zeros_like(arrays[name])
    arrays |= {"throughput": np.full((1, 1, 1), 2.0), "delivered": np.full((1, 1), 0.9)}
    arrays |= {"price": np.full((1, 1, 1), 3.0), "live": np.ones((1, 1), bool)}
    assert worth(**arrays)[0, 0, 0] == pytest.approx(np.log(0.6), rel=1e-14)


@pytest.mark.parametrize("name", ["template", "affinity", "chip_taste"])
def test_tastes_raise_and_switching_lowers_worth_one_for_one(name):
    """A log point of any taste is a log point of worth (the template's times its weight)."""
    arrays = random_offers(4)
    arrays["template_weight"][:] = 1.0
    raised = worth(**{**arrays, name: arrays[name] + 1.0})
    hindered = worth(**{**arrays, "switching": arrays["switching"] + 1.0})
    before = worth(**arrays)
    usable = np.isfinite(before)
    np.testing.assert_allclose(raised[usable] - before[usable], 1.0, rtol=1e-12)
    np.testing.assert_allclose(hindered[usable] - before[usable], -1.0, rtol=1e-12)


def test_waiting_costs_worth_and_more_so_when_part_is_prepaid():
    """A year's wait loses obsolescence alone if nothing is prepaid; discounting too, on the share that is."""
    arrays = random_offers(2, replicates=1)
    arrays |= {"prepaid": np.where(np.arange(9) < 4, 0.0, 0.5), "live": np.ones((1, 9), bool)}
    arrays |= {"delay": np.zeros((1, 9)), "delay_dial": np.ones(1)}
    now, later = worth(**arrays), worth(**{**arrays, "delay": np.ones((1, 9))})
    lost = now[0, 1, :-1] - later[0, 1, :-1]
    np.testing.assert_allclose(lost[:4], arrays["obsolescence"][0], rtol=1e-10)
    assert (lost[4:] > arrays["obsolescence"][0] + 1e-3).all()


def test_nobody_pays_while_waiting_but_for_the_prepaid_share():
    """As the wait grows without end the payments' worth falls to the prepaid share, and no further."""
    assert payment_factor(0.2, 1e4, 3.0, 0.12) == pytest.approx(0.2)
    assert payment_factor(0.2, 0.0, 3.0, 0.0) == pytest.approx(1.0)


def test_the_outside_option_is_worth_its_price_in_compute():
    """At r USD per useful PFLOP-hour a lab is as well off buying nothing as paying r."""
    np.testing.assert_allclose(outside_worth(np.array([[1.0, np.e, 4.0]])), [[0.0, -1.0, -np.log(4.0)]], atol=1e-15)


def premium_of(log_price, delay, speed, term, weight):
    """The speed premium on the second of two price lists, where two providers let through different parts of what a
    chip does: what reaches the tenant is `speed`, in logs."""
    reaches, offers = np.array([[0.5, 0.8]] * len(delay)), np.arange(delay.shape[1])
    useful = np.exp(speed) / reaches[:, offers % 2]
    price = np.stack([np.ones_like(log_price), np.exp(log_price)], axis=1)
    return hedonic_speed_premium(price, 1, weight, delay, useful, reaches, offers % 2, offers, term)


def test_the_speed_premium_is_the_slope_on_delay_with_speed_and_term_held_fixed():
    """Prices made from known slopes give the one on delay back, dead offers notwithstanding."""
    g = np.random.default_rng(0)
    delay, speed, term = g.uniform(0, 2, (3, 20)), g.normal(0, 1, (3, 20)), g.choice([1.0, 3.0], 20)
    log_price = 0.7 - 0.3 * delay + 0.9 * speed - 0.1 * term
    weight = g.uniform(0, 5, (3, 20))
    weight[:, :3] = 0
    log_price[:, :3] = np.nan
    np.testing.assert_allclose(premium_of(log_price, delay, speed, term, weight), -0.3, rtol=1e-10)


def test_the_speed_premium_is_weighted_least_squares():
    """Against NumPy's solver on noisy prices."""
    g = np.random.default_rng(1)
    delay, speed, term = g.uniform(0, 2, (1, 30)), g.normal(0, 1, (1, 30)), g.choice([1.0, 3.0], 30)
    log_price, weight = g.normal(0, 1, (1, 30)), g.uniform(0.1, 5, (1, 30))
    root = np.sqrt(weight[0])
    design = np.column_stack([np.ones(30), speed[0], term, delay[0]]) * root[:, None]
    slope = np.linalg.lstsq(design, log_price[0] * root, rcond=None)[0][-1]
    assert premium_of(log_price, delay, speed, term, weight)[0] == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("weight", [1.0, 0.0])
def test_without_different_delays_there_is_no_speed_premium(weight):
    """One delay for all, or no offers at all: 0, not nan."""
    g = np.random.default_rng(2)
    log_price, same = g.normal(0, 1, (2, 8)), np.full((2, 8), 1.1)
    premium = premium_of(log_price, same, g.normal(0, 1, (2, 8)), np.ones(8), np.full((2, 8), weight))
    np.testing.assert_array_equal(premium, 0.0)
