"""Capacity contracts: signing, starting, lateness, walking away, renewal, expiry and default.

A contract of q chips at p USD per chip-hour owes p q 8766 a year while it is live; take-or-pay says how much of it is
due whether used or not, the prepaid share is paid at signing and used up evenly over the term, and a late start earns
the lab a credit. All times are continuous, so a tick that is half as long pays exactly half as much.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel
from market_sim.state.tables import CANCELLED, CONTRACT, DEFAULTED, EXPIRED, LIVE, PENDING, WALKED, Book, Holdings
from market_sim.units import HOURS_PER_YEAR

GOLDEN = 0.6180339887498949  # spreads one uniform over many contracts without correlation
FORGET = 1e-9


@dataclass(frozen=True)
class Events:
    """What happened to the book in a tick; money in USD by (replicate, lab, provider)."""

    book: Book
    ended: np.ndarray  # contract rows that left the book (replicate, contract)
    ended_count: np.ndarray
    freed: np.ndarray  # ids of contracts whose lot is now inventory of the provider (replicate, contract)
    freed_count: np.ndarray
    rent: np.ndarray  # earned, before prepayments and credits are set against it
    rent_by_chip: np.ndarray  # (replicate, chip)
    prepaid_used: np.ndarray
    prepaid_lost: np.ndarray  # kept by the provider when a lab fails
    refunded: np.ndarray
    credit_accrued: np.ndarray
    credit_used: np.ndarray
    credit_paid: np.ndarray
    renewed: np.ndarray  # USD/year of rent renewed, by (replicate, lab, provider)


@kernel
def _advance(
    rows, count, signed, finished, finished_count, finished_at, market, active, use, need, luck,
    now, dt, late_credit, long_stop, walk_margin, renewal, renewal_term, out, out_count, out_signed, ended, ended_count,
    freed, freed_count, rent, rent_by_chip, prepaid_used, prepaid_lost, refunded, accrued, credit_used, credit_paid,
    renewed,
):  # fmt: skip
    """One pass over each replicate's book; see `advance`."""
    for r in range(rows.shape[0]):
        kept = 0
        gone = 0
        loose = 0
        next_id = signed[r]
        for i in range(count[r]):
            row = rows[r, i]
            lab, provider, chip = row["lab"], row["provider"], row["chip"]
            hourly = row["price"] * row["chips"] * HOURS_PER_YEAR
            ended[r, gone] = row
            if not active[r, lab]:
                prepaid_lost[r, lab, provider] += row["prepaid"]
                credit_paid[r, lab, provider] += row["credit"]
                ended[r, gone]["status"] = DEFAULTED
                ended[r, gone]["ended"] = now
                gone += 1
                if row["status"] == PENDING:
                    freed[r, loose] = row["id"]
                    loose += 1
                continue
            out[r, kept] = row
            kept_row = out[r, kept]
            if row["status"] == PENDING:
                started = _finished_at(row["id"], finished[r], finished_at[r], finished_count[r])
                until = min(started, now + dt)
                late = until - max(row["promised"], now)
                if late > 0.0:
                    amount = late_credit[r] * hourly * late
                    accrued[r, lab, provider] += amount
                    kept_row["credit"] += amount
                if started <= now + dt:
                    kept_row["status"] = LIVE
                    kept_row["started"] = started
                    kept_row["ends"] = started + row["term"]
                elif now + dt > row["promised"] + long_stop[r] and row["price"] > market[
                    r, lab, provider, chip
                ] * (1.0 + walk_margin[r]):
                    refunded[r, lab, provider] += row["prepaid"]
                    credit_paid[r, lab, provider] += kept_row["credit"]
                    ended[r, gone] = kept_row
                    ended[r, gone]["status"] = CANCELLED if row["promised"] > now else WALKED
                    ended[r, gone]["ended"] = now + dt
                    gone += 1
                    freed[r, loose] = row["id"]
                    loose += 1
                    continue
            if kept_row["status"] == LIVE:
                begin = max(now, kept_row["started"])
                end = min(now + dt, kept_row["ends"])
                due = hourly * use[r, lab] * max(0.0, end - begin)
                rent[r, lab, provider] += due
                rent_by_chip[r, chip] += due
                left = kept_row["ends"] - begin
                burned = kept_row["prepaid"] * min(1.0, max(0.0, end - begin) / max(left, FORGET))
                burned = min(burned, due)
                kept_row["prepaid"] -= burned
                prepaid_used[r, lab, provider] += burned
                redeemed = min(kept_row["credit"], due - burned)
                kept_row["credit"] -= redeemed
                credit_used[r, lab, provider] += redeemed
                if kept_row["ends"] <= now + dt:
                    refunded[r, lab, provider] += kept_row["prepaid"]
                    credit_paid[r, lab, provider] += kept_row["credit"]
                    kept_row["prepaid"] = 0.0
                    kept_row["credit"] = 0.0
                    ended[r, gone] = kept_row
                    ended[r, gone]["status"] = EXPIRED
                    ended[r, gone]["ended"] = kept_row["ends"]
                    gone += 1
                    draw = luck[r, lab] + GOLDEN * row["id"]
                    price = market[r, lab, provider, chip]
                    if draw - np.floor(draw) >= renewal[r] * need[r, lab] or price <= 0.0:
                        continue
                    kept_row["id"] = next_id
                    kept_row["signed"] = kept_row["ends"]
                    kept_row["promised"] = kept_row["ends"]
                    kept_row["started"] = kept_row["ends"]
                    kept_row["term"] = renewal_term
                    kept_row["ends"] = kept_row["started"] + renewal_term
                    kept_row["price"] = price
                    kept_row["rent"] = 0.0
                    yearly = price * row["chips"] * HOURS_PER_YEAR
                    rest = yearly * use[r, lab] * (now + dt - kept_row["started"])
                    rent[r, lab, provider] += rest
                    rent_by_chip[r, chip] += rest
                    renewed[r, lab, provider] += yearly
                    next_id += 1
            kept += 1
        out_count[r] = kept
        out_signed[r] = next_id
        ended_count[r] = gone
        freed_count[r] = loose


