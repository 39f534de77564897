"""A design over any `concurrent.futures` executor: parts on disk, nothing lost when it is broken off."""

from __future__ import annotations

import contextlib
import math
import shlex
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from market_sim.experiments.chunk import Outcome
from market_sim.experiments.design import CHUNK, DESIGN, Design, Scenarios, design, read_design
from market_sim.experiments.dispatch import carry_out
from market_sim.experiments.errors import BatchBroken, WrongRequest
from market_sim.experiments.executors import Crew, crew_of
from market_sim.experiments.folders import BatchFolder, RunFailure
from market_sim.experiments.pieces import pieces_per_task
from market_sim.results import files
from market_sim.results.errors import StorageFailed
from market_sim.results.files import Place, place_of
from market_sim.results.read import Runs, read_runs

Watch = Callable[[int, int], None]  # replicates done and in all, told as they are finished


@dataclass(frozen=True)
class Batch:
    """What became of a batch: its folder, those of its runs, and the replicates that failed."""

    folder: Place
    folders: tuple[Place, ...]
    design: Design
    failures: tuple[RunFailure, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every replicate of every run is there."""
        return not self.failures

    def read(self) -> Runs:
        """Its tables, lazily."""
        return read_runs(self.folders)


def run_batch(
    scenarios: Scenarios,
    replicates: int,
    executor: Executor | str | None = None,
    out: str | Place | None = None,
    *,
    seed: int = 0,
    record: str | Iterable[str] | None = None,
    chunk: int = CHUNK,
    workers: int | None = None,
    scheduler: str = "",
    watch: Watch | None = None,
) -> Batch:
    """Simulate replicates 0 to `replicates` - 1 of every scenario, in parts of `chunk`, into run folders.

    `executor`: any `concurrent.futures.Executor`, or "processes" (default, as many as `workers` or cores),
    "serial", "dask" (at `scheduler`), "mpi". `out`: the run folder of a single scenario, the folder of run folders
    of several, on this machine or in an object store ("s3://bucket/path"); by default
    `runs/<scenario>-<seed>-<hash8>-n<replicates>` or `runs/batch-...`. `record`: as in
    `design`. The rows are the same whatever the executor, the workers and the chunk. A replicate that raises
    is listed in `failures`, and the others finish.

    Raises WrongRequest, NoExecutor, NoPlace, RunExists, RunLocked, ScenarioError before anything is run; BatchBroken,
    StorageFailed and KeyboardInterrupt later, each saying how to go on.
    """
    planned = design(scenarios, replicates, seed=seed, chunk=chunk, record=record)
    return run_design(planned, executor, out, workers=workers, scheduler=scheduler, watch=watch)


def run_design(
    planned: Design,
    executor: Executor | str | None = None,
    out: str | Place | None = None,
    *,
    resume: bool = False,
    workers: int | None = None,
    scheduler: str = "",
    watch: Watch | None = None,
) -> Batch:
    """Run what a design lists; with `resume` only what its folder lacks. Raises as `run_batch` does."""
    folder = place_of(Path("runs", planned.name) if out is None else out)
    with (
        _telling_how_to_go_on(folder),
        _ending(crew_of(executor, workers, scheduler)) as crew,
        BatchFolder(folder, planned, resume=resume) as held,
    ):
        if held.unfinished:
            _carry_out(held, crew, watch)
    return Batch(folder, held.folders, planned, held.failures)


@contextlib.contextmanager
def _ending(crew: Crew) -> Iterator[Crew]:
    """End the crew after its last task, or at once if anything goes wrong."""
    try:
        yield crew
    except BaseException:
        crew.stop()
        raise
    crew.close()


def _carry_out(held: BatchFolder, crew: Crew, watch: Watch | None) -> None:
    """Hand every task to the crew and take in what comes back."""

    def tell() -> None:
        if watch is not None:
            watch(held.replicates - held.left, held.replicates)

    def enter(outcome: Outcome) -> None:
        held.enter(outcome)
        tell()

    tell()
    carry_out(held.tasks(), crew, enter, pieces_per_task(math.ceil(held.left / held.planned.chunk), crew.workers))


def resume_line(folder: Place) -> str:
    """The command that goes on with a batch."""
    return f"market-sim batch --resume {shlex.quote(str(folder))}"


@contextlib.contextmanager
def _telling_how_to_go_on(folder: Place) -> Iterator[None]:
    """What stops a batch says that nothing finished is lost, and the command to go on with."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted{_way_on(folder)}") from None
    except (StorageFailed, BatchBroken) as error:
        raise type(error)(f"{error}{_way_on(folder)}") from error
    except MemoryError as error:
        words = "a worker ran out of memory: use fewer --workers or record less"
        raise BatchBroken(f"{words}{_way_on(folder)}") from error


def _way_on(folder: Place) -> str:
    """How to go on with what lies in the folder, if a batch was begun there."""
    with contextlib.suppress(StorageFailed, OSError):
        if files.is_file(folder / DESIGN):
            return f"; what was finished is kept; go on with\n  {resume_line(folder)}"
    return "; nothing was begun"


def resume_batch(
    folder: str | Place,
    executor: Executor | str | None = None,
    *,
    expected: Design | None = None,
    workers: int | None = None,
    scheduler: str = "",
    watch: Watch | None = None,
) -> Batch:
    """Verify what a batch's folder holds and run what is missing or damaged.

    `expected`: the design the caller has in mind, which must then be the folder's. Raises WrongRequest,
    RunMismatch, RunLocked, ManifestUnreadable, FormatMismatch, and as `run_batch` does.
    """
    place = place_of(folder)
    planned = read_design(place)
    if expected is not None:
        _refuse_other(planned, expected, place)
    return run_design(planned, executor, place, resume=True, workers=workers, scheduler=scheduler, watch=watch)


def _refuse_other(found: Design, wanted: Design, folder: Place) -> None:
    """Raise WrongRequest naming the first thing in which two designs differ."""
    have, want = ([(cell.scenario, cell.sha256[:8]) for cell in one.cells] for one in (found, wanted))
    if have != want:
        raise WrongRequest(f"{folder} cannot be resumed: its scenarios are {_listed(have)}, not {_listed(want)}")
    for name in ("seed", "replicates", "chunk", "tables", "light"):
        held, asked = getattr(found, name), getattr(wanted, name)
        if held != asked:
            raise WrongRequest(f"{folder} cannot be resumed: its {name} is {held}, not {asked}")


def _listed(scenarios: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({sha256})" for name, sha256 in scenarios)
