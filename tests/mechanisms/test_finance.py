"""Double entry, borrowing, and failures in which nothing vanishes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_sim.mechanisms.credit import backing, customers
from market_sim.mechanisms.finance import FLOW, KINDS, WORTH, Journal, loan_terms, net_worth, restructure, settle
from market_sim.mechanisms.finance.lending import borrowing, cheaper_capital, debt_capacity, guaranteed, loan_rate
from market_sim.mechanisms.finance.payments import dividends
from market_sim.state.sectors import Sectors
from market_sim.state.tables import DEPOSITS, EQUITY, INSTRUMENTS, LEASES, LOANS, PREPAYMENTS, Ledger

AT = Sectors(vendors=2, providers=3, labs=2)
ONE = np.ones(1)


def ledger_of(rng):
    """Balances that sum to zero, with the vendors' stakes and leases behind them."""
    balance = np.zeros((1, len(INSTRUMENTS), AT.holders))
    balance[0, DEPOSITS, : AT.firms] = rng.uniform(0, 1e9, AT.firms)
    balance[0, DEPOSITS, AT.lenders] = -balance[0, DEPOSITS].sum()
    balance[0, LOANS, AT.provider] = -rng.uniform(0, 1e10, 3)
    balance[0, LOANS, AT.lenders] = -balance[0, LOANS].sum()
    balance[0, PREPAYMENTS, AT.provider] = -rng.uniform(0, 1e8, 3)
    balance[0, PREPAYMENTS, AT.lab] = -balance[0, PREPAYMENTS].sum() / 2
    stakes, leases = rng.uniform(0, 1e8, (1, 2, 5)), rng.uniform(0, 1e8, (1, 2, 3))
    balance[0, EQUITY, AT.vendor] = stakes[0].sum(axis=1)
    balance[0, EQUITY, AT.vendors : AT.firms] = -stakes[0].sum(axis=0) - 5e7
    balance[0, EQUITY, AT.investors] = 5e7 * 5
    balance[0, LEASES, AT.vendor] = leases[0].sum(axis=1)
    balance[0, LEASES, AT.provider] = -leases[0].sum(axis=0)
    real = np.zeros((1, 3, AT.holders))
    real[0, :2, AT.provider] = rng.uniform(0, 1e9, (2, 3))
    return Ledger(balance, real), stakes, leases


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.lists(st.booleans(), min_size=3, max_size=3), st.floats(0.0, 1.0), st.booleans())
def test_failures_conserve_claims_chips_and_sites(seed, failed, recovery, rich):
    """Whoever fails: instruments still sum to zero, chips and power move whole, and every change is explained."""
    rng = np.random.default_rng(seed)
    ledger, stakes, leases = ledger_of(rng)
    if rich:
        ledger.balance[0, DEPOSITS, AT.provider] += 1e12
        ledger.balance[0, DEPOSITS, AT.lenders] -= 3e12
    fleet, power = rng.uniform(0, 1e4, (1, 3, 2)), rng.uniform(0, 1e5, (1, 3))
    flows = np.zeros((1, len(KINDS), AT.holders))
    after = restructure(
        np.array([failed]), recovery * ONE, stakes[:, :, :3], ledger, fleet, power, np.ones((1, 3), bool), flows,
        stakes, leases, AT,
    )  # fmt: skip
    gross = np.abs(ledger.balance).sum()
    assert np.abs(after.ledger.balance.sum(axis=2)).max() < 1e-12 * gross
    np.testing.assert_allclose(after.in_service.sum(axis=1), fleet.sum(axis=1), rtol=1e-12)
    assert after.power.sum() == pytest.approx(power.sum(), rel=1e-12)
    change = (after.ledger.balance - ledger.balance).sum(axis=1)
    explained = after.flows[:, WORTH].sum(axis=1) + after.written_off
    np.testing.assert_allclose(change, explained, atol=1e-12 * gross)
    assert after.written_off.sum() == pytest.approx(0.0, abs=1e-12 * gross)
    np.testing.assert_allclose(
        after.ledger.balance[0, LEASES, AT.vendor], after.leases[0].sum(axis=1), atol=1e-12 * gross
    )
    for p in np.flatnonzero(failed):
        assert after.stakes[0, :, p].sum() == 0.0
        assert after.ledger.balance[0, EQUITY, AT.vendors + p] == 0.0


