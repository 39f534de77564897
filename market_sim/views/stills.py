"""Pictures that stand still, drawn by a process of their own while this one aggregates the next."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from market_sim.views.charts.look import Still

ENGINE = Path(__file__).with_name("engine.py")


class Undrawable(RuntimeError):
    """A picture that could not be drawn; the text says why."""


class Stills:
    """One process that draws charts, one after the other, as long as the `with` block lasts.

    vl_convert holds Python's lock while it works: a thread would halt its caller. The process is begun at once, since
    its engine takes half a second to start, in which the caller may load Altair and polars.
    """

    def __init__(self) -> None:
        # -P: no file of the working folder is taken for a library; a process group of its own: Ctrl-C is the caller's
        self._engine = subprocess.Popen(
            [sys.executable, "-P", str(ENGINE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            process_group=0,
        )
        self._queue = ThreadPoolExecutor(1)

    def drawn(self, chart: Any, layout: Still, dots: int) -> Future[bytes]:
        """The content of the file, once it is there. The future raises Undrawable."""
        from market_sim.views.charts.look import VEGA_LITE, still

        order = {"spec": still(chart), "version": VEGA_LITE, "dots": dots if layout == "png" else None}
        return self._queue.submit(self._filled, json.dumps(order))

    def _filled(self, order: str) -> bytes:
        """The content of the file that an order asks for."""
        asked, answers = cast(IO[str], self._engine.stdin), cast(IO[str], self._engine.stdout)
        try:
            asked.write(f"{order}\n")
            asked.flush()
            got = json.loads(answers.readline() or "{}")
        except OSError:
            got = {}
        if "file" not in got:
            raise Undrawable(got.get("error", "the process that draws has ended"))
        return b64decode(got["file"])

    def __enter__(self) -> Stills:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process, whatever is still asked for."""
        self._engine.kill()
        self._queue.shutdown(wait=True, cancel_futures=True)
        self._engine.communicate()
