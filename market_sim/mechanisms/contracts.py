"""Capacity contracts: signing, starting, lateness, walking away, renewal, expiry and default.

A contract of q chips at p USD per chip-hour owes p q 8766 a year while it is live; take-or-pay says how much of it is
due whether used or not, the prepaid share is paid at signing and used up evenly over the term, and a late start earns
the lab a credit. All times are continuous, so a tick that is half as long pays exactly half as much.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel, kexpm1, part
from market_sim.state.rows import as_words, copied, copy_row, most, widened
from market_sim.state.tables import CONTRACT, DEFAULTED, EXPIRED, LIVE, PENDING, SUBLET, WALKED, Book
from market_sim.units import HOURS_PER_YEAR

GOLDEN = 0.6180339887498949  # spreads one uniform over many contracts without correlation
FORGET = 1e-9
SPARE = 64  # rows kept free behind those in use, so that signing seldom moves a book
LEAST_SUBLET = 0.25  # years that must be left to let a contract on
LET_ON_AT = 0.9  # of today's price is what the tenant is sure to get for it


MONEY = ("rent", "prepaid_used", "prepaid_lost", "refunded", "credit_accrued", "credit_used", "credit_paid", "renewed")
RENT, USED, LOST, REFUNDED, ACCRUED, REDEEMED, PAID, RENEWED = range(len(MONEY))


@dataclass(frozen=True)
class Events:
    """What happened to the book in a tick; money in USD by (replicate, lab, provider)."""

    book: Book
    ended: np.ndarray  # contract rows that left the book (replicate, contract)
    ended_count: np.ndarray
    freed: np.ndarray  # ids of contracts whose lot is now inventory of the provider (replicate, contract)
    freed_count: np.ndarray
    rent_by_chip: np.ndarray  # (replicate, chip)
    rent: np.ndarray  # earned, before prepayments and credits are set against it
    prepaid_used: np.ndarray
    prepaid_lost: np.ndarray  # kept by the provider when a lab fails
    refunded: np.ndarray
    credit_accrued: np.ndarray
    credit_used: np.ndarray
    credit_paid: np.ndarray
    renewed: np.ndarray  # USD/year of rent renewed


@part
def _finished_at(contract, finished, at, count):
    """Date at which a contract's lot entered service, inf while it has not."""
    for f in range(count):
        if finished[f]["contract"] == contract:
            return at[f]
    return np.inf


@part
def _close(words, i, status, at, ended, ended_words, place):
    """Enter row i among the contracts that ended; returns the next free place."""
    copy_row(words, i, ended_words, place)
    ended[place]["status"] = status
    ended[place]["ended"] = at
    return place + 1


@part
def _wait(row, started, now, dt, late_credit, money):
    """A pending contract earns a credit for every day late, and starts when its lot is ready."""
    late = min(started, now + dt) - max(row["promised"], now)
    if late > 0.0:
        amount = late_credit * row["price"] * row["chips"] * HOURS_PER_YEAR * late
        money[ACCRUED, row["lab"], row["provider"]] += amount
        row["credit"] += amount
    if started <= now + dt:
        row["status"] = LIVE
        row["started"] = started
        row["ends"] = started + row["term"]


@part
def _earn(row, use, now, dt, money, by_chip):
    """A live contract owes rent for its part of the tick; prepayments and credits are set against it."""
    lab, provider = row["lab"], row["provider"]
    begin, end = max(now, row["started"]), min(now + dt, row["ends"])
    time = max(0.0, end - begin)
    due = row["price"] * row["chips"] * HOURS_PER_YEAR * use * time
    money[RENT, lab, provider] += due
    by_chip[row["chip"]] += due
    burned = min(due, row["prepaid"] * min(1.0, time / max(row["ends"] - begin, FORGET)))
    row["prepaid"] -= burned
    money[USED, lab, provider] += burned
    redeemed = min(row["credit"], due - burned)
    row["credit"] -= redeemed
    money[REDEEMED, lab, provider] += redeemed


@part
def _hand_back(row, money):
    """What is left of the prepayment and of the credits goes back to the lab."""
    money[REFUNDED, row["lab"], row["provider"]] += row["prepaid"]
    money[PAID, row["lab"], row["provider"]] += row["credit"]
    row["prepaid"] = 0.0
    row["credit"] = 0.0


