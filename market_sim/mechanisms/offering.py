"""What providers have to sell: the capacity behind every offer, its price, what is promised and what labs believe."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, kexp

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WHOLE = 1e-9  # chips: this little short of a whole one counts as it


@kernel
def _capacities(in_service, sold, pairs, room, supply, packages, longest, out):  # type: ignore[no-untyped-def]
    sites = pairs.shape[0]
    vendors = sites + room.shape[1]
    for r in range(out.shape[0]):
        for k in range(sites):
            p, c = pairs[k, 0], pairs[k, 1]
            out[r, k] = np.floor(max(0.0, in_service[r, p, c] - sold[r, p, c]) + WHOLE)
        for p in range(room.shape[1]):
            out[r, sites + p] = room[r, p]
        for v in range(supply.shape[1]):
            backlog = 0.0
            for p in range(packages.shape[2]):
                backlog += packages[r, v, p]
            out[r, vendors + v] = max(0.0, longest[r] * supply[r, v] - backlog)


def capacities(
    in_service: Floats, sold: Floats, pairs: Ints, room: Floats, supply: Floats, packages: Floats, longest: Floats
) -> Floats:
    """What every pool holds (replicate, pool): vacant chips of each pair of provider and chip, then the `room` of sites
    in kW, then the packages that order books still take.

    `pairs` (pair, 2), `supply` (replicate, vendor) a year, `packages` (replicate, vendor, provider) on order; vendors
    take orders for the `longest` (replicate,) years.
    """
    out = np.empty((len(room), len(pairs) + room.shape[1] + supply.shape[1]))
    _capacities(in_service, sold, pairs, room, supply, packages, longest, out)
    return out


@dataclass(frozen=True)
class Terms:
    """What every offer asks, promises and could sell."""

    price: Floats  # (replicate, list, offer) USD per chip-hour
    promised: Floats  # (replicate, offer) years, 0 for what is ready
    believed: Floats  # (replicate, offer) years, as labs believe
    lots: Floats  # (replicate, offer) chips that it could sell alone
    live: Bools  # (replicate, offer) on offer: somebody sells at least one chip of it


@kernel
def _terms(  # type: ignore[no-untyped-def]
    quote, to_order, factor, markup, enterprise, delay, optimism, record, margin, capacity, pool, weight, active,
    for_sale, provider, chip, built, price, promised, believed, lots, live,
):  # fmt: skip
    late = np.empty(record.shape[1])
    for r in range(lots.shape[0]):
        for p in range(late.size):
            late[p] = kexp(record[r, p] + margin[r])
        for j in range(lots.shape[1]):
            p, c = provider[j], chip[j]
            base = (to_order[r, p, c] if built[j] else quote[r, p, c]) * factor[r, j]
            for n in range(enterprise.size):
                price[r, n, j] = base * markup[r, j] if enterprise[n] else base
            wait = delay[r, p, c] * (1.0 - optimism[r]) if built[j] else 0.0
            promised[r, j], believed[r, j] = wait, wait * late[p]
            lots[r, j] = capacity[r, pool[j, 0]] / weight[j, 0]
            if pool[j, 1] >= 0:
                lots[r, j] = min(lots[r, j], capacity[r, pool[j, 1]] / weight[j, 1])
            live[r, j] = active[r, p] and for_sale[j] and lots[r, j] >= 1.0


def terms(
    quote: Floats, to_order: Floats, factor: Floats, markup: Floats, enterprise: Bools, delay: Floats, optimism: Floats,
    record: Floats, margin: Floats, capacity: Floats, pool: Ints, weight: Floats, active: Bools, for_sale: Bools,
    provider: Ints, chip: Ints, built: Bools,
) -> Terms:  # fmt: skip
    """The terms of each offer, of `provider`, `chip` and ready or `built` to order (offer,).

    Its price is the `quote` of what is ready or what a chip costs `to_order`, both (replicate, provider, chip), times
    the `factor` of its term, on the lists of `enterprise` (list,) with the `markup`, both (replicate, offer). Of the
    expected `delay` (replicate, provider, chip) a firm's `optimism` (replicate,) leaves something out; labs lengthen
    promises by its `record` (replicate, provider) and by their own safety `margin` (replicate,), in logs. It draws on
    one or two pools of `capacity` (replicate, pool), `pool` and `weight` (offer, 2), -1 for no second pool.
    """
    replicates, lists, offers = len(factor), len(enterprise), len(provider)
    price, live = np.empty((replicates, lists, offers)), np.empty((replicates, offers), np.bool_)
    promised, believed, lots = np.empty((3, replicates, offers))
    _terms(
        quote, to_order, factor, markup, enterprise, delay, optimism, record, margin, capacity, pool, weight, active,
        for_sale, provider, chip, built, price, promised, believed, lots, live,
    )  # fmt: skip
    return Terms(price, promised, believed, lots, live)
