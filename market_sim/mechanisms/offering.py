"""What providers have to sell: the capacity behind every offer, its price, what is promised and what labs believe."""

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


@kernel
def _lots(capacity, pool, weight, out):  # type: ignore[no-untyped-def]
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[r, j] = capacity[r, pool[j, 0]] / weight[j, 0]
            if pool[j, 1] >= 0:
                out[r, j] = min(out[r, j], capacity[r, pool[j, 1]] / weight[j, 1])


def lots(capacity: Floats, pool: Ints, weight: Floats) -> Floats:
    """Chips that each offer could sell alone (replicate, offer) of its one or two pools; `pool` and `weight`
    (offer, 2), -1 for no second pool."""
    out = np.empty((len(capacity), len(pool)))
    _lots(capacity, pool, weight, out)
    return out


@kernel
def _waits(delay, optimism, record, margin, provider, chip, built, promised, believed):  # type: ignore[no-untyped-def]
    late = np.empty(record.shape[1])
    for r in range(promised.shape[0]):
        for p in range(record.shape[1]):
            late[p] = kexp(record[r, p] + margin[r])
        for j in range(promised.shape[1]):
            wait = delay[r, provider[j], chip[j]] * (1.0 - optimism[r]) if built[j] else 0.0
            promised[r, j], believed[r, j] = wait, wait * late[provider[j]]


def waits(
    delay: Floats, optimism: Floats, record: Floats, margin: Floats, provider: Ints, chip: Ints, built: Bools
) -> tuple[Floats, Floats]:
    """Years promised for each offer and years that labs believe, both (replicate, offer); 0 for what is ready.

    Of the expected `delay` (replicate, provider, chip) a firm's `optimism` (replicate,) leaves something out; labs
    lengthen promises by its `record` (replicate, provider) and by their own safety `margin` (replicate,), in logs.
    """
    promised, believed = np.empty((2, len(delay), len(provider)))
    _waits(delay, optimism, record, margin, provider, chip, built, promised, believed)
    return promised, believed


@kernel
def _base_prices(quote, full, markup, factor, provider, chip, built, out):  # type: ignore[no-untyped-def]
    for r in range(out.shape[0]):
        for j in range(out.shape[1]):
            p, c = provider[j], chip[j]
            out[r, j] = (full[r, p, c] * markup[r] if built[j] else quote[r, p, c]) * factor[r, j]


def base_prices(
    quote: Floats, full: Floats, markup: Floats, factor: Floats, provider: Ints, chip: Ints, built: Bools
) -> Floats:
    """USD per chip-hour of each offer to large labs (replicate, offer): the quote of what is ready, the full cost with
    the vendor's `markup` (replicate,) of what is built, times the `factor` of its term (replicate, offer)."""
    out = np.empty(factor.shape)
    _base_prices(quote, full, markup, factor, provider, chip, built, out)
    return out
