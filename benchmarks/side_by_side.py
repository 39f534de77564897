"""The engine beside a plain mesa model, tuned NumPy and the floor, on the reference market, interleaved in one run.

    python -m benchmarks.side_by_side [--json] [--ticks 120] [--replicates 64] [--repeats 5]

Every figure is replicate-ticks per second of CPU time of one core, the best of some repeats. Each row says what it
covers: what leaves something out looks faster than it is.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.reference import TICKS, dispatch, floor_seconds, reference, run_once  # sets libraries to one thread

import numpy as np  # isort: skip

from benchmarks.engine_core import core_seconds
from benchmarks.plain_numpy import Given, TradingCore, recorded
from market_sim.simulation.prepare import prepare

ROOT = Path(__file__).parents[1]
COVERS = {
    "engine": "all phases; luck, and tables of concentration, shares and signals",
    "plain mesa": "all phases; a few signals, no CUDA premium or lock-in; luck not counted; mesa.batch_run",
    "tuned NumPy": "trading core alone: fit, worth, clearing, rounding, contracts, delivery, sums, HHI of stocks",
    "engine's core": "the same phases of the engine, timed within whole ticks",
    "floor": "one vectorised exp per live lab-offer pair and tick",
}


@dataclass(frozen=True)
class Row:
    """One way to compute the market."""

    name: str
    covers: str
    per_second: float  # replicate-ticks per second of one core
    engine_times: float  # the engine's rate over this one's


@contextmanager
def mesa_worker() -> Iterator[tuple[Any, str]]:
    """A process that runs the plain mesa model on request, and the version of mesa in it."""
    command = [sys.executable, "-m", "benchmarks.mesa_worker"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        yield worker, worker.stdout.readline().strip()
        worker.stdin.close()


def mesa_seconds(worker: Any, ticks: int) -> float:
    """CPU seconds of one run of the plain mesa model."""
    worker.stdin.write(f"{ticks} 1\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def numpy_seconds(setup: Any, market: Any, given: list[Given]) -> float:
    """CPU seconds of the trading core over a recorded run, its opening left out."""
    core = TradingCore(setup, market)
    begun = time.process_time()
    for one in given:
        core.step(one)
    return time.process_time() - begun


def measured(ticks: int, replicates: int, repeats: int) -> dict[str, Any]:
    """All of them, in turn, `repeats` times; the best of each."""
    scenario = reference(ticks=ticks)
    setup, market = prepare(scenario, 1, (0,))
    given = [one for one, _, _ in recorded(setup, market, ticks)]
    _, live = run_once(scenario, replicates)  # compiles
    pairs = int(live * len(scenario.lab))
    best = dict.fromkeys(COVERS, np.inf)
    with mesa_worker() as (worker, version):
        for _ in range(repeats):
            took = {
                "floor": floor_seconds(pairs, replicates) / replicates,
                "engine": run_once(scenario, replicates)[0] / (replicates * ticks),
                "engine's core": core_seconds(scenario, replicates) / (replicates * ticks),
                "tuned NumPy": numpy_seconds(setup, market, given) / ticks,
                "plain mesa": mesa_seconds(worker, ticks) / ticks,
            }
            best = {name: min(best[name], took[name]) for name in best}
    rows = [Row(name, COVERS[name], 1.0 / best[name], best[name] / best["engine"]) for name in COVERS]
    return {
        "market": {"labs": len(scenario.lab), "providers": len(scenario.provider), "live_offers": live, "ticks": ticks},
        "replicates": replicates, "repeats": repeats, "rows": [asdict(row) for row in rows],
        "times_floor": best["engine"] / best["floor"],
        "core_over_numpy": best["tuned NumPy"] / best["engine's core"], "numpy_dispatch": dispatch(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "mesa": version},
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """The figures for reading."""
    market, versions = found["market"], found["versions"]
    lines = [
        f"{market['providers']} providers, {market['labs']} labs, {market['live_offers']:.0f} live offers,"
        f" {market['ticks']} ticks; {found['replicates']} replicates, best of {found['repeats']}, CPU time of one core",
        *(
            f"{row['name']:<12}{row['per_second']:>12,.1f} replicate-ticks/s {_times(row):>22}  {row['covers']}"
            for row in found["rows"]
        ),
        f"the engine takes {found['times_floor']:.0f} times the floor",
        f"on the trading core alone it is {found['core_over_numpy']:.1f}x faster than NumPy",
        f"numpy dispatch: {found['numpy_dispatch']}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    return "\n".join(lines)


def _times(row: dict[str, Any]) -> str:
    return "" if row["name"] in ("engine", "engine's core", "floor") else f"engine {row['engine_times']:.1f}x faster"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ticks", type=int, default=TICKS)
    parser.add_argument("--replicates", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    found = measured(asked.ticks, asked.replicates, asked.repeats)
    print(json.dumps(found, indent=2) if asked.json else table(found))


if __name__ == "__main__":
    main()
