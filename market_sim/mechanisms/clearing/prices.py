"""How the scarcity prices of pools move: each on its own, all together, and by what past steps have shown."""

import numpy as np

from market_sim.numerics import kexp, klog, part

__all__ = [
    "clearing_error",
    "common_step",
    "extrapolate",
    "mean_price",
    "own_steps",
    "pool_demand",
    "sum_pools",
    "unit_prices",
]

_FARTHEST_LEAP = 0.5  # log points that an extrapolation may add: steps alike say little about what is far
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
    unit[:] = 0.0
    for k in range(pools.shape[1]):
        for t in range(2):
            if loads[t, k] > 0.0:
                unit[pools[t, k]] += mean[k] / loads[t, k]
                many[pools[t, k]] += 1.0
    for g in range(unit.shape[0]):
        unit[g] /= many[g] if many[g] > 0.0 else 1.0


@part
def sum_pools(shadow, pools, total):  # type: ignore[no-untyped-def]
    """Each offer's log scarcity price: the sum over its pools."""
    for k in range(pools.shape[1]):
        total[k] = shadow[pools[0, k]] + shadow[pools[1, k]]


@part
def pool_demand(chips, pools, loads, capacity, demand, excess):  # type: ignore[no-untyped-def]
    """Every pool's demand, and its log excess over capacity."""
    none = capacity.shape[0]
    demand[:] = 0.0
    for k in range(pools.shape[1]):
        demand[pools[0, k]] += loads[0, k] * chips[k]
        demand[pools[1, k]] += loads[1, k] * chips[k]
    for g in range(none):
        excess[g] = klog(demand[g] / capacity[g]) if demand[g] > 0.0 else _NOBODY
    excess[none] = _NOBODY


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
def own_steps(shadow, excess, chips, pools, loads, demand, damping):  # type: ignore[no-untyped-def]
    """Move every pool's price by the damped log of its excess, shared with the other pools of its offers."""
    none = demand.shape[0] - 1
    sharing = np.zeros(demand.shape[0])
    for k in range(pools.shape[1]):
        a, b = pools[0, k], pools[1, k]
        both = (shadow[a] > 0.0 or excess[a] > 0.0) and (shadow[b] > 0.0 or excess[b] > 0.0)
        if both:
            sharing[a] += loads[0, k] * chips[k]
            sharing[b] += loads[1, k] * chips[k]
    for g in range(none):
        shared = sharing[g] / demand[g] if demand[g] > 0.0 else 0.0
        move = damping / (1.0 + shared) * excess[g]
        shadow[g] = shadow[g] + move if shadow[g] + move > 0.0 else 0.0


@part
def common_step(  # type: ignore[no-untyped-def]
    shadow, excess, spend, pools, demand, capacity, asked, damping, sigma, unit
):
    """How far own-price steps leave all binding prices, together, from where spend = value.

    value is what the binding pools' capacity would fetch at the prices tried. A common rise of one log
    point raises value by one and lowers spend by (1 - inside share)/sigma. Pools that share an offer share
    its money.
    """
    money = np.zeros(demand.shape[0])
    total, depth = 0.0, 0.0
    for k in range(pools.shape[1]):
        a, b = pools[0, k], pools[1, k]
        first, second = shadow[a] > 0.0 or excess[a] > 0.0, shadow[b] > 0.0 or excess[b] > 0.0
        if first or second:
            share = 0.5 if first and second else 1.0
            money[a] += spend[k] * share if first else 0.0
            money[b] += spend[k] * share if second else 0.0
            total += spend[k]
            depth += spend[k] / share
    value = 0.0
    for g in range(capacity.shape[0]):
        if shadow[g] > 0.0 or excess[g] > 0.0:
            if money[g] > 0.0:
                unit[g] = money[g] / demand[g] * kexp(-shadow[g])
            value += unit[g] * capacity[g] * kexp(shadow[g])
    if total <= 0.0 or value <= 0.0:
        return 0.0
    leaving = 1.0 - total / asked if total < asked else 0.0
    whole = 1.0 / (1.0 + leaving / sigma)
    return (whole - damping) * klog(total / value) * total / depth


@part
def extrapolate(before, after, kept, points, moves):  # type: ignore[no-untyped-def]
    """Replace `after`, one step on from `before`, by the point where past steps would vanish (Anderson 1965).

    The combination of the last few moves with the least sum of squares is found from its normal equations,
    and the same combination of their endpoints is taken. `points`, `moves`: the history, `kept` of it so
    far.
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
    for a in range(m):
        for b in range(a + 1):
            total = 0.0
            for g in range(pools):
                now = moves[slot, g]
                total += (now - moves[past[a], g]) * (now - moves[past[b], g])
            square[a, b] = square[b, a] = total
        pull[a] = 0.0
        for g in range(pools):
            pull[a] += (moves[slot, g] - moves[past[a], g]) * moves[slot, g]
    for a in range(m):
        square[a, a] = square[a, a] * (1.0 + 1e-10) + 1e-300
    _solve(square, pull)
    change, most = np.zeros(pools), 0.0
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
