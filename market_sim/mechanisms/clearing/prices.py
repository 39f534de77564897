"""How the scarcity prices of pools move: each on its own, all together, and by what past steps have shown."""

import numpy as np

from market_sim.mechanisms.clearing.shares import fold
from market_sim.numerics import kexp, klog, part
from market_sim.vectors import kfill

__all__ = [
    "apply_prices",
    "clearing_error",
    "common_step",
    "drifted",
    "extrapolate",
    "mean_price",
    "own_steps",
    "pool_demand",
    "unit_prices",
    "weigh_pools",
]

_FARTHEST_LEAP = 0.5  # log points that an extrapolation may add: steps alike say little about what is far
_FARTHEST = 150.0  # of lambda/sigma from where the weights were taken, before they are taken anew
_NOBODY = -700.0  # log excess of a pool whose demand is below any number: its price falls, step by step


@part
def mean_price(weights, per_usd, money, mean):  # type: ignore[no-untyped-def]
    """Quote per chip averaged over an offer's buyers, or over all sales where it has none yet."""
    width = mean.shape[0]
    spent, bought = np.zeros(width), np.zeros(width)
    for i in range(money.shape[0]):
        for k in range(width):
            spent[k] += weights[i, k] * money[i]
            bought[k] += per_usd[i, k] * money[i]
    all_spent, all_bought = 0.0, 0.0
    for k in range(width):
        all_spent += spent[k]
        all_bought += bought[k]
    for k in range(width):
        if bought[k] > 0.0:
            mean[k] = spent[k] / bought[k]
        else:
            mean[k] = all_spent / all_bought if all_bought > 0.0 else 1.0


@part
def unit_prices(mean, pools, loads, unit):  # type: ignore[no-untyped-def]
    """Quote per unit of each pool's capacity, averaged over its offers: a first guess at what it fetches."""
    many = np.zeros(unit.shape[0])
    kfill(unit, 0.0)
    for k in range(pools.shape[1]):
        for t in range(2):
            if loads[t, k] > 0.0:
                unit[pools[t, k]] += mean[k] / loads[t, k]
                many[pools[t, k]] += 1.0
    for g in range(unit.shape[0]):
        unit[g] /= many[g] if many[g] > 0.0 else 1.0


@part
def drifted(shadow, base, sigma):  # type: ignore[no-untyped-def]
    """Whether prices have gone so far from where the weights were taken that these may lose their digits.

    An offer's scarcity goes twice as far as its pools at most.
    """
    drift = 0.0
    for g in range(shadow.shape[0]):
        far = abs(shadow[g] - base[g])
        drift = far if far > drift else drift
    return 2.0 * drift > _FARTHEST * sigma


@part
def apply_prices(shadow, base, sigma, pools, low, lost, scale, factor):  # type: ignore[no-untyped-def]
    """What pools' prices, risen from `base`, leave of every offer's share and of the chips that its money buys.

    `low` (pool,) is e^-shadow, `lost` (pool,) the same of what the price rose, per sigma.
    """
    for g in range(shadow.shape[0]):
        low[g] = kexp(-shadow[g])
    for g in range(shadow.shape[0]):
        lost[g] = kexp((base[g] - shadow[g]) / sigma)
    for k in range(pools.shape[1]):
        a, b = pools[0, k], pools[1, k]
        scale[k] = lost[a] * lost[b]
        factor[k] = scale[k] * (low[a] * low[b])


@part
def pool_demand(chips, pools, loads, capacity, demand, excess):  # type: ignore[no-untyped-def]
    """Every pool's demand, and its log excess over capacity."""
    kfill(demand, 0.0)
    for k in range(pools.shape[1]):
        demand[pools[0, k]] += loads[0, k] * chips[k]
        demand[pools[1, k]] += loads[1, k] * chips[k]
    kfill(excess, _NOBODY)
    for g in range(capacity.shape[0]):
        excess[g] = klog(demand[g] / capacity[g]) if demand[g] > 0.0 else _NOBODY


@part
def clearing_error(shadow, excess):  # type: ignore[no-untyped-def]
    """How far the shadows are from clearing: the larger of oversale, and of slack that still has a price."""
    worst = 0.0
    for g in range(shadow.shape[0]):
        slack = -excess[g] if -excess[g] < shadow[g] else shadow[g]
        gap = excess[g] if excess[g] > 0.0 else slack
        worst = gap if gap > worst else worst
    return worst


