"""Which uncertain parameters an output hangs on: a design written down whole, run as a batch, read as indices."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.indices import Index, Method, Plan
from market_sim.experiments.inputs import Inputs, inputs_of
from market_sim.experiments.metrics import Metric, When, metric_of
from market_sim.experiments.points import Hands, Points, carried_out, design_at, outcomes, refuse_gaps
from market_sim.experiments.sensitivity_morris import Morris
from market_sim.experiments.sensitivity_pawn import Pawn
from market_sim.experiments.sensitivity_sobol import Sobol
from market_sim.results import files
from market_sim.scenario.accept import nearest
from market_sim.scenario.load import with_overrides
from market_sim.scenario.schema import Scenario

METHODS: dict[str, Method] = {one.name: one for one in (Sobol(), Morris(), Pawn())}
OUTPUTS = ("provider/stock/hhi", "vendor/stock/hhi", "lab/stock/hhi")
YEARS = 5.0
CONFIDENCE = 0.95
INDICES = "indices.parquet"


@dataclass(frozen=True)
class Survey:
    """A sensitivity analysis before it is run.

    `horizon` is the run's length in years; outputs are means over its last year. `margins` names parameters whose
    draws come in rows, of which only the margins count.
    """

    scenario: Scenario
    method: Method
    inputs: Inputs
    plan: Plan
    points: Points
    outputs: tuple[Metric, ...]
    horizon: float
    when: When
    seed: int
    confidence: float

    @property
    def name(self) -> str:
        """What its folder is called unless told otherwise."""
        return f"sensitivity-{self.method.name}-{self.scenario.name}-{self.seed}-n{self.plan.samples}"


@dataclass(frozen=True)
class Sensitivity:
    """Indices of every output, in its folder too, as `indices.parquet`."""

    survey: Survey
    folder: files.Place
    indices: tuple[tuple[str, Index], ...]  # output and index

    def frame(self) -> pl.DataFrame:
        """Columns output, parameter, kind (of index), value, low, high."""
        names = ("parameter", "kind", "value", "low", "high")
        return pl.DataFrame(
            {"output": [output for output, _ in self.indices]}
            | {name: [getattr(one, name) for _, one in self.indices] for name in names}
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        survey = self.survey
        return {
            "scenario": survey.scenario.name,
            "method": survey.method.name,
            "samples": survey.plan.samples,
            "points": survey.points.count,
            "seed": survey.seed,
            "confidence": survey.confidence,
            "years": survey.horizon,
            "parameters": list(survey.inputs.keys),
            "margins_only": list(survey.inputs.margins),
            "folder": str(self.folder),
            "indices": self.frame().to_dicts(),
        }


def survey_of(
    scenario: Scenario,
    method: str,
    samples: int,
    outputs: Sequence[str] = (),
    *,
    parameters: Sequence[str] = (),
    years: float = YEARS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Survey:
    """Plan the points, before anything runs.

    Raises WrongRequest for an unknown method, output or parameter, for too few samples, and for years beyond the
    scenario's.
    """
    chosen = _method(method)
    asked = tuple(metric_of(text) for text in outputs or OUTPUTS)
    if not 0.0 < confidence < 1.0:
        raise WrongRequest(f"confidence {confidence}: wanted a number between 0 and 1, such as 0.95")
    inputs = inputs_of(scenario, parameters)
    plan = chosen.plan(inputs.count, samples, seed)
    points = Points(inputs.values(plan.places), plan.luck)
    shortened = _of_length(scenario, years)
    return Survey(shortened, chosen, inputs, plan, points, asked, years, last_year(shortened), seed, confidence)


def _method(name: str) -> Method:
    if name not in METHODS:
        near = nearest(name, list(METHODS))
        hint = f"; did you mean {near!r}?" if near else ""
        raise WrongRequest(f"--method {name}: wanted one of {', '.join(METHODS)}{hint}")
    return METHODS[name]


def _of_length(scenario: Scenario, years: float) -> Scenario:
    """The scenario, ended after so many years: what comes later has no bearing on what came before."""
    ticks = round(years * 12.0 / scenario.tick_months)
    if not 1 <= ticks <= scenario.ticks:
        most = scenario.run_years()
        raise WrongRequest(f"--years {years:g}: wanted a tick or more, and at most the {most:g} of {scenario.name}")
    return with_overrides(scenario, {"ticks": ticks}) if ticks != scenario.ticks else scenario


def last_year(scenario: Scenario) -> When:
    """The last twelve months of a scenario, or all of a shorter one."""
    year, month = (int(part) for part in scenario.start[:7].split("-"))
    months = max(0, round(scenario.run_years() * 12.0) - 12) + month - 1
    return When(first=date(year + months // 12, months % 12 + 1, 1))


def analyse(
    survey: Survey, folder: str | files.Place | None = None, hands: Hands | None = None, command: str = ""
) -> Sensitivity:
    """Run what the folder lacks of the survey's points, and read the indices of every output.

    Raises WrongRequest for an output that the runs do not have, and what running a batch raises.
    """
    place = files.place_of(Path("runs", survey.name) if folder is None else folder)
    tables = sorted({metric.table for metric in survey.outputs})
    planned = design_at([survey.scenario], survey.points, seed=survey.seed, record=tables, command=command)
    batch = carried_out(planned, place, hands or Hands())
    values = outcomes(batch, survey.points.count, survey.outputs, survey.when)[0]
    refuse_gaps(values, survey.outputs, survey.when)
    found = Sensitivity(survey, place, tuple(_indices(survey, values)))
    _write(found)
    return found


def _indices(survey: Survey, values: np.ndarray) -> list[tuple[str, Index]]:
    return [
        (metric.text, index)
        for metric, row in zip(survey.outputs, values, strict=True)
        for index in survey.method.indices(survey.plan, row, survey.inputs.keys, survey.confidence, survey.seed)
    ]


def _write(found: Sensitivity) -> None:
    buffer = io.BytesIO()
    found.frame().write_parquet(buffer)
    files.write_whole(found.folder / INDICES, buffer.getvalue())
