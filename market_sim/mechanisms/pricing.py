"""Cost, vacancy, rivals and scarcity -> what providers quote and vendors list."""

import numpy as np

from market_sim.numerics import exp, kernel, kexp, kexpm1, klog, log, part
from market_sim.units import HOURS_PER_YEAR

CONTRACTED_UTILISATION = 0.97


@part
def _capital_recovery(rate, life):  # type: ignore[no-untyped-def]
    """Yearly payment per USD invested: r / (1 - e^(-r life)), 1/life at r = 0 (continuous annuity)."""
    x = rate * life
    return rate / -kexpm1(-x) if x > 1e-12 else 1.0 / life


@kernel
def _capacity_costs(chip_price, server, power, wacc, opex, site_cost, life, site_life, full, capital):  # type: ignore[no-untyped-def]
    hours = HOURS_PER_YEAR * CONTRACTED_UTILISATION
    for r in range(full.shape[0]):
        for p in range(full.shape[1]):
            gear = _capital_recovery(wacc[r, p], life[r])
            site = _capital_recovery(wacc[r, p], site_life[r]) * site_cost[r, p] + opex[r, p]
            for c in range(full.shape[2]):
                spent = chip_price[r, p, c] + server[r, c]
                full[r, p, c] = (gear * spent + site * power[c]) / hours
                capital[r, p, c] = spent + site_cost[r, p] * power[c]


def capacity_costs(
    chip_price: np.ndarray, server: np.ndarray, power: np.ndarray, wacc: np.ndarray, opex: np.ndarray,
    site_cost: np.ndarray, life: np.ndarray, site_life: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Full cost in USD per chip-hour of a chip bought today and run contracted, and its capital cost in USD.

    Both (replicate, provider, chip). `chip_price` (replicate, provider, chip) USD, `server` (replicate, chip) USD,
    `power` (chip,) kW, `wacc`, `opex` and `site_cost` (replicate, provider) per year, USD/kW/year and USD/kW, the rest
    (replicate,) years.
    """
    full, capital = np.empty(chip_price.shape), np.empty(chip_price.shape)
    _capacity_costs(chip_price, server, power, wacc, opex, site_cost, life, site_life, full, capital)
    return full, capital


def chip_hour_cost(*given: np.ndarray) -> np.ndarray:
    """Full cost alone, as in `capacity_costs`."""
    return capacity_costs(*given)[0]


def avoidable_cost(power: np.ndarray, opex: np.ndarray) -> np.ndarray:
    """Cash cost in USD per chip-hour (replicate, provider, chip) that switching a chip off would save."""
    return opex[:, :, None] * power / HOURS_PER_YEAR


def term_factor(term: np.ndarray, on_demand: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Price over that of one year (replicate, offer): dearer on demand, cheaper by term^-slope beyond a year.

    `on_demand` (replicate, 1 or offer) is the factor of a quarter; it fades log-linearly to a year.
    """
    beyond = -slope[:, None] * np.maximum(0.0, log(term))[None, :]
    short = np.clip(log(term) / log(np.array(0.25)), 0.0, 1.0)[None, :]
    return exp(beyond + short * log(on_demand))


def quoted(
    quote: np.ndarray, target: np.ndarray, floor: np.ndarray, vacancy: np.ndarray, scarcity: np.ndarray,
    pull: np.ndarray, vacancy_response: np.ndarray, vacancy_target: np.ndarray, scarcity_response: np.ndarray,
    dt: float,
) -> np.ndarray:  # fmt: skip
    """Quotes after `dt`: d log p = k_r log(p*/p) dt - k_u (vacancy - v*) dt + k_lambda lambda dt, floored.

    Solved exactly over the tick for constant drivers, so the step's length does not matter. All (replicate, provider,
    chip); vacancy is of uncontracted lots (fleet utilisation would only ratchet up under take-or-pay).
    """
    out = np.empty(quote.shape)
    _quoted(quote, target, floor, vacancy, scarcity, pull, vacancy_response, vacancy_target, scarcity_response, dt, out)
    return out


@kernel
def _quoted(quote, target, floor, vacancy, scarcity, pull, response, rest_at, scarce, dt, out):  # type: ignore[no-untyped-def]
    for r in range(quote.shape[0]):
        weight = -kexpm1(-pull[r] * dt)
        rest = weight / pull[r] if pull[r] > 0.0 else dt
        now, goal, least, after = quote[r].ravel(), target[r].ravel(), floor[r].ravel(), out[r].ravel()
        empty, tight = vacancy[r].ravel(), scarcity[r].ravel()
        for k in range(now.shape[0]):
            push = scarce[r] * tight[k] - response[r] * (empty[k] - rest_at[r])
            moved = kexp(klog(now[k]) + weight * klog(goal[k] / now[k]) + rest * push)
            after[k] = moved if moved > least[k] else least[k]


@kernel
def _contract_prices(quote, lists, scarcity, passed, seller, chips, price, spend, paid):  # type: ignore[no-untyped-def]
    offers = quote.shape[2]
    factor = np.empty(offers)
    for r in range(quote.shape[0]):
        for j in range(offers):
            factor[j] = kexp(passed[r, seller[j]] * scarcity[r, j]) if scarcity[r, j] > 0.0 else 1.0
        for n in range(quote.shape[1]):
            for j in range(offers):
                price[r, n, j] = quote[r, n, j] * factor[j]
        for i in range(chips.shape[1]):
            n = lists[i]
            for j in range(offers):
                if chips[r, i, j] > 0.0:
                    amount = chips[r, i, j] * price[r, n, j]
                    spend[r, i, seller[j]] += amount
                    paid[r, j] += amount


def contract_prices(
    quote: np.ndarray, scarcity: np.ndarray, passed: np.ndarray, seller: np.ndarray, chips: np.ndarray,
    lists: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """p e^(phi lambda), shaped as `quote`, and what `chips` at that price come to, by lab and provider (replicate, lab,
    provider) and by offer (replicate, offer).

    The part phi, `passed` (replicate, provider), of the log `scarcity` (replicate, offer) enters the price; the rest is
    queueing. `quote` (replicate, list, offer), `chips` (replicate, lab, offer), `seller` (offer,) the provider; `lists`
    (lab,) the price list of each lab, its own unless told.
    """
    price, spend = np.empty(quote.shape), np.zeros((*chips.shape[:2], passed.shape[1]))
    lists = np.arange(chips.shape[1]) if lists is None else lists
    paid = np.zeros(scarcity.shape)
    _contract_prices(quote, lists, scarcity, passed, seller, chips, price, spend, paid)
    return price, spend, paid


@kernel
def _by_offer(chips, price, lists, out):  # type: ignore[no-untyped-def]
    for r in range(chips.shape[0]):
        for j in range(out.shape[1]):
            out[r, j] = 0.0
        for i in range(chips.shape[1]):
            n = lists[i]
            for j in range(out.shape[1]):
                out[r, j] += chips[r, i, j] * price[r, n, j]


def by_offer(chips: np.ndarray, price: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """What labs spend on each offer (replicate, offer), arrays as in `contract_prices`."""
    out = np.empty((len(chips), chips.shape[2]))
    _by_offer(chips, price, lists, out)
    return out


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
