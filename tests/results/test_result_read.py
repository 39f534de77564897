"""Run folders read back, one or many."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from market_sim.results.columns import TABLES
from market_sim.results.errors import FormatMismatch, ManifestUnreadable, NoRuns, TableNotRecorded
from market_sim.results.names import Names
from market_sim.results.read import Results, read_runs
from market_sim.results.store import RunWriter

Maker = Callable[..., Any]
ADDED = ("scenario", "seed", "run")


@given(name=st.sampled_from(sorted(TABLES)), count=st.integers(0, 60), seed=st.integers(0, 2**31))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, info: Maker, made: Maker, name: str, count: int, seed: int
) -> None:
    """Any table of any number of rows comes back value for value, with its types and enums."""
    frame = made(name, count, seed)
    folder = Results({name: frame}, info()).write(tmp_path_factory.mktemp("run") / "r")
    assert_frame_equal(read_runs(folder)[name].collect().drop(ADDED), frame)


def test_parts_scan_as_one_without_this_package(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Plain polars reads all parts of a table at once, names and all."""
    chunks = [made("prices", 20, seed) for seed in range(3)]
    with RunWriter(tmp_path / "r", info()) as writer:
        for number, chunk in enumerate(chunks):
            writer.write_part("prices", f"part-{number}", chunk)
    assert_frame_equal(pl.scan_parquet(tmp_path / "r/prices/*.parquet").collect(), pl.concat(chunks))


