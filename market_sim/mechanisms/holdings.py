"""What a book of contracts amounts to: commitments, compute and rent by lab, provider and chip."""

from dataclasses import fields, replace

import numpy as np

from market_sim.numerics import kernel
from market_sim.state.tables import LIVE, SUBLET, Book, Holdings
from market_sim.units import HOURS_PER_YEAR


@kernel
def _add_up(
    rows, first, count, throughput, delivered, solid_lab, now, live, sold, commitment, pending, backlog, solid,
    rent_rate, useful_lab, useful_provider, useful_chip, rent_chip,
):  # fmt: skip
    """Adds each replicate's rows from `first` on to the sums; see `add_up`."""
    for r in range(rows.shape[0]):
        for p in range(backlog.shape[1]):
            solid[r, p] *= backlog[r, p]
        for i in range(first[r], count[r]):
            row = rows[r, i]
            lab, provider, chip, chips = row["lab"], row["provider"], row["chip"], row["chips"]
            yearly = row["price"] * chips * HOURS_PER_YEAR
            commitment[r, lab] += yearly
            years = row["term"]
            if row["status"] == LIVE:
                useful = chips * throughput[r, lab, chip] * delivered[r, provider]
                years = max(0.0, row["ends"] - now)
                live[r, lab, chip] += chips
                sold[r, provider, chip] += chips
                rent_rate[r, lab, provider] += yearly
                rent_chip[r, chip] += yearly
                useful_lab[r, lab] += useful
                useful_provider[r, provider] += useful
                useful_chip[r, chip] += useful
            elif row["status"] == SUBLET:
                years = max(0.0, row["ends"] - now)
                rent_rate[r, lab, provider] += yearly
            else:
                pending[r, lab] += yearly
            backlog[r, provider] += yearly * years
            solid[r, provider] += yearly * years * solid_lab[r, lab]
        for p in range(backlog.shape[1]):
            solid[r, p] = solid[r, p] / backlog[r, p] if backlog[r, p] > 0.0 else 0.0


def add_up(book: Book, throughput: np.ndarray, delivered: np.ndarray, solid_lab: np.ndarray, now: float) -> Holdings:
    """What the book amounts to; `throughput` (replicate, lab, chip), `delivered` (replicate, provider) in 0..1."""
    replicates, labs, chips = throughput.shape
    providers = delivered.shape[1]
    sums = Holdings(
        live=np.zeros((replicates, labs, chips)),
        sold=np.zeros((replicates, providers, chips)),
        commitment=np.zeros((replicates, labs)),
        pending=np.zeros((replicates, labs)),
        backlog=np.zeros((replicates, providers)),
        solid=np.zeros((replicates, providers)),
        rent_rate=np.zeros((replicates, labs, providers)),
        useful_lab=np.zeros((replicates, labs)),
        useful_provider=np.zeros((replicates, providers)),
        useful_chip=np.zeros((replicates, chips)),
        rent_chip=np.zeros((replicates, chips)),
    )
    _add_rows(sums, book, np.zeros_like(book.count), throughput, delivered, solid_lab, now)
    return sums


def add_deals(
    sums: Holdings, book: Book, before: np.ndarray, throughput: np.ndarray, delivered: np.ndarray,
    solid_lab: np.ndarray, now: float,
) -> Holdings:  # fmt: skip
    """`sums` of the first `before` (replicate,) rows of the book, with those of the others; the rest as in `add_up`."""
    after = Holdings(**{one.name: getattr(sums, one.name).copy() for one in fields(Holdings)})
    _add_rows(after, book, before, throughput, delivered, solid_lab, now)
    return after


def _add_rows(
    sums: Holdings, book: Book, first: np.ndarray, throughput: np.ndarray, delivered: np.ndarray,
    solid_lab: np.ndarray, now: float,
) -> None:  # fmt: skip
    """Adds the rows from `first` (replicate,) on to `sums`, in place."""
    _add_up(
        book.rows, first, book.count, throughput, delivered, solid_lab, now, sums.live, sums.sold, sums.commitment,
        sums.pending, sums.backlog, sums.solid, sums.rent_rate, sums.useful_lab, sums.useful_provider, sums.useful_chip,
        sums.rent_chip,
    )  # fmt: skip


@kernel
def _add_useful(rows, count, throughput, delivered, useful_lab, useful_provider, useful_chip):
    """Useful compute of each replicate's live contracts."""
    for r in range(rows.shape[0]):
        for i in range(count[r]):
            row = rows[r, i]
            if row["status"] == LIVE:
                lab, provider, chip = row["lab"], row["provider"], row["chip"]
                useful = row["chips"] * throughput[r, lab, chip] * delivered[r, provider]
                useful_lab[r, lab] += useful
                useful_provider[r, provider] += useful
                useful_chip[r, chip] += useful


def add_useful(sums: Holdings, book: Book, throughput: np.ndarray, delivered: np.ndarray) -> Holdings:
    """`sums` of the book with the useful compute that its chips give at this throughput (replicate, lab, chip)."""
    names = ("useful_lab", "useful_provider", "useful_chip")
    useful = {name: np.zeros_like(getattr(sums, name)) for name in names}
    _add_useful(book.rows, book.count, throughput, delivered, *useful.values())
    return replace(sums, **useful)