def test_a_failed_provider_goes_to_the_one_with_the_most_cash():
    """The buyer pays recovery times book to the lenders and takes fleet, sites and prepayments."""
    ledger, stakes, leases = ledger_of(np.random.default_rng(1))
    ledger.balance[0, DEPOSITS, AT.provider] = [1e6, 5e10, 9e10]
    book = ledger.real[0, :2, AT.vendors].sum()
    after = restructure(
        np.array([[True, False, False]]), 0.6 * ONE, np.zeros((1, 2, 3)), ledger, np.full((1, 3, 2), 100.0),
        np.full((1, 3), 50.0), np.ones((1, 3), bool), np.zeros((1, len(KINDS), AT.holders)), stakes, leases, AT,
    )  # fmt: skip
    assert after.buyer[0].tolist() == [2, -1, -1]
    assert after.active[0].tolist() == [False, True, True]
    assert after.in_service[0, :, 0].tolist() == [0.0, 100.0, 200.0]
    assert after.flows[0, FLOW["takeover"], AT.lenders].sum() == pytest.approx(0.6 * book)
    assert after.ledger.balance[0, DEPOSITS, AT.vendors + 2] == pytest.approx(9e10 - 0.6 * book)


def test_where_no_one_can_pay_lenders_write_loans_down_and_the_firm_goes_on():
    """Loans fall to recovery times book; the firm keeps its fleet and stays in business."""
    ledger, stakes, leases = ledger_of(np.random.default_rng(2))
    ledger.balance[0, DEPOSITS, AT.provider] = 0.0
    ledger.balance[0, LOANS, AT.vendors] = -1e11
    book = ledger.real[0, :2, AT.vendors].sum()
    after = restructure(
        np.array([[True, False, False]]), 0.6 * ONE, np.zeros((1, 2, 3)), ledger, np.full((1, 3, 2), 100.0),
        np.full((1, 3), 50.0), np.ones((1, 3), bool), np.zeros((1, len(KINDS), AT.holders)), stakes, leases, AT,
    )  # fmt: skip
    assert after.buyer[0, 0] == 0
    assert after.active.all()
    assert after.ledger.balance[0, LOANS, AT.vendors] == pytest.approx(-0.6 * book)


def test_every_payment_sums_to_zero_and_moves_what_its_kind_says():
    """A journal of one payment of each kind: cash sums to zero, instruments too, worth changes where it should."""
    rng = np.random.default_rng(0)
    for kind in KINDS:
        journal = Journal(np.zeros((1, AT.holders)))
        journal.pay(kind.name, AT.lab, AT.provider, rng.uniform(0, 1e9, (1, 2, 3)))
        after = settle(np.zeros((1, len(INSTRUMENTS), AT.holders)), journal.flows, np.zeros((1, 3, AT.holders)))
        assert np.abs(after.balance.sum(axis=2)).max() < 1e-5
        moved = np.abs(net_worth(after)).max() > 1.0
        assert moved == kind.changes_worth, kind.name


def loan(debt, corporate=0.0, capacity=0.0, cash=1e9, buffer=0.0, dt=1 / 12):
    """Net new loans of one firm over a tick; contracts' debt runs over four years."""
    return borrowing.py_func(cash, debt, corporate, capacity, buffer, 1.0 - np.exp(-dt / 4.0))


@pytest.mark.parametrize("corporate", [0.0, 30.0])
def test_loans_amortise_the_same_in_any_tick(corporate):
    """Without need or room a debt on contracts has e^-1 left after its four years; the firm's own is rolled over."""
    for dt in (1.0, 1 / 12):
        debt = 100.0 + corporate
        for _ in range(round(4.0 / dt)):
            debt += loan(debt, corporate, dt=dt)
        assert debt == pytest.approx(corporate + 100.0 * np.exp(-1.0), rel=1e-12)


def test_loans_keep_the_buffer_within_what_lenders_lend():
    """A firm short of 50 draws 50, or what room there is."""
    for capacity, drawn in ((1e3, 50.0), (20.0, 20.0), (0.0, 0.0)):
        assert loan(0.0, capacity=capacity, cash=10.0, buffer=60.0) == pytest.approx(drawn)


def test_credit_stands_on_backlog_book_or_other_business():
    """A share of contracted rent, at least of half the book, and what other business can carry or owes already."""
    room = lambda backlog, *rest: debt_capacity.py_func(backlog, 0.6, *rest)  # noqa: E731

    assert room(200.0, 100.0, 0.0, 0.0) == pytest.approx(120.0)
    assert room(0.0, 100.0, 0.0, 0.0) == pytest.approx(30.0)
    assert room(0.0, 0.0, 8.0, 5.0) == pytest.approx(20.0)
    assert room(0.0, 0.0, 8.0, 50.0) == pytest.approx(50.0)


