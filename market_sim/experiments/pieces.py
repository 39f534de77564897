"""Tasks cut into pieces, where a batch has fewer of them than would keep every worker busy to the end.

A piece carries a few replicates of a task and hands back frames; those of all pieces are joined and written here,
as the part that the task alone would have written.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from market_sim.experiments.chunk import Outcome, Task, frames_of, work, written_by

if TYPE_CHECKING:
    import polars as pl

LEAST = 16  # replicates in a piece: fewer pay too much for calls that many share
COSTS = {1: 1.0, 2: 1.06, 4: 1.28}  # CPU of a task of 64 in so many pieces, on the baseline (docs/performance.md)


@dataclass(frozen=True, slots=True)
class Piece:
    """The replicates first..last of a task, in one of `count` pieces; the only one does the task itself."""

    task: Task
    first: int
    last: int
    count: int = 1


Frames = Mapping[str, "pl.DataFrame"]


def pieces_per_task(tasks: int, workers: int) -> int:
    """Into how many pieces each of so many equal tasks is best cut, for the last worker to be done soonest."""
    return min(COSTS, key=lambda count: (math.ceil(tasks * count / workers) / count * COSTS[count], count))


def whole(task: Task) -> Piece:
    """The task in one piece."""
    return Piece(task, task.first, task.last)


def cut(task: Task, count: int) -> Iterator[Piece]:
    """A task in so many pieces, or fewer for one of few replicates."""
    count = max(1, min(count, task.size // LEAST))
    edges = [task.first + task.size * at // count for at in range(count + 1)]
    for first, end in itertools.pairwise(edges):
        yield Piece(task, first, end - 1, count)


def carry(piece: Piece) -> Outcome | Frames:
    """What a worker does: a task's outcome, or a piece's frames, of which there are none if a replicate raises."""
    if piece.count == 1:
        return work(piece.task)
    return frames_of(piece.task, range(piece.first, piece.last + 1))


@dataclass
class Gathering:
    """Pieces that came back, until all of their task have."""

    held: dict[Task, dict[int, Frames]] = field(default_factory=dict)

    def take(self, piece: Piece, came: Outcome | Frames) -> Outcome | Piece | None:
        """The outcome of the piece's task if it was the last to come. Where one failed, the task in one piece is to be
        done over, which finds the replicate that raises. Raises WriteFailed."""
        if isinstance(came, Outcome):
            return came
        held = self.held.setdefault(piece.task, {})
        held[piece.first] = came
        if len(held) < piece.count:
            return None
        frames = [found for _, found in sorted(self.held.pop(piece.task).items())]
        return written_by(piece.task, frames) if all(frames) else whole(piece.task)
