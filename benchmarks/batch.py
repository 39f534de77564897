"""What a batch costs over the engine alone: one and two workers, Dask, memory, and the size of what is written.

    python benchmarks/batch.py [--json] [--replicates 768] [--ticks 24] [--rounds 2] [--no-dask]

Each setting is run twice, on few and on many replicates. What the many cost over the few, by replicate, is what work
costs; what is left of the few is what the start costs: interpreters, imports, kernels loaded from their cache, and
Dask's scheduler. CPU seconds are those of the workers and their parent together, and hold on a busy machine too; the
ratio of walls means something on an idle one only. Settings take turns; of each figure the best round counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

SETTINGS = (("serial", 1), ("processes", 1), ("processes", 2), ("dask", 2))


@dataclass(frozen=True)
class Cost:
    """CPU and wall seconds of a batch, bytes of its parts, and the memory of the largest process so far."""

    cpu: float
    wall: float
    written: int
    largest_mb: float


def command(arguments: argparse.Namespace, replicates: int, executor: str, workers: int, folder: Path) -> list[str]:
    """The batch as a process of its own."""
    asked = [sys.executable, "-m", "market_sim", "batch", arguments.scenario, "-n", str(replicates)]
    asked += ["--set", f"ticks={arguments.ticks}", "--chunk", str(arguments.chunk), "--json"]
    return [*asked, "--workers", str(workers), "--executor", executor, "--out", str(folder)]


def cost_of(asked: list[str], folder: Path) -> Cost:
    """Run it. Raises CalledProcessError if the batch fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(asked, capture_output=True, text=True, check=True)
    wall, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return Cost(cpu, wall, written, after.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))


def measured(few: Cost, many: Cost, counts: tuple[int, int]) -> dict[str, float]:
    """What a replicate costs once all is under way, and what the start costs."""
    more = counts[1] - counts[0]
    each = (many.cpu - few.cpu) / more
    return {
        "cpu_ms_each": 1e3 * each,
        "wall_ms_each": 1e3 * (many.wall - few.wall) / more,
        "cpu_s_start": few.cpu - counts[0] * each,
        "kb_each": many.written / counts[1] / 1e3,
        "largest_mb": many.largest_mb,
    }


def rounds(arguments: argparse.Namespace, settings: list[tuple[str, int]]) -> dict[str, dict[str, float]]:
    """Every setting in turn, round after round; of each figure the least."""
    counts = (2 * arguments.chunk, 2 * arguments.chunk + arguments.replicates)
    found: dict[str, dict[str, float]] = {}
    for _ in range(arguments.rounds):
        for executor, workers in settings:
            name, costs = f"{executor}, {workers}", []
            for count in counts:
                with tempfile.TemporaryDirectory() as place:
                    folder = Path(place, "batch")
                    costs.append(cost_of(command(arguments, count, executor, workers, folder), folder))
            row = measured(costs[0], costs[1], counts)
            found[name] = {key: min(row[key], found.get(name, row)[key]) for key in row}
    return found


def ratios_of(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Two workers over one, and Dask's over processes."""
    one, two = found["processes, 1"], found["processes, 2"]
    ratios = {
        "two_workers_cpu_over_one": two["cpu_ms_each"] / one["cpu_ms_each"],
        "two_workers_rate_over_one": one["wall_ms_each"] / two["wall_ms_each"],
        "processes_cpu_over_serial": one["cpu_ms_each"] / found["serial, 1"]["cpu_ms_each"],
    }
    if "dask, 2" in found:
        ratios["dask_cpu_over_processes"] = found["dask, 2"]["cpu_ms_each"] / two["cpu_ms_each"]
    return ratios


def main() -> None:
    """Measure each setting in turn and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scenario", default="baseline")
    parser.add_argument("--replicates", type=int, default=768, help="how many more the longer batch has")
    parser.add_argument("--ticks", type=int, default=24)
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    settings = [one for one in SETTINGS if not (arguments.no_dask and one[0] == "dask")]
    found = rounds(arguments, settings)
    answer: dict[str, Any] = {"settings": found, "ratios": ratios_of(found)}
    if arguments.json:
        print(json.dumps(answer))
        return
    for name, row in found.items():
        print(f"{name:<14}" + "  ".join(f"{key} {value:.1f}" for key, value in row.items()))
    for name, ratio in answer["ratios"].items():
        print(f"{name} {ratio:.3f}")


if __name__ == "__main__":
    main()
