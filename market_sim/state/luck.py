"""All luck of a run, drawn before it starts from named streams, by calendar time and by the names of firms."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from market_sim.numerics import exp
from market_sim.quantiles import gamma_quantile
from market_sim.scenario.schema import Scenario
from market_sim.streams import brownian, dated_uniforms, exponentials, gumbels, normals, paired, uniforms
from market_sim.units import calendar

DIRECTIONS = ("sparsity", "width", "attention", "context")
NORMAL, BOOM, SLUMP = 0, 1, 2
REGIMES = ("normal", "boom", "slump")
JUMPS = 64  # changes of regime drawn for each replicate, more than a century's
EULER = 0.5772156649015329
GUMBEL_SD = 1.2825498301618641  # pi / sqrt(6)


@dataclass(frozen=True)
class Luck:
    """Draws for one chunk of replicates; time axes have one entry a tick."""

    pool_shock: np.ndarray  # (R, pool, tick) standard Brownian increments
    lab_shock: np.ndarray  # (R, lab, tick)
    ideal_shock: np.ndarray  # (R, lab, direction, tick)
    rounding: np.ndarray  # (R, lab, tick) uniform
    waiting: np.ndarray  # (R, lab, tick) uniform: who comes first
    renewal: np.ndarray  # (R, lab, tick) uniform
    site: np.ndarray  # (R, provider, tick) gamma of mean 1
    provider_taste: np.ndarray  # (R, lab, provider) centred, unit variance
    chip_taste: np.ndarray  # (R, lab, chip)
    release_phase: np.ndarray  # (R, lab) uniform
    fit_error: np.ndarray  # (R, stack) standard normal
    entry: np.ndarray  # (R, provider) unit exponential: integrated hazard at entry
    regime: np.ndarray  # (R, tick) index into REGIMES
    in_regime: np.ndarray  # (R, tick, regime) share of the tick spent in each


def centred_gumbels(seed: int, replicates: tuple[int, ...], purpose: str, one: Any, other: Any) -> np.ndarray:
    """Gumbel tastes of every pair, centred and of unit variance, (R, one, other)."""
    draws = gumbels(seed, replicates, purpose, paired(one, other), 1)
    return (draws.reshape(len(replicates), len(one), len(other)) - EULER) / GUMBEL_SD


def regime_path(
    waits: np.ndarray,
    picks: np.ndarray,
    hazards: tuple[np.ndarray, np.ndarray, np.ndarray],
    start: int,
    ends: np.ndarray,
) -> np.ndarray:
    """Share of each tick spent in each regime, (R, tick, regime), of a continuous-time Markov chain.

    `waits` (R, jump) unit exponentials, `picks` uniforms; `hazards` (boom, slump, calm) per year; a boom or slump
    always returns to normal. `ends` are the ends of the ticks in years, so the path does not depend on them.
    """
    boom, slump, calm = hazards
    share = np.zeros((len(waits), len(ends), len(REGIMES)))
    for r in range(len(waits)):
        state, at = start, 0.0
        for wait, pick in zip(waits[r], picks[r], strict=True):
            leave = boom[r] + slump[r] if state == NORMAL else calm[r]
            until = at + (wait / leave if leave > 0.0 else np.inf)
            begin = np.concatenate([[0.0], ends[:-1]])
            share[r, :, state] += np.clip(np.minimum(ends, until) - np.maximum(begin, at), 0.0, None)
            if until >= ends[-1]:
                break
            at = until
            turn = BOOM if pick * (boom[r] + slump[r]) < boom[r] else SLUMP
            state = turn if state == NORMAL else NORMAL
    return share / np.diff(np.concatenate([[0.0], ends]))[None, :, None]


def draw_luck(scenario: Scenario, drawn: Any, seed: int, replicates: tuple[int, ...]) -> Luck:
    """Everything random that will happen to these replicates."""
    edges = calendar(scenario.start[:7], scenario.ticks, scenario.tick_months)
    dates = edges[:-1]
    labs, providers, chips = tuple(scenario.lab), tuple(scenario.provider), tuple(scenario.chip)
    directions = paired(labs, DIRECTIONS)
    ideal = brownian(seed, replicates, "ideal architecture", directions, edges)
    shape = drawn.delivery.site_shape
    months = np.floor(dates * 12.0 + 1e-6) / 12.0
    site = dated_uniforms(seed, replicates, "site", providers, months)
    waits = exponentials(seed, replicates, "regime", ["wait"], JUMPS)[:, 0]
    picks = uniforms(seed, replicates, "regime", ["pick"], JUMPS)[:, 0]
    hazards = (drawn.demand.boom_rate, drawn.demand.slump_rate, drawn.demand.calm_rate)
    start = REGIMES.index(scenario.demand.start_regime)
    shares = regime_path(waits, picks, hazards, start, edges[1:] - edges[0])
    return Luck(
        pool_shock=brownian(seed, replicates, "pool", tuple(scenario.pool), edges),
        lab_shock=brownian(seed, replicates, "lab", labs, edges),
        ideal_shock=ideal.reshape(len(replicates), len(labs), len(DIRECTIONS), len(dates)),
        rounding=dated_uniforms(seed, replicates, "rounding", labs, dates),
        waiting=dated_uniforms(seed, replicates, "waiting", labs, dates),
        renewal=dated_uniforms(seed, replicates, "renewal", labs, dates),
        site=site_luck(site, shape),
        provider_taste=centred_gumbels(seed, replicates, "provider taste", labs, providers),
        chip_taste=centred_gumbels(seed, replicates, "chip taste", labs, chips),
        release_phase=uniforms(seed, replicates, "release phase", labs, 1)[:, :, 0],
        fit_error=normals(seed, replicates, "fit error", tuple(scenario.stack), 1)[:, :, 0],
        entry=exponentials(seed, replicates, "entry", providers, 1)[:, :, 0],
        regime=shares.argmax(axis=2),
        in_regime=shares,
    )


def site_luck(uniform: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Gamma draws of mean 1 and the given shape (R,) from uniforms (R, provider, tick)."""
    return gamma_quantile(uniform, shape[:, None, None]) / shape[:, None, None]


