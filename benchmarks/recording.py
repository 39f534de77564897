"""What recording costs: its part of a run's time, bytes on disk, reading bands back, and the memory of a worker.

    python benchmarks/recording.py [--json] [--chunks 2] [--replicates 1000] [--memory 1000]

The market is the reference market of `reference.py` over 120 ticks. Time is CPU time of one core, each setting run in
turn. Parts are written by the writer of run folders; the replicates beyond those simulated are copies of them under
other numbers, so that their parts are as large as others but for a byte or two. Bands are read on two threads by a
process of its own. `--memory` is the number of replicates of a small market that one process carries, chunk by chunk.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

for library in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(library, "1")

import polars as pl  # noqa: E402
from reference import reference  # noqa: E402

from market_sim.results.read import read_runs  # noqa: E402
from market_sim.results.store import RunWriter, parquet_bytes, part_name  # noqa: E402
from market_sim.simulation.run import Run, run_info, simulate_chunk  # noqa: E402

CHUNK, ALL_OF_THEM = 64, 10_000
EVERY_TICK = ("concentration", "signals")
BY_DEFAULT = ("concentration", "shares", "signals")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MARKETS = ("vendor", "provider", "lab", "platform", "buyers of NVIDIA")  # on three bases each: 15
MEGABYTE = 1e6


def timed(record: tuple[str, ...], light: bool) -> dict[str, float]:
    """CPU microseconds a replicate-tick of one chunk: all of it, watching, making tables, and their bytes."""
    scenario = reference()
    run = Run(scenario, seed=1, replicates=range(CHUNK), record=record, light=light)
    watching, see = [0.0], run.observer.see

    def clocked(*given: Any) -> None:
        begun = time.process_time()
        see(*given)
        watching[0] += time.process_time() - begun

    run.observer.see = clocked  # type: ignore[method-assign]
    begun = time.process_time()
    while not run.done:
        run.step()
    stepped = time.process_time()
    frames = run.frames()
    made = time.process_time()
    size = sum(len(parquet_bytes(frame)) for frame in frames.values())
    ended = time.process_time()
    each = 1e6 / (CHUNK * scenario.ticks)
    parts = {"watching": watching[0], "tables": made - stepped, "parquet": ended - made}
    recording = sum(parts.values())
    return {
        "us_in_all": (ended - begun) * each,
        "us_recording": recording * each,
        "share_of_time": recording / (ended - begun),
        **{f"us_{name}": seconds * each for name, seconds in parts.items()},
        "gb_of_10000": size / CHUNK * ALL_OF_THEM / 1e9,
    }


def write(folder: Path, replicates: int, chunks: int) -> dict[str, float]:
    """A run folder of so many replicates in the light form, from so many chunks simulated."""
    scenario = reference()
    numbers = [range(first, first + CHUNK) for first in range(0, chunks * CHUNK, CHUNK)]
    made = [simulate_chunk(scenario, seed=1, replicates=one, record=BY_DEFAULT, light=True) for one in numbers]
    whole = -(-replicates // CHUNK)
    info = run_info(scenario, seed=1, replicates=range(whole * CHUNK), tables=BY_DEFAULT, light=True)
    begun = time.process_time()
    with RunWriter(folder, info) as writer:
        for part in range(whole):
            frames = renumbered(made[part % chunks], (part - part % chunks) * CHUNK)
            writer.write_parts(part_name(part * CHUNK, (part + 1) * CHUNK - 1), frames)
    each = (time.process_time() - begun) / whole / CHUNK / scenario.ticks
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return {
        "replicates": whole * CHUNK,
        "us_writing": 1e6 * each,
        "mb": size / MEGABYTE,
        "gb_of_10000": size / (whole * CHUNK) * ALL_OF_THEM / 1e9,
    }


def renumbered(frames: Mapping[str, pl.DataFrame], by: int) -> dict[str, pl.DataFrame]:
    """The tables of other replicates."""
    return {name: frame.with_columns((pl.col("replicate") + by).cast(pl.Int32)) for name, frame in frames.items()}


def bands(folder: Path) -> dict[str, float]:
    """Wall and CPU seconds to read quantile bands of 15 markets, HHI over time."""
    wall, begun = time.perf_counter(), time.process_time()
    shown = pl.col("market").cast(pl.String).is_in(MARKETS)
    over = ["market", "basis", "tick"]
    columns = [pl.col("hhi").quantile(q).alias(f"q{q}") for q in QUANTILES]
    found = read_runs(folder)["concentration"].filter(shown).group_by(over).agg(columns).collect()
    return {
        "s_wall": time.perf_counter() - wall,
        "s_cpu": time.process_time() - begun,
        "bands": found.select(over[:2]).unique().height,
        "points": found.height,
    }


def carried(replicates: int) -> dict[str, float]:
    """The largest memory of this process after one chunk and after all, in MB, over chunks of a small market."""
    scenario, sizes = reference(ticks=12), []
    for first in range(0, replicates, CHUNK):
        simulate_chunk(scenario, seed=1, replicates=range(first, first + CHUNK), record=BY_DEFAULT, light=True)
        sizes.append(most_resident())
    return {
        "replicates": len(sizes) * CHUNK,
        "mb_first": sizes[0],
        "mb_last": sizes[-1],
        "mb_after_1000": sizes[min(15, len(sizes) - 1)],
    }


def chunk_memory() -> dict[str, float]:
    """The most memory of this process in MB: with imports alone, after the first tick of a chunk of the reference
    market, and after all of it."""
    imported = most_resident()
    scenario = reference()
    run = Run(scenario, seed=1, replicates=range(CHUNK), record=BY_DEFAULT, light=True)
    run.step()
    opened = most_resident()
    while not run.done:
        run.step()
    run.frames()
    return {"mb_imported": imported, "mb_opened": opened, "mb_peak": most_resident()}


def most_resident() -> float:
    """The most memory that this process has held, in MB. Not `ru_maxrss` where it can be told otherwise: on Linux a
    process inherits that of the one which started it."""
    status = Path("/proc/self/status")
    if status.exists():
        marks = [line.split() for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return float(marks[0][1]) * 1024.0 / MEGABYTE
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (MEGABYTE if sys.platform == "darwin" else 1e3)


def alone(part: str, *given: str, threads: int = 1) -> dict[str, float]:
    """A part of this file in a process of its own."""
    environment = os.environ | {"POLARS_MAX_THREADS": str(threads)}
    asked = [sys.executable, __file__, "--part", part, *given]
    ended = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(ended.stdout)
    return answer


def measured(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Everything, each with a name."""
    timed(BY_DEFAULT, True)  # compiles
    found = {
        "a batch's tables": timed(BY_DEFAULT, True),
        "concentration and signals in full": timed(EVERY_TICK, False),
        "shares every tick as well": timed(BY_DEFAULT, False),
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        found["on disk"] = write(folder, arguments.replicates, arguments.chunks)
        found["bands of 15 markets, 2 threads"] = alone("bands", str(folder), threads=2)
    found["memory of a chunk"] = alone("chunk")
    if arguments.memory:
        found["memory over many chunks"] = alone("memory", str(arguments.memory))
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chunks", type=int, default=2, help="chunks of 64 replicates that are simulated for the disk")
    parser.add_argument("--replicates", type=int, default=1000, help="replicates on disk")
    parser.add_argument("--memory", type=int, default=1000, help="replicates carried to see whether memory grows; or 0")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        name, *rest = given.part
        parts = {"bands": lambda: bands(Path(rest[0])), "chunk": chunk_memory, "memory": lambda: carried(int(rest[0]))}
        print(json.dumps(parts[name]()))
        return
    found = measured(given)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name}: " + "  ".join(f"{figure} {value:.4g}" for figure, value in figures.items()))


if __name__ == "__main__":
    main()
