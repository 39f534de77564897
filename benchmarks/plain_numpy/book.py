"""Contracts and lots of one run as columns, and what a tick does to all of them at once."""

from typing import Any

import numpy as np

from benchmarks.plain_numpy.luck import bits, mixed, uniform

Array = np.ndarray
HOURS = 8766.0
PENDING, LIVE, SUBLET = 0, 1, 5
LEAST_SUBLET, LET_ON_AT, ROUNDING, DONE = 0.25, 0.9, 1e-9, 1e-9
CONTRACT = (
    *("key", "id", "lab", "provider", "chip", "status", "chips", "price", "rent", "term", "signed", "promised"),
    *("started", "ends", "prepaid", "credit"),
)
LOT = ("contract", "provider", "chip", "chips", "received", "site_left", "bring_up_left", "ordered", "promised", "rent")


class Columns:
    """Rows of numbers, one array a column."""

    def __init__(self, columns: dict[str, Array]) -> None:
        self.__dict__.update(columns)

    def __len__(self) -> int:
        return len(self.chips)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def kept(self, mask: Array) -> "Columns":
        return Columns({name: column[mask] for name, column in self.__dict__.items()})

    def joined(self, other: "Columns") -> "Columns":
        return Columns({name: np.concatenate([column, other.__dict__[name]]) for name, column in self.__dict__.items()})


def columns(rows: Array, names: tuple[str, ...]) -> Columns:
    """The columns of records, or of a list of rows."""
    kinds = {"i": np.int64, "u": np.uint64, "f": np.float64}
    return Columns({name: np.array(rows[name], kinds[rows[name].dtype.kind]) for name in names})


def rows(names: tuple[str, ...], listed: list[tuple[Any, ...]], whole: int) -> Columns:
    """Columns of listed rows, the first `whole` of them whole numbers; keys have all of 64 bits."""
    table = list(zip(*listed, strict=True)) if listed else [()] * len(names)
    kinds = [np.uint64 if name == "key" else np.int64 if k < whole else float for k, name in enumerate(names)]
    return Columns({n: np.array(one, kind) for n, one, kind in zip(names, table, kinds, strict=True)})


def build(lots: Columns, shipped: Array, speed: Array, now: float, dt: float) -> tuple[Columns, Columns, Array]:
    """Hand chips to lots first come, first served, and work on them; lots under way, finished, and when those were."""
    cell = lots.provider * shipped.shape[1] + lots.chip
    missing = lots.chips - lots.received
    order = np.argsort(cell, kind="stable")
    queued = np.cumsum(missing[order])
    starts = np.searchsorted(cell[order], cell[order])
    ahead = np.empty(len(lots))
    ahead[order] = queued - missing[order] - np.where(starts > 0, queued[starts - 1], 0.0)
    take = np.clip(shipped.reshape(-1)[cell] - ahead, 0.0, missing)
    received = lots.received + take
    lots.received = np.where((take > 0.0) & (lots.chips - received < DONE * lots.chips), lots.chips, received)
    pace = speed[lots.provider]
    used = np.minimum(dt, lots.site_left / pace)
    site = lots.site_left - used * pace
    lots.site_left = np.where(site < DONE, 0.0, site)
    left = dt - used
    ready = (lots.site_left == 0.0) & (lots.received == lots.chips)
    bring = np.where(ready, np.minimum(left, lots.bring_up_left), 0.0)
    lots.bring_up_left = lots.bring_up_left - bring
    done = ready & (lots.bring_up_left < DONE)
    return lots.kept(~done), lots.kept(done), (now + dt - left + bring)[done]


