"""Spending shares: who asks, what is offered, and one pass of every lab's money over all offers.

Rows are padded with offers that weigh nothing to a multiple of the lanes, and sums are taken in an order
that depends on the length alone.
"""

import numpy as np

from market_sim.numerics import kexp, part
from market_sim.vectors import kfill

__all__ = ["LANES", "find_labs", "find_offers", "find_pools", "fold", "padded", "sell", "spread", "weigh"]

LANES = 8  # running sums per row: a fixed order of addition that fits vector registers
_NEVER_ABOVE = 1.0 - 1e-12  # room for the rounding of any later sum over one pool's buyers


@part
def find_labs(budget, labs):  # type: ignore[no-untyped-def]
    """The labs that ask for something, into `labs`; how many."""
    count = 0
    for i in range(budget.shape[0]):
        if budget[i] > 0.0:
            labs[count] = i
            count += 1
    return count


@part
def find_offers(log_attraction, pool, capacity, offers):  # type: ignore[no-untyped-def]
    """The offers with something to sell, into `offers`; how many."""
    count = 0
    for j in range(log_attraction.shape[0]):
        a, b = pool[j, 0], pool[j, 1]
        stocked = (a < 0 or capacity[a] > 0.0) and (b < 0 or capacity[b] > 0.0)
        if stocked and log_attraction[j] > -np.inf:
            offers[count] = j
            count += 1
    return count


@part
def find_pools(offers, pool, many, place, pools, known):  # type: ignore[no-untyped-def]
    """The pools that `offers` draw on, of `many`, into `known`; how many.

    `pools` (2, offer) become their places there; an offer without a pool gets the place behind the last.
    """
    for g in range(many + 1):
        place[g] = -1
    for k in range(offers.shape[0]):
        for t in range(2):
            pools[t, k] = pool[offers[k], t] if pool[offers[k], t] >= 0 else many
            place[pools[t, k]] = 0
    count = 0
    for g in range(many):
        if place[g] == 0:
            place[g] = count
            known[count] = g
            count += 1
    place[many] = count
    for k in range(offers.shape[0]):
        for t in range(2):
            pools[t, k] = place[pools[t, k]]
    return count


@part
def padded(length):  # type: ignore[no-untyped-def]
    """The least multiple of the lanes that holds so many."""
    return (length + LANES - 1) // LANES * LANES


@part
def weigh(  # type: ignore[no-untyped-def]
    utility, outside, price, labs, lists, offers, level, sigma, weights, per_usd, rest
):
    """e^{U/sigma + level}, the same per USD, and e^{U_0/sigma}, each lab's row scaled by its largest."""
    width = level.shape[0]
    per_sigma = 1.0 / sigma
    row = np.full(width, -np.inf)
    costs = np.ones((price.shape[0], width))
    for n in range(price.shape[0]):
        for k in range(offers.shape[0]):
            costs[n, k] = price[n, offers[k]]
    for i in range(labs.shape[0]):
        values, cost, weight = utility[labs[i]], costs[lists[labs[i]]], weights[i]
        for k in range(offers.shape[0]):
            row[k] = values[offers[k]] * per_sigma + level[k]
        for k in range(width):
            weight[k] = row[k]
        out = outside[labs[i]] * per_sigma
        top = _largest(weight, out)
        if top == -np.inf:
            top = 0.0
        for k in range(width):
            weight[k] = kexp(row[k] - top) if row[k] > -np.inf else 0.0
        for k in range(width):
            per_usd[i, k] = weight[k] / cost[k] if weight[k] > 0.0 else 0.0
        rest[i] = kexp(out - top) if out > -np.inf else 0.0


@part
def _largest(row, floor):  # type: ignore[no-untyped-def]
    """The largest of floor and a row, destroyed, whose length is a multiple of the lanes, by halves as in `fold`."""
    n = row.shape[0]
    while n > LANES:
        half = padded(n // 2)
        for k in range(n - half):
            row[k] = row[half + k] if row[half + k] > row[k] else row[k]
        n = half
    most = floor
    for k in range(n):
        most = row[k] if row[k] > most else most
    return most


@part
def fold(row):  # type: ignore[no-untyped-def]
    """Sum of a row, destroyed, whose length is a multiple of the lanes: halves are added on each other."""
    n = row.shape[0]
    while n > LANES:
        half = padded(n // 2)
        for k in range(n - half):
            row[k] = row[k] + row[half + k]
        n = half
    return ((row[0] + row[1]) + (row[2] + row[3])) + ((row[4] + row[5]) + (row[6] + row[7]))


@part
def spread(weights, per_usd, rest, budgets, scale, money, sold):  # type: ignore[no-untyped-def]
    """One pass: each lab's money per unit of weight, and offers' sales before their own price is applied."""
    width = scale.shape[0]
    kfill(sold, 0.0)
    scaled = np.empty(width)
    for i in range(budgets.shape[0]):
        row, bought = weights[i], per_usd[i]
        for k in range(width):
            scaled[k] = row[k] * scale[k]
        total = fold(scaled) + rest[i]
        each = budgets[i] / total if total > 0.0 else 0.0
        money[i] = each
        for k in range(width):
            sold[k] += bought[k] * each


@part
def sell(labs, offers, pools, capacity, demand, factor, scale, weights, per_usd, money, budgets, chips, inside):  # type: ignore[no-untyped-def]
    """Chips and shares inside, scaled down where a pool would be sold beyond its capacity."""
    none = capacity.shape[0]
    fits = np.ones(none + 1)
    for g in range(none):
        if demand[g] > capacity[g] * _NEVER_ABOVE:
            fits[g] = capacity[g] * _NEVER_ABOVE / demand[g]
    for k in range(offers.shape[0]):
        a, b = fits[pools[0, k]], fits[pools[1, k]]
        factor[k] *= a if a < b else b
        scale[k] *= a if a < b else b
    spent = np.empty(scale.shape[0])
    for i in range(labs.shape[0]):
        row = chips[labs[i]]
        for k in range(offers.shape[0]):
            row[offers[k]] = per_usd[i, k] * money[i] * factor[k]
        for k in range(scale.shape[0]):
            spent[k] = weights[i, k] * scale[k]
        inside[labs[i]] = fold(spent) * money[i] / budgets[i]
