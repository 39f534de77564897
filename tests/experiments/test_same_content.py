"""No result depends on how a batch was run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_batches import REPLICATES, content, part_bytes, serial_batch, tiny

from market_sim.experiments.batch import run_batch
from market_sim.experiments.executors import QUIET, crew_of
from market_sim.results.calendar import year_ends
from market_sim.results.columns import TABLES
from market_sim.results.light import BITS
from market_sim.simulation.memory import ENVIRONMENT
from market_sim.simulation.run import simulate

Whole = dict[str, str]


def batch_of(folder: Path, executor: Executor | str, **options: Any) -> Whole:
    given = {"chunk": 7, "record": "all", "workers": 2} | options
    return content(run_batch(tiny(), REPLICATES, executor, folder, **given))


@pytest.mark.parametrize("chunk", [1, 64])
def test_chunks_of_any_size_hold_the_same(tmp_path: Path, whole: Whole, chunk: int) -> None:
    """Every table has the same rows, to the bit, in parts of 1, of 7 and of 64 replicates."""
    assert set(whole) == set(TABLES)
    assert content(serial_batch(tmp_path / "batch", chunk=chunk)) == whole


def test_large_chunks_hold_the_same(tmp_path: Path) -> None:
    """Parts of 7, of 64 and of 256 replicates hold the same 260."""
    held = [
        content(run_batch(tiny(), 260, "serial", tmp_path / str(chunk), chunk=chunk, record="all"))
        for chunk in (7, 64, 256)
    ]
    assert held[0] == held[1] == held[2]
    assert len(list((tmp_path / "256" / "signals").iterdir())) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_hold_the_same(tmp_path: Path, whole: Whole, whole_folder: Path, workers: int) -> None:
    """One worker and two write what this process writes, the same bytes part by part."""
    assert batch_of(tmp_path / "batch", "processes", workers=workers) == whole
    assert part_bytes(tmp_path / "batch") == part_bytes(whole_folder)


class Shuffled(Executor):
    """Runs what it was given in another order, once nothing more is handed over."""

    _max_workers = 1000

    def __init__(self, seed: int) -> None:
        self.luck, self.calls = Random(seed), []  # type: ignore[var-annotated]

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls.append((future, fn, args))
        if len(self.calls) == -(-REPLICATES // 3):
            self.luck.shuffle(self.calls)
            for waiting, call, given in self.calls:
                waiting.set_result(call(*given))
        return future


@pytest.mark.parametrize("seed", [0, 1])
def test_any_order_of_tasks_holds_the_same(tmp_path: Path, whole: Whole, seed: int) -> None:
    """The order in which chunks are run leaves no trace."""
    assert batch_of(tmp_path / "batch", Shuffled(seed), chunk=3) == whole


def test_threads_hold_the_same(tmp_path: Path, whole: Whole) -> None:
    """Any executor of the standard library will do."""
    with ThreadPoolExecutor(2) as pool:
        assert batch_of(tmp_path / "batch", pool) == whole


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Dask scheduler with two worker processes."""
    distributed = pytest.importorskip("distributed")
    made = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    yield made
    made.close()


@pytest.mark.filterwarnings("default")
def test_dask_holds_the_same_through_the_loss_of_a_worker(tmp_path: Path, whole: Whole, cluster: Any) -> None:
    """A worker killed in the middle costs time and nothing else."""
    victims = [worker.pid for worker in cluster.workers.values()]

    def kill_one(done: int, total: int) -> None:
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)
            victims.clear()

    assert len(victims) == 2
    found = batch_of(tmp_path / "batch", "dask", chunk=2, scheduler=cluster.scheduler_address, watch=kill_one)
    assert not victims
    assert found == whole


