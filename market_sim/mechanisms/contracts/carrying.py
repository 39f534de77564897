"""One pass over the book a tick: contracts start, run late, earn, end, renew, and what is kept is added up."""

from dataclasses import dataclass

import numpy as np

from market_sim.mechanisms.contracts.sums import Weights, count, nothing, weighed
from market_sim.numerics import expm1, kernel, part
from market_sim.state.rows import SPARE, as_words, room
from market_sim.state.tables import CONTRACT, DEFAULTED, EXPIRED, LIVE, PENDING, SUBLET, WALKED, Book, Holdings
from market_sim.streams import kbits, kmixed, kuniform
from market_sim.units import HOURS_PER_YEAR

FORGET = 1e-9
LEAST_SUBLET = 0.25  # years that must be left to let a contract on
WORDS = CONTRACT.itemsize // 8
LET_ON_AT = 0.9  # of today's price is what the tenant is sure to get for it

MONEY = ("rent", "prepaid_used", "prepaid_lost", "refunded", "credit_accrued", "credit_used", "credit_paid")
RENT, USED, LOST, REFUNDED, ACCRUED, REDEEMED, PAID = range(len(MONEY))


@dataclass(frozen=True)
class Events:
    """What happened to the book in a tick; money in USD, of the kinds in MONEY."""

    book: Book
    holdings: Holdings  # what it adds up to, at the tick's opening
    ended: np.ndarray  # contract rows that left the book (replicate, contract)
    ended_count: np.ndarray
    freed: np.ndarray  # ids of contracts whose lot is now inventory of the provider (replicate, contract)
    freed_count: np.ndarray
    renewed: np.ndarray  # rows of the book that are renewals of this tick (replicate, contract)
    renewed_count: np.ndarray
    renewed_usd: np.ndarray  # their rent over their terms (replicate, lab, then provider, then chip)
    rent: np.ndarray  # earned, however it was paid (replicate, lab, provider)
    rent_by_chip: np.ndarray  # (replicate, chip)
    money: np.ndarray  # (replicate, kind, lab and then provider)

    def by_lab(self, kind: str) -> np.ndarray:
        """Money of one kind (replicate, lab)."""
        return self.money[:, MONEY.index(kind), : self.holdings.commitment.shape[1]]

    def by_provider(self, kind: str) -> np.ndarray:
        """Money of one kind (replicate, provider)."""
        return self.money[:, MONEY.index(kind), self.holdings.commitment.shape[1] :]


@part
def _note(money, r, kind, row, labs, amount):
    """Book an amount between a contract's lab and its provider."""
    money[r, kind, row["lab"]] += amount
    money[r, kind, labs + row["provider"]] += amount


@part
def _finished_at(contract, r, finished, at, count):
    """Date at which a contract's lot entered service, inf while it has not."""
    for f in range(count):
        if finished[r, f]["contract"] == contract:
            return at[r, f]
    return np.inf


@part
def _wait(row, started, now, dt, late_credit):
    """A pending contract earns a credit for every day late, which is returned, and starts when its lot is ready."""
    late = min(started, now + dt) - max(row["promised"], now)
    amount = late_credit * row["price"] * row["chips"] * HOURS_PER_YEAR * late if late > 0.0 else 0.0
    row["credit"] += amount
    if started <= now + dt:
        row["status"] = LIVE
        row["started"] = started
        row["ends"] = started + row["term"]
    return amount


@part
def _owe(row, use, now, dt):
    """Rent due of a live contract for its part of the tick, and what of it prepayments and credits are set against."""
    begin, end = max(now, row["started"]), min(now + dt, row["ends"])
    time = max(0.0, end - begin)
    due = row["price"] * row["chips"] * HOURS_PER_YEAR * use * time
    burned = min(due, row["prepaid"] * min(1.0, time / max(row["ends"] - begin, FORGET)))  # 0 where nothing is prepaid
    redeemed = min(row["credit"], due - burned)
    row["prepaid"] -= burned
    row["credit"] -= redeemed
    return due, burned, redeemed


