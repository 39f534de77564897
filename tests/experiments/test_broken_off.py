"""A batch that is killed, interrupted, damaged or refused loses nothing that was finished."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from small_batches import REPLICATES, content, part_bytes, serial_batch, tiny, varied

from market_sim.experiments import dispatch
from market_sim.experiments.batch import resume_batch, run_batch
from market_sim.experiments.chunk import Task
from market_sim.experiments.design import design
from market_sim.experiments.errors import BatchBroken, NoExecutor, WrongRequest
from market_sim.experiments.executors import Borrowed, Processes, Serial
from market_sim.results import files
from market_sim.results.errors import FormatMismatch, RunExists, RunLocked, RunMismatch, WriteFailed
from market_sim.results.read import read_runs
from market_sim.results.store import verify

Whole = dict[str, str]
MARKET_SIM = [sys.executable, "-m", "market_sim"]


TWO_WORKERS, ALONE = ("--workers", "2"), ("--executor", "serial")


def begun(folder: Path, toml: Path, hands: tuple[str, ...] = TWO_WORKERS) -> subprocess.Popen[str]:
    """The batch begun, or gone on with, in a process of its own."""
    fresh = [str(toml), "-n", str(REPLICATES), "--chunk", "1", "--record", "all", "--out", str(folder)]
    rest = ["--resume", str(folder)] if (folder / "design.json").exists() else fresh
    command = [*MARKET_SIM, "batch", *rest, *hands]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def parts_in(folder: Path) -> int:
    try:
        return len(json.loads((folder / "manifest.json").read_text())["parts"])
    except FileNotFoundError:
        return 0


def wait_for_parts(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until the manifest names so many parts and the design stands, or the process has ended."""
    deadline = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline:
        if (folder / "design.json").exists() and parts_in(folder) >= count:
            return
        time.sleep(0.005)


def test_a_batch_killed_at_random_moments_is_made_whole(tmp_path: Path, tiny_toml: Path, whole: Whole) -> None:
    """Killed ten times where a seed has it, and gone on with: the same rows, and no stray file."""
    folder, luck, broken = tmp_path / "batch", Random(5), 0
    for at in range(10):
        process = begun(folder, tiny_toml, TWO_WORKERS if at % 5 == 0 else ALONE)
        wait_for_parts(folder, parts_in(folder) + luck.randrange(0, 20), process)
        time.sleep(luck.random() * 0.05)
        process.kill()
        process.communicate()
        broken += not json.loads((folder / "manifest.json").read_text())["complete"]
        assert verify(folder).ok
    assert broken >= 5, "the kills came too late to break anything off"
    assert content(resume_batch(folder, "serial")) == whole
    assert not [path for path in folder.rglob("*.tmp")]
    named = {part.path for part in next(iter(read_runs(folder).manifests.values())).parts}
    assert set(part_bytes(folder)) == named


