"""Plain NumPy forms of worth, clearing and rounding: one replicate at a time, dense, nothing gathered."""

from dataclasses import dataclass

import numpy as np

from benchmarks.plain_mesa.luck import bits, mixed, uniform


def annuity(x):
    """(1 - e^-x)/x, 1 at 0."""
    x = np.asarray(x, float)
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, -np.expm1(-safe) / safe)


def worth(
    throughput, delivered, price, delay, template, template_weight, affinity, chip_taste, switching, discount,
    obsolescence, delay_dial, offer_provider, offer_chip, offer_term, prepaid, chip_stack, live,
):  # fmt: skip
    """U by the formula, all cells at once."""
    r, o, dial = discount[:, None], obsolescence[:, None], delay_dial[:, None]
    kept = np.exp(-(r + dial * o) * delay) * annuity((r + o) * offer_term)
    paid = prepaid + (1 - prepaid) * np.exp(-r * delay) * annuity(r * offer_term)
    with np.errstate(divide="ignore", invalid="ignore"):
        utility = (
            np.log(throughput[:, :, offer_chip] * delivered[:, None, offer_provider])
            + np.log(kept / paid)[:, None]
            - np.log(price)
            + template_weight[:, :, None] * template[:, None, offer_provider]
            + affinity[:, :, offer_provider]
            + chip_taste[:, :, offer_chip]
            - switching[:, :, chip_stack[offer_chip]]
        )
    return np.where(live[:, None] & (price > 0), utility, -np.inf)


@dataclass
class Market:
    """One replicate's clearing problem, offers that can't be had left in with utility -inf."""

    utility: np.ndarray
    outside: np.ndarray
    budget: np.ndarray
    price: np.ndarray
    draws: np.ndarray  # (pool, offer), 1 where the offer draws on the pool
    loads: np.ndarray  # (pool, offer), capacity used per chip
    capacity: np.ndarray
    attraction: np.ndarray
    sigma: float


def one_replicate(arrays, r):
    """The problem of replicate r from the keyword arguments of `clear`."""
    pool, weight, capacity = arrays["pool"], arrays["weight"], arrays["capacity"][r]
    draws = np.zeros((capacity.size, len(pool)))
    loads = np.zeros_like(draws)
    for j, t in np.ndindex(*pool.shape):
        if pool[j, t] >= 0:
            draws[pool[j, t], j] = 1
            loads[pool[j, t], j] = weight[j, t]
    empty = (draws[capacity <= 0].sum(0) > 0) | np.isneginf(arrays["log_attraction"][r])
    return Market(
        np.where(empty, -np.inf, arrays["utility"][r]),
        arrays["outside"][r],
        np.maximum(arrays["budget"][r], 0),
        arrays["price"][r],
        draws,
        loads,
        capacity,
        arrays["log_attraction"][r],
        float(arrays["sigma"][r]),
    )


def shares(market, shadow):
    """Spending shares (lab, offer) at log shadow prices (pool,)."""
    scarcity = shadow @ market.draws
    with np.errstate(invalid="ignore"):
        log_weight = market.attraction + (market.utility - scarcity) / market.sigma
    log_weight = np.where(np.isneginf(market.utility), -np.inf, log_weight)
    everything = np.column_stack([market.outside / market.sigma, log_weight])
    top = everything.max(1, keepdims=True)
    weight = np.exp(everything - np.where(np.isneginf(top), 0, top))
    total = weight.sum(1, keepdims=True)
    return np.where(total > 0, weight / np.where(total > 0, total, 1), 0)[:, 1:]


def chips(market, shadow):
    """Chips asked for (lab, offer) at log shadow prices."""
    paid = np.where(market.price > 0, market.price, 1) * np.exp(shadow @ market.draws)
    return market.budget[:, None] * shares(market, shadow) / paid


def clear(market, shadow, tolerance=1e-10, max_sweeps=500):
    """(chips, shadow, share inside, sweeps) by damped scaling with the common step, written out plainly."""
    offered = market.draws[:, ~np.isneginf(market.attraction) & (market.draws[market.capacity <= 0].sum(0) == 0)]
    shadow = np.where((market.capacity > 0) & (offered.sum(1) > 0), np.maximum(shadow, 0), 0.0)
    capacity = np.where(market.capacity > 0, market.capacity, 1.0)
    damping = market.sigma / (1 + market.sigma)
    mean = unit = None
    for sweep in range(max_sweeps + 1):
        bought = chips(market, shadow)
        demand = market.loads @ bought.sum(0)
        with np.errstate(divide="ignore"):
            excess = np.where(demand > 0, np.log(demand / capacity), -700.0)
        error = np.where(excess > 0, excess, np.minimum(-excess, shadow)).max(initial=0)
        if error <= tolerance or sweep == max_sweeps:
            break
        if mean is None:
            mean, unit = _first_prices(market, bought)
        spend = mean * bought.sum(0) * np.exp(shadow @ market.draws)
        common, unit = _common_step(market, shadow, excess, spend, demand, damping, unit)
        shadow = _own_steps(market, shadow, excess, bought, demand, damping)
        shadow = np.where(shadow > 0, np.maximum(shadow + common, 0), 0)
    fits = np.where(demand > market.capacity, market.capacity / np.where(demand > 0, demand, 1), 1.0)
    scale = np.where(market.draws > 0, fits[:, None], 1.0).min(0)
    sold = bought * scale
    paid = (sold * market.price * np.exp(shadow @ market.draws)).sum(1)
    return sold, shadow, paid / np.where(market.budget > 0, market.budget, 1), sweep + 1


