"""The book of contracts, by hand."""

import numpy as np
import pytest
from reference.leasing import Lease, weighed
from reference.sums import sums_of

from market_sim.mechanisms import contracts
from market_sim.state.tables import CONTRACT, LIVE, PENDING, SUBLET, Book
from market_sim.units import HOURS_PER_YEAR


def summed(lease, throughput=0.5, delivered=0.9, solid=0.4):
    """What the book of a lease adds up to."""
    weights = weighed(np.full((1, 1, 1), throughput), np.full((1, 1), delivered), np.full((1, 1, 1), solid))
    return contracts.add_up(lease.book, weights, lease.now)


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


def drawn_book(seed, replicates=2, rows=40, labs=3, providers=4, chips=5):
    """A book of contracts in every state, and what they are weighed by."""
    draw = np.random.default_rng(seed)
    book = Book(np.zeros((replicates, rows), CONTRACT), draw.integers(0, rows, replicates), np.full(replicates, rows))
    shape = book.rows.shape
    for name, most in (("lab", labs), ("provider", providers), ("chip", chips)):
        book.rows[name] = draw.integers(0, most, shape)
    book.rows["status"] = draw.choice([PENDING, LIVE, SUBLET], shape)
    book.rows["id"] = np.arange(rows)
    for name, most in (("chips", 1e4), ("price", 4.0), ("term", 3.0)):
        book.rows[name] = draw.uniform(0.1, most, shape)
    book.rows["ends"] = draw.uniform(1.2, 3.0, shape)
    weights = weighed(
        draw.uniform(size=(replicates, labs, chips)), draw.uniform(size=(replicates, providers)),
        draw.uniform(size=(replicates, labs, providers)), draw.integers(0, 2, chips),
    )  # fmt: skip
    return book, weights


def differences(held, wanted):
    """Largest relative difference of each sum."""
    return {
        name: np.max(np.abs(getattr(held, name) - value) / np.maximum(np.abs(value), 1e-12), initial=0.0)
        for name, value in wanted.items()
    }


@pytest.mark.parametrize("seed", range(3))
def test_sums_of_a_book_are_those_of_its_rows(seed):
    """All at once, deal by deal, and a tick later: what NumPy adds up row by row."""
    book, weights = drawn_book(seed)
    wanted = sums_of(book, weights, 1.0)
    first = np.minimum(book.count, 7)
    whole = contracts.add_up(book, weights, 1.0)
    begun = contracts.add_up(Book(book.rows, first, book.signed), weights, 1.0)
    in_two = contracts.add_deals(begun, book, first, weights, 1.0)
    for held in (whole, in_two):
        assert max(differences(held, wanted).values()) < 1e-12
    later = contracts.later(whole, 0.1, weights)
    assert max(differences(later, sums_of(book, weights, 1.1)).values()) < 1e-12


def test_contracts_that_move_are_added_up_where_they_did():
    """The replicate whose contracts moved is added up anew, the other keeps its bits."""
    book, weights = drawn_book(4)
    before = contracts.add_up(book, weights, 1.0)
    buyer = np.array([[-1, 2, -1, -1], [-1, -1, -1, -1]])
    moved = contracts.move(book, buyer)
    after = contracts.add_up_where(np.array([True, False]), before, moved, weights, 1.0)
    assert max(differences(after, sums_of(moved, weights, 1.0)).values()) < 1e-12
    assert not after.sold[0, 1].any()
    assert after.owed[1].tobytes() == before.owed[1].tobytes()


def test_compute_follows_throughput_without_a_look_at_the_book():
    """Labs and chips do what the chips held do at the new throughput."""
    book, weights = drawn_book(9)
    faster = weighed(2.0 * weights.throughput, weights.delivered, weights.solid, weights.maker)
    held = contracts.add_useful(contracts.add_up(book, weights, 1.0), faster.throughput)
    wanted = sums_of(book, faster, 1.0)
    found = differences(held, wanted)
    assert max(found["useful_lab"], found["useful_chip"]) < 1e-12
