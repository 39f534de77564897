"""Cost, vacancy, rivals and scarcity -> what providers quote and vendors list."""

import numpy as np

from market_sim.numerics import exp, expm1, log
from market_sim.units import HOURS_PER_YEAR

CONTRACTED_UTILISATION = 0.97


def capital_recovery(rate: np.ndarray, life: np.ndarray) -> np.ndarray:
    """Yearly payment per USD invested: r / (1 - e^(-r life)), 1/life at r = 0 (continuous annuity)."""
    x = rate * life
    return np.where(x > 1e-12, rate / np.where(x > 1e-12, -expm1(-x), 1.0), 1.0 / life)


def chip_hour_cost(
    chip_price: np.ndarray, server: np.ndarray, power: np.ndarray, wacc: np.ndarray, opex: np.ndarray,
    site_cost: np.ndarray, life: np.ndarray, site_life: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Full cost in USD per chip-hour (replicate, provider, chip) of a chip bought today and run contracted.

    `chip_price` (replicate, provider, chip) USD, `server` (replicate, chip) USD, `power` (chip,) kW, `wacc` and `opex`
    (replicate, provider) per year and USD/kW/year, the rest (replicate,); `site_cost` USD per kW.
    """
    gear = capital_recovery(wacc, life[:, None])[:, :, None] * (chip_price + server[:, None, :])
    site = (capital_recovery(wacc, site_life[:, None]) * site_cost[:, None] + opex)[:, :, None] * power
    return (gear + site) / (HOURS_PER_YEAR * CONTRACTED_UTILISATION)


def avoidable_cost(power: np.ndarray, opex: np.ndarray) -> np.ndarray:
    """Cash cost in USD per chip-hour (replicate, provider, chip) that switching a chip off would save."""
    return opex[:, :, None] * power / HOURS_PER_YEAR


def term_factor(term: np.ndarray, on_demand: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Price over that of one year (replicate, offer): dearer on demand, cheaper by term^-slope beyond a year.

    Between a quarter and a year the on-demand factor fades log-linearly.
    """
    beyond = -slope[:, None] * np.maximum(0.0, log(term))[None, :]
    short = np.clip(log(term) / log(np.array(0.25)), 0.0, 1.0)[None, :]
    return exp(beyond + short * log(on_demand)[:, None])


def quoted(
    quote: np.ndarray, target: np.ndarray, floor: np.ndarray, vacancy: np.ndarray, scarcity: np.ndarray,
    pull: np.ndarray, vacancy_response: np.ndarray, vacancy_target: np.ndarray, scarcity_response: np.ndarray,
    dt: float,
) -> np.ndarray:  # fmt: skip
    """Quotes after `dt`: d log p = k_r log(p*/p) dt - k_u (vacancy - v*) dt + k_lambda lambda dt, floored.

    Solved exactly over the tick for constant drivers, so the step's length does not matter. All (replicate, provider,
    chip); vacancy is of uncontracted lots (fleet utilisation would only ratchet up under take-or-pay).
    """
    push = -vacancy_response[:, None, None] * (vacancy - vacancy_target[:, None, None])
    push = push + scarcity_response[:, None, None] * scarcity
    k = pull[:, None, None]
    weight = -expm1(-k * dt)
    rest = np.where(k > 0.0, weight / np.where(k > 0.0, k, 1.0), dt)
    moved = log(quote) + weight * log(target / quote) + rest * push
    return np.maximum(exp(moved), floor)


def lerner_price(
    cost: np.ndarray, share: np.ndarray, sigma: np.ndarray, floor: np.ndarray, least_margin: np.ndarray
) -> np.ndarray:
    """The list price that maximises a vendor's profit: (P - c)/P = 1/eps, eps = max(floor, 1 + (1 - s)/sigma).

    `share` is the vendor's share of spending; with constant-budget logit demand for value per USD its own-price
    elasticity of quantity is 1 + (1 - s)/sigma. Never below cost / (1 - least_margin).
    """
    elasticity = np.maximum(floor[:, None], 1.0 + (1.0 - share) / sigma[:, None])
    margin = np.maximum(1.0 / elasticity, least_margin)
    return cost / (1.0 - margin)


def listed(price: np.ndarray, goal: np.ndarray, speed: np.ndarray, dt: float) -> np.ndarray:
    """List prices after `dt`, moving in logs towards the goal at `speed` a year."""
    return price * exp((1.0 - exp(-speed * dt))[:, None] * log(goal / price))
