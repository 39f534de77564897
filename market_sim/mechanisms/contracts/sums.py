"""What a book of contracts amounts to: commitments, compute and rent by lab, provider and chip.

The book is walked once a tick, where `advance` carries it on and counts what it keeps. Before that new deals are
counted in and useful compute follows from the chips held; after it only the clock moves on, and contracts change
hands where a provider was sold.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel, part
from market_sim.state.tables import LIVE, PENDING, Book, Holdings, replace
from market_sim.units import HOURS_PER_YEAR

COUNTED = ("live", "served", "sold", "pending", "owed", "rent_rate", "useful_pair")
WEIGHED = ("commitment", "backlog", "solid", "useful_lab", "useful_provider", "useful_chip")  # follow from these


@dataclass(frozen=True)
class Weights:
    """What contracts are weighed by when they are added up."""

    throughput: np.ndarray  # (replicate, lab, chip) useful PFLOP/s per chip
    delivered: np.ndarray  # (replicate, provider) share of it that reaches the tenant
    solid: np.ndarray  # (replicate, lab, provider) how far the promise to pay can be lent on, 0..1
    maker: np.ndarray  # (chip,) vendor
    makers: int


def nothing(weights: Weights) -> Holdings:
    """The sums of an empty book."""
    replicates, labs, chips = weights.throughput.shape
    providers = weights.delivered.shape[1]
    by_lab, by_provider = (replicates, labs), (replicates, providers)
    return Holdings(
        live=np.zeros((*by_lab, chips)),
        served=np.zeros((*by_lab, chips)),
        sold=np.zeros((*by_provider, chips)),
        commitment=np.zeros(by_lab),
        pending=np.zeros(by_lab),
        owed=np.zeros((*by_lab, providers)),
        backlog=np.zeros(by_provider),
        solid=np.zeros(by_provider),
        rent_rate=np.zeros((*by_lab, providers)),
        useful_lab=np.zeros(by_lab),
        useful_provider=np.zeros(by_provider),
        useful_chip=np.zeros((replicates, chips)),
        useful_pair=np.zeros((*by_provider, weights.makers)),
    )


@part
def count(
    rows, r, first, end, throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate, useful_pair
):
    """Count the contracts `first` to `end` of replicate r in: each sum flat, since three indices cost more than it."""
    chips_all, providers, makers = live.shape[2], sold.shape[1], useful_pair.shape[2]
    book, fit, reaches, waiting = rows[r], throughput[r].ravel(), delivered[r], pending[r]
    held, used, let, made = live[r].ravel(), served[r].ravel(), sold[r].ravel(), useful_pair[r].ravel()
    due, rent = owed[r].ravel(), rent_rate[r].ravel()
    for i in range(first, end):
        row = book[i]
        lab, provider, chip = np.uintp(row["lab"]), np.uintp(row["provider"]), np.uintp(row["chip"])
        chips, years, pair = row["chips"], row["term"], lab * np.uintp(providers) + provider
        yearly = row["price"] * chips * HOURS_PER_YEAR
        if row["status"] == PENDING:
            waiting[lab] += yearly
        else:
            years = max(0.0, row["ends"] - now)
            rent[pair] += yearly
        if row["status"] == LIVE:
            mine, theirs = lab * np.uintp(chips_all) + chip, provider * np.uintp(chips_all) + chip
            at_work = chips * reaches[provider]
            held[mine] += chips
            used[mine] += at_work
            let[theirs] += chips
            made[provider * np.uintp(makers) + np.uintp(maker[chip])] += at_work * fit[mine]
        due[pair] += yearly * years


@kernel
def _count_in(
    rows, first, end, anew, throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate,
    useful_pair, trust, commitment, backlog, solid, useful_lab, useful_provider, useful_chip,
):  # fmt: skip
    """Count each replicate's contracts from `first` to `end` in, to nothing where it is done `anew`, and weigh them."""
    for r in range(rows.shape[0]):
        if anew[r]:
            live[r], served[r], sold[r], useful_pair[r] = 0.0, 0.0, 0.0, 0.0
            pending[r], owed[r], rent_rate[r] = 0.0, 0.0, 0.0
        count(
            rows, r, first[r], end[r], throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate,
            useful_pair,
        )  # fmt: skip
        _weigh(
            owed[r], rent_rate[r], pending[r], useful_pair[r], trust[r], commitment[r], backlog[r], solid[r],
            useful_provider[r],
        )  # fmt: skip
        _use(served[r], throughput[r], useful_lab[r], useful_chip[r])