@part
def _renew(row, next_id, price, term, use, now, dt, money, by_chip):
    """A new contract on the same chips from the old one's end, at today's price; pays for the rest of the tick."""
    row["id"] = next_id
    row["signed"] = row["ends"]
    row["promised"] = row["ends"]
    row["started"] = row["ends"]
    row["ends"] = row["started"] + term
    row["term"] = term
    row["price"] = price
    row["rent"] = 0.0
    yearly = price * row["chips"] * HOURS_PER_YEAR
    rest = yearly * use * max(0.0, now + dt - row["started"])
    money[RENT, row["lab"], row["provider"]] += rest
    by_chip[row["chip"]] += rest
    money[RENEWED, row["lab"], row["provider"]] += yearly


@part
def _sublet(row, price, now, dt, hazard, draw):
    """A lab with more than it needs lets a contract on through its provider and owes the shortfall to its end."""
    if row["ends"] - now > LEAST_SUBLET and draw - np.floor(draw) < -kexpm1(-hazard * dt):
        row["status"] = SUBLET
        row["price"] = max(0.0, row["price"] - LET_ON_AT * price)


@part
def _advance_book(
    words, count, next_id, finished, finished_count, finished_at, quote, markup, active, use, need, surplus, luck, now,
    dt, late_credit, long_stop, walk_margin, renewal, term, out, out_words, ended, ended_words, freed, money, by_chip,
):  # fmt: skip
    """One pass over one replicate's book; rows kept, ended and freed, and the next id."""
    kept, gone, loose = 0, 0, 0
    for i in range(count):
        copy_row(words, i, out_words, kept)
        row = out[kept]
        lab, provider = row["lab"], row["provider"]
        pending = row["status"] == PENDING
        price = quote[provider, row["chip"]] * markup[lab, provider]
        if not active[lab]:
            money[LOST, lab, provider] += row["prepaid"]
            money[PAID, lab, provider] += row["credit"]
            gone = _close(out_words, kept, DEFAULTED, now, ended, ended_words, gone)
            if pending:
                freed[loose] = row["id"]
                loose += 1
            continue
        if pending:
            started = _finished_at(row["id"], finished, finished_at, finished_count)
            _wait(row, started, now, dt, late_credit, money)
            overdue = now + dt > row["promised"] + long_stop
            if row["status"] == PENDING and overdue and row["price"] > price * (1.0 + walk_margin):
                _hand_back(row, money)
                gone = _close(out_words, kept, WALKED, now + dt, ended, ended_words, gone)
                freed[loose] = row["id"]
                loose += 1
                continue
        if row["status"] != PENDING:
            _earn(row, use[lab], now, dt, money, by_chip)
            if row["ends"] <= now + dt + FORGET:  # a term of whole ticks ends in its last one, however it rounds
                _hand_back(row, money)
                gone = _close(out_words, kept, EXPIRED, row["ends"], ended, ended_words, gone)
                draw = luck[lab] + GOLDEN * row["id"]
                keeps = draw - np.floor(draw) < renewal * need[lab]
                if row["status"] == SUBLET or not keeps or price <= 0.0:
                    continue
                _renew(row, next_id, price, term, use[lab], now, dt, money, by_chip)
                next_id += 1
            elif row["status"] == LIVE and surplus[lab] > 0.0:
                draw = 1.0 - luck[lab] + GOLDEN * row["id"]
                _sublet(row, price, now, dt, surplus[lab], draw)
        kept += 1
    return kept, gone, loose, next_id


@kernel
def _advance(
    words, count, signed, finished, finished_count, finished_at, quote, markup, active, use, need, surplus, luck, now,
    dt, late_credit, long_stop, walk_margin, renewal, term, out, out_count, out_signed, ended, ended_count, freed,
    freed_count, money, by_chip, out_words, ended_words,
):  # fmt: skip
    """Every replicate's book; see `advance`."""
    for r in range(words.shape[0]):
        out_count[r], ended_count[r], freed_count[r], out_signed[r] = _advance_book(
            words[r], count[r], signed[r], finished[r], finished_count[r], finished_at[r], quote[r], markup[r],
            active[r], use[r], need[r], surplus[r], luck[r], now, dt, late_credit[r], long_stop[r], walk_margin[r],
            renewal[r], term, out[r], out_words[r], ended[r], ended_words[r], freed[r], money[r], by_chip[r],
        )  # fmt: skip