@part
def _close(r, i, words, status, at, refund, labs, money, ended, ended_words, ended_count):
    """Enter row i among the contracts that ended; what is left of prepayment and credits is booked."""
    place = ended_count[r]
    for w in range(WORDS):
        ended_words[r, place, w] = words[r, i, w]
    row = ended[r, place]
    row["status"] = status
    row["ended"] = at
    _note(money, r, refund, row, labs, row["prepaid"])
    _note(money, r, PAID, row, labs, row["credit"])
    if refund == REFUNDED:
        row["prepaid"] = 0.0
        row["credit"] = 0.0
    ended_count[r] += 1


@part
def _free(r, contract, freed, freed_count):
    """The lot of a contract that is gone becomes inventory."""
    freed[r, freed_count[r]] = contract
    freed_count[r] += 1


@part
def _renew(row, next_id, price, term, use, now, dt):
    """A new contract on the same chips from the old one's end, at today's price; returns rent of the rest of the
    tick."""
    row["id"] = next_id
    row["key"] = kmixed(row["key"], 0)
    row["signed"] = row["ends"]
    row["promised"] = row["ends"]
    row["started"] = row["ends"]
    row["ends"] = row["started"] + term
    row["term"] = term
    row["price"] = price
    row["rent"] = 0.0
    row["prepaid"] = 0.0
    row["credit"] = 0.0
    return price * row["chips"] * HOURS_PER_YEAR * use * max(0.0, now + dt - row["started"])


@part
def _sublet(row, price, now, chance, draw):
    """A lab with more than it needs lets a contract on through its provider and owes the shortfall to its end."""
    if row["ends"] - now > LEAST_SUBLET and draw < chance:
        row["status"] = SUBLET
        row["price"] = max(0.0, row["price"] - LET_ON_AT * price)


@kernel
def _advance(
    words, rows, finished, finished_count, finished_at, quote, markup, active, use, need, chance, luck, now, dt,
    late_credit, long_stop, walk_margin, renewal, term, out, out_words, kept_count, next_id, ended, ended_words,
    ended_count, freed, freed_count, renewed, renewed_count, renewed_usd, money, rent, by_chip, throughput,
    delivered, maker, live, served, sold, pending, owed, rent_rate, useful_pair,
):  # fmt: skip
    """Every replicate's book; see `advance`. Counts and `next_id` (replicate,) are added to."""
    labs, end = active.shape[1], now + dt
    first_provider, first_chip = np.uintp(labs), np.uintp(labs + quote.shape[1])
    for r in range(words.shape[0]):
        kept = 0
        before, after, carried = words[r], out_words[r], out[r]
        for i in range(rows[r]):
            for w in range(WORDS):
                after[kept, w] = before[i, w]
            row = carried[kept]
            lab, provider, chip = np.uintp(row["lab"]), np.uintp(row["provider"]), np.uintp(row["chip"])
            if not active[r, lab]:
                if row["status"] == PENDING:
                    _free(r, row["id"], freed, freed_count)
                _close(r, kept, out_words, DEFAULTED, now, LOST, labs, money, ended, ended_words, ended_count)
                continue
            if row["status"] == PENDING:
                ready = _finished_at(row["id"], r, finished, finished_at, finished_count[r])
                _note(money, r, ACCRUED, row, labs, _wait(row, ready, now, dt, late_credit[r]))
                dear = row["price"] > quote[r, provider, chip] * markup[r, lab, provider] * (1.0 + walk_margin[r])
                if row["status"] == PENDING and dear and end > row["promised"] + long_stop[r]:
                    _close(r, kept, out_words, WALKED, end, REFUNDED, labs, money, ended, ended_words, ended_count)
                    _free(r, row["id"], freed, freed_count)
                    continue
            if row["status"] != PENDING:
                due, burned, redeemed = _owe(row, use[r, lab], now, dt)
                money[r, USED, lab] += burned
                money[r, USED, first_provider + provider] += burned
                if redeemed > 0.0:
                    _note(money, r, REDEEMED, row, labs, redeemed)
                if row["ends"] <= end + FORGET:  # a term of whole ticks ends in its last one, however it rounds
                    at = row["ends"]
                    _close(r, kept, out_words, EXPIRED, at, REFUNDED, labs, money, ended, ended_words, ended_count)
                    # its own number and not the month's: a lot that is ready some days later renews all the same
                    keeps = kuniform(row["key"]) < renewal[r] * need[r, lab]
                    price = quote[r, provider, chip] * markup[r, lab, provider]
                    if row["status"] == SUBLET or not keeps or price <= 0.0:
                        rent[r, lab, provider] += due
                        by_chip[r, chip] += due
                        continue
                    due += _renew(row, next_id[r], price, term, use[r, lab], now, dt)
                    next_id[r] += 1
                    renewed[r, renewed_count[r]] = kept
                    renewed_count[r] += 1
                    value = price * row["chips"] * HOURS_PER_YEAR * term
                    renewed_usd[r, lab] += value
                    renewed_usd[r, first_provider + provider] += value
                    renewed_usd[r, first_chip + chip] += value
                elif row["status"] == LIVE and chance[r, lab] > 0.0:
                    draw = kuniform(kmixed(row["key"], kbits(luck[r, lab])))
                    price = quote[r, provider, chip] * markup[r, lab, provider]
                    _sublet(row, price, now, chance[r, lab], draw)
                rent[r, lab, provider] += due
                by_chip[r, chip] += due
            kept += 1
        kept_count[r] = kept
        count(
            out, r, 0, kept, throughput, delivered, maker, now, live, served, sold, pending, owed, rent_rate,
            useful_pair,
        )  # fmt: skip


