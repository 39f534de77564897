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

COUNTED = ("live", "served", "sold", "pending", "owed", "rent_rate", "useful_pair")  # the rest follows from these


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
def _count_all(
    rows, first, end, throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate, useful_pair
):
    """Count each replicate's contracts from `first` to `end` in."""
    for r in range(rows.shape[0]):
        count(
            rows, r, first[r], end[r], throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate,
            useful_pair,
        )  # fmt: skip


@kernel
def _weigh(owed, rent_rate, pending, useful_pair, trust, commitment, backlog, solid, useful_provider):
    """What follows from the sums by pairs: commitments, backlogs, and how solid they are."""
    for r in range(owed.shape[0]):
        for i in range(owed.shape[1]):
            rent = 0.0
            for p in range(owed.shape[2]):
                rent += rent_rate[r, i, p]
                backlog[r, p] += owed[r, i, p]
                solid[r, p] += owed[r, i, p] * trust[r, i, p]
            commitment[r, i] = rent + pending[r, i]
        for p in range(owed.shape[2]):
            solid[r, p] = solid[r, p] / backlog[r, p] if backlog[r, p] > 0.0 else 0.0
            for v in range(useful_pair.shape[2]):
                useful_provider[r, p] += useful_pair[r, p, v]


@kernel
def _use(served, throughput, useful_lab, useful_chip):
    """Useful compute of chips held."""
    for r in range(served.shape[0]):
        for i in range(served.shape[1]):
            total = 0.0
            for c in range(served.shape[2]):
                useful = served[r, i, c] * throughput[r, i, c]
                total += useful
                useful_chip[r, c] += useful
            useful_lab[r, i] = total


def weighed(sums: Holdings, weights: Weights) -> Holdings:
    """`sums` with all that follows from what was counted in."""
    by_lab, by_provider = sums.pending.shape, sums.backlog.shape
    commitment = np.empty(by_lab)
    backlog, solid, useful_provider = np.zeros((3, *by_provider))
    _weigh(
        sums.owed, sums.rent_rate, sums.pending, sums.useful_pair, weights.solid, commitment, backlog, solid,
        useful_provider,
    )  # fmt: skip
    sums = replace(sums, commitment=commitment, backlog=backlog, solid=solid, useful_provider=useful_provider)
    return add_useful(sums, weights.throughput)


def add_useful(sums: Holdings, throughput: np.ndarray) -> Holdings:
    """`sums` with the compute of labs and chips at this throughput (replicate, lab, chip); that of providers stays as
    last counted."""
    useful_lab, useful_chip = np.empty_like(sums.useful_lab), np.zeros_like(sums.useful_chip)
    _use(sums.served, throughput, useful_lab, useful_chip)
    return replace(sums, useful_lab=useful_lab, useful_chip=useful_chip)


def add_up(book: Book, weights: Weights, now: float) -> Holdings:
    """What the whole book amounts to."""
    sums = nothing(weights)
    _count_rows(sums, book, np.zeros_like(book.count), book.count, weights, now)
    return weighed(sums, weights)


def add_deals(sums: Holdings, book: Book, before: np.ndarray, weights: Weights, now: float) -> Holdings:
    """`sums` of the first `before` (replicate,) rows of the book, with those of the others."""
    after = _own(sums)
    _count_rows(after, book, before, book.count, weights, now)
    return weighed(after, weights)


def add_up_where(moved: np.ndarray, sums: Holdings, book: Book, weights: Weights, now: float) -> Holdings:
    """`sums` with those replicates added up anew where contracts have `moved` (replicate,) to another provider."""
    after = _own(sums)
    for name in COUNTED:
        getattr(after, name)[moved] = 0.0
    _count_rows(after, book, np.zeros_like(book.count), np.where(moved, book.count, 0), weights, now)
    return weighed(after, weights)


def later(sums: Holdings, past: float, weights: Weights) -> Holdings:
    """`sums` when `past` years more have gone by in which no contract changed."""
    owed = np.maximum(0.0, sums.owed - past * sums.rent_rate)
    return weighed(replace(sums, owed=owed), weights)


def _own(sums: Holdings) -> Holdings:
    """The sums with what is counted on memory of its own."""
    return replace(sums, **{name: getattr(sums, name).copy() for name in COUNTED})


def _count_rows(sums: Holdings, book: Book, first: np.ndarray, end: np.ndarray, weights: Weights, now: float) -> None:
    """Count the rows from `first` to `end` (replicate,) in, in place."""
    _count_all(
        book.rows, first, end, weights.throughput, weights.delivered, weights.maker, now, sums.live, sums.served,
        sums.sold, sums.pending, sums.owed, sums.rent_rate, sums.useful_pair,
    )  # fmt: skip