def advance(
    book: Book,
    finished: np.ndarray,
    finished_count: np.ndarray,
    finished_at: np.ndarray,
    quote: np.ndarray,
    markup: np.ndarray,
    active: np.ndarray,
    use: np.ndarray,
    need: np.ndarray,
    surplus: np.ndarray,
    luck: np.ndarray,
    now: float,
    dt: float,
    *,
    late_credit: np.ndarray,
    long_stop: np.ndarray,
    walk_margin: np.ndarray,
    renewal: np.ndarray,
    renewal_term: float,
) -> Events:
    """Carry every contract from `now` to `now + dt`.

    `quote` (replicate, provider, chip) is today's one-year price in USD per chip-hour, `markup` (replicate, lab,
    provider) what a lab pays times that; `use` (replicate, lab) the part of rent that take-or-pay makes due, `need`
    (replicate, lab) in 0..1 how much of its capacity a lab still wants, `surplus` (replicate, lab) the yearly hazard
    with which it lets on what it does not.
    """
    replicates, used = len(book.rows), most(book.count)
    labs, (providers, chips) = markup.shape[1], quote.shape[1:]
    out, ended = np.empty((replicates, used + SPARE), CONTRACT), np.empty((replicates, used), CONTRACT)
    freed = np.empty((replicates, used), np.int64)
    out_count, out_signed, ended_count, freed_count = np.zeros((4, replicates), np.int64)
    money, by_chip = np.zeros((replicates, len(MONEY), labs, providers)), np.zeros((replicates, chips))
    _advance(
        as_words(book.rows), book.count, book.signed, finished, finished_count, finished_at, quote, markup, active,
        use, need, surplus, np.ascontiguousarray(luck), now, dt, late_credit, long_stop, walk_margin, renewal,
        renewal_term, out, out_count, out_signed, ended, ended_count, freed, freed_count, money, by_chip,
        as_words(out), as_words(ended),
    )  # fmt: skip
    kinds = {name: np.ascontiguousarray(money[:, k]) for k, name in enumerate(MONEY)}
    after = Book(out, out_count, out_signed)
    return Events(after, ended, ended_count, freed, freed_count, by_chip, **kinds)


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
    rows, count, signed, lab_of, offer_of, chips_of, deals, price, rent, promised, prepaid, lot, offer_provider,
    offer_chip, offer_built, offer_term, now, out_count, out_signed, prepayment, booked, booked_chip, built,
):  # fmt: skip
    """Append this tick's deals to the book; see `sign`."""
    for r in range(rows.shape[0]):
        n = count[r]
        for d in range(deals[r]):
            lab, offer = lab_of[r, d], offer_of[r, d]
            provider, chip = offer_provider[offer], offer_chip[offer]
            row = rows[r, n]
            row["id"] = signed[r] + d
            row["lab"], row["provider"], row["chip"] = lab, provider, chip
            row["chips"] = chips_of[r, d]
            row["price"] = price[r, lab, offer]
            row["rent"] = rent[r, lab, offer]
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
    rent: np.ndarray,
    promised: np.ndarray,
    prepaid: np.ndarray,
    lot: np.ndarray,
    offer_provider: np.ndarray,
    offer_chip: np.ndarray,
    offer_built: np.ndarray,
    offer_term: np.ndarray,
    now: float,
    sizes: tuple[int, int, int],
) -> Signed:
    """Enter deals (replicate, deal) in the book: ready capacity starts at once, built capacity is pending.

    `price` and `rent` (replicate, lab, offer) in USD per chip-hour, `promised` (replicate, offer) in years from now,
    `sizes` the numbers of labs, providers and chips. New rows are written behind those in use, where nobody looks.
    """
    replicates, labs, providers, chips = len(book.rows), *sizes
    rows = widened(book.rows, most(book.count + deals), SPARE)
    out_count, out_signed = np.zeros(replicates, np.int64), np.zeros(replicates, np.int64)
    prepayment, booked = np.zeros((replicates, labs, providers)), np.zeros((replicates, labs, providers))
    booked_chip, built = np.zeros((replicates, chips)), np.zeros((replicates, providers, chips))
    _sign(
        rows, book.count, book.signed, lab_of, offer_of, chips_of, deals, price, rent, promised, prepaid, lot,
        offer_provider, offer_chip, offer_built, offer_term, now, out_count, out_signed, prepayment, booked,
        booked_chip, built,
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