def test_a_solid_customer_saves_its_part_of_the_spread():
    """Half of .13 saved by a customer who is wholly solid, a quarter by one who is so by half."""
    rate = lambda solid: loan_rate.py_func(0.05, 0.13, 0.5, solid)  # noqa: E731
    assert rate(0.0) == pytest.approx(0.18)
    assert rate(0.5) == pytest.approx(0.05 + 0.13 * 0.75)
    assert rate(1.0) == pytest.approx(0.05 + 0.065)


def test_a_spread_falls_as_lenders_learn_and_never_rises():
    """From .22 towards .02 in two years; one that is lower already stays as it is."""

    def spread(now):
        two, nothing = np.ones((1, 2)), np.zeros((1, 2))
        opening, ledger = np.array([[0.22, 0.01]]), np.zeros((1, len(INSTRUMENTS), 2))
        learned = 0.02 * ONE, 2.0 * ONE, now
        return loan_terms(
            two, 0.0 * ONE, 0.0 * ONE, ONE, opening, *learned, ONE, nothing, np.zeros((1, 1, 2)), ledger, 0
        )[0][0]

    np.testing.assert_allclose(spread(0.0), [0.22, 0.01])
    np.testing.assert_allclose(spread(2.0), [0.02 + 0.20 * np.exp(-1.0), 0.01])
    np.testing.assert_allclose(spread(100.0), [0.02, 0.01])


def test_capital_gets_cheaper_with_loans_by_the_part_that_is_debt():
    """Debt is .6 of capital: a spread fallen by .1 takes off .06, half of that with a solid customer, who had it saved
    already; a guarantee saves half the spread on what it covers; never below the riskless rate, which carries loans
    with it both ways."""

    def cost(spread, solid, sure, base=0.05):
        return cheaper_capital.py_func(0.16, base, 0.05, 0.6, 0.2, spread, 0.5, solid, sure)

    assert cost(0.2, 0.0, 0.0) == pytest.approx(0.16)
    assert cost(0.1, 0.0, 0.0) == pytest.approx(0.10)
    assert cost(0.1, 1.0, 0.0) == pytest.approx(0.13)
    assert cost(0.1, 1.0, 1.0) == pytest.approx(0.10)
    assert cost(0.0, 0.0, 0.0) == pytest.approx(0.05)
    assert cost(0.1, 0.0, 0.0, 0.04) == pytest.approx(0.094)
    assert cost(0.1, 0.0, 0.0, 0.06) == pytest.approx(0.106)


def test_dividends_are_cash_above_need_only():
    """Nothing at or below need, and half of what is above it."""
    got = [dividends.py_func(cash, 10.0, 0.5) for cash in (5.0, 10.0, 20.0)]
    np.testing.assert_allclose(got, [0.0, 0.0, 5.0])


def test_backing_is_a_share_of_profit_spread_by_want():
    """A tenth of 1,200 USD a year, for a month, three parts to one; a loss backs nobody."""
    got = backing(np.array([[1200.0, -50.0]]), np.full((1, 2), 0.1), np.array([[[3.0, 1.0], [1.0, 1.0]]]), 1 / 12)
    np.testing.assert_allclose(got[0], [[7.5, 2.5], [0.0, 0.0]])


def test_a_kind_of_buyer_is_as_many_customers_as_it_has_firms():
    """Labs rent 30 and 50 USD of P, the second for ten firms, and 20 of Q through P: P's largest customer pays 30 of
    80, or 50 were the second one firm; Q's is P with all 20."""
    rent = np.array([[[30.0, 0.0], [50.0, 20.0]]])
    payer = np.array([[[2, 2], [3, 0]]])
    largest, total = customers(rent, payer, np.array([[1.0, 10.0]]))
    assert (largest.tolist(), total.tolist()) == ([[30.0, 20.0]], [[80.0, 20.0]])
    assert customers(rent, payer, np.ones((1, 2)))[0].tolist() == [[50.0, 20.0]]


def test_guarantees_cover_debts_that_are_there() -> None:
    """Vendors' guarantees cover what part of a debt they come to, all at most; none and next to none is not covered."""
    by_vendor = np.array([[3.0], [2.0]])
    covered = [guaranteed.py_func(by_vendor, 0, debt) for debt in (20.0, 4.0, 0.0)]
    assert covered == [0.25, 1.0, 0.0]
    assert guaranteed.py_func(1e-40 * by_vendor, 0, 1e-190) < 1e-20
