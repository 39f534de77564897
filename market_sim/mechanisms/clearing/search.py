"""The search for scarcity prices, replicate by replicate."""

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.clearing.answer import Cleared
from market_sim.mechanisms.clearing.prices import (
    apply_prices,
    clearing_error,
    common_step,
    drifted,
    extrapolate,
    mean_price,
    own_steps,
    pool_demand,
    unit_prices,
    weigh_pools,
)
from market_sim.mechanisms.clearing.shares import find_labs, find_offers, find_pools, padded, sell, spread, weigh
from market_sim.numerics import kernel, part
from market_sim.vectors import kcopy, kfill

__all__ = ["clear"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MEMORY = 6  # steps that an extrapolation looks back on
_NEAR = 1.0  # log excess below which steps are extrapolated
_PATIENCE = 20  # sweeps without progress, after which fewer kinds of step are taken
_WORSE = 1.5  # growth of the error at which the steps so far are forgotten


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
    lists: Ints | None = None,
) -> Cleared:
    """Clear every replicate's market on its own; arrays as in the package's table.

    `price` may be (replicate, list, offer) instead, with the list of each lab in `lists` (lab,).

    An offer is out where its utility or its log attraction is -inf, or one of its pools is empty. `pool`
    names up to two pools an offer, -1 for none; an offer without a pool is without limit. `outside` -inf
    means no outside option. `shadow` is where to start from: it changes how long the search takes, not what
    it finds. `tolerance` bounds the log excess demand of every pool; sales above capacity are then scaled
    into it, the money they leave staying outside.
    """
    replicates, labs, offers = utility.shape
    cleared = Cleared(
        chips=np.empty((replicates, labs, offers)),
        shadow=np.zeros(capacity.shape),
        scarcity=np.zeros((replicates, offers)),
        share_inside=np.zeros((replicates, labs)),
        sweeps=np.zeros(replicates, np.int64),
        reason=np.zeros(replicates, np.int64),
    )
    numbers = (utility, outside, budget, price, weight, capacity, log_attraction, sigma, shadow)
    worths, outsides, budgets, prices, loads, room, attracted, sigmas, start = map(_in_order, numbers)
    lists = np.arange(labs) if lists is None else lists
    _clear(
        worths, outsides, budgets, prices, lists, np.ascontiguousarray(pool, np.int64), loads, room, attracted,
        sigmas, start, float(tolerance), int(max_sweeps), cleared.chips, cleared.shadow, cleared.scarcity,
        cleared.share_inside, cleared.sweeps, cleared.reason,
    )  # fmt: skip
    return cleared


def _in_order(array: Floats) -> Floats:
    """The array in C order: a kernel is compiled for one layout only."""
    return np.ascontiguousarray(array, np.float64)


