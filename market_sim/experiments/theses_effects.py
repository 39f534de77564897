"""Effects of a mechanism: paired differences under common luck, what they hang on, and what they say of a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.compare import CONFIDENCE, interval
from market_sim.experiments.theses_declared import Measure

Array = NDArray[np.float64]
SUPPORTS, OPPOSES, NEGLIGIBLE, OPEN = "supports", "opposes", "negligible", "open"
NOTABLE = 0.3  # rank correlation from which a parameter is named
FEWEST = 8  # pairs from which correlations are taken


@dataclass(frozen=True)
class Driver:
    """A parameter that an effect goes with: rank correlation, and the effect in the lowest and highest third of it."""

    parameter: str
    correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class Case:
    """Which thesis (and variant of it, if any), at which omega, after how many years."""

    thesis: str
    variant: str
    omega: float
    years: int


@dataclass(frozen=True)
class Effect:
    """What a mechanism does to one measure, at one omega and horizon, over `pairs` of replicates.

    `on`, `off`: means. `effect` with its interval in the measure's unit; None where nothing can be said. `explained`:
    part of its spread over replicates that goes with parameters, by ranks and adjusted for their number; the rest is
    luck and interactions. `vote`: supports, opposes, negligible or open; empty for a measure that has no say.
    """

    thesis: str
    variant: str
    measure: str
    unit: str
    omega: float
    years: int
    pairs: int
    on: float | None
    off: float | None
    effect: float | None
    low: float | None
    high: float | None
    explained: float | None
    drivers: tuple[Driver, ...]
    vote: str
    needed: int | None

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "drivers": [vars(one) for one in self.drivers]}


def paired(measure: Measure, on: Array, off: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The effect of every replicate that has both, and which those are."""
    both = ~(np.isnan(on) | np.isnan(off))
    a, b = on[both], off[both]
    if measure.how == "difference":
        return a - b, both
    size = abs(float(b.mean())) if len(b) else 0.0
    return (a - b) / size if size > 0.0 else a - b, both


def effect_of(case: Case, measure: Measure, on: Array, off: Array, draws: Mapping[str, Array], seed: int) -> Effect:
    """The effect of turning a mechanism on, from values (replicate,) with it on and off."""
    each, both = paired(measure, on, off)
    low, high = interval(each, CONFIDENCE, seed) if len(each) else (None, None)
    effect = float(each.mean()) if len(each) else None
    explained, drivers = dependence(each, {key: column[both] for key, column in draws.items()})
    say = measure.sign != 0 and not case.variant
    return Effect(
        case.thesis, case.variant, measure.name, measure.unit, case.omega, case.years, len(each),
        float(on[both].mean()) if len(each) else None, float(off[both].mean()) if len(each) else None,
        effect, low, high, explained, drivers, vote(measure, effect, low, high) if say else "",
        replicates_needed(measure, effect, low, high, len(each)) if say else None,
    )  # fmt: skip


def vote(measure: Measure, effect: float | None, low: float | None, high: float | None) -> str:
    """What an effect says of the claim: beyond zero and large enough one way or the other, or surely too small."""
    if effect is None or low is None or high is None:
        return OPEN
    least, most = sorted((measure.sign * low, measure.sign * high))
    size = measure.sign * effect
    if least > 0.0 and size >= measure.matters:
        return SUPPORTS
    if most < 0.0 and -size >= measure.matters:
        return OPPOSES
    return NEGLIGIBLE if -measure.matters < least and most < measure.matters else OPEN


def replicates_needed(
    measure: Measure, effect: float | None, low: float | None, high: float | None, pairs: int
) -> int | None:
    """Replicates that would likely settle an open effect of the size found: its interval shrinks with their root."""
    if effect is None or low is None or high is None or vote(measure, effect, low, high) != OPEN:
        return None
    half = 0.5 * (high - low)
    size = abs(effect)
    room = size if size >= measure.matters else measure.matters - size
    return int(np.ceil(pairs * (half / room) ** 2 * 1.1)) if room > 0.0 else None


def dependence(each: Array, draws: Mapping[str, Array]) -> tuple[float | None, tuple[Driver, ...]]:
    """Part of an effect's spread that goes with parameters, and the parameters it goes with most."""
    varied = {key: column for key, column in draws.items() if len(column) and np.ptp(column) > 0.0}
    if len(each) < FEWEST or not varied or np.ptp(each) == 0.0:
        return None, ()
    ranks = np.stack([_ranks(column) for column in varied.values()], axis=1)
    own = _ranks(each)
    related = {key: float(np.corrcoef(own, ranks[:, at])[0, 1]) for at, key in enumerate(varied)}
    beyond = max(NOTABLE, 2.6 / np.sqrt(len(each)))  # some one in a hundred passes by chance
    named = sorted((key for key in related if abs(related[key]) >= beyond), key=lambda key: -abs(related[key]))[:3]
    return _explained(own, ranks), tuple(_driver(key, related[key], each, varied[key]) for key in named)


def _driver(key: str, correlation: float, each: Array, column: Array) -> Driver:
    order = np.argsort(column, kind="stable")
    third = max(1, len(each) // 3)
    return Driver(key, correlation, float(each[order[:third]].mean()), float(each[order[-third:]].mean()))


def _ranks(values: Array) -> Array:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values))


def _explained(own: Array, ranks: Array) -> float | None:
    """Adjusted share of variance of a least-squares fit; None with too few replicates for so many parameters."""
    count, parameters = ranks.shape
    free = count - parameters - 1
    if free < FEWEST:
        return None
    columns = np.column_stack([np.ones(count), ranks])
    fitted = columns @ np.linalg.lstsq(columns, own, rcond=None)[0]
    left = float(((own - fitted) ** 2).sum()) / free
    return float(np.clip(1.0 - left / own.var(ddof=1), 0.0, 1.0))