@kernel
def _sum_rent(rent, money):
    """Rent by lab and by provider, among the other kinds of money."""
    for r in range(rent.shape[0]):
        for i in range(rent.shape[1]):
            for p in range(rent.shape[2]):
                money[r, RENT, i] += rent[r, i, p]
                money[r, RENT, rent.shape[1] + p] += rent[r, i, p]


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
    weights: Weights,
    now: float,
    dt: float,
    *,
    late_credit: np.ndarray,
    long_stop: np.ndarray,
    walk_margin: np.ndarray,
    renewal: np.ndarray,
    renewal_term: float,
) -> Events:
    """Carry every contract from `now` to `now + dt`, and add up what is kept.

    `quote` (replicate, provider, chip) is today's one-year price in USD per chip-hour, `markup` (replicate, lab,
    provider) what a lab pays times that; `use` (replicate, lab) the part of rent that take-or-pay makes due, `need`
    (replicate, lab) in 0..1 how much of its capacity a lab still wants, `surplus` (replicate, lab) the yearly hazard
    with which it lets on what it does not.
    """
    replicates, used = len(book.rows), room(book.count)
    out, ended = np.empty((replicates, used + SPARE), CONTRACT), np.empty((replicates, used), CONTRACT)
    freed, renewed = np.empty((2, replicates, used), np.int64)
    kept, gone, loose, again = np.zeros((4, replicates), np.int64)
    next_id = book.signed.copy()
    money, rent = np.zeros((replicates, len(MONEY), sum(markup.shape[1:]))), np.zeros(markup.shape)
    by_chip, sums = np.zeros((replicates, quote.shape[2])), nothing(weights)
    renewed_usd = np.zeros((replicates, money.shape[2] + quote.shape[2]))
    _advance(
        as_words(book.rows), book.count, finished, finished_count, finished_at, quote, markup, active, use, need,
        -expm1(-surplus * dt), np.ascontiguousarray(luck), now, dt, late_credit, long_stop, walk_margin, renewal,
        renewal_term, out, as_words(out), kept, next_id, ended, as_words(ended), gone, freed, loose, renewed, again,
        renewed_usd, money, rent, by_chip, weights.throughput, weights.delivered, weights.maker, sums.live,
        sums.served, sums.sold, sums.pending, sums.owed, sums.rent_rate, sums.useful_pair,
    )  # fmt: skip
    _sum_rent(rent, money)
    return Events(
        Book(out, kept, next_id),
        weighed(sums, weights),
        ended,
        gone,
        freed,
        loose,
        renewed,
        again,
        renewed_usd,
        rent,
        by_chip,
        money,
    )
