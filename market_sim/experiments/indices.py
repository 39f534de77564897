"""What methods of sensitivity analysis have in common: a design over places from 0 to 1, and indices from values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.errors import WrongRequest

Array = NDArray[np.float64]
RESAMPLES = 500
LUCK = "luck"  # what all that is drawn at random goes by in the tables
EXTRA = "needs SALib: pip install 'market-sim[sensitivity]'"


@dataclass(frozen=True)
class Plan:
    """Where to look: `places` (point, parameter) from 0 to 1, `luck` (point,), and how many rows the method samples."""

    places: Array
    luck: NDArray[np.int64]
    samples: int


@dataclass(frozen=True)
class Index:
    """One index of one parameter for one output, with its interval."""

    parameter: str
    kind: str
    value: float
    low: float
    high: float


class Method(Protocol):
    """A method: plans its points, and reads its indices from the values (point,) found there."""

    name: str
    main: str  # the index that parameters are ranked by
    meaning: str

    def plan(self, count: int, samples: int, seed: int) -> Plan:
        """Points for `count` parameters. Raises WrongRequest for too few samples."""

    def indices(self, plan: Plan, values: Array, names: tuple[str, ...], confidence: float, seed: int) -> list[Index]:
        """Indices of every parameter, and of luck."""


def resampled(
    rows: int,
    statistic: Callable[[NDArray[np.int64]], Array],
    confidence: float,
    seed: int,
    times: int = RESAMPLES,
) -> Array:
    """Percentile interval (2, ...) of a statistic over rows drawn with replacement."""
    generator = np.random.default_rng(seed)
    drawn = np.stack([statistic(generator.integers(0, rows, rows)) for _ in range(times)])
    tail = 0.5 * (1.0 - confidence)
    return np.quantile(drawn, [tail, 1.0 - tail], axis=0)


def listed(name: str, values: Array, span: Array, names: tuple[str, ...]) -> list[Index]:
    """Indices of parameters (parameter,) with intervals (2, parameter)."""
    return [
        Index(parameter, name, float(values[at]), float(span[0, at]), float(span[1, at]))
        for at, parameter in enumerate(names)
    ]


def share_of_luck(first: Array, second: Array, variance: float, confidence: float, seed: int) -> Index:
    """Total index of luck from points met twice (pair,), each time under another draw: half the mean squared change
    over the variance (Jansen 1999, Computer Physics Communications 117, 35).
    """
    change = 0.5 * (first - second) ** 2 / variance if variance > 0.0 else np.zeros_like(first)
    low, high = resampled(len(change), lambda rows: np.array(change[rows].mean()), confidence, seed)
    return Index(LUCK, "total", float(change.mean()), float(low), float(high))


def refuse_few(method: str, samples: int, least: int, why: str) -> None:
    """Raise WrongRequest for fewer samples than the method can do with."""
    if samples < least:
        raise WrongRequest(f"--samples {samples}: {method} wanted {least} or more, {why}")
