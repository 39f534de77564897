"""Forecasts that need no model: each sees a series up to the forecast's origin and no further.

Every method takes what was known by quarter (quarter up to the origin,), NaN where nothing was, and answers the next
`ahead` quarters (ahead,), NaN where it has too little to go on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LEAST_PAIRS = 4  # successive quarters that a regression on two numbers is given


def _known(seen: np.ndarray) -> np.ndarray:
    return np.flatnonzero(~np.isnan(seen))


def last_value(seen: np.ndarray, ahead: int) -> np.ndarray:
    """As it was last."""
    at = _known(seen)
    return np.full(ahead, seen[at[-1]] if len(at) else np.nan)


def last_growth(seen: np.ndarray, ahead: int) -> np.ndarray:
    """Growing on by the quarterly factor between the last two figures, which may lie further apart than a quarter."""
    at = _known(seen)
    if len(at) < 2 or seen[at[-2]] <= 0.0 or seen[at[-1]] <= 0.0:
        return np.full(ahead, np.nan)
    factor = (seen[at[-1]] / seen[at[-2]]) ** (1.0 / (at[-1] - at[-2]))
    since = len(seen) - 1 - at[-1]
    return seen[at[-1]] * factor ** (since + np.arange(1.0, ahead + 1.0))


def ar1(seen: np.ndarray, ahead: int) -> np.ndarray:
    """x' = a + b x by least squares over successive quarters (Box & Jenkins 1970), carried on from the last figure."""
    at = _known(seen)
    pairs = at[1:][np.diff(at) == 1]
    if len(pairs) < LEAST_PAIRS or at[-1] != len(seen) - 1:
        return np.full(ahead, np.nan)
    before, after = seen[pairs - 1], seen[pairs]
    spread = before - before.mean()
    slope = float((spread * after).sum() / (spread * spread).sum()) if spread.any() else 0.0
    rest = float(after.mean() - slope * before.mean())
    out, x = np.empty(ahead), float(seen[-1])
    for k in range(ahead):
        x = rest + slope * x
        out[k] = x
    return out


METHODS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "last value": last_value,
    "last growth": last_growth,
    "AR(1)": ar1,
}


def scale(seen: np.ndarray) -> float:
    """Mean absolute change a quarter between figures that follow each other; NaN for fewer than two, or no change.

    The denominator of the mean absolute scaled error (Hyndman & Koehler 2006): the error of the last value, one quarter
    ahead, within what was known. A change over a gap is shared out over its quarters.
    """
    at = _known(seen)
    if len(at) < 2:
        return float("nan")
    steps = np.abs(np.diff(seen[at])) / np.diff(at)
    mean = float(steps.mean())
    return mean if mean > 0.0 else float("nan")
