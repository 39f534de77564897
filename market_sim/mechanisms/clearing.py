"""Which lab spends how much on which offer, and the scarcity prices that keep every pool within its capacity.

Labs split a budget over offers by constant-elasticity spending shares (Anderson, de Palma & Thisse 1992,
ch. 3: the logit of log-prices is the CES demand), with an option to buy nothing. Offers draw on capacity
pools: the terms of one lot share its chips; offers built to order share a site's power and a chip's supply.
With

    lambda_j = sum over j's pools of shadow_g
    s_ij = A_j e^{(U_ij - lambda_j)/sigma} / (e^{U_i0/sigma} + sum_k A_k e^{(U_ik - lambda_k)/sigma})
    q_ij = B_i s_ij / (p_ij e^{lambda_j})
    sum_j w_gj sum_i q_ij <= C_g,  shadow_g >= 0, zero where slack

a shadow price is ad valorem: it multiplies the quote, so money of any unit clears alike and the weights
e^{U/sigma} are taken once. With one pool per offer and one price for all labs the shadows minimise a strictly
convex function, so they are unique; as sigma goes to 0 they are the linear Fisher market's (Eisenberg & Gale
1959, *Ann. Math. Stat.* 30). Where an offer draws on two pools their shadows add, with weights in the
capacity alone: a price per unit of capacity would differ by lab and cost a power per lab and offer in every
sweep.

Solved by scaling, as matrices are balanced (Deming & Stephan 1940; in logs and re-based when the scale has
drifted, as Schmitzer 2019, *SIAM J. Sci. Comput.* 41): a pool's log price moves by sigma/(1+sigma) of its log
excess demand, the Newton step for its own price; pools sharing offers share the step. Then all binding prices
move together by what money can leave for elsewhere, the one direction in which own-price steps are slow; and
the last few steps are combined into one (Anderson 1965, *J. ACM* 12), which tells apart pools that are close
substitutes or share offers. None of this moves the answer, only the number of sweeps to it.

| symbol | here | shape | unit |
|---|---|---|---|
| U, U_0 | utility, outside | (replicate, lab, offer), (replicate, lab) | log useful PFLOP-hours per USD |
| B, p | budget, price | (replicate, lab), (replicate, lab, offer) | USD/h, USD per chip-hour |
| C, w | capacity, weight | (replicate, pool), (offer, 2) | the pool's own unit, that unit per chip |
| A | e^log_attraction | (replicate, offer) | - |
| lambda | shadow, scarcity | (replicate, pool), (replicate, offer) | log |
| q | chips | (replicate, lab, offer) | chips |
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, kexp, klog

__all__ = ["Cleared", "Reason", "attraction", "clear"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LANES = 8  # running sums per row: a fixed order of addition that fits vector registers
_NEVER_ABOVE = 1.0 - 1e-12  # room for the rounding of any later sum over one pool's buyers
_MEMORY = 6  # steps that an extrapolation looks back on
_NEAR = 1.0  # log excess below which steps are extrapolated
_PATIENCE = 100  # sweeps, in the second half of which far steps are extrapolated as well: it ends cycles
_WORSE = 1.5  # growth of the error at which the steps so far are forgotten
_NOBODY = -700.0  # log excess of a pool whose demand is below any number: its price falls, step by step
_FARTHEST = 150.0  # of lambda/sigma from where the weights were taken, before they are taken anew


class Reason(IntEnum):
    """Why a replicate's clearing stopped."""

    CLEARED = 0
    SWEEPS_SPENT = 1
    NOTHING_ASKED = 2
    NOTHING_OFFERED = 3

    @property
    def sentence(self) -> str:
        """The reason in words, with a remedy where one is known."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.CLEARED: "Every pool is within tolerance of its capacity, or slack at no scarcity price.",
    Reason.SWEEPS_SPENT: "The sweeps ran out before the tolerance was met: sales are scaled into capacity and"
    " prices are approximate; raise max_sweeps, the tolerance or sigma.",
    Reason.NOTHING_ASKED: "No lab had a budget, so nothing was traded.",
    Reason.NOTHING_OFFERED: "No offer had capacity, so every budget stayed outside.",
}


@dataclass(frozen=True)
class Cleared:
    """What a clearing answers.

    chips: (replicate, lab, offer), chips bought, fractional and never above capacity;
    shadow: (replicate, pool), log scarcity price >= 0, zero where the pool is slack or empty;
    scarcity: (replicate, offer), the sum of shadow over the offer's pools: labs pay price * e^scarcity;
    share_inside: (replicate, lab), share of the budget spent on offers; the rest stays outside;
    sweeps: (replicate,), passes over labs and offers; reason: (replicate,), a `Reason` each.
    """

    chips: Floats
    shadow: Floats
    scarcity: Floats
    share_inside: Floats
    sweeps: Ints
    reason: Ints


def clear(
    utility: Floats,
    outside: Floats,
    budget: Floats,
    price: Floats,
    pool: Ints,
    weight: Floats,
    capacity: Floats,
    log_attraction: Floats,
    sigma: Floats,
    shadow: Floats,
    tolerance: float = 1e-4,
    max_sweeps: int = 500,
) -> Cleared:
    """Clear every replicate's market on its own; arrays as in the module's table.

    An offer is out where its utility or its log attraction is -inf, or one of its pools is empty. `pool`
    names up to two pools an offer, -1 for none; an offer without a pool is without limit. `outside` -inf
    means no outside option. `shadow` is where to start from: it changes how long the search takes, not what
    it finds. `tolerance` bounds the log excess demand of every pool; sales above capacity are then scaled
    into it, the money they leave staying outside.
    """
    replicates, labs, offers = utility.shape
    cleared = Cleared(
        chips=np.zeros((replicates, labs, offers)),
        shadow=np.zeros(capacity.shape),
        scarcity=np.zeros((replicates, offers)),
        share_inside=np.zeros((replicates, labs)),
        sweeps=np.zeros(replicates, np.int64),
        reason=np.zeros(replicates, np.int64),
    )
    numbers = (utility, outside, budget, price, weight, capacity, log_attraction, sigma, shadow)
    worths, outsides, budgets, prices, loads, room, attracted, sigmas, start = map(_in_order, numbers)
    _clear(
        worths, outsides, budgets, prices, np.ascontiguousarray(pool, np.int64), loads, room, attracted,
        sigmas, start, float(tolerance), int(max_sweeps), cleared.chips, cleared.shadow, cleared.scarcity,
        cleared.share_inside, cleared.sweeps, cleared.reason,
    )  # fmt: skip
    return cleared


def _in_order(array: Floats) -> Floats:
    """The array in C order: a kernel is compiled for one layout only."""
    return np.ascontiguousarray(array, np.float64)


def attraction(lots_offered: Floats, offers_in_pool: NDArray[np.generic], omega: Floats) -> Floats:
    """log A of (replicate, offer): omega log(lots offered) - log(offers in its pool); -inf without lots.

    omega (replicate,): 1 lets a firm be noticed in proportion to what it has, so that splitting it changes
    nothing; at 0 every offer is noticed alike, and two halves of a firm win more than the whole.
    """
    answer = np.empty(lots_offered.shape)
    counts = np.broadcast_to(np.asarray(offers_in_pool, np.float64), lots_offered.shape)
    _attraction(_in_order(lots_offered), _in_order(counts), _in_order(omega), answer)
    return answer


@kernel
def _attraction(lots_offered, offers_in_pool, omega, answer):  # type: ignore[no-untyped-def]
    for r in range(answer.shape[0]):
        for j in range(answer.shape[1]):
            lots = lots_offered[r, j]
            value = omega[r] * klog(lots) if omega[r] != 0.0 else 0.0
            value -= klog(max(1.0, offers_in_pool[r, j]))
            answer[r, j] = value if lots > 0.0 else -np.inf


@kernel
def _find_labs(budget, labs):  # type: ignore[no-untyped-def]
    """The labs that ask for something, into `labs`; how many."""
    count = 0
    for i in range(budget.shape[0]):
        if budget[i] > 0.0:
            labs[count] = i
            count += 1
    return count


@kernel
def _find_offers(log_attraction, pool, capacity, offers, pools):  # type: ignore[no-untyped-def]
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


@kernel
def _largest(row, floor):  # type: ignore[no-untyped-def]
    """The largest of a row whose length is a multiple of the lanes, and of floor."""
    lanes = np.full(_LANES, floor)
    for k in range(0, row.shape[0], _LANES):
        for t in range(_LANES):
            lanes[t] = row[k + t] if row[k + t] > lanes[t] else lanes[t]
    most = floor
    for t in range(_LANES):
        most = lanes[t] if lanes[t] > most else most
    return most


@kernel
def _weigh(  # type: ignore[no-untyped-def]
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


@kernel
def _fold(row):  # type: ignore[no-untyped-def]
    """Sum of a row, destroyed, whose length is a multiple of the lanes: halves are added on each other."""
    n = row.shape[0]
    while n > _LANES:
        half = (n // 2 + _LANES - 1) // _LANES * _LANES
        for k in range(n - half):
            row[k] = row[k] + row[half + k]
        n = half
    return ((row[0] + row[1]) + (row[2] + row[3])) + ((row[4] + row[5]) + (row[6] + row[7]))


@kernel
def _spread(weights, per_usd, rest, budgets, scale, money, sold):  # type: ignore[no-untyped-def]
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


@kernel
def _mean_price(weights, per_usd, money, mean):  # type: ignore[no-untyped-def]
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


@kernel
def _unit_prices(mean, pools, loads, unit):  # type: ignore[no-untyped-def]
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


@kernel
def _sum_pools(shadow, pools, total):  # type: ignore[no-untyped-def]
    """Each offer's log scarcity price: the sum over its pools."""
    for k in range(pools.shape[1]):
        total[k] = shadow[pools[0, k]] + shadow[pools[1, k]]


