"""Scarcity prices of one market: the search of docs/odd.md 7.6, every sweep a few whole-array operations."""

from collections import deque
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
MOST_SWEEPS = 500
MEMORY = 6
NEAR, PATIENCE, WORSE, FARTHEST, LEAP = 1.0, 20, 1.5, 150.0, 0.5
NOBODY = -700.0
NEVER_ABOVE = 1.0 - 1e-12


@dataclass
class Problem:
    """Labs that ask and offers that sell; pools end with one that is none."""

    utility: Array  # (lab, offer)
    outside: Array  # (lab,)
    budget: Array  # (lab,)
    price: Array  # (lab, offer)
    first: Array  # (offer,) pool
    second: Array  # (offer,) pool or none
    load: Array  # (2, offer)
    capacity: Array  # (pool + 1,), 1 for none
    attraction: Array  # (offer,)
    sigma: float
    tolerance: float


def clear(p: Problem, start: Array) -> tuple[Array, Array, int]:
    """Chips (lab, offer), shadows (pool + 1,) and sweeps; `start` is where the search begins."""
    pools, none = len(p.capacity), len(p.capacity) - 1
    seen = np.zeros(pools, bool)
    seen[p.first] = seen[p.second] = True
    shadow = np.where(seen, np.maximum(start, 0.0), 0.0)
    shadow[none] = 0.0
    damping, asked = p.sigma / (1.0 + p.sigma), p.budget.sum()
    base, mean, unit = np.zeros(len(p.first)), np.ones(len(p.first)), np.ones(pools)
    points: deque[Array] = deque(maxlen=MEMORY - 1)
    moves: deque[Array] = deque(maxlen=MEMORY - 1)
    error = best = np.inf
    stalled, common, pace = 0, 0.0, 1.0
    for sweep in range(MOST_SWEEPS + 1):
        scarcity = shadow[p.first] + shadow[p.second]
        if sweep == 0 or np.abs(scarcity - base).max() > FARTHEST * p.sigma:
            base = scarcity
            weights, per_usd, rest = _weigh(p, base)
        scale = np.exp((base - scarcity) / p.sigma)
        factor = scale * np.exp(-scarcity)
        total = weights @ scale + rest
        money = np.where(total > 0.0, p.budget / np.where(total > 0.0, total, 1.0), 0.0)
        sold = money @ per_usd
        bought = sold * factor
        demand = np.bincount(p.first, p.load[0] * bought, pools) + np.bincount(p.second, p.load[1] * bought, pools)
        demand[none] = 0.0
        excess = np.where(demand > 0.0, np.log(np.where(demand > 0.0, demand, 1.0) / p.capacity), NOBODY)
        before, error = error, np.where(excess > 0.0, excess, np.minimum(-excess, shadow)).max()
        stalled = 0 if error < 0.9 * best else stalled + 1
        best = error if error < 0.9 * best else best
        if error <= p.tolerance or sweep == MOST_SWEEPS:
            break
        if sweep == 0:
            mean, unit = _first_prices(p, weights, per_usd, money, pools)
        manner, last = stalled // PATIENCE % 3, common
        binds = (shadow > 0.0) | (excess > 0.0)
        a, b = binds[p.first], binds[p.second]
        common, unit = _common(p, shadow, binds, a, b, sold * scale * mean, demand, asked, damping, unit)
        pace = 0.5 * pace if common * last < 0.0 else min(1.0, 1.2 * pace)
        tried = shadow
        shadow = _own(p, shadow, excess, a & b, bought, demand, damping)
        if manner == 0:
            shadow = np.where(shadow > 0.0, np.maximum(0.0, shadow + pace * common), 0.0)
        if error > WORSE * before:
            points.clear()
            moves.clear()
        if error < NEAR and manner != 2:
            shadow = _extrapolated(tried, shadow, points, moves)
        shadow[none] = 0.0
    fits = np.where(demand > p.capacity * NEVER_ABOVE, p.capacity * NEVER_ABOVE / np.maximum(demand, 1e-300), 1.0)
    return per_usd * money[:, None] * (factor * np.minimum(fits[p.first], fits[p.second])), shadow, sweep + 1