@part
def weigh_pools(shadow, excess, chips, spend, pools, loads, binds, sharing, money):  # type: ignore[no-untyped-def]
    """By pool: whether its price binds, the demand it shares with other binding pools, and the money it fetches.

    Pools that share an offer share its money. Returns the money spent on binding pools, and the same counted once for
    every binding pool of an offer.
    """
    for g in range(shadow.shape[0]):
        binds[g] = 1.0 if shadow[g] > 0.0 or excess[g] > 0.0 else 0.0
        sharing[g], money[g] = 0.0, 0.0
    total, depth = 0.0, 0.0
    for k in range(pools.shape[1]):
        a, b = pools[0, k], pools[1, k]
        both = binds[a] * binds[b]
        sharing[a] += loads[0, k] * chips[k] * both
        sharing[b] += loads[1, k] * chips[k] * both
        each = spend[k] * (1.0 - 0.5 * both)
        money[a] += each * binds[a]
        money[b] += each * binds[b]
        total += spend[k] * (binds[a] + binds[b] - both)
        depth += spend[k] * (binds[a] + binds[b])
    return total, depth


@part
def own_steps(shadow, excess, sharing, demand, capacity, damping, common):  # type: ignore[no-untyped-def]
    """Move every pool's price by the damped log of its excess, shared with the other pools of its offers.

    Prices that are above zero then move by `common`.
    """
    for g in range(capacity.shape[0]):
        shared = sharing[g] / demand[g] if demand[g] > 0.0 else 0.0
        own = shadow[g] + damping / (1.0 + shared) * excess[g]
        both = own + common
        shadow[g] = both if own > 0.0 and both > 0.0 else 0.0


@part
def common_step(binds, money, low, demand, capacity, total, depth, asked, damping, sigma, unit):  # type: ignore[no-untyped-def]
    """How far own-price steps leave all binding prices, together, from where spend = value.

    value is what the binding pools' capacity would fetch at the prices tried. A common rise of one log
    point raises value by one and lowers spend by (1 - inside share)/sigma. `unit` (pool,) is the last known
    quote per unit of capacity.
    """
    value = 0.0
    for g in range(capacity.shape[0]):
        if binds[g] > 0.0 and money[g] > 0.0:
            unit[g] = money[g] / demand[g] * low[g]
            value += money[g] / demand[g] * capacity[g]
        elif binds[g] > 0.0:
            value += unit[g] / low[g] * capacity[g]
    if total <= 0.0 or value <= 0.0:
        return 0.0
    leaving = 1.0 - total / asked if total < asked else 0.0
    whole = 1.0 / (1.0 + leaving / sigma)
    return (whole - damping) * klog(total / value) * total / depth


@part
def extrapolate(before, after, kept, points, moves, scratch):  # type: ignore[no-untyped-def]
    """Replace `after`, one step on from `before`, by the point where past steps would vanish (Anderson 1965).

    The combination of the last few moves with the least sum of squares is found from its normal equations,
    and the same combination of their endpoints is taken. `points`, `moves`: the history, `kept` of it so
    far. All are as long as a multiple of the lanes; `scratch` is like the history.
    """
    memory, pools = points.shape
    slot = kept % memory
    for g in range(pools):
        points[slot, g], moves[slot, g] = after[g], after[g] - before[g]
    m = min(kept, memory - 1)
    if m == 0:
        return
    past, square, pull = np.empty(m, np.int64), np.empty((m, m)), np.empty(m)
    for a in range(m):
        past[a] = (slot + memory - 1 - a) % memory
        for g in range(pools):
            scratch[a, g] = moves[slot, g] - moves[past[a], g]
    for a in range(m):
        for b in range(a + 1):
            square[a, b] = square[b, a] = _inner(scratch[a], scratch[b], scratch[memory - 1])
        pull[a] = _inner(scratch[a], moves[slot], scratch[memory - 1])
    for a in range(m):
        square[a, a] = square[a, a] * (1.0 + 1e-10) + 1e-300
    _solve(square, pull)
    change, most = scratch[memory - 1], 0.0
    for g in range(pools):
        change[g] = 0.0
    for a in range(m):
        for g in range(pools):
            change[g] -= pull[a] * (points[slot, g] - points[past[a], g])
    for g in range(pools):
        most = abs(change[g]) if abs(change[g]) > most else most
    if not most < np.inf:
        return
    within = _FARTHEST_LEAP / most if most > _FARTHEST_LEAP else 1.0
    for g in range(pools):
        after[g] = after[g] + within * change[g] if after[g] + within * change[g] > 0.0 else 0.0


@part
def _inner(x, y, scratch):  # type: ignore[no-untyped-def]
    """Sum of the products of two rows whose length is a multiple of the lanes."""
    for g in range(x.shape[0]):
        scratch[g] = x[g] * y[g]
    return fold(scratch)


@part
def _solve(square, pull):  # type: ignore[no-untyped-def]
    """Gauss elimination of a small positive definite system, the answer in `pull`."""
    m = pull.shape[0]
    for a in range(m):
        for b in range(a + 1, m):
            times = square[b, a] / square[a, a]
            for c in range(a, m):
                square[b, c] -= times * square[a, c]
            pull[b] -= times * pull[a]
    for a in range(m - 1, -1, -1):
        for b in range(a + 1, m):
            pull[a] -= square[a, b] * pull[b]
        pull[a] /= square[a, a]
