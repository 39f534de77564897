"""How near a band of simulated series comes to what happened: level, direction, coverage and CRPS, series by series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from market_sim.experiments import naive
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.past import Past
from market_sim.experiments.retrace import Retraced

BANDS = {"50": (0.25, 0.75), "90": (0.05, 0.95)}


@dataclass(frozen=True)
class Score:
    """One series over one window. Errors are in the series' own unit but for `mase`, and NaN where there is none.

    `mae`: mean absolute error of the ensemble's median; `naive` the same by naive method; `mase`: `mae` over `scale`.
    `right` of `turns` changes between successive figures have the sign they had in history. `within`: figures inside
    the middle 50 and 90 % of the ensemble. `crps`: continuous ranked probability score, which for a single forecast
    is its absolute error.
    """

    name: str
    points: int
    mae: float
    scale: float
    crps: float
    right: int
    turns: int
    within: Mapping[str, int]
    naive: Mapping[str, float] = field(default_factory=dict)

    @property
    def mase(self) -> float:
        """Mean absolute scaled error of the median."""
        return self.mae / self.scale

    @property
    def best(self) -> str:
        """The naive method with the least error, known only afterwards; empty where none has an answer."""
        told = {name: error for name, error in self.naive.items() if not np.isnan(error)}
        return min(told, key=lambda name: told[name]) if told else ""

    @property
    def beats(self) -> bool | None:
        """Whether the median errs less than the best naive forecast; None where there is no such forecast."""
        return self.mae < self.naive[self.best] if self.best and not np.isnan(self.mae) else None

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        scaled = {name: error / self.scale for name, error in self.naive.items()}
        return {
            "series": self.name, "points": self.points, "mae": self.mae, "mase": self.mase, "crps": self.crps,
            "direction_right": self.right, "direction_of": self.turns, "within": dict(self.within),
            "naive_mae": dict(self.naive), "naive_mase": scaled, "best_naive": self.best, "beats_naive": self.beats,
        }  # fmt: skip


def quantile(values: np.ndarray, at: float) -> np.ndarray:
    """Quantile over replicates (axis 0), linear between draws; NaN where no replicate has a value."""
    known = ~np.isnan(values).all(axis=0)
    out = np.full(values.shape[1:], np.nan)
    out[known] = np.nanquantile(values[:, known], at, axis=0)
    return out


def crps(draws: np.ndarray, figure: float) -> float:
    """Continuous ranked probability score of an ensemble (replicate,): mean |X - y| - mean |X - X'| / 2.

    Gneiting & Raftery (2007), over all pairs of draws. NaN without draws.
    """
    known = np.sort(draws[~np.isnan(draws)])
    n = len(known)
    if not n:
        return float("nan")
    apart = float((known * (2.0 * np.arange(1, n + 1) - n - 1.0)).sum()) / (n * n)  # mean |X - X'| / 2
    return float(np.abs(known - figure).mean()) - apart


def naive_forecasts(past: Past, name: str, origin: str, ahead: int) -> dict[str, np.ndarray]:
    """Every naive method's next `ahead` quarters after `origin`, from what was known then."""
    seen = past.before(name, origin)
    return {method: forecast(seen, ahead) for method, forecast in naive.METHODS.items()}


def score(run: Retraced, past: Past, quarters: Sequence[str], origin: str) -> list[Score]:
    """Score the series that history tells anything of in `quarters`, beside naive forecasts made at `origin`.

    Raises WrongRequest where the run does not reach the quarters, or history not the origin.
    """
    lacking = [quarter for quarter in quarters if quarter not in run.quarters]
    if lacking:
        raise WrongRequest(f"the run covers {run.quarters[0]} to {run.quarters[-1]}: wanted {lacking[0]} too")
    figures = past.on(quarters, run.names)
    told = [name for row, name in enumerate(run.names) if not np.isnan(figures[row]).all()]
    if not told:
        raise WrongRequest(f"history tells nothing of {quarters[0]} to {quarters[-1]}: wanted figures to score against")
    return [_score(run, past, name, quarters, origin) for name in told]


def _score(run: Retraced, past: Past, name: str, quarters: Sequence[str], origin: str) -> Score:
    columns = [run.quarters.index(quarter) for quarter in quarters]
    draws, figures = run.of(name)[:, columns], past.on(quarters, [name])[0]
    told = ~np.isnan(figures)
    middle = quantile(draws, 0.5)
    seen = past.before(name, origin)
    right, turns = directions(quantile(run.of(name), 0.5), past.on(run.quarters, [name])[0], columns)
    ahead = past.place(quarters[-1]) - past.place(origin)
    forecasts = naive_forecasts(past, name, origin, ahead)
    last = -len(quarters)
    return Score(
        name=name,
        points=int(told.sum()),
        mae=float(np.abs(middle - figures)[told].mean()),
        scale=naive.scale(seen),
        crps=float(np.mean([crps(draws[:, k], figures[k]) for k in np.flatnonzero(told)])),
        right=right,
        turns=turns,
        within={band: int(_inside(draws, figures, *ends).sum()) for band, ends in BANDS.items()},
        naive={method: float(np.abs(path[last:] - figures)[told].mean()) for method, path in forecasts.items()},
    )


def _inside(draws: np.ndarray, figures: np.ndarray, low: float, high: float) -> np.ndarray:
    """Which figures (quarter,) lie between two quantiles of the draws (replicate, quarter)."""
    return (quantile(draws, low) <= figures) & (figures <= quantile(draws, high))


def directions(middle: np.ndarray, figures: np.ndarray, columns: Sequence[int]) -> tuple[int, int]:
    """Changes whose sign is right, and changes in all, between figures that follow each other and end in `columns`.

    `middle` and `figures` (quarter,) share a grid; history's gaps are bridged, and the model's change is taken over the
    same gap.
    """
    at = np.flatnonzero(~np.isnan(figures) & ~np.isnan(middle))
    pairs = [(a, b) for a, b in pairwise(at) if b in columns]
    signs = [np.sign(middle[b] - middle[a]) == np.sign(figures[b] - figures[a]) for a, b in pairs]
    return int(sum(signs)), len(signs)


@dataclass(frozen=True)
class Tally:
    """What the scores of a window come to."""

    compared: int  # series that have a naive forecast
    won: int  # of them, with the median nearer than the best of these
    points: int
    within: Mapping[str, int]
    right: int
    turns: int

    @property
    def share_won(self) -> float:
        """Part of the compared series on which the median beats the best naive forecast."""
        return self.won / self.compared if self.compared else float("nan")

    def coverage(self, band: str) -> float:
        """Part of all figures inside that band."""
        return self.within[band] / self.points if self.points else float("nan")


def tally(scores: Sequence[Score]) -> Tally:
    """Add the scores up; every figure counts alike in coverage, every series alike in what is won."""
    compared = [one for one in scores if one.beats is not None]
    return Tally(
        compared=len(compared),
        won=sum(bool(one.beats) for one in compared),
        points=sum(one.points for one in scores),
        within={band: sum(one.within[band] for one in scores) for band in BANDS},
        right=sum(one.right for one in scores),
        turns=sum(one.turns for one in scores),
    )
