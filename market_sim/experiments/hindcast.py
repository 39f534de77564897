"""2023 to 2025 retraced and scored against what happened, beside naive forecasts.

For fitting, call these (all plain functions on arrays, in the units of `series.SERIES`):

    past = read_past()                                          # past.py: figures (series, quarter), NaN where none
    run = retrace_chunk(scenario, seed=0, replicates=range(8))  # retrace.py: run.value (replicate, series, quarter)
    run = retrace(scenario, 64, seed=0, workers=2)              # the same over processes, bits alike
    seen = past.on(run.quarters, run.names)                     # history on the run's grid, (series, quarter)
    may_fit = fitted(run.quarters)                              # bool (quarter,): 2023-Q1 to 2024-Q4

Nothing after 2024-Q4 may be used to choose a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from market_sim.experiments.past import FITTED, Past, read_past
from market_sim.experiments.retrace import Retraced, retrace, retrace_chunk

__all__ = ["Past", "Retraced", "fitted", "held_out", "read_past", "retrace", "retrace_chunk"]


def fitted(quarters: Sequence[str]) -> np.ndarray:
    """Which quarters are for fitting (quarter,)."""
    return np.array([FITTED[0] <= quarter <= FITTED[1] for quarter in quarters])


def held_out(quarters: Sequence[str]) -> np.ndarray:
    """Which quarters are the test (quarter,): those after the last that is for fitting."""
    return np.array([quarter > FITTED[1] for quarter in quarters])
