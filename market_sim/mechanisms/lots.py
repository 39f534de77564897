"""Flows become contracts: whole lots, drawn without bias, that never exceed what is there.

Clearing answers in fractional chips. A lab signs whole lots: its expected lots over its offers are laid end
to end and one uniform number u picks the points u, u + 1, u + 2, ... among them (systematic sampling: Madow
1949, *Ann. Math. Stat.* 20), so every offer's lots are right on average and a lab's total is off by less
than one lot. What the rounding adds or leaves out is the caller's to carry into the lab's next ask;
`signed_value` says what was signed.

A lot is the lab's own, or the whole chips of the smallest pool behind the offer if that is less: so a small
pool can be sold out, and nothing else splits a lot. When more lots come up than fit a pool or the tick,
deals are taken in the order of luck: a lab's k-th deal ranks by the fraction of order_luck + k times the
golden ratio, a uniform number for every deal, so neither row order nor having many deals puts a lab first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, part
from market_sim.units import HOURS_PER_YEAR

__all__ = ["Deals", "Particulars", "particulars", "sign"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = 0.6180339887498949
_BLOCK = 4  # offers that are passed over together


@dataclass(frozen=True)
class Deals:
    """What a tick signs.

    count: (replicate,), deals signed; lab, offer: (replicate, deal), -1 beyond count; chips: (replicate,
    deal), whole chips, 0 beyond count; signed_value: (replicate, lab), USD per hour at the price given;
    waiting: (replicate, lab), USD per hour of lots drawn that did not fit a pool or the tick.
    """

    count: Ints
    lab: Ints
    offer: Ints
    chips: Floats
    signed_value: Floats
    waiting: Floats


def sign(
    chips: Floats,
    price: Floats,
    lot: Floats,
    pool: Ints,
    weight: Floats,
    capacity: Floats,
    luck: Floats,
    order_luck: Floats,
    most: int,
    lists: Ints | None = None,
) -> Deals:
    """Round chips (replicate, lab, offer) to lots (replicate, lab; whole chips, at least 1) within capacity.

    price (replicate, list, offer), USD per chip-hour as charged against the ask, on the list that lists (lab,) names
    for each lab, its own unless told; pool, weight (offer, 2),
    capacity (replicate, pool) as in clearing; luck, order_luck (replicate, lab), uniform in [0, 1); most,
    deals a tick.
    """
    replicates, labs, _ = chips.shape
    deals = Deals(
        count=np.zeros(replicates, np.int64),
        lab=np.full((replicates, most), -1, np.int64),
        offer=np.full((replicates, most), -1, np.int64),
        chips=np.zeros((replicates, most)),
        signed_value=np.zeros((replicates, labs)),
        waiting=np.zeros((replicates, labs)),
    )
    flows, quotes, sizes, loads, room, draw, turn = (
        np.ascontiguousarray(a, np.float64) for a in (chips, price, lot, weight, capacity, luck, order_luck)
    )
    lists = np.arange(labs) if lists is None else lists
    _sign(
        flows, quotes, lists, sizes, np.ascontiguousarray(pool, np.int64), loads, room, draw, turn, deals.count,
        deals.lab, deals.offer, deals.chips, deals.signed_value, deals.waiting,
    )  # fmt: skip
    return deals


@kernel
def _sign(
    chips, price, lists, lot, pool, weight, capacity, luck, order_luck, count, lab, offer, signed, value, waiting,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Draw every lab's lots, then sign them in the order of luck while they fit."""
    labs, offers = chips.shape[1], chips.shape[2]
    who, what = np.empty(labs * offers, np.int64), np.empty(labs * offers, np.int64)
    lots, size, rank = np.empty(labs * offers), np.empty(labs * offers), np.empty(labs * offers)
    fits, used = np.empty(offers), np.empty(capacity.shape[1])
    wanted = np.zeros((offers + _BLOCK - 1) // _BLOCK * _BLOCK)
    for r in range(chips.shape[0]):
        used[:] = 0.0
        room = capacity[r]
        for j in range(offers):
            fits[j] = np.inf
            for t in range(2):
                if pool[j, t] >= 0:
                    fits[j] = min(fits[j], np.floor(room[pool[j, t]] / weight[j, t]))
        drawn = 0
        for i in range(labs):
            if _want(chips[r, i], lot[r, i], fits, wanted):
                drawn = _draw(
                    i, lot[r, i], fits, wanted, luck[r, i], order_luck[r, i], drawn, who, what, lots, size, rank
                )
        order = np.argsort(rank[:drawn], kind="mergesort")
        for n in range(drawn):
            i, j, each = who[order[n]], what[order[n]], size[order[n]]
            taken = 0.0
            if count[r] < signed.shape[1]:
                taken = _take(each, lots[order[n]], j, pool, weight, room, used)
            if taken > 0.0:
                lab[r, count[r]] = i
                offer[r, count[r]] = j
                signed[r, count[r]] = taken
                count[r] += 1
            value[r, i] += taken * price[r, lists[i], j]
            waiting[r, i] += (each * lots[order[n]] - taken) * price[r, lists[i], j]


@part
def _want(chips, lot, fits, wanted):  # type: ignore[no-untyped-def]
    """Lots of each offer that a lab's chips come to, as fractions, into `wanted`; whether there is anything."""
    some = 0
    for j in range(chips.shape[0]):
        some += 1 if chips[j] > 0.0 else 0
    for j in range(chips.shape[0] if some else 0):
        each = lot if lot < fits[j] else fits[j]
        wanted[j] = chips[j] / each if (chips[j] > 0.0) & (each >= 1.0) else 0.0
    return some > 0


@part
def _draw(  # type: ignore[no-untyped-def]
    lab, lot, fits, wanted, luck, order_luck, drawn, who, what, lots, size, rank
):
    """A lab's lots by systematic sampling, appended to the lists at `drawn`; the new length."""
    reached, passed = luck, 0.0
    mine = 0
    for first in range(0, wanted.shape[0], _BLOCK):
        few, more = wanted[first] + wanted[first + 1], wanted[first + 2] + wanted[first + 3]
        block = few + more
        if reached + block < passed + 1.0:  # most blocks: no point falls among these offers
            reached += block
            continue
        for j in range(first, first + _BLOCK):
            reached += wanted[j]
            if reached >= passed + 1.0:
                who[drawn], what[drawn] = lab, j
                lots[drawn], size[drawn] = np.floor(reached) - passed, lot if lot < fits[j] else fits[j]
                passed = np.floor(reached)
                turn = order_luck + mine * _GOLDEN
                rank[drawn] = turn - np.floor(turn)
                drawn += 1
                mine += 1
    return drawn


@part
def _take(each, wanted, offer, pool, weight, capacity, used):  # type: ignore[no-untyped-def]
    """Chips of as many of the wanted lots as fit, booked in their pools."""
    number = wanted
    for t in range(2):
        g = pool[offer, t]
        if g >= 0:
            number = min(number, np.floor((capacity[g] - used[g]) / weight[offer, t] / each))
    while number > 0.0:
        chips = number * each
        fits = True
        for t in range(2):
            g = pool[offer, t]
            fits = fits and (g < 0 or used[g] + weight[offer, t] * chips <= capacity[g])
        if fits:
            for t in range(2):
                if pool[offer, t] >= 0:
                    used[pool[offer, t]] += weight[offer, t] * chips
            return chips
        number -= 1.0
    return 0.0


@dataclass(frozen=True)
class Particulars:
    """What the deals are about; all (replicate, deal), without meaning beyond the count of deals."""

    provider: Ints
    chip: Ints
    built: NDArray[np.bool_]
    promised: Floats  # years
    rent: Floats  # USD/year


def particulars(
    deals: Deals, price: Floats, promised: Floats, provider: Ints, chip: Ints, built: NDArray[np.bool_], lists: Ints
) -> Particulars:
    """Read the deals off the offers: price (replicate, list, offer), promised (replicate, offer), the rest (offer,);
    `lists` (lab,) is the price list of each lab."""
    shape = deals.lab.shape
    seller, kind = np.zeros((2, *shape), np.int64)
    made, wait, rent = np.zeros(shape, np.bool_), np.zeros(shape), np.zeros(shape)
    _particulars(
        deals.count, deals.lab, deals.offer, deals.chips, price, lists, promised, provider, chip, built, seller, kind,
        made, wait, rent,
    )  # fmt: skip
    return Particulars(seller, kind, made, wait, rent)


@kernel
def _particulars(  # type: ignore[no-untyped-def]
    count, lab, offer, chips, price, lists, promised, provider, chip, built, seller, kind, made, wait, rent
):
    for r in range(count.shape[0]):
        for d in range(count[r]):
            j = offer[r, d]
            seller[r, d], kind[r, d], made[r, d] = provider[j], chip[j], built[j]
            wait[r, d] = promised[r, j]
            rent[r, d] = price[r, lists[lab[r, d]], j] * chips[r, d] * HOURS_PER_YEAR
