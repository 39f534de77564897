"""Flows become whole lots by systematic sampling, taken in an order of luck while they fit (Madow 1949)."""

from dataclasses import dataclass
from math import floor, inf
from typing import Any

from benchmarks.plain_mesa.contracts import GOLDEN
from benchmarks.plain_mesa.offers import Capacity, Offer


@dataclass(slots=True, eq=False)
class Deal:
    """Lots of one lab on one offer; those that do not fit are given up."""

    lab: Any
    offer: Offer
    wanted: int
    each: float  # chips in a lot
    rank: float
    chips: float = 0.0


def room(offer: Offer, used: dict[Capacity, float]) -> float:
    """Chips that still fit the offer's pools."""
    return min(((pool.size - used.get(pool, 0.0)) / weight for pool, weight in offer.pools), default=inf)


def drawn(lab: Any, flows: list[tuple[Offer, float]]) -> list[Deal]:
    """The points u, u + 1, ... on a lab's expected lots laid end to end, in the order of offers."""
    deals: list[Deal] = []
    reached, passed = lab.rounding_luck, 0
    for offer, chips in flows:
        each = min(lab.lot, floor(room(offer, {})))
        if chips > 0.0 and each >= 1.0:
            reached += chips / each
            number = floor(reached) - passed
            if number > 0:
                passed += number
                deals.append(Deal(lab, offer, number, each, (lab.waiting_luck + len(deals) * GOLDEN) % 1.0))
    return deals


def signed(deals: list[Deal], most: int) -> list[Deal]:
    """The deals that fit, first come by rank; `most` in all."""
    used: dict[Capacity, float] = {}
    taken: list[Deal] = []
    for deal in sorted(deals, key=lambda deal: deal.rank):
        if len(taken) == most:
            break
        number = min(deal.wanted, floor(room(deal.offer, used) / deal.each))
        while number > 0 and not _fits(deal, number, used):
            number -= 1
        if number > 0:
            deal.chips = number * deal.each
            for pool, weight in deal.offer.pools:
                used[pool] = used.get(pool, 0.0) + weight * deal.chips
            taken.append(deal)
    return taken


def _fits(deal: Deal, number: int, used: dict[Capacity, float]) -> bool:
    return all(used.get(pool, 0.0) + weight * number * deal.each <= pool.size for pool, weight in deal.offer.pools)
