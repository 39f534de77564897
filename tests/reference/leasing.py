"""A book of contracts with one lab, one provider and one chip, carried through time, for tests of contracts."""

from dataclasses import dataclass, field

import numpy as np

from market_sim.mechanisms import contracts
from market_sim.mechanisms.contracts import Events, Weights
from market_sim.state.tables import CONTRACT, PROJECT, Book

NEVER = 1e9


def weighed(
    throughput: np.ndarray, delivered: np.ndarray, solid: np.ndarray, maker: np.ndarray | None = None
) -> Weights:
    """What contracts are weighed by, all chips of one maker unless told."""
    maker = np.zeros(throughput.shape[2], np.int64) if maker is None else maker
    return Weights(throughput, delivered, solid, maker, int(maker.max()) + 1)


@dataclass
class Lease:
    """Terms under which one contract lives; `dt` in years, money in USD."""

    dt: float = 1 / 12
    late_credit: float = 0.1
    long_stop: float = 0.75
    walk_margin: float = 0.15
    renewal: float = 0.0
    prepaid: float = 0.0
    use: float = 1.0
    market: float = 2.0
    active: bool = True
    surplus: float = 0.0
    book: Book = field(default_factory=lambda: Book(np.zeros((1, 8), CONTRACT), np.zeros(1, int), np.zeros(1, int)))
    now: float = 0.0

    def sign(self, chips: float, price: float, term: float, built: bool = False, promised: float = 0.0) -> float:
        """Sign one contract now; returns its prepayment."""
        one, grid = np.zeros((1, 1), np.int64), np.full((1, 1, 1), price)
        signed = contracts.sign(
            self.book, one, one, np.full((1, 1), chips), np.ones(1, np.int64), grid, grid,
            np.full((1, 1), promised), np.array([self.prepaid]), np.ones((1, 1)), one[0], one[0], np.array([built]),
            np.array([term]), np.array([7], np.uint64), 0.5 * np.ones((1, 1)), self.now, (1, 1, 1),
        )  # fmt: skip
        self.book = signed.book
        return float(signed.prepayment.sum())

    def step(self, ready_at: float = NEVER, contract: int = 0) -> Events:
        """Carry the book over one tick; the lot of `contract` enters service at `ready_at` if in this tick."""
        finished, at = np.zeros((1, 1), PROJECT), np.array([[ready_at]])
        finished["contract"] = contract
        ready = np.array([int(self.now < ready_at <= self.now + self.dt)])
        one = np.ones((1, 1))
        events = contracts.advance(
            self.book, finished, ready, at, np.full((1, 1, 1), self.market), np.ones((1, 1, 1)),
            one * self.active > 0, one * self.use, one, one * self.surplus, 0.5 * one,
            weighed(np.ones((1, 1, 1)), one, np.ones((1, 1, 1))), self.now, self.dt,
            late_credit=np.array([self.late_credit]), long_stop=np.array([self.long_stop]),
            walk_margin=np.array([self.walk_margin]),
            renewal=np.array([self.renewal]), renewal_term=1.0,
        )  # fmt: skip
        self.book, self.now = events.book, self.now + self.dt
        return events

    def run(self, years: float, ready_at: float = NEVER) -> dict[str, float]:
        """Sums of everything booked over some years."""
        total = dict.fromkeys((*contracts.MONEY, "renewals"), 0.0)
        for _ in range(round(years / self.dt)):
            events = self.step(ready_at)
            total["renewals"] += float(events.renewed_count.sum())
            for kind in contracts.MONEY:
                total[kind] += float(events.by_lab(kind).sum())
        return total