@part
def _search(
    utility, outside, price, labs, lists, offers, pools, loads, capacity, attracted, budgets, sigma, tolerance,
    max_sweeps, shadow, weights, per_usd, rest, money, factor, scale, demand,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Find one replicate's shadows, in place; the sweeps it took, negative if they ran out.

    `shadow` and `demand` end with pools that are none, of price zero. On return chips_ij = factor_j money_i per_usd_ij.
    """
    count, width, long = offers.shape[0], factor.shape[0], shadow.shape[0]
    damping, asked = sigma / (1.0 + sigma), 0.0
    for i in range(budgets.shape[0]):
        asked += budgets[i]
    by_offer, by_pool = np.empty((5, width)), np.empty((9, long))
    level, sold, mean, chips, spend = by_offer[0], by_offer[1], by_offer[2], by_offer[3], by_offer[4]
    tried, base, low, lost, excess = by_pool[0], by_pool[1], by_pool[2], by_pool[3], by_pool[4]
    binds, sharing, fetched, unit = by_pool[5], by_pool[6], by_pool[7], by_pool[8]
    kfill(level, -np.inf)
    kfill(mean, 1.0)
    kfill(base, 0.0)
    history = np.empty((3, _MEMORY, long))
    points, moves, scratch = history[0], history[1], history[2]
    common, pace, error, best, stalled, kept = 0.0, 1.0, np.inf, np.inf, 0, 0
    for sweep in range(max_sweeps + 1):
        if sweep == 0 or drifted(shadow, base, sigma):
            kcopy(base, shadow)
            for k in range(count):
                level[k] = attracted[k] - (base[pools[0, k]] + base[pools[1, k]]) / sigma
            weigh(utility, outside, price, labs, lists, offers, level, sigma, weights, per_usd, rest)
        apply_prices(shadow, base, sigma, pools, low, lost, scale, factor)
        spread(weights, per_usd, rest, budgets, scale, money, sold)
        for k in range(count):
            chips[k], spend[k] = sold[k] * factor[k], sold[k] * scale[k]
        pool_demand(chips, pools, loads, capacity, demand, excess)
        before, error = error, clearing_error(shadow, excess)
        stalled = 0 if error < 0.9 * best else stalled + 1
        best = error if error < 0.9 * best else best
        if error <= tolerance:
            return sweep + 1
        if sweep == max_sweeps:
            break
        if sweep == 0:
            mean_price(weights, per_usd, money, mean)
            unit_prices(mean, pools, loads, unit)
        for k in range(count):
            spend[k] *= mean[k]
        kcopy(tried, shadow)
        total, depth = weigh_pools(shadow, excess, chips, spend, pools, loads, binds, sharing, fetched)
        last, common = (
            common,
            common_step(binds, fetched, low, demand, capacity, total, depth, asked, damping, sigma, unit),
        )
        pace = 0.5 * pace if common * last < 0.0 else min(1.0, 1.2 * pace)
        manner = stalled // _PATIENCE % 3  # 0: all steps; 1: no common step; 2: own steps alone
        own_steps(shadow, excess, sharing, demand, capacity, damping, pace * common if manner == 0 else 0.0)
        kept = 0 if error > _WORSE * before else kept
        if error < _NEAR and manner != 2:
            extrapolate(tried, shadow, kept, points, moves, scratch)
            kept += 1
    return -max_sweeps - 1


@kernel
def _clear(
    utility, outside, budget, price, lists, pool, weight, capacity, log_attraction, sigma, start, tolerance,
    max_sweeps, chips, shadow, scarcity, inside, sweeps, reason,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Clear replicate by replicate, on the labs that ask, the offers that sell and the pools they draw on."""
    labs_all, offers_all, pools_all = utility.shape[1], utility.shape[2], capacity.shape[1]
    labs, offers, known = np.empty(labs_all, np.int64), np.empty(offers_all, np.uintp), np.empty(pools_all, np.int64)
    places, place = np.empty((2, offers_all), np.uintp), np.empty(pools_all + 1, np.int64)
    store, store_per_usd = np.empty(labs_all * padded(offers_all)), np.empty(labs_all * padded(offers_all))
    for r in range(utility.shape[0]):
        buyers = find_labs(budget[r], labs)
        count = find_offers(log_attraction[r], pool, capacity[r], offers)
        for i in range(labs_all):
            kfill(chips[r, i], 0.0)
        if buyers == 0 or count == 0:
            reason[r] = 2 if buyers == 0 else 3
            continue
        of, pools = offers[:count], places[:, :count]
        many = find_pools(of, pool, pools_all, place, pools, known)
        width, long = padded(count), padded(many + 1)
        weights = store[: buyers * width].reshape((buyers, width))
        per_usd = store_per_usd[: buyers * width].reshape((buyers, width))
        loads, attracted, budgets = np.empty((2, count)), np.empty(count), np.empty(buyers)
        for k in range(count):
            loads[0, k] = weight[of[k], 0] if pools[0, k] < many else 0.0
            loads[1, k] = weight[of[k], 1] if pools[1, k] < many else 0.0
            attracted[k] = log_attraction[r, of[k]]
        for i in range(buyers):
            budgets[i] = budget[r, labs[i]]
        room, prices, demand = np.empty(many), np.zeros(long), np.zeros(long)
        for g in range(many):
            room[g] = capacity[r, known[g]]
            prices[g] = start[r, known[g]] if start[r, known[g]] > 0.0 else 0.0
        rest, money = np.empty(buyers), np.empty(buyers)
        factor, scale = np.zeros(width), np.zeros(width)
        taken = _search(
            utility[r], outside[r], price[r], labs[:buyers], lists, of, pools, loads, room, attracted, budgets,
            sigma[r], tolerance, max_sweeps, prices, weights, per_usd, rest, money, factor, scale, demand,
        )  # fmt: skip
        sweeps[r] = abs(taken)
        reason[r] = 0 if taken > 0 else 1
        for g in range(many):
            shadow[r, known[g]] = prices[g]
        for k in range(count):
            scarcity[r, of[k]] = prices[pools[0, k]] + prices[pools[1, k]]
        sell(
            labs[:buyers], of, pools, room, demand, factor, scale, weights, per_usd, money, budgets, chips[r],
            inside[r],
        )  # fmt: skip
