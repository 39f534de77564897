"""One task of a batch: some replicates of one run, simulated and written as parts.

Imported by every worker before anything heavy, so that the libraries are told to keep to one thread each.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from market_sim.results.manifest import Part, RunInfo
    from market_sim.scenario.schema import Scenario

THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
SAID = 500  # characters of an error that are kept


@dataclass(frozen=True, slots=True)
class Task:
    """The replicates first..last of the run in `folder`, whose scenario.toml has the hash `scenario_sha256`.

    `tables` are written, `light` or in full (`market_sim.results.light`).
    """

    folder: str
    scenario_sha256: str
    seed: int
    first: int
    last: int
    tables: tuple[str, ...]
    light: bool = False

    @property
    def size(self) -> int:
        """How many replicates it holds."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Failure:
    """A replicate that could not be simulated, and why."""

    replicate: int
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task: the parts written, and the replicates that failed."""

    task: Task
    parts: tuple[Part, ...]
    failures: tuple[Failure, ...]


def work(task: Task) -> Outcome:
    """Simulate and write. A replicate that raises is found by halving, and the others are written without it.

    Raises WriteFailed if the disk refuses, MemoryError, and RunMismatch if the folder's scenario has changed.
    """
    keep_to_one_thread()
    scenario, info = _run_of(task.folder, task.scenario_sha256, task.seed)
    parts: list[Part] = []
    failures: list[Failure] = []
    for found in _simulated(scenario, task, range(task.first, task.last + 1)):
        if isinstance(found, Failure):
            failures.append(found)
        else:
            parts += _write(task, info, *found)
    return Outcome(task, tuple(parts), tuple(failures))


def _write(task: Task, info: RunInfo, numbers: Sequence[int], frames: Mapping[str, pl.DataFrame]) -> list[Part]:
    from market_sim.results.store import part_name, write_part

    name = part_name(numbers[0], numbers[-1])
    return [write_part(task.folder, table, name, frame, info.names) for table, frame in frames.items()]


def frames_of(task: Task, numbers: Sequence[int]) -> dict[str, pl.DataFrame]:
    """Some replicates of a task, simulated and not written; nothing where one of them raises. Raises as `work` does."""
    keep_to_one_thread()
    scenario, _ = _run_of(task.folder, task.scenario_sha256, task.seed)
    try:
        return _frames(scenario, task, numbers)
    except MemoryError:
        raise
    except Exception:
        return {}


def written_by(task: Task, frames: Sequence[Mapping[str, pl.DataFrame]]) -> Outcome:
    """Write what `work` would have, from the frames of all replicates in several pieces. Raises WriteFailed."""
    from market_sim.results.tables import joined

    _, info = _run_of(task.folder, task.scenario_sha256, task.seed)
    together = {table: joined(table, [one[table] for one in frames]) for table in frames[0]}
    return Outcome(task, tuple(_write(task, info, range(task.first, task.last + 1), together)), ())


def keep_to_one_thread() -> None:
    """Bound the threads of the libraries in a worker; too late, and so left alone, once polars is loaded."""
    if "polars" not in sys.modules:
        for name in THREADS:
            os.environ[name] = "1"


Simulated = tuple[range, dict[str, "pl.DataFrame"]]


def _simulated(scenario: Scenario, task: Task, numbers: range) -> Iterator[Simulated | Failure]:
    """Frames of all replicates at once; of either half alone where one of them raises."""
    try:
        yield numbers, _frames(scenario, task, numbers)
    except MemoryError:
        raise
    except Exception as error:
        if len(numbers) == 1:
            yield Failure(numbers[0], f"{type(error).__name__}: {error}"[:SAID])
            return
        middle = len(numbers) // 2
        yield from _simulated(scenario, task, numbers[:middle])
        yield from _simulated(scenario, task, numbers[middle:])


def _frames(scenario: Scenario, task: Task, numbers: Sequence[int]) -> dict[str, pl.DataFrame]:
    from market_sim.simulation.run import simulate_chunk

    return simulate_chunk(scenario, seed=task.seed, replicates=numbers, record=task.tables, light=task.light)


_reading = threading.Lock()


def _run_of(folder: str, sha256: str, seed: int) -> tuple[Scenario, RunInfo]:
    with _reading:
        return _read_run(folder, sha256, seed)


@lru_cache(maxsize=4)
def _read_run(folder: str, sha256: str, seed: int) -> tuple[Any, RunInfo]:
    """The scenario that the folder holds, and its names; read once by each worker."""
    from market_sim.results.errors import RunMismatch
    from market_sim.results.files import place_of, read_whole
    from market_sim.results.manifest import SCENARIO
    from market_sim.scenario.load import loads
    from market_sim.simulation.run import run_info

    path = place_of(folder) / SCENARIO
    scenario = loads((read_whole(path) or b"").decode(), origin=str(path))
    info = run_info(scenario, seed=seed, replicates=(0,), tables=())
    if info.scenario_sha256 != sha256:
        raise RunMismatch(f"{path} is not the scenario that the batch began with: put it back, or begin anew")
    return scenario, info
