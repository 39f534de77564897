"""Flows become whole lots, the parts of lots by races, and are taken in an order of luck while they fit."""

from dataclasses import dataclass
from math import floor, inf, log
from typing import Any

from benchmarks.plain_mesa.luck import bits, mixed, uniform
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
    """Whole lots of each offer, and of what is left over the lab's whole lots to the winners of races for them."""
    sizes = {offer: min(lab.lot, floor(room(offer, {}))) for offer, chips in flows if chips > 0.0}
    wanted = {offer: chips / sizes[offer] for offer, chips in flows if chips > 0.0 and sizes[offer] >= 1.0}
    number = {offer: floor(lots) for offer, lots in wanted.items()}
    parts = {offer: lots - number[offer] for offer, lots in wanted.items() if lots > number[offer]}
    for lap in range(floor(sum(parts.values()) + lab.rounding_luck)):
        course = mixed(bits(lab.rounding_luck), lap)
        times = {offer: -log(uniform(mixed(offer.key, course))) / part for offer, part in parts.items()}
        number[min(times, key=lambda offer: times[offer])] += 1
    ranks = {offer: uniform(mixed(offer.key, bits(lab.waiting_luck))) for offer in number}
    return [Deal(lab, offer, lots, sizes[offer], ranks[offer]) for offer, lots in number.items() if lots > 0]


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
