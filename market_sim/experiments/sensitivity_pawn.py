"""PAWN: how far fixing a parameter moves the whole distribution of an output, not its variance alone.

Pianosi & Wagener (2018), Environmental Modelling & Software 108, 197, as SALib computes it: the Kolmogorov-Smirnov
distance between the distribution of the output and that within a slice of the parameter's range; median and maximum
over slices. Every point has its own draw of luck. Since a distance is never below zero, a parameter that does nothing
scores some .1 too: `dummy` is one, for comparison.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.indices import EXTRA, Array, Index, Plan, listed, refuse_few, resampled, share_of_luck

SLICES = 8
LEAST = 20 * SLICES
PAIRED = 64  # points met again under another draw of luck
RESAMPLED = 100  # times: each costs a distance per parameter and slice
DUMMY = "dummy"


class Pawn:
    """A Latin hypercube, and a few of its points again: samples + 64 points."""

    name = "pawn"
    main = "median"
    meaning = "Kolmogorov-Smirnov distance, 0 to 1: `median` and `maximum` over slices of a parameter's range"

    def plan(self, count: int, samples: int, seed: int) -> Plan:
        """The last column is a parameter that does not exist."""
        from scipy.stats import qmc

        salib()
        refuse_few("pawn", samples, LEAST, f"{LEAST // SLICES} in each of {SLICES} slices")
        places = qmc.LatinHypercube(d=count + 1, seed=seed).random(samples)
        again = min(PAIRED, samples)
        luck = np.arange(samples + again)
        return Plan(np.concatenate([places, places[:again]]), luck, samples)

    def indices(self, plan: Plan, values: Array, names: tuple[str, ...], confidence: float, seed: int) -> list[Index]:
        """`median` and `maximum` of each parameter and of the dummy; `total`, a share of variance, of luck."""
        places, once = plan.places[: plan.samples], values[: plan.samples]
        found = _distances(places, once)
        span = resampled(plan.samples, lambda rows: _distances(places[rows], once[rows]), confidence, seed, RESAMPLED)
        named = (*names, DUMMY)
        again = values[plan.samples :]
        luck = share_of_luck(once[: len(again)], again, float(np.var(once)), confidence, seed)
        return [*listed("median", found[0], span[:, 0], named), *listed("maximum", found[1], span[:, 1], named), luck]


def _distances(places: Array, values: Array) -> Array:
    """Median and maximum (2, parameter)."""
    if np.ptp(values) == 0.0:
        return np.zeros((2, places.shape[1]))
    names = [f"x{at}" for at in range(places.shape[1])]
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    found = salib().analyze(problem, places, values, S=SLICES)
    return np.stack([np.array(found["median"]), np.array(found["maximum"])])


def salib() -> Any:
    """SALib's analysis of PAWN. Raises WrongRequest, with the line that installs it."""
    try:
        from SALib.analyze import pawn
    except ImportError:
        raise WrongRequest(f"--method pawn {EXTRA}") from None
    return pawn