def _first_prices(market, bought):
    """Mean quote of every offer over its buyers, and per unit of every pool over its offers."""
    spent, sold = (bought * market.price).sum(0), bought.sum(0)
    overall = spent.sum() / sold.sum() if sold.sum() > 0 else 1.0
    mean = np.where(sold > 0, spent / np.where(sold > 0, sold, 1), overall)
    offered = (market.loads > 0) & ~np.isneginf(market.attraction) & (market.draws[market.capacity <= 0].sum(0) == 0)
    per_unit = np.where(offered, mean / np.where(offered, market.loads, 1), 0)
    return mean, per_unit.sum(1) / np.maximum(offered.sum(1), 1)


def _own_steps(market, shadow, excess, bought, demand, damping):
    binding = (shadow > 0) | (excess > 0)
    both = (market.draws * binding[:, None]).sum(0) > 1
    sharing = (market.loads * both) @ bought.sum(0)
    step = damping / (1 + sharing / np.where(demand > 0, demand, 1)) * excess
    return np.maximum(shadow + step, 0)


def _common_step(market, shadow, excess, spend, demand, damping, unit):
    binding = (shadow > 0) | (excess > 0)
    depth = (market.draws * binding[:, None]).sum(0)
    total = spend[depth > 0].sum()
    money = (market.draws * binding[:, None]) @ (spend / np.maximum(depth, 1))
    unit = np.where(money > 0, money / np.where(money > 0, demand, 1) * np.exp(-shadow), unit)
    value = (unit * market.capacity * np.exp(shadow))[binding].sum()
    if total <= 0 or value <= 0:
        return 0.0, unit
    leaving = max(0.0, 1 - total / market.budget.sum())
    whole = 1 / (1 + leaving / market.sigma)
    return (whole - damping) * np.log(total / value) * total / (spend * depth).sum(), unit


def lots_drawn(chips, lot, fits, key, luck):
    """Lots of one lab over its offers, and their sizes: whole lots, and the rest to winners of races."""
    size = np.minimum(lot, fits)
    expected = np.where((size >= 1) & (chips > 0), chips / np.maximum(size, 1), 0)
    lots, parts = np.floor(expected), expected - np.floor(expected)
    for lap in range(int(parts.sum() + luck)):
        course = mixed(bits(luck), lap)
        draws = np.array([uniform(mixed(int(one), course)) for one in key])
        with np.errstate(divide="ignore", over="ignore"):
            lots[np.argmin(-np.log(draws) / parts)] += 1
    return lots, size


def random_market(seed, replicates=2, labs=5, offers=12, pools=4, sigma=0.45, two_pools=False, tightness=1.0):
    """Keyword arguments of `clear` for a market with some dead offers, one empty pool and one idle lab."""
    g = np.random.default_rng(seed)
    price = np.exp(g.normal(0.9, 0.3, (replicates, labs, offers)))
    utility = g.normal(0, 0.7, price.shape) - np.log(price)
    utility[g.random(price.shape) < 0.1] = -np.inf
    pool = np.full((offers, 2), -1)
    pool[:, 0] = g.integers(0, pools, offers)
    pool[0, 0] = -1
    if two_pools:
        pool[1::2, 1] = pools + g.integers(0, 2, len(pool[1::2]))
    weight = np.where(pool >= 0, g.uniform(0.5, 2, pool.shape), 0.0)
    budget = np.exp(g.normal(8, 1.2, (replicates, labs)))
    budget[0, 0] = 0
    capacity = np.exp(g.normal(0, 1, (replicates, pools + 2 * two_pools)))
    capacity *= (budget.sum(1) / np.exp(0.9) / capacity.sum(1) / tightness)[:, None]
    capacity[-1, -1] = 0
    return dict(
        utility=utility,
        outside=g.normal(-1.5, 0.3, budget.shape),
        budget=budget,
        price=price,
        pool=pool,
        weight=weight,
        capacity=capacity,
        log_attraction=np.where(g.random((replicates, offers)) < 0.1, -np.inf, g.normal(0, 0.5, (replicates, offers))),
        sigma=np.full(replicates, sigma),
        shadow=np.zeros(capacity.shape),
    )


def demand_of(chips, pool, weight, pools):
    """Capacity used (replicate, pool) by chips (replicate, lab, offer)."""
    demand = np.zeros((len(chips), pools))
    for j, t in np.ndindex(*pool.shape):
        if pool[j, t] >= 0:
            demand[:, pool[j, t]] += weight[j, t] * chips[:, :, j].sum(1)
    return demand
