"""The plain mesa model of the reference market under mesa's own batch runner, in a process of its own.

Runs once for every line that it reads and answers with the CPU seconds; `side_by_side.py` starts it. Luck and opening
are drawn before the clock starts, so they are not counted.
"""

import sys
import time
from functools import cache
from typing import Any

import mesa
from mesa.batchrunner import batch_run

from benchmarks.plain_mesa import PlainMarket
from benchmarks.reference import reference
from market_sim.simulation.prepare import prepare


@cache
def prepared(ticks: int, replicate: int) -> tuple[Any, Any]:
    """Luck, plans and the opening of one replicate."""
    return prepare(reference(ticks=ticks), 1, (replicate,))


class ReferenceMarket(PlainMarket):
    """One replicate of the reference market, by parameters that mesa's batch runner can vary."""

    def __init__(self, ticks: int, replicate: int) -> None:
        super().__init__(*prepared(ticks, replicate))


def run(ticks: int, replicates: int) -> float:
    """CPU seconds of mesa's batch runner, data of every step collected, for `replicates` runs."""
    for replicate in range(replicates):
        prepared(ticks, replicate)
    begun = time.process_time()
    rows = batch_run(
        ReferenceMarket, {"ticks": ticks, "replicate": range(replicates)}, number_processes=1, max_steps=ticks,
        data_collection_period=1, display_progress=False,
    )  # fmt: skip
    spent = time.process_time() - begun
    if len({(row["replicate"], row["Step"]) for row in rows}) < replicates * ticks:
        raise RuntimeError("mesa's batch runner did not run every tick")
    return spent


def main() -> None:
    """Answer lines `ticks replicates` with CPU seconds; the first answer is mesa's version."""
    print(mesa.__version__, flush=True)
    for line in sys.stdin:
        ticks, replicates = map(int, line.split())
        print(run(ticks, replicates), flush=True)


if __name__ == "__main__":
    main()
