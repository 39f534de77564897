"""Sobol' indices: which part of an output's variance each parameter accounts for, alone and with all others.

Saltelli et al. (2010), Computer Physics Communications 181, 259, as scipy computes them. Luck counts as one more
parameter: the rows of A are met under one draw each, those of B under others, and one more block repeats A under the
draws of B. So all that differs between a row of A and its neighbour in a block is one parameter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.indices import LUCK, Array, Index, Plan, listed, refuse_few, resampled

LEAST = 16


class Sobol:
    """A, B, A with each column from B, and A under the luck of B: (parameters + 3) x samples points."""

    name = "sobol"
    main = "total"
    meaning = "share of variance; `first` alone, `total` with all interactions"

    def plan(self, count: int, samples: int, seed: int) -> Plan:
        """A and B are the two halves of a scrambled Sobol' sequence in twice as many dimensions."""
        from scipy.stats import qmc

        refuse_few("sobol", samples, LEAST, "since an index is a ratio of two variances")
        if samples & (samples - 1):
            near = 1 << samples.bit_length()
            raise WrongRequest(f"--samples {samples}: sobol wanted a power of two, such as {near // 2} or {near}")
        both = qmc.Sobol(d=2 * count, seed=seed).random(samples)
        a, b = both[:, :count], both[:, count:]
        mixed = [np.where(np.arange(count) == at, b, a) for at in range(count)]
        places = np.concatenate([a, b, *mixed, a])
        rows = np.arange(samples)
        luck = np.concatenate([rows, rows + samples, *[rows] * count, rows + samples])
        return Plan(places, luck, samples)

    def indices(self, plan: Plan, values: Array, names: tuple[str, ...], confidence: float, seed: int) -> list[Index]:
        """`first` and `total` of each parameter and of luck."""
        blocks = values.reshape(-1, plan.samples)
        every = np.arange(plan.samples)
        found = _both(blocks, every)
        span = resampled(plan.samples, lambda rows: _both(blocks, rows), confidence, seed)
        named = (*names, LUCK)
        return [
            *listed("first", found[0], span[:, 0], named),
            *listed("total", found[1], span[:, 1], named),
        ]


def _both(blocks: Array, rows: NDArray[np.int64]) -> Array:
    """First and total indices (2, parameter and luck) over some rows of the blocks A, B, A with B's columns."""
    from scipy.stats import sobol_indices

    taken = blocks[:, rows]
    if np.ptp(taken) == 0.0:
        return np.zeros((2, len(blocks) - 2))
    parts = {"f_A": taken[0][None], "f_B": taken[1][None], "f_AB": taken[2:, None, :]}
    found = sobol_indices(func=parts, n=len(rows))
    return np.stack([np.ravel(found.first_order), np.ravel(found.total_order)])
