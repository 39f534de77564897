"""The contracts that a tick signed, read off the book."""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel
from market_sim.state.tables import Book
from market_sim.units import HOURS_PER_YEAR


@dataclass(frozen=True)
class Signings:
    """What some contracts come to."""

    by_lab: np.ndarray  # (R, lab) USD over their terms
    by_provider: np.ndarray  # (R, provider)
    by_stack: np.ndarray  # (R, stack)
    chips: np.ndarray  # (R, chip)
    spent: np.ndarray  # (R, chip) USD an hour
    rent: np.ndarray  # (R, chip) of it due to scarcity
    takings: np.ndarray  # (R, provider) USD an hour
    useful: np.ndarray  # (R, provider) useful PFLOP/s


@kernel
def _sum_up(
    rows, places, count, throughput, delivered, stack, by_lab, by_provider, by_stack, chips, spent, rent, takings,
    useful,
):  # fmt: skip
    for r in range(rows.shape[0]):
        for n in range(count[r]):
            row = rows[r, places[r, n]]
            lab, provider, chip, let = row["lab"], row["provider"], row["chip"], row["chips"]
            hourly = row["price"] * let
            value = hourly * HOURS_PER_YEAR * row["term"]
            by_lab[r, lab] += value
            by_provider[r, provider] += value
            by_stack[r, stack[chip]] += value
            chips[r, chip] += let
            spent[r, chip] += hourly
            rent[r, chip] += row["rent"] * let
            takings[r, provider] += hourly
            useful[r, provider] += let * throughput[r, lab, chip] * delivered[r, provider]


def sum_up(
    book: Book, places: np.ndarray, count: np.ndarray, throughput: np.ndarray, delivered: np.ndarray,
    stack: np.ndarray, stacks: int,
) -> Signings:  # fmt: skip
    """The first `count` (R,) of the contracts at `places` (R, n) of the book, added up in that order.

    `throughput` (R, lab, chip) in useful PFLOP/s a chip, `delivered` (R, provider) the share that reaches the
    tenant, `stack` (chip,).
    """
    replicates, labs, chips = throughput.shape
    sizes = (labs, delivered.shape[1], stacks, chips, chips, chips, delivered.shape[1], delivered.shape[1])
    sums = [np.zeros((replicates, size)) for size in sizes]
    _sum_up(book.rows, places, count, throughput, delivered, stack, *sums)
    return Signings(*sums)


def picked(book: Book, places: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows at the first `count` (R,) of `places` (R, n), flat, and the replicate of each."""
    used = np.arange(places.shape[1]) < count[:, None]
    replicate = np.repeat(np.arange(len(count)), count)
    return book.rows[replicate, places[used]], replicate
