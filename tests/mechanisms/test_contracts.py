"""The book of contracts, by hand."""

import numpy as np
import pytest
from reference.leasing import Lease

from market_sim.mechanisms import contracts, holdings
from market_sim.state.tables import LIVE, PENDING
from market_sim.units import HOURS_PER_YEAR


def summed(lease, throughput=0.5, delivered=0.9, solid=0.4):
    """What the book of a lease adds up to."""
    return holdings.add_up(
        lease.book, np.full((1, 1, 1), throughput), np.full((1, 1), delivered), np.full((1, 1), solid), lease.now
    )


def test_ready_capacity_is_live_at_once_and_built_capacity_pending():
    """Both are commitments; only the live one is sold, useful and rented."""
    lease = Lease()
    lease.sign(100.0, 2.0, 1.0)
    lease.sign(50.0, 2.0, 4.0, built=True, promised=0.5)
    assert lease.book.rows["status"][0, :2].tolist() == [LIVE, PENDING]
    held = summed(lease)
    yearly = 2.0 * HOURS_PER_YEAR
    assert held.sold[0, 0, 0] == 100.0
    assert held.useful_lab[0, 0] == pytest.approx(100 * 0.5 * 0.9)
    assert held.pending[0, 0] == pytest.approx(50 * yearly)
    assert held.commitment[0, 0] == pytest.approx(150 * yearly)
    assert held.backlog[0, 0] == pytest.approx(100 * yearly * 1.0 + 50 * yearly * 4.0)
    assert held.solid[0, 0] == pytest.approx(0.4)


def test_ids_are_given_once():
    """Every contract ever signed has its own number, renewals too."""
    lease, seen = Lease(renewal=2.0), set()
    for _ in range(30):
        if lease.book.count[0] < 3:
            lease.sign(1.0, 2.0, 0.25)
        lease.step()
        ids = lease.book.rows["id"][0, : lease.book.count[0]].tolist()
        assert len(ids) == len(set(ids))
        assert max(ids) < lease.book.signed[0]
        seen.update(ids)
    assert len(seen) > 10


def test_a_start_in_mid_tick_owes_from_that_moment():
    """Ready on the tenth of a year in a tick of a quarter: rent for what is left of it."""
    lease = Lease(dt=0.25)
    lease.sign(100.0, 2.0, 1.0, built=True, promised=0.5)
    events = lease.step(ready_at=0.1)
    assert events.rent.sum() == pytest.approx(100 * 2 * HOURS_PER_YEAR * 0.15)
    assert lease.book.rows["started"][0, 0] == pytest.approx(0.1)


def test_contracts_of_a_sold_provider_go_to_its_buyer():
    """And stay as they are where nothing was sold."""
    lease = Lease()
    lease.sign(100.0, 2.0, 1.0)
    assert contracts.move(lease.book, np.array([[-1]])).rows["provider"][0, 0] == 0
    assert contracts.move(lease.book, np.array([[5]])).rows["provider"][0, 0] == 5