@kernel
def _weigh_later(
    owed, past, served, rent_rate, pending, useful_pair, throughput, trust, after, commitment, backlog, solid,
    useful_lab, useful_provider, useful_chip,
):  # fmt: skip
    """Weigh each replicate's sums when `past` years more of rent are paid; fills `after` with what is then owed."""
    for r in range(owed.shape[0]):
        for i in range(owed.shape[1]):
            for p in range(owed.shape[2]):
                after[r, i, p] = max(0.0, owed[r, i, p] - past * rent_rate[r, i, p])
        _weigh(
            after[r], rent_rate[r], pending[r], useful_pair[r], trust[r], commitment[r], backlog[r], solid[r],
            useful_provider[r],
        )  # fmt: skip
        _use(served[r], throughput[r], useful_lab[r], useful_chip[r])


@part
def _weigh(owed, rent_rate, pending, useful_pair, trust, commitment, backlog, solid, useful_provider):
    """What follows from the sums by pairs: commitments, backlogs, and how solid they are."""
    for p in range(owed.shape[1]):
        backlog[p], solid[p], useful_provider[p] = 0.0, 0.0, 0.0
    for i in range(owed.shape[0]):
        rent = 0.0
        for p in range(owed.shape[1]):
            rent += rent_rate[i, p]
            backlog[p] += owed[i, p]
            solid[p] += owed[i, p] * trust[i, p]
        commitment[i] = rent + pending[i]
    for p in range(owed.shape[1]):
        solid[p] = solid[p] / backlog[p] if backlog[p] > 0.0 else 0.0
        for v in range(useful_pair.shape[1]):
            useful_provider[p] += useful_pair[p, v]


@part
def _use(served, throughput, useful_lab, useful_chip):
    """Useful compute of chips held."""
    for c in range(served.shape[1]):
        useful_chip[c] = 0.0
    for i in range(served.shape[0]):
        total = 0.0
        for c in range(served.shape[1]):
            useful = served[i, c] * throughput[i, c]
            total += useful
            useful_chip[c] += useful
        useful_lab[i] = total


@kernel
def _use_all(served, throughput, useful_lab, useful_chip):
    for r in range(served.shape[0]):
        _use(served[r], throughput[r], useful_lab[r], useful_chip[r])


def weighed(sums: Holdings, weights: Weights, past: float = 0.0) -> Holdings:
    """`sums` with all that follows from what was counted in, `past` years later."""
    after = replace(_unweighed(sums), owed=np.empty_like(sums.owed))
    _weigh_later(
        sums.owed, past, sums.served, sums.rent_rate, sums.pending, sums.useful_pair, weights.throughput, weights.solid,
        after.owed, after.commitment, after.backlog, after.solid, after.useful_lab, after.useful_provider,
        after.useful_chip,
    )  # fmt: skip
    return after


def add_useful(sums: Holdings, throughput: np.ndarray) -> Holdings:
    """`sums` with the compute of labs and chips at this throughput (replicate, lab, chip); that of providers stays as
    last counted."""
    useful_lab, useful_chip = np.empty_like(sums.useful_lab), np.empty_like(sums.useful_chip)
    _use_all(sums.served, throughput, useful_lab, useful_chip)
    return replace(sums, useful_lab=useful_lab, useful_chip=useful_chip)


def add_up(book: Book, weights: Weights, now: float) -> Holdings:
    """What the whole book amounts to."""
    every = np.ones(book.count.shape, np.bool_)
    return _counted(nothing(weights), book, np.zeros_like(book.count), book.count, every, weights, now)


def add_deals(sums: Holdings, book: Book, before: np.ndarray, weights: Weights, now: float) -> Holdings:
    """`sums` of the first `before` (replicate,) rows of the book, with those of the others."""
    return _counted(sums, book, before, book.count, np.zeros(book.count.shape, np.bool_), weights, now)


def add_up_where(moved: np.ndarray, sums: Holdings, book: Book, weights: Weights, now: float) -> Holdings:
    """`sums` with those replicates added up anew where contracts have `moved` (replicate,) to another provider."""
    return _counted(sums, book, np.zeros_like(book.count), np.where(moved, book.count, 0), moved, weights, now)


def later(sums: Holdings, past: float, weights: Weights) -> Holdings:
    """`sums` when `past` years more have gone by in which no contract changed."""
    return weighed(sums, weights, past)


def _counted(
    sums: Holdings, book: Book, first: np.ndarray, end: np.ndarray, anew: np.ndarray, weights: Weights, now: float
) -> Holdings:
    """`sums` with the rows from `first` to `end` counted in, to nothing where `anew`, all (replicate,)."""
    after = replace(_unweighed(sums), **{name: getattr(sums, name).copy() for name in COUNTED})
    _count_in(
        book.rows, first, end, anew, weights.throughput, weights.delivered, weights.maker, now, after.live,
        after.served, after.sold, after.pending, after.owed, after.rent_rate, after.useful_pair, weights.solid,
        after.commitment, after.backlog, after.solid, after.useful_lab, after.useful_provider, after.useful_chip,
    )  # fmt: skip
    return after


def _unweighed(sums: Holdings) -> Holdings:
    """The sums with memory for what follows from what is counted."""
    return replace(sums, **{name: np.empty_like(getattr(sums, name)) for name in WEIGHED})
