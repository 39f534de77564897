"""Flows to whole lots, the parts of lots by races: whole arrays for the draws, a loop over the deals they give."""

from math import floor

import numpy as np

from benchmarks.plain_numpy.luck import bits, mixed, uniform

Array = np.ndarray


def signed(
    flows: Array, labs: Array, offers: Array, lot: Array, key: Array, luck: Array, turn: Array, pools: Array,
    load: Array, capacity: Array, most: int,
) -> list[tuple[int, int, float]]:  # fmt: skip
    """Lab, offer and chips of every deal, in the order of luck.

    `flows` (asking lab, stocked offer), whose numbers are `labs` and `offers`; `pools` and `load` (2, offer) of all
    offers, the last pool being none; `capacity` (pool + 1,), infinite for none.
    """
    room = np.floor((capacity[pools[:, offers]] / load[:, offers]).min(axis=0))
    each = np.minimum(lot[labs, None], room)
    wanted = np.where((each >= 1.0) & (flows > 0.0), flows / np.maximum(each, 1.0), 0.0)
    number = drawn(wanted, luck[labs], key[offers])
    who, what = np.nonzero(number > 0.0)
    if not len(who):
        return []
    order = np.argsort(uniform(mixed(key[offers[what]], bits(turn[labs[who]]))), kind="stable")
    left = capacity.tolist()
    first, second, weight = pools[0].tolist(), pools[1].tolist(), load.tolist()
    deals: list[tuple[int, int, float]] = []
    for k in order.tolist():
        if len(deals) == most:
            break
        j, size = int(offers[what[k]]), float(each[who[k], what[k]])
        a, b, wa, wb = first[j], second[j], weight[0][j], weight[1][j]
        many = min(int(number[who[k], what[k]]), floor(min(left[a] / wa, left[b] / wb) / size))
        while many > 0 and (wa * many * size > left[a] or wb * many * size > left[b]):
            many -= 1
        if many > 0:
            left[a] -= wa * many * size
            left[b] -= wb * many * size
            deals.append((int(labs[who[k]]), j, many * size))
    return deals


def drawn(wanted: Array, luck: Array, key: Array) -> Array:
    """Whole lots (lab, offer) of what is `wanted`; the parts left over go, as whole lots, to the winners of races."""
    number = np.floor(wanted)
    parts = wanted - number
    laps = np.floor(parts.sum(axis=1) + luck).astype(np.int64)
    with np.errstate(divide="ignore", over="ignore"):
        for lap in range(laps.max(initial=0)):
            runs = np.flatnonzero(laps > lap)
            course = mixed(bits(luck[runs]), lap)
            times = -np.log(uniform(mixed(key, course[:, None]))) / parts[runs]
            number[runs, times.argmin(axis=1)] += 1.0
    return number
