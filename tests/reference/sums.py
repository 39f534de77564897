"""What a book adds up to, in NumPy, row by row."""

import numpy as np

from market_sim.mechanisms.contracts import Weights
from market_sim.state.tables import LIVE, PENDING, Book
from market_sim.units import HOURS_PER_YEAR


def sums_of(book: Book, weights: Weights, now: float) -> dict[str, np.ndarray]:
    """Every field of Holdings, by name."""
    replicates = [one_replicate(book.rows[r, : book.count[r]], weights, r, now) for r in range(len(book.count))]
    return {name: np.stack([one[name] for one in replicates]) for name in replicates[0]}


def one_replicate(rows: np.ndarray, weights: Weights, r: int, now: float) -> dict[str, np.ndarray]:
    """The sums of one replicate's contracts."""
    labs, chips = weights.throughput.shape[1:]
    providers = weights.delivered.shape[1]
    lab, provider, chip = (rows[name].astype(int) for name in ("lab", "provider", "chip"))
    live, pending = rows["status"] == LIVE, rows["status"] == PENDING
    yearly = rows["price"] * rows["chips"] * HOURS_PER_YEAR
    owed = yearly * np.where(pending, rows["term"], np.maximum(0.0, rows["ends"] - now))
    at_work = rows["chips"] * weights.delivered[r, provider]
    useful = at_work * weights.throughput[r, lab, chip] * live

    def total(amount: np.ndarray, *by: tuple[np.ndarray, int]) -> np.ndarray:
        out = np.zeros([size for _, size in by])
        np.add.at(out, tuple(index for index, _ in by), amount)
        return out

    i, p, c, v = (lab, labs), (provider, providers), (chip, chips), (weights.maker[chip], weights.makers)
    backlog = total(owed, p)
    return {
        "live": total(rows["chips"] * live, i, c),
        "served": total(at_work * live, i, c),
        "sold": total(rows["chips"] * live, p, c),
        "commitment": total(yearly, i),
        "pending": total(yearly * pending, i),
        "owed": total(owed, i, p),
        "backlog": backlog,
        "solid": total(owed * weights.solid[r, lab, provider], p) / np.where(backlog > 0.0, backlog, 1.0),
        "rent_rate": total(yearly * ~pending, i, p),
        "useful_lab": total(useful, i),
        "useful_provider": total(useful, p),
        "useful_chip": total(useful, c),
        "useful_pair": total(useful, p, v),
    }
