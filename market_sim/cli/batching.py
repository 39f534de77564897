"""`batch`: many replicates of scenarios, streamed to disk."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from market_sim.cli.exits import DONE, FAILED, Failed, WrongInput
from market_sim.cli.progress import Progress, duration
from market_sim.cli.running import overrides_of, scenario_of, tables_of
from market_sim.cli.speaking import answer, answer_json, grid, say, show

if TYPE_CHECKING:
    from market_sim.experiments.batch import Batch
    from market_sim.experiments.design import Design
    from market_sim.results.files import Place
    from market_sim.results.read import Runs

NAMED = 5  # failures that are told; the rest are counted
BAND = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Request:
    """What `batch` was asked for, as given on the command line."""

    scenarios: tuple[str, ...]
    assignments: tuple[str, ...]
    replicates: int | None
    seed: int
    record: str
    chunk: int | None
    out: Place | None
    resume: Place | None


@dataclass(frozen=True)
class Hands:
    """Who is to do the work."""

    executor: str
    workers: int | None
    scheduler: str


def run_request(request: Request, hands: Hands, *, as_json: bool) -> int:
    """Run or resume, say what came out; FAILED if a replicate failed. The last line is the folder's path."""
    with answered(), Progress(quiet=as_json) as progress:
        batch = _resumed(request, hands, progress) if request.resume else _begun(request, hands, progress)
    if as_json:
        answer_json(as_answer(batch, progress))
    else:
        tell_batch(batch, progress)
    return FAILED if batch.failures else DONE


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Errors of experiments as the command line's own."""
    from market_sim.experiments.errors import BatchError, WrongRequest

    try:
        yield
    except WrongRequest as error:
        raise WrongInput(str(error)) from error
    except BatchError as error:
        raise Failed(str(error)) from error


def _begun(request: Request, hands: Hands, progress: Progress) -> Batch:
    from market_sim.experiments.batch import run_design

    if not request.scenarios:
        raise WrongInput("batch: wanted a SCENARIO, or --resume DIR to go on with a batch")
    if request.replicates is None:
        raise WrongInput("batch: wanted -n N, the number of replicates")
    planned = _design(request, request.replicates)
    return run_design(planned, hands.executor, request.out, **_hands(hands), watch=progress)


def _resumed(request: Request, hands: Hands, progress: Progress) -> Batch:
    from market_sim.experiments.batch import resume_batch
    from market_sim.experiments.design import read_design

    assert request.resume is not None
    if request.out is not None:
        raise WrongInput("--out and --resume: wanted one of them, since a batch goes on in its own folder")
    found = read_design(request.resume)
    if request.replicates not in (None, found.replicates):
        raise WrongInput(f"{request.resume} is a batch of -n {found.replicates}, not of {request.replicates}")
    wanted = _design(request, found.replicates, found) if request.scenarios else None
    return resume_batch(request.resume, hands.executor, expected=wanted, **_hands(hands), watch=progress)


def _design(request: Request, replicates: int, like: Design | None = None) -> Design:
    """The runs asked for; chunks and tables as in `like` where the request leaves them open."""
    from dataclasses import replace

    from market_sim.experiments.design import CHUNK, design

    overrides = overrides_of(request.assignments)
    loaded = [scenario_of(one, overrides) for one in request.scenarios]
    chunk = request.chunk if request.chunk is not None else like.chunk if like else CHUNK
    record = record_of(request.record)
    planned = design(loaded, replicates, seed=request.seed, chunk=chunk, record=record, command=command_line())
    return replace(planned, tables=like.tables, light=like.light) if like and record is None else planned


def record_of(text: str) -> str | tuple[str, ...] | None:
    """What `--record` asks for; None for what batches record by themselves."""
    return text if text == "all" else tables_of(text) if text.strip() else None


def command_line() -> str:
    """This command, as the shell would take it again."""
    return shlex.join(["market-sim", *sys.argv[1:]])


def _hands(hands: Hands) -> dict[str, Any]:
    if hands.workers == 0:
        raise WrongInput("--workers 0: wanted 1 or more")
    return {"workers": hands.workers, "scheduler": hands.scheduler}


def as_answer(batch: Batch, progress: Progress) -> dict[str, Any]:
    """A batch as one JSON object."""
    planned = batch.design
    return {
        "folder": str(batch.folder),
        "runs": [str(folder) for folder in batch.folders],
        "scenarios": [cell.scenario for cell in planned.cells],
        "seed": planned.seed,
        "replicates": planned.replicates,
        "complete": batch.complete,
        "failures": [one.as_json() for one in batch.failures],
        "seconds": round(progress.seconds, 3),
        "replicates_per_second": round(progress.rate, 3),
    }


def tell_batch(batch: Batch, progress: Progress) -> None:
    """Bands of the main metrics by scenario, the failures, and the folder."""
    planned = batch.design
    for cell, folder in list(zip(planned.cells, batch.folders, strict=True))[:NAMED]:
        say(f"{cell.scenario}: seed {planned.seed}, {planned.replicates} replicates, at the end", style="bold")
        show(grid(("over replicates", *(f"{part:.0%}" for part in BAND), "unit"), _bands(folder), right=(1, 2, 3)))
    if len(planned.cells) > NAMED:
        say(f"and {len(planned.cells) - NAMED} more runs")
    tell_failures(batch)
    if progress.rate:
        say(f"{progress.done:,} replicates in {duration(progress.seconds)}, {progress.rate:,.1f} a second")
    answer(str(batch.folder))


def _bands(folder: Place) -> Iterator[Sequence[str]]:
    """Metric, its quantiles over replicates, and its unit."""
    from market_sim.cli.telling import number
    from market_sim.experiments.metrics import DEFAULT_METRICS, When, metric_of
    from market_sim.results.read import read_runs

    runs: Runs = read_runs(folder)
    for metric in map(metric_of, DEFAULT_METRICS):
        if metric.table in runs:
            values = metric.in_each(runs, When()).collect()["value"].drop_nulls()
            yield metric.text, *(number(values.quantile(part, "linear")) for part in BAND), metric.unit


def tell_failures(batch: Batch) -> None:
    """Which replicates failed, why, and how to see it again."""
    for one in batch.failures[:NAMED]:
        say(f"replicate {one.replicate} of {one.scenario} (seed {one.seed}) failed: {one.error}\n  {one.command}")
    if len(batch.failures) > NAMED:
        say(f"and {len(batch.failures) - NAMED} more, listed in failures.json of the run folders")
