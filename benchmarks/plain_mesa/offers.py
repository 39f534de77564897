"""What is on sale: offers and the pools of capacity that they draw on."""

from dataclasses import dataclass, field
from math import inf, log
from typing import Any

from benchmarks.plain_mesa.catalogue import Chip

POOLS_SHOWN = 30.0


@dataclass(slots=True, eq=False)
class Capacity:
    """A pool: vacant chips, kW of a site, or packages of a vendor."""

    size: float = 0.0
    shadow: float = 0.0  # log scarcity price

    # while a market is cleared
    demand: float = 0.0
    excess: float = 0.0
    unit: float = 0.0  # USD that a unit of it fetches before scarcity

    @property
    def binds(self) -> bool:
        return self.shadow > 0.0 or self.excess > 0.0


@dataclass(slots=True, eq=False)
class Offer:
    """A provider's chip, ready or built to order, for a term of years."""

    place: int
    key: int  # what luck hangs on
    provider: Any
    chip: Chip
    built: bool
    term: float
    term_factor: float
    pools: tuple[tuple[Capacity, float], ...]  # with what one chip takes of each
    live: bool = False
    price: tuple[float, float] = (0.0, 0.0)  # USD per chip-hour to large labs and to enterprises
    promised: float = 0.0
    believed: float = 0.0
    lots: float = 0.0  # chips it could sell alone
    attraction: float = -inf
    scarcity: float = 0.0

    def open(self, now: float, launched_price: float, promised: float, belief: float) -> None:
        """Set today's terms from the one-year or reference price, the promise, and belief over promise."""
        base = launched_price * self.term_factor
        self.price = (base, base * self.provider.enterprise_markup)
        self.promised = promised if self.built else 0.0
        self.believed = self.promised * belief
        self.lots = min(pool.size / weight for pool, weight in self.pools)
        on_sale = self.chip.on_sale(now) if self.built else self.chip.launched(now)
        self.live = self.provider.active and self.lots >= 1.0 and on_sale

    def price_to(self, lab: Any) -> float:
        return self.price[lab.enterprise]

    @property
    def shelf(self) -> Capacity:
        """The chips or the site on which it stands beside other offers."""
        return self.pools[0][0]

    def shown(self, segments: tuple[int, ...]) -> float:
        """USD per hour of capacity on show, at the lowest price that anybody pays."""
        return self.lots * min(self.price[one] for one in segments) if self.live else 0.0

    def stocked(self) -> bool:
        return self.attraction > -inf and all(pool.size > 0.0 for pool, _ in self.pools)


@dataclass(slots=True, eq=False)
class Market:
    """All offers, and which pools belong to whom."""

    offers: list[Offer] = field(default_factory=list)
    ready: dict[tuple[Any, Chip], Capacity] = field(default_factory=dict)
    sites: dict[Any, Capacity] = field(default_factory=dict)
    order_books: dict[Any, Capacity] = field(default_factory=dict)

    @property
    def capacities(self) -> list[Capacity]:
        return [*self.ready.values(), *self.sites.values(), *self.order_books.values()]

    def notice(self, omega: float, segments: tuple[int, ...]) -> None:
        """log A = omega log(30 V / sum V/n) - log n: V worth on show, n live offers on the same chips or site."""
        count: dict[Capacity, int] = {}
        for offer in self.offers:
            count[offer.shelf] = count.get(offer.shelf, 0) + offer.live
        worth = [offer.shown(segments) for offer in self.offers]
        whole = sum(value / max(1, count[offer.shelf]) for value, offer in zip(worth, self.offers, strict=True))
        for value, offer in zip(worth, self.offers, strict=True):
            offer.attraction = -inf
            if value > 0.0:
                noticed = omega * log(value * (POOLS_SHOWN / whole)) if omega != 0.0 else 0.0
                offer.attraction = noticed - log(max(1, count[offer.shelf]))
