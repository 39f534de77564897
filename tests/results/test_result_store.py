"""A run folder: whole or plainly unfinished, never something between."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from market_sim.results import files
from market_sim.results.errors import (
    ColumnMismatch,
    PartExists,
    ResultsError,
    RunExists,
    RunLocked,
    RunMismatch,
    TableNotRecorded,
    WriteFailed,
)
from market_sim.results.manifest import installed_versions, read_manifest, scenario_hash
from market_sim.results.names import Names
from market_sim.results.read import read_runs
from market_sim.results.store import ROWS_PER_GROUP, RunWriter, parquet_bytes, part_name, verify, write_part
from market_sim.results.tables import Results

Maker = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiny-7"


@pytest.fixture
def unfinished(folder: Path, info: Maker, made: Maker) -> Path:
    """A run broken off after two parts of each of two tables."""
    writer = RunWriter(folder, info())
    for part in ("a", "b"):
        writer.write_parts(part, {name: made(name) for name in ("fit", "shares")})
    writer.close()
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_run_is_the_same_bytes(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Written twice, every file but the manifest (which tells the time) has the same bytes."""
    results = Results({name: made(name) for name in ("concentration", "contracts")}, info())
    first, second = results.write(tmp_path / "one"), results.write(tmp_path / "two")
    written = [path.relative_to(first) for path in first.rglob("*") if path.is_file() and path.suffix != ".json"]
    assert len(written) == 3
    assert all((first / path).read_bytes() == (second / path).read_bytes() for path in written)


def test_bytes_do_not_depend_on_chunks_in_memory() -> None:
    """A frame put together from pieces, larger than a row group, is written as one made at once."""
    frame = pl.DataFrame({"x": pl.int_range(2 * ROWS_PER_GROUP + 5, eager=True)})
    pieces = pl.concat([frame.head(100_001), frame.tail(-100_001)], rechunk=False)
    assert pieces.n_chunks() == 2
    assert parquet_bytes(pieces) == parquet_bytes(frame)


def test_bytes_do_not_depend_on_threads() -> None:
    """One thread and three write the same bytes, over several row groups."""
    code = (
        "import hashlib, polars as pl; from market_sim.results.store import parquet_bytes; "
        f"numbers = pl.int_range({ROWS_PER_GROUP + 9000}, eager=True); "
        "frame = pl.DataFrame({'x': numbers, 'y': (numbers * 7919 % 10007).cast(pl.Float32)}); "
        "print(hashlib.sha256(parquet_bytes(frame)).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"POLARS_MAX_THREADS": threads},
            check=True,
            capture_output=True,
        ).stdout
        for threads in ("1", "3")
    }
    assert len(said) == 1


