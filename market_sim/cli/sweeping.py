"""`sweep`: a scenario over a design of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from market_sim.cli.batching import (
    Hands,
    answered,
    as_answer,
    command_line,
    record_of,
    tell_failures,
)
from market_sim.cli.exits import DONE, FAILED, WrongInput
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer, answer_json, say

if TYPE_CHECKING:
    from market_sim.experiments.design import Design
    from market_sim.results.files import Place


@dataclass(frozen=True)
class Survey:
    """What `sweep` was asked for, as given on the command line."""

    scenario: str
    assignments: tuple[str, ...]
    grid: tuple[str, ...]
    lhs: tuple[str, ...]
    points: int
    replicates: int | None
    seed: int
    record: str
    out: Place | None


def run_survey(survey: Survey, hands: Hands, *, as_json: bool) -> int:
    """Write the design down, run it, and say where it lies; FAILED if a replicate failed."""
    from market_sim.experiments.batch import run_design

    with answered(), Progress(quiet=as_json) as progress:
        batch = run_design(
            _design(survey),
            hands.executor,
            survey.out,
            workers=hands.workers,
            scheduler=hands.scheduler,
            watch=progress,
        )
    if as_json:
        answer_json(as_answer(batch, progress) | {"design": [dict(one.parameters) for one in batch.design.cells]})
    else:
        tell_failures(batch)
        say(f"{len(batch.folders)} runs of {batch.design.replicates} replicates; design.parquet lists their parameters")
        answer(str(batch.folder))
    return FAILED if batch.failures else DONE


def _design(survey: Survey) -> Design:
    from market_sim.experiments.sweep import grid_axis, lhs_axis, sweep

    if survey.replicates is None:
        raise WrongInput("sweep: wanted -n N, the number of replicates of each run")
    return sweep(
        scenario_of(survey.scenario, overrides_of(survey.assignments)),
        survey.replicates,
        grid=dict(grid_axis(text) for text in survey.grid),
        lhs=dict(lhs_axis(text) for text in survey.lhs),
        points=survey.points,
        seed=survey.seed,
        record=record_of(survey.record),
        command=command_line(),
    )
