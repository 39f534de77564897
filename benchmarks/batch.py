"""What a batch costs over the engine alone: one and two workers, memory, and the size of what is written.

    python benchmarks/batch.py [--json] [--replicates 256] [--ticks 24] [--dask]

CPU seconds are those of the workers and their parent together, from their start on, on whatever else the machine
is doing; the ratio of walls means something on an idle machine only.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def command(arguments: argparse.Namespace, workers: int, executor: str, folder: Path) -> list[str]:
    """The batch as a process of its own."""
    asked = [sys.executable, "-m", "market_sim", "batch", arguments.scenario, "-n", str(arguments.replicates)]
    asked += ["--set", f"ticks={arguments.ticks}", "--chunk", str(arguments.chunk), "--json"]
    return [*asked, "--workers", str(workers), "--executor", executor, "--out", str(folder)]


def measured(asked: list[str], folder: Path) -> dict[str, Any]:
    """CPU and wall seconds, replicates a second, MB written. Raises CalledProcessError if the batch fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(asked, capture_output=True, text=True, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    rate = json.loads(ended.stdout)["replicates_per_second"]
    return {
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        "replicates_per_s": rate,
        "written_mb": round(written / 1e6, 2),
        "largest_process_mb": round(after.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)),
    }


def settings(dask: bool) -> list[tuple[str, int]]:
    """Executor and workers, the plainest first; the largest process is the largest so far."""
    return [("serial", 1), ("processes", 1), ("processes", 2), *([("dask", 2)] if dask else [])]


def main() -> None:
    """Measure each setting in turn and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scenario", default="baseline")
    parser.add_argument("--replicates", type=int, default=256)
    parser.add_argument("--ticks", type=int, default=24)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as place:
        for executor, workers in settings(arguments.dask):
            folder = Path(place, f"{executor}-{workers}")
            found[f"{executor}, {workers}"] = measured(command(arguments, workers, executor, folder), folder)
    one, two = (found[f"processes, {workers}"] for workers in (1, 2))
    ratios = {"cpu": two["cpu_s"] / one["cpu_s"], "rate": two["replicates_per_s"] / one["replicates_per_s"]}
    if arguments.json:
        print(json.dumps({"settings": found, "two_workers_over_one": ratios}))
        return
    for name, row in found.items():
        print(f"{name:<14}" + "  ".join(f"{key} {value}" for key, value in row.items()))
    print(f"two workers over one: CPU x{ratios['cpu']:.2f}, rate x{ratios['rate']:.2f}")


if __name__ == "__main__":
    main()