@kernel
def _finished_at(contract, finished, at, count):
    """Date at which a contract's lot entered service, inf while it has not."""
    for f in range(count):
        if finished[f]["contract"] == contract:
            return at[f]
    return np.inf


def advance(
    book: Book,
    finished: np.ndarray,
    finished_count: np.ndarray,
    finished_at: np.ndarray,
    market: np.ndarray,
    active: np.ndarray,
    use: np.ndarray,
    need: np.ndarray,
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

    `market` (replicate, lab, provider, chip) is today's one-year price in USD per chip-hour, `use` (replicate, lab) the
    part of rent that take-or-pay makes due, `need` (replicate, lab) in 0..1 how much of its capacity a lab still wants.
    """
    replicates, slots = book.rows.shape
    labs, providers = market.shape[1:3]
    money = [np.zeros((replicates, labs, providers)) for _ in range(8)]
    by_chip = np.zeros((replicates, market.shape[3]))
    out = np.empty((replicates, slots), CONTRACT)
    ended = np.empty((replicates, slots + 1), CONTRACT)
    freed = np.empty((replicates, slots), np.int64)
    counts = [np.zeros(replicates, np.int64) for _ in range(4)]
    rent, prepaid_used, prepaid_lost, refunded, accrued, credit_used, credit_paid, renewed = money
    out_count, out_signed, ended_count, freed_count = counts
    _advance(
        book.rows, book.count, book.signed, finished, finished_count, finished_at, market, active, use, need, luck,
        now, dt, late_credit, long_stop, walk_margin, renewal, renewal_term, out, out_count, out_signed, ended,
        ended_count, freed, freed_count, rent, by_chip, prepaid_used, prepaid_lost, refunded, accrued, credit_used,
        credit_paid, renewed,
    )  # fmt: skip
    return Events(
        Book(out, out_count, out_signed), ended, ended_count, freed, freed_count, rent, by_chip, prepaid_used,
        prepaid_lost, refunded, accrued, credit_used, credit_paid, renewed,
    )  # fmt: skip


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
    offer_chip, offer_built, offer_term, now, out, out_count, out_signed, prepayment, booked, booked_chip, built,
):  # fmt: skip
    """Append this tick's deals to the book; see `sign`."""
    for r in range(rows.shape[0]):
        n = count[r]
        for i in range(n):
            out[r, i] = rows[r, i]
        for d in range(deals[r]):
            lab, offer = lab_of[r, d], offer_of[r, d]
            provider, chip = offer_provider[offer], offer_chip[offer]
            row = out[r, n]
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
    `sizes` the numbers of labs, providers and chips.
    """
    replicates, slots = book.rows.shape
    labs, providers, chips = sizes
    out = np.empty((replicates, slots), CONTRACT)
    out_count, out_signed = np.zeros(replicates, np.int64), np.zeros(replicates, np.int64)
    prepayment, booked = np.zeros((replicates, labs, providers)), np.zeros((replicates, labs, providers))
    booked_chip, built = np.zeros((replicates, chips)), np.zeros((replicates, providers, chips))
    _sign(
        book.rows, book.count, book.signed, lab_of, offer_of, chips_of, deals, price, rent, promised, prepaid, lot,
        offer_provider, offer_chip, offer_built, offer_term, now, out, out_count, out_signed, prepayment, booked,
        booked_chip, built,
    )  # fmt: skip
    return Signed(Book(out, out_count, out_signed), prepayment, booked, booked_chip, built)


@kernel
def _add_up(
    rows, count, throughput, delivered, solid_lab, now, live, sold, commitment, pending, backlog, solid,
    rent_rate, useful_lab, useful_provider, useful_chip, rent_chip,
):  # fmt: skip
    """Sums over each replicate's book; see `add_up`."""
    for r in range(rows.shape[0]):
        for i in range(count[r]):
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
            else:
                pending[r, lab] += yearly
            backlog[r, provider] += yearly * years
            solid[r, provider] += yearly * years * solid_lab[r, lab]
        for p in range(backlog.shape[1]):
            solid[r, p] = solid[r, p] / backlog[r, p] if backlog[r, p] > 0.0 else 0.0


def add_up(
    book: Book, throughput: np.ndarray, delivered: np.ndarray, solid_lab: np.ndarray, now: float
) -> Holdings:
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
    _add_up(
        book.rows, book.count, throughput, delivered, solid_lab, now, sums.live, sums.sold, sums.commitment,
        sums.pending, sums.backlog, sums.solid, sums.rent_rate, sums.useful_lab, sums.useful_provider, sums.useful_chip,
        sums.rent_chip,
    )  # fmt: skip
    return sums


@kernel
def _move(rows, count, buyer):
    out = rows.copy()
    for r in range(rows.shape[0]):
        for i in range(count[r]):
            if buyer[r, out[r, i]["provider"]] >= 0:
                out[r, i]["provider"] = buyer[r, out[r, i]["provider"]]
    return out


def move(book: Book, buyer: np.ndarray) -> Book:
    """Contracts of sold providers go to the buyer (replicate, provider), -1 where nothing was sold."""
    return Book(_move(book.rows, book.count, buyer), book.count, book.signed)