def test_the_manifest_says_what_was_run(folder: Path, info: Maker, made: Maker) -> None:
    """Scenario, hash, seed, versions, times, and each part with its rows, bytes and SHA-256 are there."""
    Results({"fit": made("fit", 30)}, info(command="market-sim run tiny")).write(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format_version"] == 1
    assert manifest["complete"] is True
    assert (manifest["scenario"], manifest["seed"], manifest["replicates"]) == ("tiny", 7, 2)
    assert manifest["resolved"] == {"name": "tiny", "labs": {"sigma": 0.45}}
    assert manifest["scenario_sha256"] == scenario_hash({"name": "tiny", "labs": {"sigma": 0.45}})
    assert manifest["command"] == "market-sim run tiny"
    assert {"market-sim", "python", "numpy", "polars"} <= set(manifest["versions"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", manifest["finished"])
    (part,) = manifest["parts"]
    path = folder / "fit" / f"{part['part']}.parquet"
    assert (part["rows"], part["bytes"], part["sha256"]) == (30, path.stat().st_size, sha256(path))
    assert (folder / "scenario.toml").read_text() == "name = 'tiny'\n"


def test_a_manifest_reads_back_as_written(unfinished: Path, info: Maker) -> None:
    """Reading gives the run, its names and its parts again."""
    manifest = read_manifest(unfinished)
    assert manifest.info == info(started=manifest.info.started)
    assert [part.key for part in manifest.parts] == [
        ("fit", "a"),
        ("fit", "b"),
        ("shares", "a"),
        ("shares", "b"),
    ]


def test_the_folder_is_named_after_scenario_seed_and_hash(info: Maker) -> None:
    """Another parameter gives another folder, and so does another order of entries: rows follow it."""
    named = info().folder_name
    assert re.fullmatch(r"tiny-7-[0-9a-f]{8}", named)
    assert info(resolved={"labs": {"sigma": 0.45}, "name": "tiny"}).folder_name != named
    assert info(resolved={"labs": {"sigma": 0.46}, "name": "tiny"}).folder_name != named


def test_a_scenario_that_is_not_json_is_refused_at_once(info: Maker) -> None:
    """Infinity has no place in JSON; it is found before a run, not after."""
    with pytest.raises(ResultsError, match="plain JSON"):
        info(resolved={"x": float("inf")})


def test_a_complete_run_is_never_written_over(folder: Path, info: Maker, made: Maker) -> None:
    """A second write is refused, resumed or not, and the first stays as it was."""
    results = Results({"fit": made("fit")}, info())
    results.write(folder)
    before = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(RunExists, match="complete run"):
        results.write(folder)
    with pytest.raises(RunExists, match="complete run"):
        RunWriter(folder, info(), resume=True)
    assert {path: sha256(path) for path in folder.rglob("*") if path.is_file()} == before


def test_an_unfinished_run_is_written_over_only_by_resuming(unfinished: Path, info: Maker) -> None:
    """Without `resume` an unfinished folder is refused."""
    with pytest.raises(RunExists, match="unfinished"):
        RunWriter(unfinished, info())


def test_a_folder_of_something_else_is_refused(tmp_path: Path, info: Maker) -> None:
    """Foreign files are left alone, and no lock is left among them."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunExists, match=r"thesis\.tex"):
        RunWriter(tmp_path, info(), resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, info: Maker) -> None:
    """A run cannot be written into a file."""
    (tmp_path / "r").write_text("")
    with pytest.raises(RunExists, match="is a file"):
        RunWriter(tmp_path / "r", info())


def test_an_empty_folder_will_do(tmp_path: Path, info: Maker) -> None:
    """A folder made beforehand, with nothing in it, is written into."""
    with RunWriter(tmp_path, info()):
        pass
    assert read_manifest(tmp_path).complete


def test_a_finished_run_leaves_no_lock_and_no_debris(folder: Path, info: Maker, made: Maker) -> None:
    """What lies in the folder is what the interface names."""
    Results({"fit": made("fit")}, info()).write(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["fit", "manifest.json", "scenario.toml"]


def test_a_part_is_on_disk_before_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is flushed to the disk before the rename, and the folder after it."""
    folder.mkdir()
    order: list[str] = []
    flush, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("flush"), flush(handle))[1])
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append("rename"), rename(old, new))[1])
    files.write_whole(folder / "x", b"content")
    assert order == ["flush", "rename", "flush"]


def test_a_refused_write_leaves_the_old_file_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full midway, the file is what it was, alone, and the message says why."""
    folder.mkdir()
    files.write_whole(folder / "x", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteFailed, match="No space left"):
        files.write_whole(folder / "x", b"new")
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("x", b"old")]


def test_an_error_between_parts_leaves_the_run_unfinished(folder: Path, info: Maker, made: Maker) -> None:
    """What was written is whole and named; the run is incomplete, says so, and is free to resume."""

    def broken_off() -> None:
        with RunWriter(folder, info(tables=("fit",))) as writer:
            writer.write_part("fit", "a", made("fit"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    manifest = read_manifest(folder)
    assert not manifest.complete
    assert manifest.finished is None
    assert read_runs(folder).incomplete == (folder.name,)
    assert read_runs(folder)["fit"].collect().height == 50
    with RunWriter(folder, info(tables=("fit",)), resume=True) as writer:
        assert writer.has("fit", "a")


KILLED_MIDWAY = """
import os, signal, sys
import polars as pl
from market_sim.results import files
from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names
from market_sim.results.store import RunWriter

names = Names.of(vendor=["NVIDIA", "AMD"], provider=["Azure", "CoreWeave"],
                 lab=["OpenAI", "Anthropic", "Meta"], chip=["H100", "MI300X"],
                 stack=["CUDA", "ROCm"], segment=["frontier", "enterprise"])
