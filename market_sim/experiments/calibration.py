"""Parameters that retrace 2023 and 2024: simulations compared with history, in waves that move to where they come near.

Free parameters and their priors are the distributions of the scenario. A wave is a Latin hypercube, each point a
simulation with its own draw of luck. To every simulation errors of the model are added as `discrepancy.py` declares
them; what the gaps to history then say of each parameter is found by regression, and the points are moved to where the
gaps would be zero: approximate Bayesian computation with regression adjustment (`posterior.conditioned`). The next wave
is drawn about what comes out, and the points of all waves count, by importance weights.

Why this, and not history matching by emulators, nor an optimiser such as optuna: luck moves single firms by more than
most parameters do, and a regression over all simulations averages it out where a search for the nearest one would
follow it; a simulation takes some seventy milliseconds, so thousands are cheap and need no emulator, whose own error
would have to be told; an optimiser finds one best point and no spread, where later batches need draws. Nothing that was
known only after 2024-Q4 is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.discrepancy import SCALES, Misfit, Scale, factor, misfit
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.inputs import Inputs
from market_sim.experiments.points import Points
from market_sim.experiments.posterior import (
    Proposal,
    conditioned,
    effective,
    log_weights,
    next_proposal,
    normalised,
    places,
    smoothed,
)

Array = NDArray[np.float64]
LEAST = 64  # points of a wave
COPIES = 4  # of each simulation, with an error of the model drawn for each
ROUNDS = 3  # in which the factors of the errors and the fit are brought together
DRAWS = 256

Simulator = Callable[[int, Points], Array]  # wave and its points -> simulated (point, series, quarter)


@dataclass(frozen=True)
class Target:
    """What is to be retraced: figures (series, quarter) with NaN where there are none, and the scale of each gap."""

    names: tuple[str, ...]
    observed: Array
    scales: Mapping[str, Scale] = field(default_factory=lambda: SCALES)


@dataclass(frozen=True)
class Calibrated:
    """Draws of a posterior, and what is to be known of it.

    `draws`: key -> values (draw,). `effective`: effective simulations behind them, and after each of the `waves`.
    `centre`: contrasts by series that are left between the fit and history, in scales, level first.
    """

    inputs: Inputs
    draws: Mapping[str, Array]
    points: int
    waves: tuple[float, ...]
    centre: Mapping[str, Array]

    @property
    def effective(self) -> float:
        """Effective simulations behind the draws."""
        return self.waves[-1]

    def factors(self) -> dict[str, float]:
        """How many scales the error of the model comes to, by series."""
        return {name: factor(left) for name, left in self.centre.items()}

    def biases(self) -> dict[str, float]:
        """Mean gap in scales, by series: above 0 where the model says too much."""
        return {name: float(left[0]) for name, left in self.centre.items()}

    def quantiles(self, key: str) -> tuple[float, float, float]:
        """5, 50 and 95 % of a parameter's posterior draws."""
        low, middle, high = np.quantile(self.draws[key], [0.05, 0.5, 0.95])
        return float(low), float(middle), float(high)

    def learned(self, key: str) -> float:
        """How much narrower than the prior: one less the ratio of the posterior's to the prior's 90 % range."""
        at = self.inputs.keys.index(key)
        ends = self.inputs.values(np.repeat([[0.05], [0.95]], self.inputs.count, axis=1))[key]
        low, _, high = self.quantiles(self.inputs.keys[at])
        return 1.0 - (high - low) / float(ends[1] - ends[0]) if ends[1] > ends[0] else 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain data: what the draws rest on, and each parameter's and series' figures."""
        factors, biases = self.factors(), self.biases()
        return {
            "draws": len(next(iter(self.draws.values()))),
            "points": self.points,
            "effective_after_each_wave": list(self.waves),
            "effective": self.effective,
            "parameters": {
                key: dict(zip(("p05", "p50", "p95"), self.quantiles(key), strict=True)) | {"learned": self.learned(key)}
                for key in self.inputs.keys
            },
            "series": {name: {"factor": factors[name], "bias": biases[name]} for name in factors},
        }


def calibrate(
    inputs: Inputs,
    simulate: Simulator,
    target: Target,
    *,
    samples: int,
    waves: int,
    seed: int = 0,
    draws: int = DRAWS,
) -> Calibrated:
    """Fit: `waves` waves of `samples` points, and `draws` draws from what they come to.

    Raises WrongRequest for too few samples, waves or draws, and where no simulation comes anywhere near.
    """
    _refuse_small(samples, waves, draws)
    proposal, made = Proposal(), list[tuple[Proposal, int]]()
    z, values = np.empty((0, inputs.count)), np.empty((0, *target.observed.shape))
    reached: list[float] = []
    for wave in range(waves):
        fresh = proposal.draw(hypercube(samples, inputs.count + 1, (seed, wave)))
        points = Points(inputs.values(places(fresh)), wave * samples + np.arange(samples))
        values = np.concatenate([values, simulate(wave, points)])
        z, made = np.concatenate([z, fresh]), [*made, (proposal, samples)]
        fit = adjusted(z, _compared(values, target), normalised(log_weights(z, made)), (seed, wave))
        reached.append(fit.effective)
        proposal = next_proposal(fit.z, fit.weight)
    chosen = inputs.values(places(smoothed(fit.z, fit.weight, fit.effective, draws, seed)))
    return Calibrated(inputs, chosen, len(z), tuple(reached), fit.centre)


@dataclass(frozen=True)
class Fit:
    """Adjusted points (copy x point, parameter) in scores with weights, and the contrasts left by series."""

    z: Array
    weight: Array
    effective: float
    centre: Mapping[str, Array]


def adjusted(z: Array, found: Misfit, weight: Array, seed: tuple[int, int]) -> Fit:
    """Move points (point, parameter) to where history is; the factors of the errors follow what the fit leaves."""
    many, copied = np.tile(z, (COPIES, 1)), np.tile(weight, COPIES) / COPIES
    centre = {name: np.zeros(gap.shape[1]) for name, gap in found.gaps.items()}
    for _ in range(ROUNDS):
        gap = found.with_error(centre, COPIES, np.random.default_rng(seed))
        moved, kept = conditioned(many, gap, copied)
        each = kept.reshape(COPIES, -1).sum(axis=0)
        centre = found.centre(each)
    return Fit(moved, kept, effective(each), centre)


def _compared(values: Array, target: Target) -> Misfit:
    found = misfit(values, target.observed, target.names, target.scales)
    if not found.gaps:
        raise WrongRequest("no series is both simulated and told of by history: nothing to fit")
    return found


def _refuse_small(samples: int, waves: int, draws: int) -> None:
    if samples < LEAST:
        raise WrongRequest(f"--samples {samples}: wanted {LEAST} or more simulations in a wave")
    if waves < 1:
        raise WrongRequest(f"--waves {waves}: wanted 1 or more")
    if draws < 1:
        raise WrongRequest(f"--draws {draws}: wanted 1 or more")


def hypercube(samples: int, dimensions: int, seed: tuple[int, int]) -> Array:
    """A Latin hypercube (sample, dimension) that follows from seed and wave."""
    from scipy.stats import qmc

    return np.asarray(qmc.LatinHypercube(d=dimensions, seed=np.random.default_rng(seed)).random(samples))
