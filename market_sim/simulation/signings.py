"""The contracts that a tick signed, read off the book."""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel
from market_sim.state.tables import Book
from market_sim.units import HOURS_PER_YEAR


@dataclass(frozen=True)
class Signings:
    """Contracts, flat, those of the first replicate first; all (signing,)."""

    replicate: np.ndarray  # place in the chunk
    lab: np.ndarray
    provider: np.ndarray
    chip: np.ndarray
    chips: np.ndarray
    price: np.ndarray  # USD per chip-hour
    rent: np.ndarray  # of it due to scarcity
    useful: np.ndarray  # PFLOP/s
    value: np.ndarray  # USD over the term
    width: int  # replicates in the chunk

    def total(self, weight: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
        """Weights (signing,) added up by place (R, size), in order of signing."""
        cell = self.replicate * size + place
        return np.bincount(cell, weight, self.width * size).reshape(self.width, size)


@kernel
def _find(rows, start, count, first, replicate, place):  # type: ignore[no-untyped-def]
    """Where the contracts with numbers from `first` on stand; how many there are."""
    found = 0
    for r in range(rows.shape[0]):
        for i in range(start[r], count[r]):
            if rows[r, i]["id"] >= first[r]:
                replicate[found] = r
                place[found] = i
                found += 1
    return found


def signed_since(
    book: Book, start: np.ndarray, first: np.ndarray, throughput: np.ndarray, delivered: np.ndarray
) -> Signings:
    """Contracts with numbers from `first` (R,) on, looked for from row `start` (R,) of the book.

    `throughput` (R, lab, chip) in useful PFLOP/s a chip, `delivered` (R, provider) the share that reaches the
    tenant.
    """
    replicate, place = np.empty((2, int(book.count.sum())), np.int64)
    found = _find(book.rows, start, book.count, first, replicate, place)
    replicate = replicate[:found]
    rows = book.rows[replicate, place[:found]]
    lab, provider, chip, chips, price, rent, term = (
        np.ascontiguousarray(rows[name]) for name in ("lab", "provider", "chip", "chips", "price", "rent", "term")
    )
    useful = chips * (throughput[replicate, lab, chip] * delivered[replicate, provider])
    value = price * chips * (HOURS_PER_YEAR * term)
    return Signings(replicate, lab, provider, chip, chips, price, rent, useful, value, len(book.count))
