"""What a run says with the error that its model has shown: the band that a forecast has to have.

A band over luck and parameters alone is too narrow, since it takes the model for right. The calibration finds how far
off the model stays, series by series, once luck and parameters have done what they can; each replicate here gets one
such error a series, kept over all its quarters, as errors of level are. It is centred on zero: a past bias is told in
the calibration's report, and is not carried forward.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from market_sim.experiments.discrepancy import SCALES, Scale
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.retrace import Retraced

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
            error = scales[name].size * factors[name] * generator.standard_normal(len(value))
            value[:, at] = _off(value[:, at], error[:, None], scales[name])
    return replace(run, value=value)


def _off(value: np.ndarray, error: np.ndarray, scale: Scale) -> np.ndarray:
    """Values (replicate, quarter) with an error (replicate, 1) of their logarithm, or of a percentage."""
    return value * np.exp(error) if scale.log else np.clip(value + error, 0.0, 100.0)
