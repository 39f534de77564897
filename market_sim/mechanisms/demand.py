"""What customers would spend, what labs can serve, what they plan and what they ask for."""

import numpy as np

from market_sim.numerics import exp, kernel, kexp, log
from market_sim.units import HOURS_PER_YEAR


def capability_step(
    capability: np.ndarray, training: np.ndarray, loss: np.ndarray, elasticity: np.ndarray, decay: np.ndarray, dt: float
) -> np.ndarray:
    """Capability (replicate, lab) after `dt`: it decays towards elasticity * log(training compute) - quality loss.

    `training` is useful training compute in service relative to the market's mean, floored so that a lab with nothing
    falls behind without bound in time, not at once.
    """
    goal = elasticity[:, None] * log(np.maximum(training, 1e-4)) - loss
    return capability + (goal - capability) * (1.0 - exp(-decay * dt))[:, None]


def shares(attraction: np.ndarray, pool: np.ndarray, pools: int, active: np.ndarray) -> np.ndarray:
    """Logit shares (replicate, lab) of each pool of revenue; labs out of business get none."""
    out = np.zeros_like(attraction)
    _shares(attraction, pool, pools, active, out)
    return out


@kernel
def _shares(attraction, pool, pools, active, out):  # type: ignore[no-untyped-def]
    top, total = np.empty(pools), np.empty(pools)
    for r in range(out.shape[0]):
        for m in range(pools):
            top[m], total[m] = -np.inf, 0.0
        for i in range(out.shape[1]):
            if active[r, i]:
                top[pool[i]] = max(top[pool[i]], attraction[r, i])
        for i in range(out.shape[1]):
            if active[r, i] and attraction[r, i] > -np.inf:
                out[r, i] = kexp(attraction[r, i] - top[pool[i]])
                total[pool[i]] += out[r, i]
        for i in range(out.shape[1]):
            out[r, i] /= total[pool[i]] if total[pool[i]] > 0.0 else 1.0


def servable_revenue(
    useful: np.ndarray, revenue_yield: np.ndarray, cost_index: np.ndarray, slack: np.ndarray
) -> np.ndarray:
    """USD/year that a lab's capacity can serve: slack * yield * Q * 8766 * industry cost.

    Q (replicate, lab) is useful inference compute in service, PFLOP/s; `revenue_yield` USD of revenue per USD of
    compute at its industry's cost, which falls as fleets renew, and with it what customers pay for the same
    work.
    """
    return slack[:, None] * revenue_yield * useful * HOURS_PER_YEAR * cost_index


def inference(useful: np.ndarray, training_share: np.ndarray) -> np.ndarray:
    """Useful compute (replicate, lab) that serves; a lab that only trains serves a tenth between its runs."""
    return useful * np.maximum(0.1, 1.0 - training_share)


def spilled(demand: np.ndarray, servable: np.ndarray, part: np.ndarray, pool: np.ndarray, pools: int) -> np.ndarray:
    """Revenue served (replicate, lab): a `part` of what a lab cannot serve goes to rivals in its pool of revenue.

    Rivals take it in proportion to the capacity they have to spare, and no more than that.
    """
    out = np.empty_like(demand)
    _spilled(demand, servable, part, pool, pools, out)
    return out


@kernel
def _spilled(demand, servable, part, pool, pools, out):  # type: ignore[no-untyped-def]
    unmet, room = np.empty(pools), np.empty(pools)
    for r in range(out.shape[0]):
        for m in range(pools):
            unmet[m], room[m] = 0.0, 0.0
        for i in range(out.shape[1]):
            unmet[pool[i]] += max(0.0, demand[r, i] - servable[r, i])
            room[pool[i]] += max(0.0, servable[r, i] - demand[r, i])
        for i in range(out.shape[1]):
            whole = room[pool[i]]
            taken = min(1.0, part[r] * unmet[pool[i]] / whole) if whole > 0.0 else 0.0
            out[r, i] = min(demand[r, i], servable[r, i]) + taken * max(0.0, servable[r, i] - demand[r, i])


