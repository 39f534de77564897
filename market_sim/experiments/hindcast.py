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
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.past import FITTED, ORIGIN, Past, read_past
from market_sim.experiments.patterns import Verdict, judged
from market_sim.experiments.retrace import Retraced, quarters_of, refuse_unfit, retrace, retrace_chunk
from market_sim.experiments.scoring import BANDS, Score, Tally, naive_forecasts, quantile, score, tally
from market_sim.experiments.series import SERIES

if TYPE_CHECKING:
    import polars as pl

    from market_sim.scenario.schema import Scenario

__all__ = ["Hindcast", "Past", "Retraced", "fitted", "held_out", "hindcast", "read_past", "retrace", "retrace_chunk"]

BEFORE = "2022-Q4"  # origin of the naive forecasts of the years for fitting
TARGET_WON, TARGET_COVERED = 0.60, (0.80, 0.97)  # on the held-out year


def fitted(quarters: Sequence[str]) -> np.ndarray:
    """Which quarters are for fitting (quarter,)."""
    return np.array([FITTED[0] <= quarter <= FITTED[1] for quarter in quarters])


def held_out(quarters: Sequence[str]) -> np.ndarray:
    """Which quarters are the test (quarter,): those after the last that is for fitting."""
    return np.array([quarter > FITTED[1] for quarter in quarters])


@dataclass(frozen=True)
class Hindcast:
    """A run held against history: `fit` scores 2023-24, `test` scores 2025, which no parameter was chosen by."""

    scenario: str
    seed: int
    run: Retraced
    past: Past
    fit: tuple[Score, ...]
    test: tuple[Score, ...]
    patterns: tuple[Verdict, ...]

    @property
    def replicates(self) -> int:
        """How many draws of luck it rests on."""
        return len(self.run.value)

    def tallies(self) -> dict[str, Tally]:
        """What the scores of both windows come to."""
        return {"fit": tally(self.fit), "test": tally(self.test)}

    def as_json(self) -> dict[str, Any]:
        """Plain data: scores, sums, patterns, and every series with its band."""
        sums = {name: asdict(one) | _derived(one) for name, one in self.tallies().items()}
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "replicates": self.replicates,
            "windows": {"fit": list(FITTED), "test": [self.run.quarters[int(held_out(self.run.quarters).argmax())],
                                                       self.run.quarters[-1]]},
            "summary": sums,
            "fit": [one.as_json() for one in self.fit],
            "test": [one.as_json() for one in self.test],
            "patterns": [asdict(one) for one in self.patterns],
            "series": self.frame().to_dicts(),
        }  # fmt: skip

    def frame(self) -> pl.DataFrame:
        """One row per series and quarter: series, label, unit, period, history, median, low50, high50, low90, high90,
        naive.

        `naive`: in the quarters kept out, the naive forecast made at their origin that turned out best; else null.
        """
        import polars as pl

        rows = [row for at, name in enumerate(self.run.names) for row in self._rows(at, name)]
        return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.selectors.float().fill_nan(None))

    def _rows(self, at: int, name: str) -> list[dict[str, Any]]:
        draws, quarters = self.run.value[:, at], self.run.quarters
        columns = {"history": self.past.on(quarters, [name])[0], "median": quantile(draws, 0.5)}
        for band, (low, high) in BANDS.items():
            columns |= {f"low{band}": quantile(draws, low), f"high{band}": quantile(draws, high)}
        columns["naive"] = self._best_naive(name)
        series = SERIES[name]
        return [
            {"series": name, "label": series.label, "unit": series.unit, "period": quarter}
            | {column: float(values[k]) for column, values in columns.items()}
            for k, quarter in enumerate(quarters)
        ]

    def _best_naive(self, name: str) -> np.ndarray:
        out = np.full(len(self.run.quarters), np.nan)
        best = next((one.best for one in self.test if one.name == name), "")
        late = np.flatnonzero(held_out(self.run.quarters))
        if best:
            out[late] = naive_forecasts(self.past, name, ORIGIN, len(late))[best]
        return out


def _derived(one: Tally) -> dict[str, Any]:
    covered = {f"coverage{band}": one.coverage(band) for band in BANDS}
    return {"share_won": one.share_won, **covered}


def windows(past: Past) -> tuple[list[str], list[str]]:
    """Quarters for fitting, and those kept out."""
    fit = [quarter for quarter in past.quarters if FITTED[0] <= quarter <= FITTED[1]]
    return fit, [quarter for quarter in past.quarters if quarter > FITTED[1]]


def check_reach(scenario: Scenario, past: Past) -> None:
    """Before anything is run: raise WrongRequest unless the scenario covers both windows of history."""
    refuse_unfit(scenario)
    covered = quarters_of(scenario)
    for quarter in (one for window in windows(past) for one in window):
        if quarter not in covered:
            span = f"{covered[0]} to {covered[-1]}" if covered else "no whole quarter"
            raise WrongRequest(f"scenario {scenario.name} covers {span}: wanted {quarter} too")


def hindcast(scenario: Scenario, run: Retraced, past: Past, seed: int) -> Hindcast:
    """Score a run of a scenario that begins in 2023 and covers 2025. Raises WrongRequest where it does not."""
    fit, test = (
        tuple(score(run, past, quarters, origin))
        for quarters, origin in zip(windows(past), (BEFORE, ORIGIN), strict=True)
    )
    return Hindcast(scenario.name, seed, run, past, fit, test, tuple(judged(run, past, scenario)))