class Month:
    """The contract events of a tick; money (lab, provider) in USD."""

    def __init__(self, now: float, dt: float, terms: Any, shape: tuple[int, int]) -> None:
        self.now, self.dt, self.terms, self.shape = now, dt, terms, shape
        self.freed: Array = np.empty(0, np.int64)

    def between(self, book: Columns, amount: Array, where: Array | slice = slice(None)) -> Array:
        """Amounts by lab and provider."""
        cell = book.lab[where] * self.shape[1] + book.provider[where]
        return np.bincount(cell, amount[where], self.shape[0] * self.shape[1]).reshape(self.shape)

    def carry(
        self, book: Columns, done: Columns, at: Array, price: Array, active: Array, cover: Array, luck: Array,
        next_id: int,
    ) -> tuple[Columns, int]:  # fmt: skip
        """The book after the tick and the next number; `price` (contract,) is today's, `cover` (lab,) plan over
        commitments."""
        end, terms = self.now + self.dt, self.terms
        gone = ~active[book.lab]
        pending = book.status == PENDING
        started = np.full(len(book), np.inf)
        for number, when in zip(done.contract, at, strict=True):
            started[book.id == number] = when
        waiting = pending & ~gone
        late = np.where(waiting, np.minimum(started, end) - np.maximum(book.promised, self.now), 0.0)
        accrued = np.where(late > 0.0, terms.late_credit * book.price * book.chips * HOURS * late, 0.0)
        book.credit = book.credit + accrued
        starts = waiting & (started <= end)
        k = np.flatnonzero(starts)
        book.started[k], book.ends[k], book.status[k] = started[k], started[k] + book.term[k], LIVE
        overdue = end > book.promised + terms.long_stop
        walks = waiting & ~starts & overdue & (book.price > price * (1.0 + terms.walk_margin))
        runs = ~gone & (book.status != PENDING)
        self.rent = self._earn(book, runs, cover, accrued)
        expires = runs & (book.ends <= end + ROUNDING)
        leaves = gone | walks | expires
        self.freed = book.id[(gone & pending) | walks]
        self.refunded = self.between(book, book.prepaid, walks | expires)
        self.credit_paid = self.between(book, book.credit, leaves)
        need = terms.renewal * np.minimum(1.0, 1.2 * cover)[book.lab]
        renews = expires & (uniform(book.key) < need) & (book.status != SUBLET) & (price > 0.0)
        hazard = np.where(cover < 0.9, 2.0 * (0.9 - cover), 0.0)[book.lab]
        draw = uniform(mixed(book.key, bits(luck[book.lab])))
        lets = runs & ~expires & (book.status == LIVE) & (hazard > 0.0) & (book.ends - self.now > LEAST_SUBLET)
        lets &= draw < -np.expm1(-hazard * self.dt)
        k = np.flatnonzero(lets)
        book.price[k], book.status[k] = np.maximum(0.0, book.price[k] - LET_ON_AT * price[k]), SUBLET
        self._renew(book, renews, price, cover, next_id)
        return book.kept(~leaves | renews), next_id + int(renews.sum())

    def _earn(self, book: Columns, runs: Array, cover: Array, accrued: Array) -> Array:
        """Rent for the tick, prepayments and credits set against it; USD by lab and provider."""
        top = self.terms.take_or_pay
        use = top + (1.0 - top) * cover
        begin = np.maximum(self.now, book.started)
        years = np.where(runs, np.maximum(0.0, np.minimum(self.now + self.dt, book.ends) - begin), 0.0)
        due = book.price * book.chips * HOURS * use[book.lab] * years
        part = np.where(runs, np.minimum(1.0, years / np.maximum(book.ends - begin, ROUNDING)), 0.0)
        used = np.minimum(due, book.prepaid * part)
        redeemed = np.where(runs, np.minimum(book.credit, due - used), 0.0)
        book.prepaid, book.credit = book.prepaid - used, book.credit - redeemed
        self.prepaid_used, self.credit_used = self.between(book, used), self.between(book, redeemed)
        self.credit_accrued = self.between(book, accrued)
        return self.between(book, due)

    def _renew(self, book: Columns, renews: Array, price: Array, cover: Array, next_id: int) -> None:
        """A new contract of a year in the place of each that is renewed, at today's price."""
        k = np.flatnonzero(renews)
        top, start, paid = self.terms.take_or_pay, book.ends[k], price[k]
        use = (top + (1.0 - top) * cover)[book.lab[k]]
        rest = np.zeros(len(book))
        rest[k] = paid * book.chips[k] * HOURS * use * np.maximum(0.0, self.now + self.dt - start)
        self.rent = self.rent + self.between(book, rest)
        book.id[k], book.price[k], book.rent[k], book.term[k] = next_id + np.arange(len(k)), paid, 0.0, 1.0
        book.prepaid[k] = book.credit[k] = 0.0
        book.key[k] = mixed(book.key[k], 0)
        book.signed[k] = book.promised[k] = book.started[k] = start
        book.ends[k] = start + 1.0