def _weigh(p: Problem, base: Array) -> tuple[Array, Array, Array]:
    """e^(U/sigma + level), the same per USD, and the outside's, each lab's scaled by its largest."""
    row = p.utility / p.sigma + (p.attraction - base / p.sigma)
    out = p.outside / p.sigma
    top = np.maximum(row.max(axis=1), out)
    weights = np.exp(row - top[:, None])
    return weights, np.where(weights > 0.0, weights / p.price, 0.0), np.exp(out - top)


def _first_prices(p: Problem, weights: Array, per_usd: Array, money: Array, pools: int) -> tuple[Array, Array]:
    """Mean quote of every offer over its buyers, and per unit of every pool over its offers."""
    spent, bought = money @ weights, money @ per_usd
    overall = spent.sum() / bought.sum() if bought.sum() > 0.0 else 1.0
    mean = np.where(bought > 0.0, spent / np.where(bought > 0.0, bought, 1.0), overall)
    both = p.load[1] > 0.0
    unit = np.bincount(p.first, mean / p.load[0], pools)
    unit += np.bincount(p.second, np.where(both, mean / np.where(both, p.load[1], 1.0), 0.0), pools)
    many = np.bincount(p.first, minlength=pools) + np.bincount(p.second, both, pools)
    return mean, unit / np.maximum(many, 1)


def _common(
    p: Problem, shadow: Array, binds: Array, a: Array, b: Array, spend: Array, demand: Array, asked: float,
    damping: float, unit: Array,
) -> tuple[float, Array]:  # fmt: skip
    """How far own-price steps leave all binding prices, together; and what a unit of each pool fetches."""
    depth = a.astype(float) + b
    each = spend / np.maximum(depth, 1.0)
    money = np.bincount(p.first, each * a, len(unit)) + np.bincount(p.second, each * b, len(unit))
    paid = binds & (money > 0.0)
    unit = np.where(paid, money / np.where(paid, demand, 1.0) * np.exp(-shadow), unit)
    value = (unit * p.capacity * np.exp(shadow))[binds].sum()
    total = spend[depth > 0.0].sum()
    if total <= 0.0 or value <= 0.0:
        return 0.0, unit
    whole = 1.0 / (1.0 + max(0.0, 1.0 - total / asked) / p.sigma)
    return (whole - damping) * np.log(total / value) * total / (spend * depth).sum(), unit


def _own(p: Problem, shadow: Array, excess: Array, both: Array, bought: Array, demand: Array, damping: float) -> Array:
    """Every price moved by the damped log of its excess, shared with the other pools of its offers."""
    shared = bought * both
    sharing = np.bincount(p.first, p.load[0] * shared, len(shadow))
    sharing += np.bincount(p.second, p.load[1] * shared, len(shadow))
    part = np.where(demand > 0.0, sharing / np.where(demand > 0.0, demand, 1.0), 0.0)
    return np.maximum(0.0, shadow + damping / (1.0 + part) * excess)


def _extrapolated(tried: Array, after: Array, points: deque[Array], moves: deque[Array]) -> Array:
    """On to where past moves, combined, would vanish (Anderson 1965)."""
    move, out = after - tried, after.copy()
    if points:
        apart = move - np.array(moves)
        square = apart @ apart.T
        square[np.diag_indices_from(square)] = square.diagonal() * (1.0 + 1e-10) + 1e-300
        change = -np.linalg.solve(square, apart @ move) @ (after - np.array(points))
        most = np.abs(change).max()
        if most < np.inf:
            out = np.maximum(0.0, after + change * (LEAP / most if most > LEAP else 1.0))
    points.appendleft(after)
    moves.appendleft(move)
    return out
