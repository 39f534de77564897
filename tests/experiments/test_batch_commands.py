"""`batch`, `compare` and `sweep` on the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from market_sim.cli import main
from market_sim.cli.progress import Progress, duration

Said = Callable[..., tuple[int, str, str]]
SERIAL = ("--executor", "serial")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """said("batch", ...) -> exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        return code, *capsys.readouterr()

    return call


def test_batch_ends_with_the_folder(said: Said, tmp_path: Path, tiny_toml: Path) -> None:
    """Bands for people on stderr, the folder's path for scripts; going on says the same."""
    code, out, err = said("batch", str(tiny_toml), "-n", "4", *SERIAL)
    assert code == 0
    folder = out.splitlines()[-1]
    assert folder.startswith("runs/tiny-0-")
    assert "provider/stock/hhi" in err
    assert "4 replicates" in err
    assert said("batch", "--resume", folder, *SERIAL)[:2] == (0, out)
    assert said("batch", str(tiny_toml), "-n", "4", "--resume", folder, *SERIAL)[0] == 0


def test_several_scenarios_make_one_batch(said: Said, tiny_toml: Path) -> None:
    """A run folder for each, all in the batch's."""
    other = Path("other.toml")
    other.write_text(tiny_toml.read_text().replace('name = "tiny"', 'name = "other"'))
    code, out, _ = said("batch", str(tiny_toml), "other.toml", "-n", "3", "--json", "--seed", "5", *SERIAL)
    answer = json.loads(out)
    assert (code, answer["complete"], answer["failures"]) == (0, True, [])
    assert [Path(run).name.rsplit("-", 1)[0] for run in answer["runs"]] == ["tiny-5", "other-5"]
    assert (answer["seed"], answer["replicates"]) == (5, 3)


def test_compare_runs_scenarios_and_reads_folders(said: Said, tiny_toml: Path) -> None:
    """A scenario against itself differs by nothing, from files and from the folders that this made."""
    code, out, _ = said("compare", str(tiny_toml), str(tiny_toml), "-n", "5", "--json", *SERIAL)
    found = json.loads(out)
    assert code == 0
    hhi = next(one for one in found["differences"] if one["metric"] == "provider/stock/hhi")
    assert (hhi["pairs"], hhi["difference"], hhi["low"], hhi["high"]) == (5, 0.0, 0.0, 0.0)
    again = said("compare", str(tiny_toml), str(tiny_toml), "-n", "5", "--json", *SERIAL)
    assert json.loads(again[1]) == found  # from the runs that are there
    code, _, err = said("compare", found["a"], found["b"], "--metric", "useful_compute", "--at", "2026-03")
    assert code == 0
    assert "useful_compute" in err
    assert "2026-03-31" in err


def test_sweep_says_where_its_design_lies(said: Said, tiny_toml: Path) -> None:
    """A grid with a Latin hypercube."""
    arguments = ["--grid", "labs.sigma=0.2,0.4", "--lhs", "labs.taste_share=0.1:0.3", "--points", "2", "-n", "1"]
    code, out, _ = said("sweep", str(tiny_toml), *arguments, *SERIAL)
    assert code == 0
    assert (Path(out.splitlines()[-1]) / "design.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["batch"], "wanted a SCENARIO"),
        (["batch", "TINY"], "wanted -n N"),
        (["batch", "TINY", "-n", "0"], "replicates: 0; wanted a whole number from 1"),
        (["batch", "TINY", "-n", "two"], "'two'"),
        (["batch", "TINY", "-n", "2", "--chunk", "0"], "wanted a whole number from 1"),
        (["batch", "TINY", "-n", "2", "--workers", "0"], "wanted 1 or more"),
        (["batch", "TINY", "-n", "2", "--executor", "proceses"], "no executor 'proceses'"),
        (["batch", "TINY", "-n", "2", "--record", "share"], "did you mean 'shares'"),
        (["batch", "TINY", "-n", "2", "--set", "labs.sgma=1"], "labs.sigma"),
        (["batch", "--resume", "nowhere"], "no batch to resume"),
        (["batch", "--resume", "nowhere", "--out", "x"], "wanted one of them"),
        (["compare", "TINY", "TINY", "--metric", "hhi"], "no signal 'hhi'"),
        (["compare", "TINY", "TINY", "--at", "soon"], "--at 'soon'"),
        (["compare", "TINY", "."], "wanted two scenarios or two runs"),
        (["compare", ".", "."], "no run folder"),
        (["sweep", "TINY", "-n", "1"], "needs a parameter"),
        (["sweep", "TINY", "--grid", "labs.sigma=1"], "wanted -n N"),
        (["sweep", "TINY", "--grid", "labs.sigma", "-n", "1"], "wanted key=value"),
        (["sweep", "TINY", "--lhs", "labs.sigma=1", "-n", "1"], "wanted key=lo:hi"),
    ],
)
def test_wrong_input_is_refused_with_2(
    said: Said, tmp_path: Path, tiny_toml: Path, arguments: list[str], text: str
) -> None:
    """One message, and nothing written."""
    code, out, err = said(*(str(tiny_toml) if one == "TINY" else one for one in arguments))
    assert (code, out) == (2, "")
    assert text in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_terminal_shows_a_bar(
    said: Said, tiny_toml: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first replicate to the last, with rate and time left; nothing of it on stdout."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, err = said("batch", str(tiny_toml), "-n", "4", "--chunk", "2", *SERIAL)
    assert (code, len(out.splitlines())) == (0, 1)
    assert "4/4" in err
    assert "a second, 0 s left" in err


def test_progress_tells_rate_and_time_left(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was there before is not counted into the rate."""
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Progress() as progress:
        progress(50, 100)
        now = 120.0
        progress(60, 100)
    assert progress.rate == pytest.approx(0.5)
    assert capsys.readouterr().err == "60 of 100 replicates, 0.5 a second, 1 min 20 s left\n"
    assert [duration(seconds) for seconds in (7, 75, 7500)] == ["7 s", "1 min 15 s", "2 h 05 min"]
