"""A replicate that raises is found, told and left out; the others finish."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from small_batches import REPLICATES, content, serial_batch

from market_sim.cli import main
from market_sim.experiments.batch import resume_batch
from market_sim.experiments.chunk import Failure
from market_sim.experiments.folders import FAILURES
from market_sim.results.read import read_runs

Failing = Callable[..., None]


def test_the_others_finish(tmp_path: Path, failing: Failing, whole_folder: Path) -> None:
    """Replicates 3 and 9 are named with scenario, seed and error; all the rest have their rows."""
    failing(3, 9)
    found = serial_batch(tmp_path / "batch")
    assert [(one.scenario, one.seed, one.replicate) for one in found.failures] == [("tiny", 0, 3), ("tiny", 0, 9)]
    assert "no price clears for [3]" in found.failures[0].error
    assert not found.complete
    assert found.read().incomplete
    assert json.loads((found.folder / FAILURES).read_text())[1]["replicate"] == 9
    rest = read_runs(whole_folder)["signals"].filter(~pl.col("replicate").is_in([3, 9])).drop("run").collect()
    held = found.read()["signals"].drop("run").collect()
    assert held.sort(pl.all()).equals(rest.sort(pl.all()))


def test_going_on_tries_them_again(
    tmp_path: Path, failing: Failing, whole: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once what made them fail is mended the batch is made whole, and its list of failures goes."""
    failing(3, 9)
    folder = serial_batch(tmp_path / "batch").folder
    assert [one.replicate for one in resume_batch(folder, "serial").failures] == [3, 9]
    failing()
    assert content(resume_batch(folder, "serial")) == whole
    assert not (folder / FAILURES).exists()


def test_the_line_that_is_printed_fails_alike(
    tmp_path: Path,
    tiny_toml: Path,
    failing: Failing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exit code is 1, and the `run` line given shows the same error; for another replicate it runs."""
    monkeypatch.chdir(tmp_path)
    failing(3)
    asked = ["batch", str(tiny_toml), "-n", "6", "--executor", "serial", "--out", "some where"]
    assert main(asked) == 1
    said = capsys.readouterr().err
    assert "replicate 3 of tiny (seed 0) failed: ValueError: no price clears" in said
    line = next(text.strip() for text in said.splitlines() if "--replicate 3" in text)
    program, *arguments = shlex.split(line)
    assert program == "market-sim"
    assert main(arguments) == 1
    assert "no price clears for [3]" in capsys.readouterr().err
    assert main([*arguments[:-1], "4"]) == 0


def test_a_failure_of_all_is_told_for_each(tmp_path: Path, failing: Failing) -> None:
    """Nothing looks whole where nothing came of it."""
    failing(*range(REPLICATES))
    found = serial_batch(tmp_path / "batch", record="signals")
    assert len(found.failures) == REPLICATES
    assert not list(found.folder.rglob("*.parquet"))
    assert Failure(0, found.failures[0].error).error.startswith("ValueError")
