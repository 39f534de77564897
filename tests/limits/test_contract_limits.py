"""A contract's money over its whole life, which no tick may change."""

import numpy as np
import pytest
from reference.leasing import Lease

from market_sim.state.tables import DEFAULTED, EXPIRED, LIVE, PENDING, SUBLET, WALKED
from market_sim.units import HOURS_PER_YEAR

TICKS = (1 / 48, 1 / 24, 1 / 12, 0.25, 1.0)
FULL = 100.0 * 2.0 * HOURS_PER_YEAR  # a year's rent of 100 chips at 2 USD an hour


@pytest.mark.parametrize("dt", TICKS)
@pytest.mark.parametrize("term", [0.25, 1.0, 2.3])
def test_rent_over_a_life_is_price_times_chips_times_hours(dt, term):
    """Ready capacity owes price x chips x 8766 x term, paid in full by its end, whatever the tick."""
    lease = Lease(dt=dt)
    lease.sign(100.0, 2.0, term)
    assert lease.run(4.0)["rent"] == pytest.approx(FULL * term, rel=1e-9)
    assert lease.book.count[0] == 0


@pytest.mark.parametrize("dt", TICKS)
def test_take_or_pay_is_the_part_of_rent_that_is_due(dt):
    """At 97 % use, 97 % of the rent."""
    lease = Lease(dt=dt, use=0.97)
    lease.sign(100.0, 2.0, 1.0)
    assert lease.run(2.0)["rent"] == pytest.approx(0.97 * FULL, rel=1e-9)


@pytest.mark.parametrize("dt", TICKS)
@pytest.mark.parametrize("prepaid", [0.1, 1.0])
def test_a_prepayment_is_used_up_over_the_term(dt, prepaid):
    """What was paid at signing is set against rent, evenly, and nothing of it is left or lost."""
    lease = Lease(dt=dt, prepaid=prepaid)
    paid = lease.sign(100.0, 2.0, 2.0, built=True, promised=0.5)
    assert paid == pytest.approx(prepaid * FULL * 2.0)
    money = lease.run(5.0, ready_at=0.4)
    assert money["rent"] == pytest.approx(2.0 * FULL, rel=1e-9)
    assert money["prepaid_used"] == pytest.approx(paid, rel=1e-9)
    assert money["refunded"] + money["prepaid_lost"] == pytest.approx(0.0, abs=1e-9 * paid)


@pytest.mark.parametrize("dt", TICKS)
def test_prepayments_that_no_rent_uses_come_back(dt):
    """At 60 % use a fully prepaid contract uses 60 % and refunds the rest at its end."""
    lease = Lease(dt=dt, prepaid=1.0, use=0.6)
    paid = lease.sign(100.0, 2.0, 1.0, built=True, promised=0.5)
    money = lease.run(3.0, ready_at=0.5)
    assert money["prepaid_used"] + money["refunded"] == pytest.approx(paid, rel=1e-9)
    assert money["prepaid_used"] == pytest.approx(0.6 * paid, rel=1e-9)


@pytest.mark.parametrize("dt", TICKS)
@pytest.mark.parametrize(("ready_at", "late"), [(0.9, 0.4), (0.5, 0.0), (0.3, 0.0)])
def test_lateness_earns_a_credit_that_is_redeemed_against_rent(dt, ready_at, late):
    """A tenth of the rent for as long as the start is late, no matter how the wait is cut into ticks."""
    lease = Lease(dt=dt)
    lease.sign(100.0, 2.0, 1.0, built=True, promised=0.5)
    money = lease.run(4.0, ready_at=ready_at)
    assert money["credit_accrued"] == pytest.approx(0.1 * late * FULL, rel=1e-9)
    assert money["credit_used"] + money["credit_paid"] == pytest.approx(money["credit_accrued"], rel=1e-9)
    assert money["rent"] == pytest.approx(FULL, rel=1e-9)


def test_after_the_long_stop_a_lab_walks_when_the_market_is_cheaper():
    """It gets its prepayment and its credits back, and its lot is free."""
    lease = Lease(prepaid=0.1, market=1.0)
    paid = lease.sign(100.0, 2.0, 1.0, built=True, promised=0.5)
    ended = None
    for _ in range(18):
        events = lease.step()
        if events.ended_count[0]:
            ended = events
            break
    assert ended is not None
    assert 1.25 < lease.now <= 1.25 + 2 / 12
    assert ended.freed_count[0] == 1
    assert ended.ended["status"][0, 0] == WALKED
    assert ended.by_lab("refunded").sum() == pytest.approx(paid)
    assert ended.by_lab("credit_paid").sum() == pytest.approx(0.1 * FULL * (lease.now - 0.5), rel=1e-9)


def test_a_lab_waits_on_where_the_market_is_no_cheaper():
    """Dearer market, no walking away, however late."""
    lease = Lease(market=2.0)
    lease.sign(100.0, 2.0, 1.0, built=True, promised=0.5)
    lease.run(6.0)
    assert lease.book.rows["status"][0, 0] == PENDING


def test_a_failed_lab_loses_its_prepayment_and_is_paid_its_credit():
    """Nothing is owed twice and nothing vanishes."""
    lease = Lease(prepaid=0.2)
    paid = lease.sign(100.0, 2.0, 1.0, built=True, promised=0.1)
    credit = lease.run(0.5)["credit_accrued"]
    lease.active = False
    events = lease.step()
    assert events.by_lab("prepaid_lost").sum() == pytest.approx(paid)
    assert events.by_provider("credit_paid").sum() == pytest.approx(credit)
    assert events.ended["status"][0, 0] == DEFAULTED
    assert events.book.count[0] == 0


@pytest.mark.parametrize("dt", TICKS)
def test_a_renewed_contract_earns_from_the_moment_the_old_one_ends(dt):
    """With renewal certain the rent of three years is three years' rent, at the market price after the first."""
    lease = Lease(dt=dt, renewal=2.0, market=3.0)
    lease.sign(100.0, 2.0, 1.0)
    assert lease.run(3.0)["rent"] == pytest.approx(FULL * (1.0 + 1.5 + 1.5), rel=1e-9)
    assert lease.book.rows["status"][0, 0] == LIVE


def test_a_contract_that_is_not_renewed_expires():
    """Its row leaves the book with the date on which it ended, not the tick's."""
    lease = Lease()
    lease.sign(100.0, 2.0, 0.3)
    for _ in range(4):
        events = lease.step()
    assert events.ended["status"][0, 0] == EXPIRED
    assert events.ended["ended"][0, 0] == pytest.approx(0.3)
    assert np.isnan(lease.book.rows["ended"][0, : lease.book.count[0]]).all()


def test_a_lab_with_too_much_lets_a_contract_on_and_owes_the_shortfall():
    """It goes on at its price less nine tenths of the market's; without a surplus nothing is let on."""
    kept = Lease(market=1.0)
    kept.sign(100.0, 2.0, 2.0)
    kept.step()
    assert (kept.book.rows["status"][0, 0], kept.book.rows["price"][0, 0]) == (LIVE, 2.0)
    let = Lease(market=1.0, surplus=1e9)
    let.sign(100.0, 2.0, 2.0)
    let.step()
    assert let.book.rows["status"][0, 0] == SUBLET
    assert let.book.rows["price"][0, 0] == pytest.approx(2.0 - 0.9)
    assert let.step().rent.sum() == pytest.approx(1.1 * 100.0 * 8766 / 12)
    assert let.run(3.0)["renewals"] == 0.0
    assert let.book.count[0] == 0