def test_mpi_holds_the_same(tmp_path: Path, tiny_toml: Path, whole: Whole) -> None:
    """Three ranks under mpiexec, two of which do the work."""
    pytest.importorskip("mpi4py")
    mpiexec = Path(sys.executable).parent / "mpiexec"
    if not mpiexec.exists():
        pytest.skip("no mpiexec beside this Python")
    command = [str(mpiexec), "-n", "3", sys.executable, "-m", "mpi4py.futures", "-m", "market_sim", "batch"]
    command += [str(tiny_toml), "-n", str(REPLICATES), "--chunk", "3", "--record", "all"]
    command += ["--executor", "mpi", "--out", str(tmp_path / "batch"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["complete"]
    assert content(tmp_path / "batch") == whole


def without_numpys() -> dict[str, str]:
    """All of NumPy's optional CPU features switched off, AVX-512 among them."""
    from numpy._core import _multiarray_umath as built

    optional = [name for name in built.__cpu_dispatch__ if built.__cpu_features__.get(name)]
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(optional)}


def without_numbas() -> dict[str, str]:
    """Kernels compiled for any processor of the kind; numba keeps their code apart from that for this one."""
    return {"NUMBA_CPU_NAME": "generic"}


@pytest.mark.parametrize("without", [without_numpys, without_numbas])
def test_a_plainer_processor_holds_the_same(
    tmp_path: Path, tiny_toml: Path, whole: Whole, whole_folder: Path, without: Callable[[], dict[str, str]]
) -> None:
    """Neither vector instructions nor fused ones change a bit, nor a byte of the files."""
    command = [sys.executable, "-m", "market_sim", "batch", str(tiny_toml), "-n", str(REPLICATES), "--record", "all"]
    command += ["--chunk", "7", "--executor", "serial", "--out", str(tmp_path / "batch")]
    subprocess.run(command, env=os.environ | without(), check=True, capture_output=True, timeout=600)
    assert content(tmp_path / "batch") == whole
    assert part_bytes(tmp_path / "batch") == part_bytes(whole_folder)


def test_a_replicate_alone_holds_its_rows(whole_folder: Path) -> None:
    """Replicate 11 simulated by itself is replicate 11 of the batch."""
    alone = simulate(tiny(), replicates=(11,))
    for name in TABLES:
        among = pl.read_parquet(whole_folder / name / "*.parquet").filter(pl.col("replicate") == 11)
        assert alone[name].equals(among.sort(TABLES[name].key))


def test_by_default_single_firms_are_kept_at_year_ends(tmp_path: Path) -> None:
    """Concentration and signals have every tick; shares, signals of a lab or a chip, and the concentration of one
    vendor's buyers the first, each twelfth, and the last."""
    assert year_ends(30, 1.0) == (0, 11, 23, 29)
    assert year_ends(8, 3.0) == (0, 3, 7)
    runs = serial_batch(tmp_path / "batch", record=None).read()
    assert set(runs) == {"concentration", "shares", "signals"}
    ticks = {name: runs[name].select(pl.col("tick").unique().sort()).collect()["tick"].to_list() for name in runs}
    assert ticks["concentration"] == ticks["signals"] == list(range(6))
    assert ticks["shares"] == [0, 5]
    often = runs["signals"].group_by("signal").agg(pl.col("tick").n_unique()).collect()
    found = dict(often.with_columns(pl.col("signal").cast(pl.String)).iter_rows())
    assert (found["power"], found["supply"], found["lab_revenue"], found["quote"]) == (6, 6, 2, 2)
    often = runs["concentration"].group_by("market").agg(pl.col("tick").n_unique()).collect()
    for market, number in often.with_columns(pl.col("market").cast(pl.String)).iter_rows():
        assert number == (2 if market.startswith("buyers of") else 6)


def test_what_is_kept_by_default_are_rows_of_the_whole(tmp_path: Path) -> None:
    """The light form leaves out rows and rounds numbers, and changes nothing else."""
    light = serial_batch(tmp_path / "light", record=None).read()
    whole = serial_batch(tmp_path / "whole", record=("concentration", "shares", "signals")).read()
    for name in light:
        numbers = [column.name for column in TABLES[name].columns if column.dtype == "float32"]
        few, every = light[name].collect(), whole[name].collect()
        both = few.join(every, on=list(TABLES[name].key), how="left", validate="1:1")
        assert both.height == few.height > 0
        for number in numbers:
            kept, full = (both[column].to_numpy() for column in (number, f"{number}_right"))
            np.testing.assert_allclose(kept, full, rtol=2.0**-BITS)


@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_of_our_own_has_the_workers_asked_for() -> None:
    """As many as asked for, of one thread each, told to keep their memory and to look up seldom."""
    pytest.importorskip("distributed")
    import dask

    crew = crew_of("dask", workers=1)
    client = crew.executor._client  # type: ignore[attr-defined]
    assert list(client.nthreads().values()) == [1]
    kept = client.run(lambda: os.environ["MALLOC_TRIM_THRESHOLD_"])
    assert list(kept.values()) == [str(ENVIRONMENT["MALLOC_TRIM_THRESHOLD_"])]
    assert {name: crew.submit(dask.config.get, name).result() for name in QUIET} == QUIET
    assert dask.config.get("distributed.worker.profile.enabled")  # in this process all is as it was
    crew.close()
