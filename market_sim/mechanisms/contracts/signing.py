"""Signing contracts, and handing them on when a provider is sold."""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel
from market_sim.state.rows import copied, most, widened
from market_sim.state.tables import LIVE, PENDING, Book
from market_sim.streams import kbits, kmixed
from market_sim.units import HOURS_PER_YEAR


@dataclass(frozen=True)
class Signed:
    """Contracts signed in a tick."""

    book: Book
    prepayment: np.ndarray  # USD by (replicate, lab, provider)
    booked: np.ndarray  # USD/year of new rent by (replicate, lab, provider)
    booked_chip: np.ndarray  # USD/year by (replicate, chip)
    built_chips: np.ndarray  # chips ordered for built contracts by (replicate, provider, chip)


@kernel
def _sign(
    rows, count, signed, lab_of, offer_of, chips_of, deals, price, quote, lists, promised, prepaid, lot,
    offer_provider, offer_chip, offer_built, offer_term, offer_key, luck, now, out_count, out_signed, prepayment,
    booked, booked_chip, built,
):  # fmt: skip
    """Append this tick's deals to the book; see `sign`."""
    for r in range(rows.shape[0]):
        n = count[r]
        for d in range(deals[r]):
            lab, offer = lab_of[r, d], offer_of[r, d]
            provider, chip = offer_provider[offer], offer_chip[offer]
            row = rows[r, n]
            row["id"] = signed[r] + d
            row["key"] = kmixed(offer_key[offer], kbits(luck[r, lab]))
            row["lab"], row["provider"], row["chip"] = lab, provider, chip
            row["chips"] = chips_of[r, d]
            row["price"] = price[r, lists[lab], offer]
            row["rent"] = price[r, lists[lab], offer] - quote[r, lists[lab], offer]
            row["term"] = offer_term[offer]
            row["signed"] = now
            row["lot"] = lot[r, lab]
            row["credit"] = 0.0
            yearly = row["price"] * row["chips"] * HOURS_PER_YEAR
            if offer_built[offer]:
                row["status"] = PENDING
                row["promised"] = now + promised[r, offer]
                row["started"] = np.nan
                row["ends"] = np.nan
                row["prepaid"] = prepaid[r] * yearly * row["term"]
                prepayment[r, lab, provider] += row["prepaid"]
                built[r, provider, chip] += row["chips"]
            else:
                row["status"] = LIVE
                row["promised"] = now
                row["started"] = now
                row["ends"] = now + row["term"]
                row["prepaid"] = 0.0
            row["ended"] = np.nan
            booked[r, lab, provider] += yearly
            booked_chip[r, chip] += yearly
            n += 1
        out_count[r] = n
        out_signed[r] = signed[r] + deals[r]


def sign(
    book: Book,
    lab_of: np.ndarray,
    offer_of: np.ndarray,
    chips_of: np.ndarray,
    deals: np.ndarray,
    price: np.ndarray,
    quote: np.ndarray,
    promised: np.ndarray,
    prepaid: np.ndarray,
    lot: np.ndarray,
    offer_provider: np.ndarray,
    offer_chip: np.ndarray,
    offer_built: np.ndarray,
    offer_term: np.ndarray,
    offer_key: np.ndarray,
    luck: np.ndarray,
    now: float,
    sizes: tuple[int, int, int],
    lists: np.ndarray | None = None,
) -> Signed:
    """Enter deals (replicate, deal) in the book: ready capacity starts at once, built capacity is pending.

    `price` and `quote` (replicate, list, offer) in USD per chip-hour, the difference being due to scarcity, on the list
    that `lists` (lab,) names for each lab, its own unless told,
    `promised` (replicate, offer) in years from now, `luck` (replicate, lab) of the date, uniform,
    `sizes` the numbers of labs, providers and chips. New rows are written behind those in use, where nobody looks.
    """
    replicates, labs, providers, chips = len(book.rows), *sizes
    rows = widened(book.rows, most(book.count + deals))
    out_count, out_signed = np.zeros(replicates, np.int64), np.zeros(replicates, np.int64)
    prepayment, booked = np.zeros((replicates, labs, providers)), np.zeros((replicates, labs, providers))
    booked_chip, built = np.zeros((replicates, chips)), np.zeros((replicates, providers, chips))
    lists = np.arange(labs) if lists is None else lists
    _sign(
        rows, book.count, book.signed, lab_of, offer_of, chips_of, deals, price, quote, lists, promised, prepaid, lot,
        offer_provider, offer_chip, offer_built, offer_term, offer_key, np.ascontiguousarray(luck), now, out_count,
        out_signed, prepayment, booked, booked_chip, built,
    )  # fmt: skip
    return Signed(Book(rows, out_count, out_signed), prepayment, booked, booked_chip, built)


@kernel
def _move(rows, count, buyer):
    for r in range(rows.shape[0]):
        for i in range(count[r]):
            if buyer[r, rows[r, i]["provider"]] >= 0:
                rows[r, i]["provider"] = buyer[r, rows[r, i]["provider"]]


def move(book: Book, buyer: np.ndarray) -> Book:
    """Contracts of sold providers go to the buyer (replicate, provider), -1 where nothing was sold."""
    if not (buyer >= 0).any():
        return book
    rows = copied(book.rows)
    _move(rows, book.count, buyer)
    return Book(rows, book.count, book.signed)
