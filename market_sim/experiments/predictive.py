"""What a run says with the error that its model has shown: the band that a forecast has to have.

A band over luck and parameters alone is too narrow, since it takes the model for right. Two ways to widen it, both with
sizes that come from the years for fitting. `with_error`: the calibration finds how far off the model stays, series by
series, once luck and parameters have done what they can; each replicate gets one such error a series, kept over all its
quarters, and centred on zero. `rebased`: a forecast begins where history stands, and the gap opens again as it did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from market_sim.experiments.discrepancy import LEAST, SCALES, Scale
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.past import Past
from market_sim.experiments.retrace import Retraced
from market_sim.experiments.scoring import quantile
from market_sim.quantiles import normal_quantile

COPIES = 8  # of each replicate, each with an error of its own


def read_factors(path: Path) -> dict[str, float]:
    """Series -> error in scales, from the JSON that `calibrate` writes beside its draws. Raises WrongRequest."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["series"]
        return {name: float(one["factor"]) for name, one in told.items()}
    except OSError as error:
        raise WrongRequest(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WrongRequest(f"{path}: wanted the JSON that `market-sim calibrate` writes beside its draws") from None


def with_error(
    run: Retraced, factors: Mapping[str, float], seed: int, scales: Mapping[str, Scale] = SCALES
) -> Retraced:
    """The run's replicates, each several times with an error of the model on every series that has a factor."""
    value = np.repeat(run.value, COPIES, axis=0)
    for at, name in enumerate(run.names):
        if name in factors and name in scales:
            generator = np.random.default_rng([seed, *name.encode()])
            error = scales[name].size * factors[name] * _even(generator, len(run.value))
            value[:, at] = _off(value[:, at], error[:, None], scales[name])
    return replace(run, value=value)


def _even(generator: np.random.Generator, replicates: int) -> np.ndarray:
    """Standard normals (replicate x copy,): each copy of a replicate takes one from its own of as many equal parts of
    the law, so that the middle stays where the run has it."""
    part = generator.permuted(np.tile(np.arange(COPIES), (replicates, 1)), axis=1)
    drawn: np.ndarray = normal_quantile((part + generator.random(part.shape)) / COPIES)
    return drawn.ravel()


def _off(value: np.ndarray, error: np.ndarray, scale: Scale) -> np.ndarray:
    """Values (replicate, quarter) with an error (replicate, 1) of their logarithm, or of a percentage."""
    return value * np.exp(error) if scale.log else np.clip(value + error, 0.0, 100.0)


def rebased(run: Retraced, past: Past, origin: str, seed: int, scales: Mapping[str, Scale] = SCALES) -> Retraced:
    """The run as a forecast made at the end of `origin`: every replicate begins at the last figure known then.

    The model says how a series goes on, history where it stands. The gap that is closed at the origin opens again as a
    random walk whose steps have the size of those that the gap of the median took before, quarter by quarter, at least
    half the series' declared scale a year. Series of which nothing was known are left alone, and so are quarters up to
    the origin.
    """
    value = np.repeat(run.value, COPIES, axis=0)
    for at, name in enumerate(run.names):
        seen = _known(run, past, name, origin)
        if name in scales and not np.isnan(seen).all():
            generator = np.random.default_rng([seed, *name.encode()])
            value[:, at] = _from(value[:, at], quantile(run.value[:, at], 0.5), seen, scales[name], generator)
    return replace(run, value=value)


def _known(run: Retraced, past: Past, name: str, origin: str) -> np.ndarray:
    """Figures (quarter,) of a series on the run's grid, as far as they were known at the origin."""
    before = past.before(name, origin)
    held = dict(zip(past.quarters, before, strict=False))
    return np.array([held.get(quarter, np.nan) for quarter in run.quarters])


def _from(
    value: np.ndarray, middle: np.ndarray, seen: np.ndarray, scale: Scale, generator: np.random.Generator
) -> np.ndarray:
    """Paths (replicate, quarter) moved to the last figure seen, with a walk about it from there."""

    def forth(x: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(x, LEAST)) if scale.log else x

    last = int(np.flatnonzero(~np.isnan(seen))[-1])
    ahead = np.maximum(0, np.arange(value.shape[1]) - last)
    shift = forth(seen[last]) - forth(value[:, last : last + 1])
    half = generator.standard_normal((len(value) // COPIES, COPIES // 2, value.shape[1]))
    steps = np.concatenate([half, -half], axis=1).reshape(value.shape)  # in pairs, so that the middle stays
    steps = steps * (ahead > 0) * _step(forth(seen) - forth(middle), scale)
    walk = np.cumsum(steps, axis=1)
    moved = forth(value) + np.nan_to_num(shift) * (ahead > 0) + walk
    future = np.exp(moved) if scale.log else np.clip(moved, 0.0, 100.0)
    return np.where(ahead > 0, future, value)


def _step(gap: np.ndarray, scale: Scale) -> float:
    """Size of a quarter's step of a gap (quarter,), from those known, at least half the scale over a year."""
    known = np.flatnonzero(~np.isnan(gap))
    least = 0.5 * scale.size / 2.0
    if len(known) < 4:
        return max(least, scale.size / 2.0)
    steps = np.diff(gap[known]) / np.sqrt(np.diff(known))
    return max(least, float(np.sqrt(np.mean(steps * steps))))