def test_ctrl_c_ends_with_130_and_the_line_to_go_on_with(tmp_path: Path, tiny_toml: Path, whole: Whole) -> None:
    """What came in before stays, and the line that is said makes the batch whole."""
    folder = tmp_path / "batch"
    process = begun(folder, tiny_toml)
    wait_for_parts(folder, 9, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert f"market-sim batch --resume {folder}" in said
    assert "Traceback" not in said
    assert parts_in(folder) >= 9
    assert content(resume_batch(folder, "serial")) == whole


def test_workers_do_not_outlive_their_parent(tmp_path: Path) -> None:
    """Kill a batch's parent, and its workers are gone soon after."""
    script = (
        "import os, time; from market_sim.experiments.executors import Processes; "
        "print(Processes(1).submit(os.getpid).result(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60.0
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(worker)


def is_alive(process: int) -> bool:
    """Whether it runs; one that ended and was never waited for does not."""
    stat = Path(f"/proc/{process}/stat")
    if Path("/proc/self/stat").exists():
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_worker_is_replaced(tmp_path: Path, whole: Whole) -> None:
    """Its task is given to another, and the batch ends as if nothing had been."""
    killed: list[int] = []

    def kill_one(done: int, total: int) -> None:
        if done and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid or 0)
            victim.kill()

    found = run_batch(
        tiny(), REPLICATES, "processes", tmp_path / "batch", workers=2, chunk=3, record="all", watch=kill_one
    )
    assert killed
    assert content(found) == whole


def die(task: Task) -> None:
    os._exit(1)


def test_workers_that_die_again_and_again_end_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for ever: after some tries without anything finished, it is said."""
    monkeypatch.setattr(dispatch, "carry", die)
    monkeypatch.setattr(dispatch, "PATIENCE", 1)
    crew = Processes(1)
    with pytest.raises(BatchBroken, match="worker process was killed"):
        dispatch.carry_out(iter([Task("", "", 0, 0, 0, ())]), crew, lambda outcome: None)
    crew.stop()


@pytest.mark.parametrize("harm", ["truncated", "changed", "gone"])
def test_a_damaged_part_is_found_and_made_anew(copied: Path, whole: Whole, harm: str) -> None:
    """Even in a batch that was complete; the other parts stay as they are."""
    part = copied / "signals" / "replicates-0000007-0000013.parquet"
    sound = part.read_bytes()
    if harm == "gone":
        part.unlink()
    else:
        part.write_bytes(sound[:-40] if harm == "truncated" else sound[:99] + b"?" + sound[100:])
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*.parquet") if path != part}
    found = resume_batch(copied, "serial")
    assert part.read_bytes() == sound
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert content(found) == whole


def test_a_complete_batch_has_nothing_to_go_on_with(copied: Path) -> None:
    """Going on with it is no error, and touches nothing."""
    before = {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    assert resume_batch(copied, Borrowed(Serial()).executor).complete
    assert {path: path.read_bytes() for path in copied.rglob("*") if path.is_file()} == before


def test_all_parts_without_the_last_word_are_enough(tmp_path: Path) -> None:
    """Killed between its last part and its end, a run of several is completed without simulating anything."""
    batch = run_batch([tiny(), varied(labs__sigma=0.3)], 2, "serial", tmp_path / "batch", record="signals")
    manifest = batch.folders[1] / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"complete": False}))
    told: list[tuple[int, int]] = []
    resume_batch(batch.folder, "serial", watch=lambda done, total: told.append((done, total)))
    assert told == [(4, 4)]
    assert not batch.read().incomplete


def test_nothing_is_mixed(copied: Path, tmp_path: Path) -> None:
    """Another scenario, count, seed, version of the package or of the format is refused, and a taken folder too."""
    for other in (
        design(varied(labs__sigma=0.31), REPLICATES, chunk=7, record="all"),
        design(tiny(), REPLICATES + 1, chunk=7, record="all"),
        design(tiny(), REPLICATES, chunk=8, record="all"),
        design(tiny(), REPLICATES, chunk=7, seed=1, record="all"),
        design(tiny(), REPLICATES, chunk=7),
    ):
        with pytest.raises(WrongRequest, match="cannot be resumed"):
            resume_batch(copied, "serial", expected=other)
    with pytest.raises(RunExists):
        serial_batch(copied)
    with pytest.raises(WrongRequest, match="no batch to resume"):
        resume_batch(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "key", "value", "error"),
    [
        ("manifest.json", "format_version", 99, FormatMismatch),
        ("manifest.json", "versions", {"market-sim": "0.0.0"}, RunMismatch),
        ("design.json", "format_version", 99, FormatMismatch),
    ],
)
def test_another_version_is_refused(copied: Path, file: str, key: str, value: Any, error: type[Exception]) -> None:
    """Of the package, or of either file's format."""
    held = json.loads((copied / file).read_text()) | {key: value, "complete": False}
    (copied / file).write_text(json.dumps(held))
    before = part_bytes(copied)
    with pytest.raises(error, match=r"0\.0\.0|99"):
        resume_batch(copied, "serial")
    assert part_bytes(copied) == before


def test_two_batches_do_not_share_a_folder(tmp_path: Path, whole: Whole) -> None:
    """While one writes it, another is refused at once, and does no harm."""
    refused: list[Exception] = []

    def intrude(done: int, total: int) -> None:
        if done == 7:
            for second in (resume_batch, lambda place: serial_batch(place)):
                with pytest.raises((RunLocked, RunExists)) as caught:
                    second(tmp_path / "batch")
                refused.append(caught.value)

    assert content(serial_batch(tmp_path / "batch", watch=intrude)) == whole
    assert [type(one) for one in refused] == [RunLocked, RunExists]


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole) -> None:
    """What was finished stays whole, the message names the way on, and with room the batch is made whole."""
    folder, written = tmp_path / "batch", files._write_through

    def full(path: Path, data: bytes) -> None:
        if "replicates-0000014" in path.name and path.parent.name == "signals":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(path, data)

    monkeypatch.setattr(files, "_write_through", full)
    with pytest.raises(WriteFailed, match=r"No space left on device(.|\n)*--resume"):
        serial_batch(folder)
    assert verify(folder).ok
    assert parts_in(folder) == 18
    assert read_runs(folder).incomplete
    monkeypatch.setattr(files, "_write_through", written)
    assert content(resume_batch(folder, "serial")) == whole


@pytest.mark.parametrize(
    ("executor", "scheduler", "said"),
    [
        ("proceses", "", "there is no executor 'proceses'"),
        ("dask", "tcp://127.0.0.1:9", "no Dask scheduler answers"),
        ("dask", "not an address", "no Dask scheduler answers"),
        ("mpi", "", "mpiexec"),
    ],
)
@pytest.mark.filterwarnings("default")
def test_an_executor_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str, scheduler: str, said: str
) -> None:
    """Before anything is written."""
    if executor in ("dask", "mpi"):
        pytest.importorskip({"dask": "distributed", "mpi": "mpi4py"}[executor])
    monkeypatch.setattr("market_sim.experiments.executors.PATIENCE", "1s")
    with pytest.raises(NoExecutor, match=said):
        run_batch(tiny(), 2, executor, tmp_path / "batch", scheduler=scheduler)
    assert not (tmp_path / "batch").exists()


@pytest.mark.parametrize("count", [0, -1, True, 1.5])
def test_a_batch_of_nothing_is_refused(tmp_path: Path, count: Any) -> None:
    """Replicates are whole numbers from 1 on, and so are chunks."""
    for options in ({"replicates": count}, {"replicates": 2, "chunk": count}):
        with pytest.raises(WrongRequest, match="wanted a whole number from 1"):
            run_batch(tiny(), executor="serial", out=tmp_path / "batch", **options)
    assert not (tmp_path / "batch").exists()
