"""Hands tasks to a crew and takes in what comes back, in whatever order, through the loss of workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from itertools import chain, islice

from market_sim.experiments.chunk import Outcome, Task
from market_sim.experiments.errors import BatchBroken
from market_sim.experiments.executors import Crew
from market_sim.experiments.pieces import Frames, Gathering, Piece, carry, cut
from market_sim.results.errors import ResultsError
from market_sim.scenario.files import ScenarioError

LOOK_UP = 1.0  # seconds to wait before looking around, so that an interrupt is never slept through
PATIENCE = 3  # times in a row that workers may be lost without anything finished in between

Waiting = dict[Future[Outcome | Frames], Piece]


def carry_out(tasks: Iterator[Task], crew: Crew, enter: Callable[[Outcome], None], pieces: int = 1) -> None:
    """Run every task, cut into so many pieces, and `enter` each outcome. Pieces of lost workers are given to new ones.

    Raises BatchBroken when workers are lost again and again or the executor fails, and what `work` raises.
    """
    cuttings = (piece for task in tasks for piece in cut(task, pieces))
    waiting: Waiting = {}
    again: deque[Piece] = deque()
    gathering = Gathering()
    losses = 0

    def take(piece: Piece, came: Outcome | Frames) -> None:
        found = gathering.take(piece, came)
        if isinstance(found, Outcome):
            enter(found)
        elif found is not None:
            again.append(found)

    while True:
        lost = _hand_out(chain(_taken(again), cuttings), crew, waiting, again)
        if not waiting and not lost:
            return
        finished = wait(waiting, LOOK_UP, FIRST_COMPLETED).done if waiting else set()
        for future in finished:
            piece = waiting.pop(future)
            came = _result(future)
            if came is None:
                again.append(piece)
                lost = True
            else:
                take(piece, came)
                losses = 0
        if lost:
            again.extend(_rest(waiting, take))
            losses += 1
            if losses > PATIENCE or not crew.renew():
                raise BatchBroken("a worker process was killed, perhaps for want of memory")


def _taken(queue: deque[Piece]) -> Iterator[Piece]:
    while queue:
        yield queue.popleft()


def _hand_out(pieces: Iterator[Piece], crew: Crew, waiting: Waiting, again: deque[Piece]) -> bool:
    """Keep the crew in work; whether it turned out to be broken."""
    for piece in islice(pieces, max(0, crew.ahead - len(waiting))):
        try:
            waiting[crew.submit(carry, piece)] = piece
        except BrokenExecutor:
            again.append(piece)
            return True
    return False


def _result(future: Future[Outcome | Frames]) -> Outcome | Frames | None:
    """What a piece came to; None where its worker was lost."""
    try:
        return future.result()
    except BrokenExecutor:
        return None
    except (ResultsError, ScenarioError, MemoryError):
        raise
    except Exception as error:
        words = str(error).strip().splitlines()
        raise BatchBroken(
            f"the executor failed ({type(error).__name__}: {words[0] if words else 'no word why'})"
        ) from error


def _rest(waiting: Waiting, take: Callable[[Piece, Outcome | Frames], None]) -> list[Piece]:
    """Take in what was finished before the executor broke; the pieces that were not."""
    left = []
    wait(waiting)
    for future, piece in waiting.items():
        came = _result(future)
        if came is None:
            left.append(piece)
        else:
            take(piece, came)
    waiting.clear()
    return left
