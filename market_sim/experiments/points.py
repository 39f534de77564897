"""Many points of a design as one batch: replicate k of a run is point k, with its own parameters and its draw of luck.

A run of one point costs as much in fixed work as one of sixty, so a design with a run per point would take many times
as long. The points become part of the scenario, so every run folder stands for itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market_sim.experiments.batch import Batch, Watch, resume_batch, run_design
from market_sim.experiments.design import DESIGN, Design, design
from market_sim.experiments.errors import BatchBroken, WrongRequest
from market_sim.experiments.metrics import Metric, When
from market_sim.results.files import Place, is_file
from market_sim.results.read import read_runs
from market_sim.scenario.distributions import Draws
from market_sim.scenario.load import with_overrides
from market_sim.scenario.schema import Scenario

BLOCK = 1024  # points in a run, so that no scenario grows out of hand
DIGITS = 9  # significant figures of a value, so that its text is short and exact


@dataclass(frozen=True)
class Points:
    """`values`: key path -> (point,); `luck`: the draw of luck of each point (point,)."""

    values: Mapping[str, NDArray[np.float64]]
    luck: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many points there are."""
        return len(self.luck)

    def part(self, chosen: NDArray[np.int64]) -> Points:
        """Some of the points."""
        return Points({key: column[chosen] for key, column in self.values.items()}, self.luck[chosen])


@dataclass(frozen=True)
class Hands:
    """Who does the work, and who is told how far it has come."""

    executor: str | Executor | None = None
    workers: int | None = None
    scheduler: str = ""
    watch: Watch | None = None

    def options(self) -> dict[str, Any]:
        """As `run_design` takes them."""
        return {"workers": self.workers, "scheduler": self.scheduler, "watch": self.watch}


def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values with a few significant figures, as a file holds them."""
    return np.array([float(f"{value:.{DIGITS}g}") for value in values])


def blocks(count: int) -> list[NDArray[np.int64]]:
    """Points of each run: as few runs as `BLOCK` allows, all of one size; the last begins again where it is short."""
    runs = math.ceil(count / BLOCK)
    size = math.ceil(count / runs)
    return [np.arange(at * size, (at + 1) * size) % count for at in range(runs)]


def scenario_at(scenario: Scenario, points: Points) -> Scenario:
    """The scenario whose replicate k is point k. Raises ScenarioError for a key or a value that it does not take."""
    drawn = {key: Draws(tuple(rounded(column).tolist())) for key, column in points.values.items()}
    return with_overrides(scenario, drawn | {"luck": [float(one) for one in points.luck]})


def design_at(
    scenarios: Sequence[Scenario], points: Points, *, seed: int, record: Sequence[str], command: str = ""
) -> Design:
    """Every scenario at every point: runs scenario by scenario, each in blocks of points."""
    parts = blocks(points.count)
    made = [scenario_at(scenario, points.part(part)) for scenario in scenarios for part in parts]
    return design(made, len(parts[0]), seed=seed, record=record, command=command)


def carried_out(planned: Design, folder: Place, hands: Hands) -> Batch:
    """The batch run, or gone on with where its folder is there already; every replicate of it is wanted.

    Raises WrongRequest, NoExecutor, RunLocked, ScenarioError, BatchBroken, WriteFailed.
    """
    if is_file(folder / DESIGN):
        batch = resume_batch(folder, hands.executor, expected=planned, **hands.options())
    else:
        batch = run_design(planned, hands.executor, folder, **hands.options())
    if batch.failures:
        count, first = len(batch.failures), batch.failures[0]
        again = f"this shows it again:\n  {first.command}"
        raise BatchBroken(f"{count} points failed, the first with {first.error}; {again}")
    return batch


def outcomes(batch: Batch, count: int, metrics: Sequence[Metric], when: When) -> NDArray[np.float64]:
    """Values (scenario, metric, point) of a batch made by `design_at` with `count` points.

    Raises WrongRequest for a metric that the runs do not hold, or that has no value at some point.
    """
    parts = blocks(count)
    scenarios = len(batch.folders) // len(parts)
    found = np.full((scenarios, len(metrics), count), np.nan)
    for at, folder in enumerate(batch.folders):
        runs, part = read_runs(folder), parts[at % len(parts)]
        for number, metric in enumerate(metrics):
            held = metric.in_each(runs, when).collect()
            found[at // len(parts), number, part[held["replicate"].to_numpy()]] = held["value"].to_numpy()
    return found


def refuse_gaps(values: NDArray[np.float64], metrics: Sequence[Metric], when: When) -> None:
    """Raise WrongRequest naming the first metric (axis -2) that has no value at some point (axis -1)."""
    for number, metric in enumerate(metrics):
        missing = int(np.isnan(values[..., number, :]).sum())
        if missing:
            raise WrongRequest(f"{metric.text}: no value at {missing} points at {when}; wanted one that every run has")


def frame_of(points: Points) -> pl.DataFrame:
    """One row per point: luck and a column per parameter."""
    return pl.DataFrame({"point": np.arange(points.count), "luck": points.luck, **points.values})
