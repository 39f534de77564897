"""How far a batch has come: a bar on a terminal, a line now and then elsewhere; always on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

EVERY = 10.0  # seconds between lines where there is no terminal


class Progress:
    """Called with replicates done and in all; a context manager that tidies up the terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.began, self.first, self.done = time.monotonic(), -1, 0
        self.quiet, self.said = quiet, self.began
        self.bar: Any = _bar() if sys.stderr.isatty() and not quiet else None

    def __call__(self, done: int, total: int) -> None:
        """Note what is done."""
        if self.first < 0:
            self.began, self.first = time.monotonic(), done
        self.done = done
        if self.bar is not None:
            self._move(done, total)
        elif not self.quiet and time.monotonic() - self.said > EVERY:
            self.said = time.monotonic()
            print(f"{done:,} of {total:,} replicates, {self._pace(total)}", file=sys.stderr)

    @property
    def seconds(self) -> float:
        """Since the first replicate was begun."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Replicates a second, those not counted that were there before."""
        return (self.done - max(self.first, 0)) / max(self.seconds, 1e-9)

    def _pace(self, total: int) -> str:
        if not self.rate:
            return "no rate yet"
        return f"{self.rate:,.1f} a second, {duration((total - self.done) / self.rate)} left"

    def _move(self, done: int, total: int) -> None:
        pace = self._pace(total)
        if not self.bar.tasks:
            self.bar.add_task("replicates", total=total, pace=pace)
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=done, pace=pace)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    return Bar(*columns, console=Console(file=sys.stderr), transient=True)


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
