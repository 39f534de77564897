"""A chunk that several workers share is written as the one part it would have been."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from small_batches import part_bytes, tiny

from market_sim.experiments.batch import Batch, run_batch
from market_sim.experiments.chunk import Task
from market_sim.experiments.executors import Serial
from market_sim.experiments.pieces import LEAST, Piece, cut, pieces_per_task

REPLICATES = 72  # a chunk of 64 and a rest


class Four(Executor):
    """Says that it has four workers, and notes what each is handed."""

    _max_workers = 4

    def __init__(self) -> None:
        self.handed: list[Piece] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.handed.append(args[0])
        return Serial().submit(fn, *args, **kwargs)


def batch_of(folder: Path, executor: Executor | str, **options: Any) -> Batch:
    return run_batch(tiny(), REPLICATES, executor, folder, record="all", **options)


@pytest.mark.parametrize(
    ("tasks", "workers", "pieces"), [(1, 1, 1), (1, 2, 2), (2, 2, 1), (3, 2, 2), (1, 8, 4), (16, 8, 1), (1000, 8, 1)]
)
def test_tasks_are_cut_where_workers_would_stand_idle(tasks: int, workers: int, pieces: int) -> None:
    """Only there, as smaller pieces cost more each."""
    assert pieces_per_task(tasks, workers) == pieces


@pytest.mark.parametrize(("size", "count"), [(64, 4), (63, 3), (40, 2), (31, 1), (1, 1)])
def test_pieces_make_up_their_task(size: int, count: int) -> None:
    """Each replicate is in one piece, and no piece has too few."""
    pieces = list(cut(Task("", "", 0, 100, 99 + size, ()), 4))
    assert [at for one in pieces for at in range(one.first, one.last + 1)] == list(range(100, 100 + size))
    assert [one.count for one in pieces] == [count] * count
    assert count == 1 or min(one.last - one.first + 1 for one in pieces) >= LEAST


def test_the_parts_have_the_same_bytes(tmp_path: Path) -> None:
    """Pieces here, pieces of processes, and whole chunks."""
    four = Four()
    assert batch_of(tmp_path / "four", four).complete
    assert [(one.first, one.last) for one in four.handed] == [(0, 31), (32, 63), (64, 71)]
    assert batch_of(tmp_path / "processes", "processes", workers=3).complete
    assert batch_of(tmp_path / "serial", "serial").complete
    whole = part_bytes(tmp_path / "serial")
    assert part_bytes(tmp_path / "four") == whole
    assert part_bytes(tmp_path / "processes") == whole


def test_a_failing_replicate_is_found_in_a_piece(tmp_path: Path, failing: Callable[..., None]) -> None:
    """Its chunk is done over as a whole, so that the same parts are written and the same replicate is named."""
    failing(40)
    here, there = batch_of(tmp_path / "serial", "serial"), batch_of(tmp_path / "four", four := Four())
    assert [(one.first, one.last) for one in four.handed] == [(0, 31), (32, 63), (64, 71), (0, 63)]
    assert [one.replicate for one in there.failures] == [one.replicate for one in here.failures] == [40]
    assert part_bytes(tmp_path / "four") == part_bytes(tmp_path / "serial")
