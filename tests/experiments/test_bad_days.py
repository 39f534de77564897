"""What can go wrong with a batch, met on the command line: one message, the right exit code, nothing lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_batches import REPLICATES, content, part_bytes

from market_sim.cli import main
from market_sim.experiments.executors import interrupts_unheard
from market_sim.results.read import read_runs
from market_sim.results.store import verify

Whole = dict[str, str]
SERIAL = ("--executor", "serial")
posix = pytest.mark.skipif(os.name == "nt", reason="needs the signals and limits of POSIX")


def started(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A batch command in a process group of its own, as a shell would start it."""
    command = [sys.executable, "-m", "market_sim", "batch", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, start_new_session=True, cwd=folder, **streams)  # type: ignore[call-overload, no-any-return]


def asked(toml: Path, *more: str) -> list[str]:
    return [str(toml), "-n", str(REPLICATES), "--record", "all", "--out", "batch", *more]


def wait_for(folder: Path, process: "subprocess.Popen[str]", parts: int = 1) -> None:
    """Until the manifest names so many parts, or the process has ended."""
    deadline = time.monotonic() + 60.0
    while process.poll() is None and time.monotonic() < deadline:
        found = folder / "manifest.json"
        if found.exists() and len(json.loads(found.read_text())["parts"]) >= parts:
            return
        time.sleep(0.005)


@posix
@pytest.mark.parametrize("after", [0.15, 0.4, 1.0])
def test_ctrl_c_at_any_moment_is_one_message(tmp_path: Path, tiny_toml: Path, after: float) -> None:
    """From the loading of the program to its first replicates: no traceback of parent or worker, within 5 s."""
    process = started(tmp_path, str(tiny_toml), "-n", "500000", "--workers", "2", "--out", "batch")
    time.sleep(after)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < 5.0
    assert process.returncode in (130, -signal.SIGINT)  # Python may end itself by the signal; a shell sees 130
    assert "interrupted" in said
    assert "Traceback" not in said
    begun = (tmp_path / "batch" / "design.json").exists()
    assert ("market-sim batch --resume batch" in said) == begun


@posix
@pytest.mark.parametrize("thread", ["main", "another"])
def test_ctrl_c_waits_while_workers_are_begun(thread: str) -> None:
    """Whichever thread takes the signal: a worker begun but not yet known to anybody would outlive its parent."""
    steps, over = [], threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    taker = threading.main_thread() if thread == "main" else other

    def begin() -> None:
        with interrupts_unheard():
            signal.pthread_kill(taker.ident or 0, signal.SIGINT)
            time.sleep(0.05)
            steps.append("begun")
        steps.append("gone on")

    with pytest.raises(KeyboardInterrupt):
        begin()
    over.set()
    other.join()
    assert steps == ["begun"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@posix
def test_a_disk_that_fills_loses_nothing(tmp_path: Path, tiny_toml: Path, whole: Whole) -> None:
    """A real limit on what may be written, met by a worker: told with the way on, and with room it is made whole."""
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)); "
        "from market_sim.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", limited, "batch", *asked(tiny_toml, "--workers", "1", "--chunk", "2")]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "could not write" in ended.stderr
    assert "File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
    folder = tmp_path / "batch"
    if (folder / "manifest.json").exists():
        assert verify(folder).ok
        assert read_runs(folder).incomplete
    assert not list(folder.rglob("*.tmp"))
    assert main(["batch", "--resume", str(folder), *SERIAL]) == 0
    assert content(folder) == whole


def test_a_damaged_part_is_mended_by_going_on(copied: Path, whole: Whole, capsys: pytest.CaptureFixture[str]) -> None:
    """Plots and summaries refuse it meanwhile, naming it."""
    part = copied / "signals" / "replicates-0000007-0000013.parquet"
    part.write_bytes(part.read_bytes()[:-40])
    assert main(["plot", str(copied)]) == 2
    assert "signals/replicates-0000007-0000013.parquet is missing or damaged" in capsys.readouterr().err
    assert main(["batch", "--resume", str(copied), *SERIAL]) == 0
    assert content(copied) == whole


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("manifest.json", {"format_version": 99}, "is of format version 99: this package reads version 1"),
        ("manifest.json", {"versions": {"market-sim": "0.0.1"}}, "market-sim 0.0.1 began it"),
        ("design.json", {"format_version": 99}, "format version 99"),
        ("design.json", {"runs": None}, "cannot be read as a design"),
    ],
)
def test_another_version_refuses_to_mix(
    copied: Path, capsys: pytest.CaptureFixture[str], file: str, change: dict[str, object], said: str
) -> None:
    """Exit code 2, what was found and what is read here; the folder stays as it was."""
    changed = json.loads((copied / file).read_text()) | change | {"complete": False}
    (copied / file).write_text(json.dumps(changed))
    before = part_bytes(copied)
    assert main(["batch", "--resume", str(copied), *SERIAL]) == 2
    assert said in capsys.readouterr().err
    assert part_bytes(copied) == before


@posix
def test_two_batches_into_one_folder(
    tmp_path: Path, tiny_toml: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Begun or gone on with, the second is refused at once; the first ends as if nothing had been."""
    monkeypatch.chdir(tmp_path)
    process = started(tmp_path, *asked(tiny_toml, "--chunk", "1", *SERIAL))
    wait_for(tmp_path / "batch", process)
    process.send_signal(signal.SIGSTOP)
    for again, told in ((asked(tiny_toml), "holds"), (["--resume", "batch"], "is being written by another process")):
        assert main(["batch", *again, *SERIAL]) == 2
        assert told in capsys.readouterr().err
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert content(tmp_path / "batch") == whole


@posix
def test_a_killed_worker_costs_time_and_nothing_else(tmp_path: Path, tiny_toml: Path, whole: Whole) -> None:
    """Its task is given to another worker; the batch ends with 0."""
    process = started(tmp_path, *asked(tiny_toml, "--chunk", "1", "--workers", "1"))
    wait_for(tmp_path / "batch", process)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert content(tmp_path / "batch") == whole


def workers_of(parent: int) -> list[int]:
    """The processes that it spawned to work; multiprocessing's own tracker is none."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        pytest.skip("needs Linux's list of children")
    found = [int(child) for child in children.read_text().split()]
    return [one for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def test_a_batch_stopped_before_its_first_part_goes_on(
    tmp_path: Path, tiny_toml: Path, whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The design is there before anything else, so a batch killed right after it is gone on with."""
    from market_sim.results import store

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store.RunWriter, "_put_manifest", stop)
    assert main(["batch", *asked(tiny_toml, "--chunk", "7", *SERIAL)]) == 130
    assert [path.name for path in Path("batch").iterdir()] == ["design.json"]
    monkeypatch.undo()
    assert main(["batch", "--resume", str(tmp_path / "batch"), *SERIAL]) == 0
    assert content(tmp_path / "batch") == whole


@pytest.mark.filterwarnings("default")
def test_a_scheduler_that_is_not_there(
    tmp_path: Path, tiny_toml: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and how to start one; nothing is written."""
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("market_sim.experiments.executors.PATIENCE", "1s")
    absent = ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    assert main(["batch", *asked(tiny_toml, *absent)]) == 2
    assert "no Dask scheduler answers there" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
