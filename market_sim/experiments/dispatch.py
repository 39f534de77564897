"""Hands tasks to a crew and takes in what comes back, in whatever order, through the loss of workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from itertools import chain, islice

from market_sim.experiments.chunk import Outcome, Task, work
from market_sim.experiments.errors import BatchBroken
from market_sim.experiments.executors import Crew
from market_sim.results.errors import ResultsError
from market_sim.scenario.files import ScenarioError

LOOK_UP = 1.0  # seconds to wait before looking around, so that an interrupt is never slept through
PATIENCE = 3  # times in a row that workers may be lost without anything finished in between


def carry_out(tasks: Iterator[Task], crew: Crew, enter: Callable[[Outcome], None]) -> None:
    """Run every task and `enter` each outcome. Tasks of lost workers are given to new ones.

    Raises BatchBroken when workers are lost again and again or the executor fails, and what `work` raises.
    """
    waiting: dict[Future[Outcome], Task] = {}
    again: deque[Task] = deque()
    losses = 0
    while True:
        lost = _hand_out(chain(_taken(again), tasks), crew, waiting, again)
        if not waiting and not lost:
            return
        finished = wait(waiting, LOOK_UP, FIRST_COMPLETED).done if waiting else set()
        for future in finished:
            task = waiting.pop(future)
            outcome = _outcome(future)
            if outcome is None:
                again.append(task)
                lost = True
            else:
                enter(outcome)
                losses = 0
        if lost:
            again.extend(_rest(waiting, enter))
            losses += 1
            if losses > PATIENCE or not crew.renew():
                raise BatchBroken("a worker process was killed, perhaps for want of memory")


def _taken(queue: deque[Task]) -> Iterator[Task]:
    while queue:
        yield queue.popleft()


def _hand_out(tasks: Iterator[Task], crew: Crew, waiting: dict[Future[Outcome], Task], again: deque[Task]) -> bool:
    """Keep the crew in work; whether it turned out to be broken."""
    for task in islice(tasks, max(0, crew.ahead - len(waiting))):
        try:
            waiting[crew.submit(work, task)] = task
        except BrokenExecutor:
            again.append(task)
            return True
    return False


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """What a task came to; None where its worker was lost."""
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


def _rest(waiting: dict[Future[Outcome], Task], enter: Callable[[Outcome], None]) -> list[Task]:
    """Take in what was finished before the executor broke; the tasks that were not."""
    left = []
    wait(waiting)
    for future, task in waiting.items():
        outcome = _outcome(future)
        if outcome is None:
            left.append(task)
        else:
            enter(outcome)
    waiting.clear()
    return left
