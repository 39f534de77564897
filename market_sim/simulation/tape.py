"""Records the contract tape: every contract, as it stood when it ended or when the run did."""

import numpy as np
import polars as pl

from market_sim.agents.lab import rented_through
from market_sim.results.calendar import Calendar
from market_sim.results.frames import rows
from market_sim.results.light import Plan
from market_sim.results.vocabulary import LOTS
from market_sim.simulation.seen import Cast, Seen
from market_sim.simulation.signings import picked
from market_sim.state.setup import Setup
from market_sim.state.tables import CONTRACT, Book

READY, BUILT, RENEWAL, OPENING = (
    [term.name for term in LOTS].index(name) for name in ("ready", "built", "renewal", "opening")
)
NEVER = np.iinfo(np.int64).max


class Tape:
    """Contracts that ended, tick by tick; those still running are taken from the book when asked."""

    tables = ("contracts",)

    def __init__(self, setup: Setup, cast: Cast, plan: Plan) -> None:
        self.setup, self.cast, self.plan = setup, cast, plan
        self.through = rented_through(setup)
        self.ended: list[np.ndarray] = []
        self.who: list[np.ndarray] = []
        self.book: Book | None = None
        self.prices: list[tuple[np.ndarray, np.ndarray]] = []  # replicate and price as signed, in order of number
        self.edges: list[np.ndarray] = []  # (R, 3) of each tick: first id signed, first renewed, first of the next

    def see(self, seen: Seen) -> None:
        """Keep the contracts that ended this tick."""
        events, day = seen.day.events, seen.day
        if self.book is None:
            rows, who = taken(day.before.book.rows, day.before.book.count)
            self.prices.append((who, rows["price"].copy()))
        for signed in (seen.new, seen.renewed):
            rows, who = picked(*signed)
            self.prices.append((who, rows["price"].copy()))
        rows, who = taken(events.ended, events.ended_count)
        self.ended.append(rows)
        self.who.append(who)
        self.book = seen.market.book
        self.edges.append(np.stack([day.before.book.signed, day.trade.signed.book.signed, self.book.signed], 1))

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """The table as of now."""
        return rows(name, self._columns(*self._all()), self.cast.names, calendar)

    def _all(self) -> tuple[np.ndarray, np.ndarray]:
        """Every contract so far, and the place of its replicate in the chunk."""
        if self.book is None:
            return np.zeros(0, CONTRACT), np.zeros(0, np.int64)
        rows, who = taken(self.book.rows, self.book.count)
        return np.concatenate([*self.ended, rows]), np.concatenate([*self.who, who])

    def _signed_prices(self, number: np.ndarray, who: np.ndarray) -> np.ndarray:
        """Price as signed: a contract that is let on afterwards stands in the book at its shortfall."""
        if not self.prices:
            return np.zeros(0)
        replicate, price = (np.concatenate(parts) for parts in zip(*self.prices, strict=True))
        order = np.argsort(replicate, kind="stable")
        first = np.searchsorted(replicate[order], np.arange(self.setup.width))
        return price[order][first[who] + number]

    def _columns(self, tape: np.ndarray, who: np.ndarray) -> dict[str, np.ndarray]:
        trade, lot = self.setup.drawn.trade, self._lots(tape, who)
        promised_end = tape["promised"] + tape["term"]
        return {
            "replicate": np.array(self.setup.replicates)[who],
            "contract": tape["id"],
            "lab": tape["lab"],
            "provider": tape["provider"],
            "through": self.through[who, tape["lab"], tape["provider"]],
            "provider_kind": self.cast.provider_kind[tape["provider"]],
            "chip": tape["chip"],
            "chips": tape["chips"],
            "usd_per_chip_hour": self._signed_prices(tape["id"], who),
            "scarcity_rent": tape["rent"],
            "lot": lot,
            "term_years": tape["term"],
            "take_or_pay": trade.take_or_pay[who],
            "prepaid_share": np.where(lot == BUILT, trade.prepaid[who], 0.0),
            "signed": tape["signed"],
            "promised": tape["promised"],
            "started": tape["started"],
            "ends": np.where(np.isnan(tape["ends"]), promised_end, tape["ends"]),
            "ended": tape["ended"],
            "status": tape["status"],
        }

    def _lots(self, tape: np.ndarray, who: np.ndarray) -> np.ndarray:
        """What each contract let: told by its number, and by whether it was promised for later."""
        if not len(tape):
            return np.zeros(0, np.int64)
        edges = np.stack(self.edges)
        lot = np.where(tape["promised"] > tape["signed"], BUILT, READY)
        for r in range(self.setup.width):
            own = np.flatnonzero(who == r)
            number = tape["id"][own]
            tick = np.searchsorted(edges[:, r, 0], number, side="right") - 1
            renewed = (tick >= 0) & (number >= edges[np.maximum(tick, 0), r, 1])
            lot[own] = np.where(tick < 0, OPENING, np.where(renewed, RENEWAL, lot[own]))
        return lot


def taken(table: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in use of (R, row), flat, and the replicate of each."""
    used = np.arange(table.shape[1]) < count[:, None]
    return table[used], np.repeat(np.arange(len(count)), count)
