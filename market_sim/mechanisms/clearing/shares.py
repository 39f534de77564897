"""Spending shares: who asks, what is offered, and one pass of every lab's money over all offers.

Rows are padded with offers that weigh nothing to a multiple of the lanes, and sums are taken in an order
that depends on the length alone.
"""

import numpy as np

from market_sim.numerics import kexp, part

__all__ = ["LANES", "find_labs", "find_offers", "sell", "spread", "weigh"]

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
def find_offers(log_attraction, pool, capacity, offers, pools):  # type: ignore[no-untyped-def]
    """The offers with something to sell, into `offers`, and their pools (the last index: none); how many."""
    none = capacity.shape[0]
    count = 0
    for j in range(log_attraction.shape[0]):
        a, b = pool[j, 0], pool[j, 1]
        stocked = (a < 0 or capacity[a] > 0.0) and (b < 0 or capacity[b] > 0.0)
        if stocked and log_attraction[j] > -np.inf:
            offers[count] = j
            pools[0, count] = a if a >= 0 else none
            pools[1, count] = b if b >= 0 else none
            count += 1
    return count


@part
def _largest(row, floor):  # type: ignore[no-untyped-def]
    """The largest of a row whose length is a multiple of the lanes, and of floor."""
    lanes = np.full(LANES, floor)
    for k in range(0, row.shape[0], LANES):
        for t in range(LANES):
            lanes[t] = row[k + t] if row[k + t] > lanes[t] else lanes[t]
    most = floor
    for t in range(LANES):
        most = lanes[t] if lanes[t] > most else most
    return most


@part
def weigh(  # type: ignore[no-untyped-def]
    utility, outside, price, labs, offers, level, sigma, weights, per_usd, rest
):
    """e^{U/sigma + level}, the same per USD, and e^{U_0/sigma}, each lab's row scaled by its largest."""
    width = level.shape[0]
    per_sigma = 1.0 / sigma
    row = np.full(width, -np.inf)
    cost = np.ones(width)
    for i in range(labs.shape[0]):
        values, prices = utility[labs[i]], price[labs[i]]
        for k in range(offers.shape[0]):
            row[k] = values[offers[k]]
            cost[k] = prices[offers[k]]
        for k in range(width):
            row[k] = row[k] * per_sigma + level[k]
        out = outside[labs[i]] * per_sigma
        top = _largest(row, out)
        if top == -np.inf:
            top = 0.0
        for k in range(width):
            weights[i, k] = kexp(row[k] - top) if row[k] > -np.inf else 0.0
        for k in range(width):
            per_usd[i, k] = weights[i, k] / cost[k] if weights[i, k] > 0.0 else 0.0
        rest[i] = kexp(out - top) if out > -np.inf else 0.0


@part
def _fold(row):  # type: ignore[no-untyped-def]
    """Sum of a row, destroyed, whose length is a multiple of the lanes: halves are added on each other."""
    n = row.shape[0]
    while n > LANES:
        half = (n // 2 + LANES - 1) // LANES * LANES
        for k in range(n - half):
            row[k] = row[k] + row[half + k]
        n = half
    return ((row[0] + row[1]) + (row[2] + row[3])) + ((row[4] + row[5]) + (row[6] + row[7]))


@part
def spread(weights, per_usd, rest, budgets, scale, money, sold):  # type: ignore[no-untyped-def]
    """One pass: each lab's money per unit of weight, and offers' sales before their own price is applied."""
    width = scale.shape[0]
    sold[:] = 0.0
    scaled = np.empty(width)
    for i in range(budgets.shape[0]):
        row, bought = weights[i], per_usd[i]
        for k in range(width):
            scaled[k] = row[k] * scale[k]
        total = _fold(scaled) + rest[i]
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
        inside[labs[i]] = _fold(spent) * money[i] / budgets[i]
