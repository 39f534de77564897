"""A batch in an object store: the same as in a folder, against an S3 server of this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_batches import REPLICATES, content, serial_batch, tiny, varied

from market_sim.cli import main
from market_sim.experiments.batch import resume_batch, run_batch
from market_sim.experiments.compare import compare
from market_sim.results import lease
from market_sim.results.errors import NoPlace, RunExists, RunLocked, StorageFailed, WriteFailed
from market_sim.results.files import contents, place_of, read_whole
from market_sim.results.lease import Lease
from market_sim.results.objects import Address
from market_sim.results.read import read_runs
from market_sim.results.store import verify

pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")
BUCKET = "s3://market-sim-tests"
Whole = dict[str, str]
pytestmark = pytest.mark.filterwarnings("default")  # moto and botocore have their own


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """An S3 server with one bucket; the environment says where it is, to workers too."""
    from s3fs import S3FileSystem

    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ({"AWS_ENDPOINT_URL": f"http://{host}:{port}"} | keys).items():
            patch.setenv(name, value)
        S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"]).mkdir(BUCKET)
        yield
    server.stop()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """A folder of its own for each test."""
    return f"{BUCKET}/{request.node.name}"


def test_two_workers_write_the_same(place: str, whole: Whole) -> None:
    """Rows are those of a batch on a disk, every part is as the manifest says, and no lock is left."""
    found = run_batch(tiny(), REPLICATES, "processes", place, workers=2, chunk=7, record="all")
    assert content(found) == whole
    assert verify(place).ok
    assert contents(place_of(place)) == sorted(["design.json", "manifest.json", "scenario.toml", *whole])


def test_a_damaged_part_is_made_anew(place: str, whole: Whole) -> None:
    """Truncated, changed or gone: going on finds it by its SHA-256 and writes what it was."""
    serial_batch(place)
    table = place_of(place) / "signals"
    parts = [table / name for name in contents(table)]
    before = [part.read() for part in parts]
    parts[0].write(before[0][:-40])
    parts[1].write(before[1][:99] + b"?" + before[1][100:])
    parts[2].remove()
    assert len(verify(place).damaged) == 2
    assert content(resume_batch(place, "serial")) == whole
    assert [part.read() for part in parts] == before


def test_several_runs_are_read_by_folder_and_by_glob(place: str) -> None:
    """A batch of two, compared from where it lies."""
    batch = run_batch([tiny(), varied(labs__sigma=0.3)], 3, "serial", place)
    for found in (read_runs(place), read_runs(f"{place}/*"), read_runs(Path(f"{place}/*")), batch.read()):
        assert list(found.folders.values()) == sorted(batch.folders)
        assert found["signals"].collect().n_unique(["run", "replicate"]) == 6
    assert compare(batch.folders[0], str(batch.folders[0])).differences[0].difference == 0.0


def test_a_batch_killed_is_gone_on_with_at_once(place: str, tiny_toml: Path, whole: Whole) -> None:
    """A dead process's hold on the folder is seen through, though no system frees it."""
    command = [sys.executable, "-m", "market_sim", "batch", str(tiny_toml), "-n", str(REPLICATES), "--chunk", "1"]
    command += ["--record", "all", "--out", place, "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and parts_named(place) < 9:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert read_runs(place).incomplete
    assert contents(place_of(place) / ".lock")
    assert content(resume_batch(place, "serial")) == whole
    assert not contents(place_of(place) / ".lock")


def parts_named(place: str) -> int:
    held = read_whole(place_of(place) / "manifest.json")
    return len(json.loads(held)["parts"]) if held and contents(place_of(place)).count("design.json") else 0


def test_two_batches_do_not_share_a_folder(place: str) -> None:
    """The second is told who holds it; a finished one is never written over."""
    refused: list[str] = []

    def intrude(done: int, total: int) -> None:
        if done == 7:
            with pytest.raises(RunLocked) as caught:
                resume_batch(place, "serial")
            refused.append(str(caught.value))

    serial_batch(place, watch=intrude)
    assert f"{place} is being written by process {os.getpid()} on " in refused[0]
    with pytest.raises(RunExists):
        serial_batch(place)


def test_who_no_longer_renews_loses_the_folder(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer of another machine is forgotten after a while; should it wake up, it writes nothing more."""
    monkeypatch.setattr(lease, "machine", lambda: "elsewhere")
    asleep = Lease(place_of(place) / ".lock")  # type: ignore[operator]
    monkeypatch.undo()
    with pytest.raises(RunLocked, match="forgotten after"):
        Lease(asleep.lock)
    asleep.assure()
    time.sleep(1.1)  # the store tells time in seconds
    monkeypatch.setattr(lease, "LEASE", 0.5)
    awake = Lease(asleep.lock)
    with pytest.raises(RunLocked, match="taken over"):
        asleep.assure()
    assert list(asleep.lock.below()) == [awake.own.name]
    awake.release()
    asleep.release()


def test_a_holder_renews(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it keeps the folder for as long as it lives."""
    monkeypatch.setattr(lease, "RENEWAL", 0.01)
    held = Lease(place_of(place) / ".lock")  # type: ignore[operator]
    first, deadline = held.renewed, time.monotonic() + 10
    while held.renewed == first and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held.renewed > first
    held.release()
    time.sleep(0.05)
    assert not held.lock.below()


def test_the_command_line_takes_addresses(
    place: str, tiny_toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`batch`, `--resume`, `show`, `compare`, `plot` and `run`, each with the address as it was given."""
    monkeypatch.chdir(tmp_path)
    serial = ["--executor", "serial"]
    assert main(["batch", str(tiny_toml), "-n", "2", "--out", place, *serial]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == place
    assert main(["batch", "--resume", place, *serial]) == 0
    assert main(["show", place]) == 0
    assert main(["compare", place, place]) == 0
    capsys.readouterr()
    assert main(["plot", place, "--chart", "concentration"]) == 0
    assert capsys.readouterr().out == "charts/concentration.svg\n"
    assert main(["run", f"{place}/scenario.toml", "--replicate", "1", "--out", f"{place}-run"]) == 0
    assert main(["run", f"{place}/scenario.toml", "--out", place]) == 2
    assert not list(tmp_path.glob("s3*"))


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("s3://no-such-bucket/x", WriteFailed, "bucket does not exist"),
        ("gs://bucket/x", NoPlace, "wanted a folder of this machine, or s3://bucket/path"),
        ("s3://", NoPlace, "s3://bucket/path"),
    ],
)
def test_addresses_that_lead_nowhere_are_refused(address: str, error: type[Exception], said: str) -> None:
    """In one message that names them."""
    with pytest.raises(error, match=said):
        run_batch(tiny(), 2, "serial", address)


def test_a_store_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its libraries raise."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with pytest.raises(StorageFailed, match=r"could not look for s3://.*manifest\.json: Could not connect"):
        read_runs(f"{BUCKET}/x")
    with pytest.raises(WriteFailed, match=r"could not write s3://.*: Could not connect"):
        (place_of(f"{BUCKET}/x") / "y").write(b"")  # type: ignore[union-attr]


def test_without_s3fs_the_way_to_get_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tiny_toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message, with the line to install it."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert main(["batch", str(tiny_toml), "-n", "2", "--executor", "serial", "--out", f"{BUCKET}/none"]) == 2
    said: Any = capsys.readouterr().err
    assert said == "market-sim: a folder s3://... needs s3fs: pip install 'market-sim[s3]'\n"


def test_an_address_is_told_from_a_folder() -> None:
    """A path drops one of two slashes; the address is the same. A drive of Windows is no address."""
    wanted = Address("s3://b/x/y")
    assert [place_of(one) for one in ("s3://b/x/y", "s3://b/x/y/", Path("s3://b/x/y"))] == [wanted] * 3
    assert (wanted.name, wanted.parent, wanted / "." / "z") == ("y", Address("s3://b/x"), Address("s3://b/x/y/z"))
    assert place_of("c:/runs") == Path("c:/runs")
    assert place_of("runs/a") == Path("runs/a")
