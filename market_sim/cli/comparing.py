"""`compare`: two scenarios, or two runs, under the same luck."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.cli.batching import Hands, answered, command_line, tell_failures
from market_sim.cli.exits import DONE, FAILED, WrongInput
from market_sim.cli.progress import Progress
from market_sim.cli.running import overrides_of, scenario_of
from market_sim.cli.speaking import answer_json, grid, say, show
from market_sim.cli.telling import number

if TYPE_CHECKING:
    from market_sim.experiments.batch import Batch
    from market_sim.experiments.compare import Comparison, Difference
    from market_sim.results.files import Place

LUCK = "the variance of an unpaired difference over that of the paired one."
REPLICATES = 64  # unless told otherwise: one chunk


@dataclass(frozen=True)
class Question:
    """What `compare` was asked for, as given on the command line."""

    a: str
    b: str
    assignments: tuple[str, ...]
    replicates: int | None
    seed: int
    metrics: tuple[str, ...]
    at: str
    confidence: float
    out: Place | None


def compare_both(question: Question, hands: Hands, *, as_json: bool) -> int:
    """Run what is a scenario, compare, and say how B differs from A; FAILED if a replicate failed."""
    from market_sim.experiments.compare import compare
    from market_sim.experiments.metrics import metric_of, when_of

    with answered():
        metrics, when = [metric_of(text) for text in question.metrics], when_of(question.at)
        folders, batch = _folders(question, hands, as_json)
        found = compare(*folders, metrics, when=when, confidence=question.confidence)
    if as_json:
        failures = [one.as_json() for one in batch.failures] if batch else []
        answer_json(found.as_json() | {"failures": failures})
    else:
        _tell(found)
        if batch:
            tell_failures(batch)
    return FAILED if batch and batch.failures else DONE


def _folders(question: Question, hands: Hands, quiet: bool) -> tuple[tuple[Place, Place], Batch | None]:
    """The run folders of A and B, and the batch that made them if one did."""
    from market_sim.results.files import is_folder, place_of

    a, b = place_of(question.a), place_of(question.b)
    folders = [one for one in (a, b) if is_folder(one)]
    if len(folders) == 2:
        if question.assignments or question.replicates is not None:
            raise WrongInput("compare: --set and -n go with scenarios; both A and B are folders of finished runs")
        return (a, b), None
    if folders:
        raise WrongInput(f"compare: {folders[0]} is a folder and the other is none; wanted two scenarios or two runs")
    batch = _simulated(question, hands, quiet)
    return (batch.folders[0], batch.folders[1]), batch


def _simulated(question: Question, hands: Hands, quiet: bool) -> Batch:
    """Both scenarios in one batch; one that is there already is gone on with, if need be."""
    from market_sim.experiments.batch import resume_batch, run_design
    from market_sim.experiments.design import DESIGN, design
    from market_sim.experiments.metrics import metric_of, when_of
    from market_sim.results.files import is_file
    from market_sim.scenario.canonical import as_tree

    overrides = overrides_of(question.assignments)
    loaded = [scenario_of(one, overrides) for one in (question.a, question.b)]
    count = REPLICATES if question.replicates is None else question.replicates
    planned = design(loaded, count, seed=question.seed, command=command_line())
    for metric, scenario in itertools.product(map(metric_of, question.metrics), loaded):
        if words := metric.untold(when_of(question.at), as_tree(scenario), planned.light):
            raise WrongInput(words)  # before anything is simulated
    folder = question.out or Path("runs", planned.name)
    with Progress(quiet=quiet) as progress:
        workers: dict[str, Any] = {"workers": hands.workers, "scheduler": hands.scheduler, "watch": progress}
        if is_file(folder / DESIGN):
            return resume_batch(folder, hands.executor, expected=planned, **workers)
        return run_design(planned, hands.executor, folder, **workers)


def _tell(found: Comparison) -> None:
    say(f"B less A at {found.when}: seed {found.seed}, {found.confidence:.0%} intervals", style="bold")
    say(f"A = {found.a}\nB = {found.b}")
    columns = ("metric", "A", "B", "B - A", "from", "to", "", "pairs", "luck", "unit")
    show(grid(columns, map(_row, found.differences), right=(1, 2, 3, 4, 5, 7, 8)))
    say(f"*: the interval leaves out zero. luck: {LUCK}")
    for why in found.left_out:
        say(f"Left out: {why}.")


def _row(one: Difference) -> tuple[str, ...]:
    removed = f"x{number(one.luck_removed)}" if one.luck_removed is not None else "-"
    figures = (number(value) for value in (one.a, one.b, one.difference, one.low, one.high))
    return one.metric, *figures, "*" if one.certain else "", str(one.pairs), removed, one.unit
