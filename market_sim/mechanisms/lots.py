"""Flows become contracts: whole lots, drawn without bias, that never exceed what is there.

Clearing answers in fractional chips. A lab signs whole lots: of its expected lots over its offers, the whole
ones at once; of the fractions that are left, as many lots as their sum has, up or down by one uniform number of
the lab's. Who gets each of these is a race: every offer draws an exponential and the least over its fraction
wins, which it does in proportion to the fraction. So every offer's lots are right on average and a lab's total
is off by less than one lot. What the rounding adds or leaves out is the caller's to carry into the lab's next
ask; `signed_value` says what was signed.

Runners are numbered by the name of the offer, the lab and the date, so in two markets that differ a little a lot
goes elsewhere no oftener than about twice the change of the fractions (coordinated sampling: Cohen & Kaplan 2007,
*PODC*; permanent random numbers: Ohlsson 1995). Points laid along the flows, the usual systematic sampling, would
move nearly every lot as soon as the offers before it add up otherwise.

A lot is the lab's own, or the whole chips of the smallest pool behind the offer if that is less: so a small
pool can be sold out, and nothing else splits a lot. When more lots come up than fit a pool or the tick,
deals are taken in the order of luck, a uniform number for every lab and offer, so neither row order nor having
many deals puts a lab first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog, part
from market_sim.streams import kbits, kmixed, kuniform
from market_sim.units import HOURS_PER_YEAR
from market_sim.vectors import kfill, ksort, ksum

__all__ = ["Deals", "Particulars", "particulars", "sign"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SOON = 3.0  # mean times of a race, within which 95 in 100 are won: so early nearly all losers are told at once


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
    key: NDArray[np.uint64],
    luck: Floats,
    order_luck: Floats,
    most: int,
    lists: Ints | None = None,
) -> Deals:
    """Round chips (replicate, lab, offer) to lots (replicate, lab; whole chips, at least 1) within capacity.

    price (replicate, list, offer), USD per chip-hour as charged against the ask, on the list that lists (lab,) names
    for each lab, its own unless told; pool, weight (offer, 2),
    capacity (replicate, pool) as in clearing; key (offer,), what luck hangs on; luck, order_luck (replicate, lab),
    uniform in [0, 1); most, deals a tick.
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
        flows, quotes, lists, sizes, np.ascontiguousarray(pool, np.int64), loads, room, key, draw, turn,
        deals.count, deals.lab, deals.offer, deals.chips, deals.signed_value, deals.waiting,
    )  # fmt: skip
    return deals


@kernel
def _sign(
    chips, price, lists, lot, pool, weight, capacity, key, luck, order_luck, count, lab, offer, signed, value,
    waiting,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Draw every lab's lots, then sign them in the order of luck while they fit."""
    labs, offers = chips.shape[1], chips.shape[2]
    who, what = np.empty(labs * offers, np.int64), np.empty(labs * offers, np.int64)
    lots, size, rank = np.empty(labs * offers), np.empty(labs * offers), np.empty(labs * offers)
    order = np.empty(labs * offers, np.int64)
    used, asked = np.empty(capacity.shape[1]), np.empty(offers, np.bool_)
    shelf, named, fits = np.empty(offers, np.int64), np.empty(offers, np.uint64), np.empty(offers)
    number, part_of, short = np.empty(offers), np.empty(offers), np.empty(offers)
    for r in range(chips.shape[0]):
        kfill(used, 0.0)
        room = capacity[r]
        kfill(asked, False)
        for i in range(labs):
            for j in range(offers):
                asked[j] |= chips[r, i, j] > 0.0
        shown = _show(asked, pool, weight, room, key, shelf, named, fits)
        drawn = 0
        for i in range(labs):
            left = _want(chips[r, i], lot[r, i], shelf[:shown], fits, number, part_of)
            _race(named[:shown], part_of, left, luck[r, i], short, number)
            for k in range(shown):
                if number[k] > 0.0:
                    who[drawn], what[drawn], lots[drawn] = i, shelf[k], number[k]
                    size[drawn] = min(lot[r, i], fits[k])
                    rank[drawn] = kuniform(kmixed(named[k], kbits(order_luck[r, i])))
                    drawn += 1
        ksort(order, rank[:drawn])
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
def _show(asked, pool, weight, room, key, shelf, named, fits):  # type: ignore[no-untyped-def]
    """Offers that somebody asks for and that have a chip: place, key and the whole chips that fit each; how many."""
    shown = 0
    for j in range(asked.shape[0]):
        if asked[j]:
            most = np.inf
            for t in range(2):
                if pool[j, t] >= 0:
                    most = min(most, np.floor(room[pool[j, t]] / weight[j, t]))
            shelf[shown], named[shown], fits[shown] = j, key[j], most
            shown += 1 if most >= 1.0 else 0
    return shown


@part
def _want(chips, lot, shelf, fits, number, part_of):  # type: ignore[no-untyped-def]
    """The whole `number` of lots that a lab's chips come to by offer on the `shelf`, and the `part_of` a lot beyond;
    the sum of the parts."""
    for k in range(shelf.shape[0]):
        wanted = max(0.0, chips[shelf[k]]) / min(lot, fits[k])
        number[k] = np.floor(wanted)
        part_of[k] = wanted - number[k]
    return ksum(part_of[: shelf.shape[0]])


@part
def _race(named, part_of, left, luck, short, number):  # type: ignore[no-untyped-def]
    """As many lots more as the parts of lots have in sum, rounded by `luck`, to the winners of as many races.

    `short` is for use within: what each draw lacks to one.
    """
    runners = named.shape[0]
    for lap in range(np.int64(np.floor(left + luck))):
        course = kmixed(kbits(luck), lap)
        for k in range(runners):  # apart, so that vector instructions do it
            short[k] = 1.0 - kuniform(kmixed(named[k], course))
        winner = _first(short[:runners], part_of, _SOON / left)
        winner = _first(short[:runners], part_of, np.inf) if winner < 0 else winner
        if winner >= 0:
            number[winner] += 1.0


@part
def _first(short, part_of, limit):  # type: ignore[no-untyped-def]
    """Who of those that take less than `limit` takes the least time, -ln(1 - short) over its part; -1 for nobody."""
    best, winner = limit, -1
    for k in range(short.shape[0]):
        if short[k] < best * part_of[k]:  # as -ln(1 - x) is no less than x, this tells most losers
            time = -klog(1.0 - short[k]) / part_of[k]
            if time < best:
                best, winner = time, k
    return winner


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
