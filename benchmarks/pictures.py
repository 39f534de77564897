"""What pictures cost: `market-sim plot` of every chart and `market-sim report`, of three scenarios x 1,000 replicates.

    python benchmarks/pictures.py [--json] [--replicates 1000] [--keep FOLDER]

The batch is light, as batches are by default. 64 replicates of each scenario are simulated; the others are copies of
them under other numbers, with a manifest that says so many. Each command is a process of its own, as a user starts it,
and all files it writes are counted in. `--keep` leaves the batch in a folder, or takes the one that is there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from market_sim.experiments.batch import run_batch
from market_sim.results.read import Runs, read_runs
from market_sim.results.store import RunWriter, part_name

SCENARIOS = ("baseline", "fast_hyperscalers", "power_limited")
CHUNK = 64
COMMANDS = {
    "plot, all charts, SVG": ("plot", "--format", "svg"),
    "plot, all charts, PNG": ("plot", "--format", "png"),
    "plot, one chart": ("plot", "--chart", "concentration"),
    "report": ("report", "-o", "report.html"),
}


def batch_at(folder: Path, replicates: int) -> Path:
    """A batch of the three scenarios below `folder`, of so many replicates each or more; one that is there is taken."""
    many = folder / f"of-{replicates}"
    if not many.is_dir():
        few = read_runs(run_batch([*SCENARIOS], CHUNK, out=folder / "few").folder)
        for run in few.manifests:
            multiply(few, run, many / run, -(-replicates // CHUNK))
    return many


def multiply(runs: Runs, run: str, folder: Path, times: int) -> None:
    """The run with so many copies of its replicates, under numbers of their own."""
    manifest = runs.manifests[run]
    frames = {part.table: pl.read_parquet(Path(str(runs.folders[run]), part.path)) for part in manifest.parts}
    with RunWriter(folder, replace(manifest.info, replicates=times * CHUNK)) as writer:
        for first in range(0, times * CHUNK, CHUNK):
            writer.write_parts(part_name(first, first + CHUNK - 1), renumbered(frames, first))


def renumbered(frames: Mapping[str, pl.DataFrame], by: int) -> dict[str, pl.DataFrame]:
    """The tables of other replicates."""
    return {name: frame.with_columns((pl.col("replicate") + by).cast(pl.Int32)) for name, frame in frames.items()}


def timed(command: tuple[str, ...], batch: Path, home: Path) -> dict[str, float]:
    """Wall and CPU seconds and the largest memory (MB) of a command about the batch."""
    begun = time.perf_counter()
    program = [sys.executable, "-m", "market_sim", command[0], str(batch), *command[1:]]
    started = subprocess.Popen(program, cwd=home, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(started.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(program)} failed")
    return {
        "s_wall": time.perf_counter() - begun,
        "s_cpu": used.ru_utime + used.ru_stime,
        "mb": used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="folder for the batch")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        batch = batch_at(given.keep or Path(place), given.replicates).resolve()
        timed(COMMANDS["plot, one chart"], batch, Path(place))  # so that the files are in memory for all alike
        found = {name: timed(command, batch, Path(place)) for name, command in COMMANDS.items()}
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name}: " + "  ".join(f"{figure} {value:.3g}" for figure, value in figures.items()))


if __name__ == "__main__":
    main()