info = RunInfo("tiny", {"name": "tiny", "labs": {"sigma": 0.45}}, "name = 'tiny'\\n", 7, 2, names)
frame = pl.read_parquet(sys.argv[2])
writer = RunWriter(sys.argv[1], info)
writer.write_part("fit", "a", frame)
print("writing", flush=True)
sys.stdin.readline()
os.replace = lambda old, new: os.kill(os.getpid(), signal.SIGKILL)
writer.write_part("fit", "b", frame)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_writer_leaves_a_run_to_resume(tmp_path: Path, folder: Path, info: Maker, made: Maker) -> None:
    """A folder being written is locked; a writer killed midway frees it and names whole parts only."""
    frame = made("fit")
    (tmp_path / "frame.parquet").write_bytes(parquet_bytes(frame))
    command = [sys.executable, "-c", KILLED_MIDWAY, str(folder), str(tmp_path / "frame.parquet")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        with pytest.raises(RunLocked, match="another process"):
            RunWriter(folder, info(), resume=True)
        writer.communicate("go on\n")
    assert writer.returncode == -signal.SIGKILL
    assert [part.key for part in read_manifest(folder).parts] == [("fit", "a")]
    assert read_runs(folder).incomplete
    assert len(list((folder / "fit").iterdir())) == 2  # the whole part and the half-written one
    with RunWriter(folder, info(), resume=True) as resumed:
        assert [path.name for path in (folder / "fit").iterdir()] == ["a.parquet"]
        resumed.write_part("fit", "b", frame)
    assert read_runs(folder)["fit"].collect().height == 2 * frame.height


def test_one_folder_has_one_writer(folder: Path, info: Maker) -> None:
    """Within one process too, a second writer is refused while the first holds the folder, and not after."""
    first = RunWriter(folder, info())
    with pytest.raises(RunLocked):
        RunWriter(folder, info(), resume=True)
    first.close()
    RunWriter(folder, info(), resume=True).close()


def test_damage_and_loss_are_found(unfinished: Path) -> None:
    """One changed byte and one missing file are told apart from the whole parts."""
    assert verify(unfinished).ok
    changed = unfinished / "fit" / "a.parquet"
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    (unfinished / "shares" / "b.parquet").unlink()
    found = verify(unfinished)
    assert [part.key for part in found.intact] == [("fit", "b"), ("shares", "a")]
    assert [part.key for part in found.missing] == [("shares", "b")]
    assert [part.key for part in found.damaged] == [("fit", "a")]
    assert not found.ok


def test_resuming_keeps_whole_parts_and_drops_the_rest(unfinished: Path, info: Maker, made: Maker) -> None:
    """Damaged parts and files that no manifest names are gone; whole parts are not written anew."""
    (unfinished / "fit" / "a.parquet").write_bytes(b"PAR1")
    (unfinished / "fit" / "stray.parquet").write_bytes(b"PAR1")
    untouched = unfinished / "shares" / "a.parquet"
    before = untouched.stat().st_mtime_ns
    with RunWriter(unfinished, info(), resume=True) as writer:
        assert not writer.has("fit", "a")
        assert [path.name for path in (unfinished / "fit").iterdir()] == ["b.parquet"]
        writer.write_part("fit", "a", made("fit"))
    assert verify(unfinished).ok
    assert len(read_manifest(unfinished).parts) == 4
    assert untouched.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 8}, "seed is 7, this run's is 8"),
        ({"replicates": 3}, "replicates"),
        ({"resolved": {}}, "scenario_sha256"),
        ({"tables": ("fit",)}, "tables"),
        ({"names": Names.of(vendor=["x"], provider=[], lab=[], chip=[])}, "names"),
    ],
)
def test_another_run_cannot_resume_the_folder(unfinished: Path, info: Maker, changes: dict, what: str) -> None:
    """What differs is named, and the folder is let go of again."""
    with pytest.raises(RunMismatch, match=what):
        RunWriter(unfinished, info(**changes), resume=True)
    RunWriter(unfinished, info(), resume=True).close()


def test_another_version_of_the_package_cannot_resume(
    unfinished: Path, info: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a run by one version and half by another would be neither."""
    monkeypatch.setitem(installed_versions(), "market-sim", "99.0")
    with pytest.raises(RunMismatch, match=r"99\.0"):
        RunWriter(unfinished, info(), resume=True)


def test_workers_write_beside_the_one_writer(folder: Path, info: Maker, made: Maker, names: Names) -> None:
    """Parts written by others count once the writer has added them."""
    with RunWriter(folder, info(tables=("fit",))) as writer:
        parts = [write_part(folder, "fit", part_name(k, k), made("fit", seed=k), names) for k in (1, 0)]
        assert read_runs(folder)["fit"].collect().is_empty()
        writer.add(parts)
    assert [part.part for part in read_manifest(folder).parts] == [part_name(0, 0), part_name(1, 1)]
    assert verify(folder).ok
    assert read_runs(folder)["fit"].collect().height == 100


def test_what_does_not_belong_is_refused(folder: Path, info: Maker, made: Maker) -> None:
    """A second time, an unrecorded table, a foreign frame, a bad name, a part too late: all named."""
    writer = RunWriter(folder, info(tables=("fit",)))
    writer.write_part("fit", "a", made("fit"))
    with pytest.raises(PartExists, match="'a' of 'fit'"):
        writer.write_part("fit", "a", made("fit"))
    with pytest.raises(TableNotRecorded, match="'shares', only fit"):
        writer.write_part("shares", "a", made("shares"))
    with pytest.raises(ColumnMismatch, match="'b' of 'fit'"):
        writer.write_part("fit", "b", made("shares"))
    with pytest.raises(ResultsError, match="part name"):
        writer.write_part("fit", "../b", made("fit"))
    writer.finish()
    with pytest.raises(ResultsError, match="too late"):
        writer.write_part("fit", "b", made("fit"))
