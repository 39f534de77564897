"""The run folders of a batch while it goes on: what each lacks, what came in, and what failed."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType

from market_sim.experiments.chunk import Failure, Outcome, Task
from market_sim.experiments.design import DESIGN, DESIGN_TABLE, Cell, Design
from market_sim.results import files
from market_sim.results.errors import ResultsError, RunExists
from market_sim.results.files import Place
from market_sim.results.lock import Lock, lock_on
from market_sim.results.manifest import MANIFEST, SCENARIO, Part, RunInfo, read_manifest
from market_sim.results.store import RunWriter, lying_in, verify

FAILURES = "failures.json"
BESIDE = (DESIGN, DESIGN_TABLE, FAILURES)  # files that may lie in a run's folder before its manifest does
SHARE = 20.0  # a manifest is written again only after so many times as long as writing it took
PART = re.compile(r"replicates-(\d+)-(\d+)")


@dataclass(frozen=True)
class RunFailure:
    """A replicate that failed: of which scenario and seed, why, and the command that shows it again."""

    scenario: str
    folder: Place
    seed: int
    replicate: int
    error: str

    @property
    def command(self) -> str:
        """The `run` line that fails in the same way."""
        path = self.folder / SCENARIO
        return f"market-sim run {shlex.quote(str(path))} --seed {self.seed} --replicate {self.replicate}"

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        return {**vars(self), "folder": str(self.folder), "command": self.command}


class OpenRun:
    """One run folder being written."""

    def __init__(
        self, folder: Place, cell: Cell, planned: Design, info: RunInfo, *, resume: bool, lock: Lock | None = None
    ) -> None:
        """`lock`: as for RunWriter, and raises as it does."""
        self.folder, self.cell, self.planned = folder, cell, planned
        self.place = files.absolute(folder)  # workers may stand elsewhere
        begun = resume and files.is_file(folder / MANIFEST)
        self.writer = RunWriter(folder, info, resume=begun, lock=lock, beside=BESIDE)
        self.missing = missing(planned, self.writer.manifest.parts)
        self.pending: list[Part] = []
        self.failures: list[RunFailure] = []
        self.open_tasks = len(self.missing)
        self.quiet_until = 0.0

    def tasks(self) -> Iterator[Task]:
        """What is still to do."""
        for first, last, tables in self.missing:
            yield Task(self.place, self.cell.sha256, self.planned.seed, first, last, tables, self.planned.light)

    def enter(self, outcome: Outcome) -> None:
        """Take in one outcome; the manifest follows at once, or soon where it has grown long."""
        self.pending += outcome.parts
        self.open_tasks -= 1
        if outcome.failures:
            self._note(outcome.failures)
        if not self.open_tasks:
            self.close()
        elif time.monotonic() >= self.quiet_until:
            self.flush()

    def flush(self) -> None:
        """Name in the manifest all parts that came in."""
        if self.pending:
            began = time.monotonic()
            self.writer.add(self.pending)
            self.pending = []
            ended = time.monotonic()
            self.quiet_until = ended + SHARE * (ended - began)

    def _note(self, failures: Sequence[Failure]) -> None:
        scenario, seed = self.cell.scenario, self.planned.seed
        self.failures += [RunFailure(scenario, self.folder, seed, one.replicate, one.error) for one in failures]
        self.failures.sort(key=lambda one: one.replicate)
        text = json.dumps([one.as_json() for one in self.failures], indent=1, ensure_ascii=False)
        files.write_whole(self.folder / FAILURES, (text + "\n").encode())

    def close(self) -> None:
        """Write down what came in; the run is complete if nothing is left and nothing failed."""
        try:
            self.flush()
            if not self.open_tasks and not self.failures:
                files.remove([self.folder / FAILURES])
                self.writer.finish()
        finally:
            self.writer.close()


class BatchFolder:
    """The folder of a batch, held by one process at a time.

    A single run lies in it directly; several lie in folders below. Each is opened when its turn comes. As a context
    manager it writes down, on leaving by whatever way, all that came in.
    """

    def __init__(self, folder: Place, planned: Design, *, resume: bool) -> None:
        """Write the design down, or verify what is there.

        Raises RunExists, RunLocked, RunMismatch, WriteFailed, ManifestUnreadable, FormatMismatch.
        """
        self.folder, self.planned = folder, planned
        self.folders = tuple(folder / cell.run for cell in planned.cells)
        self.replicates = planned.replicates * len(planned.cells)
        self.opened: dict[str, OpenRun] = {}
        self.failures: tuple[RunFailure, ...] = ()
        self.stack = ExitStack()
        try:
            self._begin(resume)
        except BaseException:
            self.stack.close()
            raise

    def _begin(self, resume: bool) -> None:
        """The design is written first: from then on the batch can be gone on with."""
        self._refuse_occupied(resume)
        files.make_folder(self.folder)
        self.lock = lock_on(self.folder)
        self.stack.callback(self.lock.release)
        self._refuse_occupied(resume)
        if not resume:
            self.planned.write(self.folder)
        self.unfinished = [cell for cell in self.planned.cells if not (resume and self._whole(cell))]
        self.resume = resume
        self.left = sum(self._left(cell) for cell in self.unfinished)

    def _refuse_occupied(self, resume: bool) -> None:
        lying = lying_in(self.folder)
        is_file = files.is_file(self.folder)
        if is_file:
            raise RunExists(f"{self.folder} is a file: wanted a folder to write a batch into")
        if lying and not resume:
            there = f"holds {lying[0]!r} already"
            raise RunExists(f"{self.folder} {there}: resume it if it is this batch, or write to another folder")

    def _whole(self, cell: Cell) -> bool:
        """Whether a run is complete and as it was written; a damaged one is marked unfinished again."""
        folder = self.folder / cell.run
        if not files.is_file(folder / MANIFEST):
            return False
        manifest = read_manifest(folder)
        if not manifest.complete:
            return False
        if verify(folder).ok:
            return True
        lock = None if self.planned.lone else lock_on(folder)
        files.write_whole(folder / MANIFEST, replace(manifest, complete=False, finished=None).to_bytes())
        if lock is not None:
            lock.release()
        return False

    def _left(self, cell: Cell) -> int:
        """Replicates that a run still lacks, as far as its manifest tells."""
        folder = self.folder / cell.run
        held = read_manifest(folder).parts if files.is_file(folder / MANIFEST) else ()
        return _count(missing(self.planned, held))

    def _open(self, cell: Cell) -> OpenRun:
        from market_sim.simulation.run import run_info

        info = run_info(
            self.planned.scenario(cell),
            seed=self.planned.seed,
            replicates=range(self.planned.replicates),
            tables=self.planned.tables,
            command=self.planned.command,
            light=self.planned.light,
        )
        lock, counted = self.lock if self.planned.lone else None, self._left(cell)
        run = OpenRun(self.folder / cell.run, cell, self.planned, info, resume=self.resume, lock=lock)
        self.left += _count(run.missing) - counted  # damaged parts were found
        self.opened[cell.run] = run
        return run

    def tasks(self) -> Iterator[Task]:
        """Every task, run after run; a run's folder is opened when its first task is asked for."""
        for cell in self.unfinished:
            run = self._open(cell)
            if not run.open_tasks:
                run.close()
                self._gather(run)
            yield from run.tasks()

    def enter(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        run = next(one for one in self.opened.values() if one.place == outcome.task.folder)
        run.enter(outcome)
        self.left -= outcome.task.size
        if not run.open_tasks:
            self._gather(run)

    def _gather(self, run: OpenRun) -> None:
        self.failures += tuple(run.failures)
        del self.opened[run.cell.run]

    def __enter__(self) -> BatchFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.stack:
            for run in list(self.opened.values()):
                self._gather(run)
                try:
                    run.close()
                except ResultsError:
                    if error is None:  # else a full disk, say, has been told of already
                        raise


Missing = tuple[int, int, tuple[str, ...]]  # first and last replicate, and the tables that lack them


def _count(lacking: Sequence[Missing]) -> int:
    """Replicates in what is missing."""
    return sum(last - first + 1 for first, last, _ in lacking)


def missing(planned: Design, parts: Sequence[Part]) -> list[Missing]:
    """What a run with these parts lacks, chunk by chunk: tables of a part, and replicates that no part holds."""
    held: dict[tuple[int, int], set[str]] = {}
    for part in parts:
        if match := PART.fullmatch(part.part):
            held.setdefault((int(match[1]), int(match[2])), set()).add(part.table)
    found: list[Missing] = []
    at = 0
    for (first, last), tables in [*sorted(held.items()), ((planned.replicates, planned.replicates), set())]:
        found += [(*span, planned.tables) for span in _spans(at, first, planned.chunk)]
        if lacking := tuple(name for name in planned.tables if name not in tables and first < planned.replicates):
            found.append((first, last, lacking))
        at = last + 1
    return found


def _spans(begin: int, end: int, chunk: int) -> Iterator[tuple[int, int]]:
    """begin..end-1, cut where chunks begin."""
    while begin < end:
        last = min(end, (begin // chunk + 1) * chunk) - 1
        yield begin, last
        begin = last + 1