@kernel
def _demand(chips, pools, loads, capacity, demand, excess):  # type: ignore[no-untyped-def]
    """Every pool's demand, and its log excess over capacity."""
    none = capacity.shape[0]
    demand[:] = 0.0
    for k in range(pools.shape[1]):
        demand[pools[0, k]] += loads[0, k] * chips[k]
        demand[pools[1, k]] += loads[1, k] * chips[k]
    for g in range(none):
        excess[g] = klog(demand[g] / capacity[g]) if demand[g] > 0.0 else _NOBODY
    excess[none] = _NOBODY


@kernel
def _error(shadow, excess):  # type: ignore[no-untyped-def]
    """How far the shadows are from clearing: the larger of oversale, and of slack that still has a price."""
    worst = 0.0
    for g in range(shadow.shape[0]):
        slack = -excess[g] if -excess[g] < shadow[g] else shadow[g]
        gap = excess[g] if excess[g] > 0.0 else slack
        worst = gap if gap > worst else worst
    return worst


@kernel
def _own_steps(shadow, excess, chips, pools, loads, demand, damping):  # type: ignore[no-untyped-def]
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


@kernel
def _common_step(  # type: ignore[no-untyped-def]
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


@kernel
def _extrapolate(before, after, kept, points, moves):  # type: ignore[no-untyped-def]
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
    for a in range(m):
        for g in range(pools):
            after[g] -= pull[a] * (points[slot, g] - points[past[a], g])
    for g in range(pools):
        after[g] = after[g] if after[g] > 0.0 else 0.0


@kernel
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


@kernel
def _search(
    utility, outside, price, labs, offers, pools, loads, capacity, attracted, budgets, sigma, tolerance,
    max_sweeps, shadow, weights, per_usd, rest, money, factor, scale, chips, demand,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Find one replicate's shadows, in place; the sweeps it took, negative if they ran out.

    `shadow` ends with a pool that is none, of price zero. On return chips_ij = factor_j money_i per_usd_ij.
    """
    width, count = factor.shape[0], offers.shape[0]
    damping = sigma / (1.0 + sigma)
    asked = 0.0
    for i in range(budgets.shape[0]):
        asked += budgets[i]
    level = np.full(width, -np.inf)
    error, kept, tried = np.inf, 0, np.empty(capacity.shape[0])
    points, moves = np.empty((_MEMORY, capacity.shape[0])), np.empty((_MEMORY, capacity.shape[0]))
    sold, mean = np.empty(width), np.ones(width)
    scarcity, base, spend = np.zeros(count), np.zeros(count), np.empty(count)
    excess, unit = np.empty(demand.shape[0]), np.empty(demand.shape[0])
    for sweep in range(max_sweeps + 1):
        _sum_pools(shadow, pools, scarcity)
        drift = 0.0
        for k in range(count):
            far = abs(scarcity[k] - base[k])
            drift = far if far > drift else drift
        if sweep == 0 or drift > _FARTHEST * sigma:
            for k in range(count):
                base[k] = scarcity[k]
                level[k] = attracted[k] - base[k] / sigma
            _weigh(utility, outside, price, labs, offers, level, sigma, weights, per_usd, rest)
        for k in range(count):
            scale[k] = kexp((base[k] - scarcity[k]) / sigma)
            factor[k] = scale[k] * kexp(-scarcity[k])
        _spread(weights, per_usd, rest, budgets, scale, money, sold)
        for k in range(count):
            chips[k] = sold[k] * factor[k]
        _demand(chips, pools, loads, capacity, demand, excess)
        before, error = error, _error(shadow, excess)
        if error <= tolerance:
            return sweep + 1
        if sweep == max_sweeps:
            break
        if sweep == 0:
            _mean_price(weights, per_usd, money, mean)
            _unit_prices(mean, pools, loads, unit)
        for k in range(count):
            spend[k] = mean[k] * sold[k] * scale[k]
        tried[:] = shadow[: capacity.shape[0]]
        common = _common_step(shadow, excess, spend, pools, demand, capacity, asked, damping, sigma, unit)
        _own_steps(shadow, excess, chips, pools, loads, demand, damping)
        for g in range(capacity.shape[0]):
            if shadow[g] > 0.0:
                shadow[g] = shadow[g] + common if shadow[g] + common > 0.0 else 0.0
        if error > _WORSE * before:
            kept = 0
        if error < _NEAR or sweep % _PATIENCE >= _PATIENCE // 2:
            _extrapolate(tried, shadow[: capacity.shape[0]], kept, points, moves)
            kept += 1
    return -max_sweeps - 1


@kernel
def _clear(
    utility, outside, budget, price, pool, weight, capacity, log_attraction, sigma, start, tolerance,
    max_sweeps, chips, shadow, scarcity, inside, sweeps, reason,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Clear replicate by replicate, on the labs that ask and the offers that sell."""
    labs_all, offers_all, pools_all = utility.shape[1], utility.shape[2], capacity.shape[1]
    padded = (offers_all + _LANES - 1) // _LANES * _LANES
    labs, offers = np.empty(labs_all, np.int64), np.empty(offers_all, np.int64)
    found = np.empty((2, offers_all), np.int64)
    store, store_per_usd = np.empty(labs_all * padded), np.empty(labs_all * padded)
    for r in range(utility.shape[0]):
        buyers = _find_labs(budget[r], labs)
        count = _find_offers(log_attraction[r], pool, capacity[r], offers, found)
        if buyers == 0 or count == 0:
            reason[r] = 2 if buyers == 0 else 3
            continue
        width = (count + _LANES - 1) // _LANES * _LANES
        weights = store[: buyers * width].reshape((buyers, width))
        per_usd = store_per_usd[: buyers * width].reshape((buyers, width))
        loads, attracted, budgets = np.empty((2, count)), np.empty(count), np.empty(buyers)
        pools = found[:, :count].copy()
        for k in range(count):
            loads[0, k] = weight[offers[k], 0] if pools[0, k] < pools_all else 0.0
            loads[1, k] = weight[offers[k], 1] if pools[1, k] < pools_all else 0.0
            attracted[k] = log_attraction[r, offers[k]]
        for i in range(buyers):
            budgets[i] = budget[r, labs[i]]
        prices = np.zeros(pools_all + 1)
        for k in range(count):
            for t in range(2):
                g = pools[t, k]
                prices[g] = start[r, g] if g < pools_all and start[r, g] > 0.0 else 0.0
        rest, money = np.empty(buyers), np.empty(buyers)
        factor, scale = np.zeros(width), np.zeros(width)
        demand, wanted = np.empty(pools_all + 1), np.empty(count)
        taken = _search(
            utility[r], outside[r], price[r], labs[:buyers], offers[:count], pools, loads, capacity[r],
            attracted, budgets, sigma[r], tolerance, max_sweeps, prices, weights, per_usd, rest, money,
            factor, scale, wanted, demand,
        )  # fmt: skip
        sweeps[r] = abs(taken)
        reason[r] = 0 if taken > 0 else 1
        shadow[r] = prices[:pools_all]
        for k in range(count):
            scarcity[r, offers[k]] = prices[pools[0, k]] + prices[pools[1, k]]
        _sell(
            labs[:buyers], offers[:count], pools, capacity[r], demand, factor, scale, weights, per_usd, money,
            budgets, chips[r], inside[r],
        )  # fmt: skip


@kernel
def _sell(
    labs, offers, pools, capacity, demand, factor, scale, weights, per_usd, money, budgets, chips, inside
):  # type: ignore[no-untyped-def]
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