def potential(
    start: np.ndarray, ceiling: np.ndarray, rate: np.ndarray, volatility: np.ndarray, shock: np.ndarray,
    in_regime: np.ndarray, level: np.ndarray, regime_time: np.ndarray, dt: float,
) -> np.ndarray:  # fmt: skip
    """Revenue potential of each pool (R, pool, tick + 1) in USD/year, the first entry at the start.

    A logistic from `start` to `ceiling`, times a geometric martingale, times a regime factor that approaches `level`
    (R, regime) with time constant `regime_time`; it starts at the level of the first regime.
    """
    ticks = shock.shape[2]
    t = np.arange(ticks + 1) * dt
    odds = np.maximum(ceiling / np.maximum(start, 1e-9) - 1.0, 0.0)
    trend = ceiling[:, :, None] / (1.0 + odds[:, :, None] * exp(-rate[:, :, None] * t))
    trend = np.where(start[:, :, None] > 0.0, trend, 0.0)
    steps = volatility[:, :, None] * shock - 0.5 * (volatility * volatility)[:, :, None] * dt
    walk = np.concatenate([np.zeros((*steps.shape[:2], 1)), np.cumsum(steps, axis=2)], axis=2)
    factor = np.empty((len(level), ticks + 1))
    goal = (in_regime * level[:, None, :]).sum(axis=2)
    factor[:, 0] = goal[:, 0]
    step = 1.0 - exp(-dt / regime_time)
    for k in range(ticks):
        factor[:, k + 1] = factor[:, k] + (goal[:, k] - factor[:, k]) * step
    first = factor[:, :1]
    return trend * exp(walk) * (factor / first)[:, None, :]
