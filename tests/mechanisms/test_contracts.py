"""The book of contracts, by hand."""

import numpy as np
import pytest
from reference.leasing import Lease, weighed
from reference.sums import sums_of

from market_sim.mechanisms import contracts
from market_sim.state.tables import CONTRACT, LIVE, PENDING, PROJECT, SUBLET, Book
from market_sim.streams import name_key
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


def fates(others, term):
    """Keys and statuses after a month of what is left of 60 contracts that a lab signed; another lab signed `others`
    before it."""
    deals, none, one = others + 60, np.zeros(60, np.int64), np.ones((1, 1))
    both, grid = np.ones((1, 2)), np.full((1, 2, 60), 2.0)
    keys = np.array([name_key("offer", str(j)) for j in range(60)], np.uint64)
    lab, offer = np.array([[1] * others + [0] * 60]), np.array([[*range(others), *range(60)]])
    book = contracts.sign(
        Book(np.zeros((1, 8), CONTRACT), np.zeros(1, int), np.zeros(1, int)), lab, offer, np.ones((1, deals)),
        np.array([deals]), grid, grid, np.zeros((1, 60)), np.zeros(1), both, none, none, none > 0,
        np.full(60, term), keys, 0.3 * both, 0.0, (2, 1, 1),
    ).book  # fmt: skip
    book = contracts.advance(
        book, np.zeros((1, 1), PROJECT), np.zeros(1, int), np.zeros((1, 1)), 2.0 * one[..., None], both[..., None],
        both > 0, both, both, 8.0 * both, 0.4 * both, weighed(both[..., None], one, both[..., None]), 0.0, 1 / 12,
        late_credit=one[0], long_stop=one[0], walk_margin=one[0], renewal=0.5 * one[0], renewal_term=1.0,
    ).book  # fmt: skip
    rows = book.rows[0, : book.count[0]]
    return [(int(row["key"]), int(row["status"])) for row in rows if row["lab"] == 0]


@pytest.mark.parametrize("term", [1 / 12, 2.0])
def test_deals_of_another_lab_leave_a_lab_s_luck_as_it_was(term):
    """Which contracts it renews, or lets on, does not hang on how many others sign before it."""
    alone = fates(0, term)
    assert fates(1, term) == fates(7, term) == alone
    kinds = {status for _, status in alone}
    assert (15 < len(alone) < 45 and kinds == {LIVE}) if term < 1.0 else (len(alone) == 60 and kinds == {LIVE, SUBLET})


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