def beside_rivals(compute: np.ndarray, pool: np.ndarray, pools: int, active: np.ndarray, least: float) -> np.ndarray:
    """Compute (replicate, lab) over the mean of the labs in business that share a pool of revenue, at least `least`; 1
    for labs out of business."""
    out = np.empty(compute.shape)
    _beside_rivals(compute, pool, pools, active, least, out)
    return out


@kernel
def _beside_rivals(compute, pool, pools, active, least, out):  # type: ignore[no-untyped-def]
    total, number = np.empty(pools), np.empty(pools)
    for r in range(out.shape[0]):
        for m in range(pools):
            total[m], number[m] = 0.0, 0.0
        for i in range(out.shape[1]):
            if active[r, i]:
                total[pool[i]] += compute[r, i]
                number[pool[i]] += 1.0
        for i in range(out.shape[1]):
            mean = total[pool[i]] / max(number[pool[i]], 1.0)
            own = compute[r, i] / (mean if mean > 0.0 else 1.0)
            out[r, i] = max(own, least) if active[r, i] else 1.0


def opening_yield(
    revenue: np.ndarray, useful: np.ndarray, cost_index: np.ndarray, compute_share: np.ndarray
) -> np.ndarray:
    """Revenue per USD of compute at industry cost that the opening fleets show, within a factor 4 of the inverse
    of `compute_share`, which is also the answer where a lab has no compute yet."""
    usual = 1.0 / np.maximum(compute_share, 1e-3)
    compute = useful * HOURS_PER_YEAR * cost_index
    seen = np.where((compute > 0.0) & (revenue > 0.0), revenue / np.where(compute > 0.0, compute, 1.0), usual)
    return np.clip(seen, 0.25 * usual, 4.0 * usual)


def learned_growth(
    growth: np.ndarray, demand: np.ndarray, before: np.ndarray, time: np.ndarray, dt: float
) -> np.ndarray:
    """Believed growth of demand (replicate, lab), 1/year, learned from what was seen over the tick."""
    seen = log(np.maximum(demand, 1.0) / np.maximum(before, 1.0)) / dt
    return growth + (seen - growth) * (1.0 - exp(-dt / time))[:, None]


def planned_spend(
    demand: np.ndarray, revenue: np.ndarray, growth: np.ndarray, purse: np.ndarray, funding: np.ndarray,
    compute_share: np.ndarray, other_cost: np.ndarray, pending: np.ndarray, horizon: np.ndarray,
    growth_cap: np.ndarray, runway: np.ndarray, bridge: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """W: USD/year of compute wanted at the horizon for the demand believed in by then.

    No more than can be paid from the revenue really earned, on its mean over the horizon, from funding, and from the
    `purse` over the runway. Capacity still being built is bridged by short contracts for a part of its rent.
    """
    believed = exp(np.clip(growth, -growth_cap, growth_cap) * horizon[:, None])
    wanted = compute_share * demand * believed + bridge[:, None] * pending
    earned = revenue * np.sqrt(believed) * np.maximum(0.0, 1.0 - other_cost)
    return np.minimum(wanted, earned + funding + purse / runway[:, None])


def ask(plan: np.ndarray, committed: np.ndarray, carry: np.ndarray, time: np.ndarray, dt: float) -> np.ndarray:
    """B: USD per hour of new run-rate asked this tick, (1 - e^(-dt/tau)) max(0, W - K)/8766, and what rounding left.

    `committed` K counts all contracts signed, started or not; leaving pending ones out makes orders explode. What is
    carried never exceeds the gap itself.
    """
    gap = np.maximum(0.0, plan - committed) / HOURS_PER_YEAR
    return np.minimum(gap, (1.0 - exp(-dt / time))[:, None] * gap + np.maximum(0.0, carry))
