"""The analysis scripts and the notebook: they answer from any run folders, and say what they lack."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from market_sim.experiments.batch import run_batch
from market_sim.results.read import read_runs
from market_sim.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "analysis"
SCRIPTS = sorted(path for path in FOLDER.glob("*.py") if path.name != "opening.py")
RECORD = ("concentration", "shares", "signals", "fit", "contracts")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios over fifteen months, four draws of luck each, below `runs/`."""
    scenarios = [load_scenario(name, {"ticks": 15}) for name in ("baseline", "power_limited")]
    return run_batch(scenarios, 4, "serial", tmp_path_factory.mktemp("home") / "runs", record=RECORD).folder


def ask(script: Path, places: Sequence[str | Path], out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *map(str, places), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "POLARS_FMT_TABLE_FORMATTING": "ASCII_MARKDOWN"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_answers_and_draws(script, runs, tmp_path):
    """It prints a table for each scenario and leaves a picture with marks, without a word on stderr."""
    said = ask(script, [runs], tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert "baseline" in said.stdout
    assert "power_limited" in said.stdout
    picture = tmp_path / f"{script.stem}.svg"
    assert said.stdout.splitlines()[-1] == str(picture)
    assert "mark-" in picture.read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_is_short_and_says_what_it_answers(script):
    """Under sixty lines, and the first line ends its first sentence with a question mark."""
    text = script.read_text()
    assert len(text.splitlines()) < 60
    assert text.startswith('"""')
    assert "?" in text.splitlines()[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_names_the_table_that_was_not_recorded(script, tmp_path):
    """Runs that recorded orders alone are refused in one line that names a table and the run."""
    bare = run_batch(load_scenario("baseline", {"ticks": 2}), 1, "serial", tmp_path / "bare", record=["orders"]).folder
    said = ask(script, [bare], tmp_path)
    assert said.returncode == 1
    assert said.stderr.startswith(f"{script.name}: ")
    assert "was not recorded" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


def test_a_script_says_that_there_are_no_runs(tmp_path):
    """A folder that is none is refused in one line."""
    said = ask(SCRIPTS[0], [tmp_path / "nowhere"], tmp_path)
    assert said.returncode == 1
    assert "nowhere" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_printed_hhi_is_the_quantile_of_the_table(runs, tmp_path):
    """`who_holds_the_market` prints the median over replicates of the HHI on the last day."""
    said = ask(FOLDER / "who_holds_the_market.py", [runs], tmp_path).stdout
    row = next(line for line in said.splitlines() if "vendor" in line and "baseline" in line)
    table = read_runs(runs)["concentration"].with_columns(pl.col(pl.Enum).cast(pl.String)).collect()
    held = table.filter(scenario="baseline", market="vendor", basis="stock", tick=14)
    assert float(row.split("|")[4]) == pytest.approx(held["hhi"].median(), abs=5.1e-4)


def test_the_notebook_runs_from_end_to_end(runs):
    """Its ten cells run beside `runs/`, and every code cell but the imports shows something."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(FOLDER / "questions.ipynb", as_version=4)
    assert len(notebook.cells) == 10
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(runs.parent)}}).execute()
    assert all(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
