"""The search for scarcity prices, replicate by replicate."""

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.clearing.answer import Cleared
from market_sim.mechanisms.clearing.prices import (
    clearing_error,
    common_step,
    extrapolate,
    mean_price,
    own_steps,
    pool_demand,
    sum_pools,
    unit_prices,
)
from market_sim.mechanisms.clearing.shares import LANES, find_labs, find_offers, sell, spread, weigh
from market_sim.numerics import kernel, kexp, part

__all__ = ["clear"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MEMORY = 6  # steps that an extrapolation looks back on
_NEAR = 1.0  # log excess below which steps are extrapolated
_PATIENCE = 20  # sweeps without progress, after which fewer kinds of step are taken
_WORSE = 1.5  # growth of the error at which the steps so far are forgotten
_FARTHEST = 150.0  # of lambda/sigma from where the weights were taken, before they are taken anew


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
    """Clear every replicate's market on its own; arrays as in the package's table.

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


@part
def _drifted(scarcity, base, sigma):  # type: ignore[no-untyped-def]
    """Whether prices have gone so far from where the weights were taken that these may lose their digits."""
    drift = 0.0
    for k in range(scarcity.shape[0]):
        far = abs(scarcity[k] - base[k])
        drift = far if far > drift else drift
    return drift > _FARTHEST * sigma


@part
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
    common, pace = 0.0, 1.0
    error, best, stalled, kept, tried = np.inf, np.inf, 0, 0, np.empty(capacity.shape[0])
    points, moves = np.empty((_MEMORY, capacity.shape[0])), np.empty((_MEMORY, capacity.shape[0]))
    sold, mean = np.empty(width), np.ones(width)
    scarcity, base, spend = np.zeros(count), np.zeros(count), np.empty(count)
    excess, unit = np.empty(demand.shape[0]), np.empty(demand.shape[0])
    for sweep in range(max_sweeps + 1):
        sum_pools(shadow, pools, scarcity)
        if _drifted(scarcity, base, sigma) or sweep == 0:
            for k in range(count):
                base[k] = scarcity[k]
                level[k] = attracted[k] - base[k] / sigma
            weigh(utility, outside, price, labs, offers, level, sigma, weights, per_usd, rest)
        for k in range(count):
            scale[k] = kexp((base[k] - scarcity[k]) / sigma)
            factor[k] = scale[k] * kexp(-scarcity[k])
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
        manner = stalled // _PATIENCE % 3  # 0: all steps; 1: no common step; 2: own steps alone
        for g in range(capacity.shape[0]):
            tried[g] = shadow[g]
        last, common = (
            common,
            common_step(shadow, excess, spend, pools, demand, capacity, asked, damping, sigma, unit),
        )
        pace = 0.5 * pace if common * last < 0.0 else min(1.0, 1.2 * pace)
        own_steps(shadow, excess, chips, pools, loads, demand, damping)
        for g in range(capacity.shape[0]):
            if shadow[g] > 0.0 and manner == 0:
                shadow[g] = shadow[g] + pace * common if shadow[g] + pace * common > 0.0 else 0.0
        if error > _WORSE * before:
            kept = 0
        if error < _NEAR and manner != 2:
            extrapolate(tried, shadow[: capacity.shape[0]], kept, points, moves)
            kept += 1
    return -max_sweeps - 1


@kernel
def _clear(
    utility, outside, budget, price, pool, weight, capacity, log_attraction, sigma, start, tolerance,
    max_sweeps, chips, shadow, scarcity, inside, sweeps, reason,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Clear replicate by replicate, on the labs that ask and the offers that sell."""
    labs_all, offers_all, pools_all = utility.shape[1], utility.shape[2], capacity.shape[1]
    padded = (offers_all + LANES - 1) // LANES * LANES
    labs, offers = np.empty(labs_all, np.int64), np.empty(offers_all, np.int64)
    found = np.empty((2, offers_all), np.int64)
    store, store_per_usd = np.empty(labs_all * padded), np.empty(labs_all * padded)
    for r in range(utility.shape[0]):
        buyers = find_labs(budget[r], labs)
        count = find_offers(log_attraction[r], pool, capacity[r], offers, found)
        if buyers == 0 or count == 0:
            reason[r] = 2 if buyers == 0 else 3
            continue
        width = (count + LANES - 1) // LANES * LANES
        weights = store[: buyers * width].reshape((buyers, width))
        per_usd = store_per_usd[: buyers * width].reshape((buyers, width))
        loads, attracted, budgets = np.empty((2, count)), np.empty(count), np.empty(buyers)
        pools = np.empty((2, count), np.int64)
        for k in range(count):
            pools[0, k], pools[1, k] = found[0, k], found[1, k]
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
        for g in range(pools_all):
            shadow[r, g] = prices[g]
        for k in range(count):
            scarcity[r, offers[k]] = prices[pools[0, k]] + prices[pools[1, k]]
        sell(
            labs[:buyers], offers[:count], pools, capacity[r], demand, factor, scale, weights, per_usd, money,
            budgets, chips[r], inside[r],
        )  # fmt: skip