def test_runs_are_told_apart(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Rows of several folders carry scenario, seed and run, in order of the folders."""
    for seed in (2, 1):
        Results({"fit": made("fit", 5, seed)}, info(seed=seed)).write(tmp_path / f"tiny-{seed}")
    (tmp_path / "notes.txt").write_text("not a run")
    runs = read_runs(str(tmp_path / "*"))
    frame = runs["fit"].collect()
    assert frame.columns[:3] == list(ADDED)
    assert frame.unique(ADDED, maintain_order=True).select(ADDED).rows() == [
        ("tiny", 1, "tiny-1"),
        ("tiny", 2, "tiny-2"),
    ]
    assert list(runs) == ["fit"]
    assert runs.incomplete == ()


def test_a_glob_finds_runs_and_the_runs_of_batches(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Whatever lies beside them is passed over; a run's own folders are no runs."""
    for place in ("alone", "batch/a", "batch/b", "other/deep/down"):
        Results({"fit": made("fit", 5)}, info()).write(tmp_path / place)
    (tmp_path / "notes").mkdir()
    assert list(read_runs(str(tmp_path / "*")).manifests) == ["alone", "a", "b"]


def test_runs_of_other_firms_can_be_put_together(tmp_path: Path, info: Maker, made: Maker, names: Names) -> None:
    """Scenarios with other lists of labs join: each row keeps its own names, in one common enum."""
    other = Names.of(vendor=["AMD"], provider=["Azure"], lab=["Mistral", "Meta"], chip=["MI300X", "H100"])
    frame = made("fit", 10)
    foreign = frame.head(1).with_columns(
        pl.Series("lab", ["Mistral"], dtype=pl.Enum(other["lab"])),
        pl.Series("chip", ["H100"], dtype=pl.Enum(other["chip"])),
    )
    Results({"fit": frame}, info()).write(tmp_path / "a")
    Results({"fit": foreign}, info(names=other, scenario="other")).write(tmp_path / "b")
    joined = read_runs([tmp_path / "a", tmp_path / "b"])["fit"].collect()
    assert joined["lab"].to_list() == [*frame["lab"], "Mistral"]
    assert joined["chip"].to_list() == [*frame["chip"], "H100"]
    assert joined.schema["lab"] == pl.Enum([*names["lab"], "Mistral"])
    assert joined["scenario"].to_list() == ["tiny"] * 10 + ["other"]


def test_folders_of_one_name_are_called_by_their_path(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Two runs called alike in two places stay two runs."""
    places = [tmp_path / "x" / "r", tmp_path / "y" / "r"]
    for place in places:
        Results({"fit": made("fit", 1)}, info()).write(place)
    assert list(read_runs(places).manifests) == [str(place) for place in places]


def test_a_file_that_the_manifest_does_not_name_does_not_count(tmp_path: Path, info: Maker, made: Maker) -> None:
    """A stray Parquet file beside the parts is not read."""
    folder = Results({"fit": made("fit", 5)}, info()).write(tmp_path / "r")
    made("fit", 9).write_parquet(folder / "fit" / "stray.parquet")
    assert read_runs(folder)["fit"].collect().height == 5


def test_a_table_that_one_run_lacks_is_not_read_in_part(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Where one of the runs did not record the table, the message names that run and what it holds."""
    Results({"fit": made("fit"), "shares": made("shares")}, info()).write(tmp_path / "a")
    Results({"fit": made("fit")}, info()).write(tmp_path / "b")
    runs = read_runs(str(tmp_path / "*"))
    assert "shares" not in list(runs)
    with pytest.raises(TableNotRecorded, match=r"'shares' was not recorded in .*b: it holds fit"):
        runs["shares"]
    with pytest.raises(TableNotRecorded, match="no result table 'share'"):
        runs["share"]
    assert runs.get("shares") is None


def test_a_folder_may_have_any_name(tmp_path: Path, info: Maker, made: Maker) -> None:
    """Brackets and stars in the name of a folder that stands are letters like others."""
    folder = Results({"fit": made("fit", 5)}, info()).write(tmp_path / "r[1]*")
    assert read_runs(folder)["fit"].collect().height == 5


def test_nothing_found_is_said(tmp_path: Path) -> None:
    """A glob without a match, a folder that is no run, and an empty list each say what was wanted."""
    for places in (str(tmp_path / "*"), tmp_path, tmp_path / "gone", []):
        with pytest.raises(NoRuns, match=r"manifest\.json"):
            read_runs(places)


def test_another_format_is_refused_by_its_number(tmp_path: Path, info: Maker, made: Maker) -> None:
    """A run of a later format names the folder, its version and the one read here."""
    folder = Results({"fit": made("fit")}, info()).write(tmp_path / "r")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format_version": 2}))
    with pytest.raises(FormatMismatch, match=r"r is of format version 2: .* version 1"):
        read_runs(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format_version": 1}'])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    """Empty, cut short, or without its fields: the file is named."""
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ManifestUnreadable, match=r"manifest\.json"):
        read_runs(tmp_path)


def test_results_in_memory_hold_their_run(info: Maker, made: Maker) -> None:
    """Tables by name, what run they are, and a plain word for a table that was not recorded."""
    results = Results({"fit": made("fit")}, info())
    assert (results.scenario, results.seed, results.replicates) == ("tiny", 7, 2)
    assert results.names["lab"] == ("OpenAI", "Anthropic", "Meta")
    assert results["fit"].height == 50
    assert "fit: 50" in repr(results)
    with pytest.raises(TableNotRecorded, match="hold fit"):
        results["shares"]


def test_chunks_join_in_key_order(info: Maker, made: Maker) -> None:
    """Chunk by chunk or at once, the table is the same."""
    whole = made("accounts", 300)
    chunks = [{"accounts": whole.filter(pl.col("replicate") % 2 == odd)} for odd in (1, 0)]
    joined = Results.join(chunks, info())["accounts"]
    assert joined.select(TABLES["accounts"].key).equals(whole.select(TABLES["accounts"].key))
    assert joined["usd"].sum() == pytest.approx(whole["usd"].sum())


def test_results_are_written_under_runs_by_default(
    tmp_path: Path, info: Maker, made: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder named, a run goes to runs/<scenario>-<seed>-<hash8>."""
    monkeypatch.chdir(tmp_path)
    folder = Results({"fit": made("fit")}, info()).write()
    assert folder == Path("runs") / info().folder_name
    assert read_runs("runs/*")["fit"].collect().height == 50
