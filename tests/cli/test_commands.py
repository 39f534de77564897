"""What the commands answer when all is well."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from ended import SHORT, Command

from market_sim.results.columns import TABLES
from market_sim.results.read import read_runs
from market_sim.scenario.load import shipped

ROOT = Path(__file__).parents[2]
REFUSING = """
from market_sim.agents.faces import ChipVendor


class Refusing(ChipVendor):
    def allocate(self, proposed):
        return {}
"""


def test_a_run_prints_an_answer_and_its_folder_last(cli: Command, tmp_path: Path) -> None:
    """People read stderr when stdout is no terminal; stdout holds the folder, which holds every table."""
    ended = cli("run", "baseline", *SHORT)
    assert ended.code == 0, ended.err
    folder = tmp_path / ended.out.rstrip("\n")
    assert ended.out.startswith("runs/baseline-0-")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["tables"] == list(TABLES)
    assert all((folder / name).is_dir() for name in TABLES)
    for words in ("who leads", "HHI start", "share held by neoclouds", "time to capacity", "CUDA premium"):
        assert words in ended.err
    assert cli("run", "baseline", *SHORT).code == 2


def test_the_same_run_gives_the_same_bytes(cli: Command, tmp_path: Path, short_run: Path) -> None:
    """Every part of every table has the hash it had."""
    assert cli("run", "baseline", *SHORT, "--out", "again").code == 0
    first, again = (json.loads((folder / "manifest.json").read_text()) for folder in (short_run, tmp_path / "again"))
    assert first["parts"] == again["parts"]
    assert first["scenario_sha256"] == again["scenario_sha256"]


def test_json_is_one_object_and_nothing_else(cli: Command, tmp_path: Path) -> None:
    """Scripts read stdout whole; what was not recorded is named."""
    ended = cli("run", "baseline", *SHORT, "--json", "--record", "shares,concentration", "--replicate", "2")
    answer = json.loads(ended.out)
    assert answer["replicate"] == 2
    assert answer["missing"] == ["signals"]
    assert {one["market"] for one in answer["markets"]} == {"vendor", "provider", "lab", "platform"}
    assert (tmp_path / answer["run"] / "shares").is_dir()
    assert not (tmp_path / answer["run"] / "fit").exists()


def test_a_policy_from_the_current_directory_decides_for_its_firm(
    cli: Command, tmp_path: Path, short_run: Path
) -> None:
    """A vendor that refuses every buyer ships nothing; the run goes to a folder of its own."""
    (tmp_path / "refusing_rules.py").write_text(REFUSING)
    ended = cli("run", "baseline", *SHORT, "--policy", "NVIDIA=refusing_rules:Refusing")
    assert ended.code == 0, ended.err
    assert "NVIDIA" in ended.out

    def shipped_by_nvidia(folder: Path) -> float:
        mine = read_runs(folder)["orders"].filter(pl.col("vendor").cast(pl.String) == "NVIDIA")
        return float(mine.select(pl.col("allocated").sum()).collect().item())

    assert shipped_by_nvidia(short_run) > 0.0
    assert shipped_by_nvidia(tmp_path / ended.out.rstrip("\n")) == 0.0


def test_show_tells_what_an_overlay_changes_and_whence(cli: Command) -> None:
    """Only what differs from the lowest file, with what it was, its standing and its source."""
    ended = cli("show", "cuda_erosion", "--set", "labs.sigma=0.3")
    assert "labs.sigma = 0.3  (was 0.45)  # log, illustrative: no source given" in ended.out
    assert "stack.ROCm.automation_lag = 0.15  (was 0.4)" in ended.out
    assert "vendor.NVIDIA" not in ended.out


def test_show_tells_what_a_run_holds(cli: Command, short_run: Path) -> None:
    """Manifest, every table with its rows, and the leaders; a run takes no --set."""
    ended = cli("show", str(short_run))
    assert ended.code == 0
    for words in ("complete", "seed 0", "who leads", *TABLES):
        assert words in ended.out
    assert "NOT complete" not in ended.out
    assert cli("show", str(short_run), *SHORT).code == 2


def test_scenarios_are_listed_with_their_question(cli: Command) -> None:
    """One line for each shipped scenario."""
    lines = cli("scenarios").out.splitlines()
    assert [line.split()[0] for line in lines] == list(shipped())
    assert all(len(line.split()) > 5 for line in lines)


def test_parameters_come_as_markdown_and_json(cli: Command) -> None:
    """docs/parameters.md is the Markdown, to the letter: `make docs` writes it."""
    assert cli("parameters").out == (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    rows = json.loads(cli("parameters", "--format", "json").out)
    assert {"labs.sigma", "vendor.*.supply"} <= {row["key_path"] for row in rows}


@pytest.mark.parametrize("layout", ["svg", "png", "html"])
def test_plot_writes_pictures_and_names_them(cli: Command, tmp_path: Path, short_run: Path, layout: str) -> None:
    """One file for each chart asked for; a page carries all it needs within itself."""
    ended = cli("plot", str(short_run), "--chart", "concentration", "--format", layout, "--out", "pictures")
    assert ended.out == f"pictures/concentration.{layout}\n"
    content = (tmp_path / "pictures" / f"concentration.{layout}").read_bytes()
    opening = {"svg": b"<svg", "png": b"\x89PNG", "html": b"<!DOCTYPE html>"}[layout]
    assert content.lstrip().startswith(opening)
    assert b'src="http' not in content


def test_fit_gives_a_matrix_of_labs_and_chips(cli: Command) -> None:
    """A row for each pair, with throughput, MFU, what limits it and the error band."""
    rows = list(csv.DictReader(io.StringIO(cli("fit", "baseline").out)))
    pairs = {(row["lab"], row["chip"]) for row in rows}
    assert ("OpenAI", "H100") in pairs
    assert len(pairs) == len(rows)
    assert all(0.0 <= float(row["mfu"]) < 1.0 for row in rows)


def test_fit_predicts_cases_and_says_why_not(cli: Command, tmp_path: Path) -> None:
    """The rows come back in order, with a prediction or a reason."""
    head = "architecture,chip,n_chips,phase,dtype,seq_len,date"
    known = "Llama 3.1 70B,H100-SXM,512,pretrain,bf16,8192,2025-01"
    unknown = "None,H100-SXM,8,pretrain,bf16,8192,2025-01"
    (tmp_path / "cases.csv").write_text(f"{head}\n{known}\n{unknown}\n")
    assert cli("fit", "--cases", "cases.csv", "--out", "out.csv").out == "out.csv\n"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert 20.0 < float(rows[0]["predicted_mfu_pct"]) < 70.0
    assert rows[1]["predicted_mfu_pct"] == ""
    assert "None" in rows[1]["reason"]


def test_fit_answers_the_good_rows_around_bad_ones(cli: Command, tmp_path: Path) -> None:
    """Cells too many or too few, quoted line breaks and a byte-order mark spoil no other row."""
    head = "\ufeffarchitecture,chip,phase,dtype,n_chips,model"
    good, broken = "Llama 3.1 70B,H100,pretrain,bf16,512,m", 'Llama 3.1 70B,H100,pretrain,bf16,512,"two\nlines"'
    bad = [f"{good},extra", "Llama 3.1 70B,H100", "Llama 3.1 70B,H100,pretrain,bf16,-8,m"]
    (tmp_path / "cases.csv").write_text("\n".join([head, good, *bad, broken]) + "\n", encoding="utf-8")
    assert cli("fit", "--cases", "cases.csv", "--out", "out.csv").code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(), newline="")))
    assert [row["predicted_mfu_pct"] == "" for row in rows] == [False, True, True, True, False]
    assert rows[4]["model"] == "two\nlines"
    for row, said in zip(
        rows[1:4],
        ["row 2: cells beyond the header's, ['extra']", "row 3, column phase: ''", "row 4, column n_chips: '-8'"],
        strict=True,
    ):
        assert row["reason"].startswith(said)
        assert "wanted" in row["reason"]


def test_help_and_refusals_import_nothing_heavy() -> None:
    """`market-sim --help` answers at once: no numbers, no tables, no model are imported for it."""
    heavy = "numpy polars numba scipy pydantic mesa altair pandas"
    code = (
        "import sys; from market_sim.cli import main; main(['--help']); "
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_module_is_the_command(tmp_path: Path) -> None:
    """`python -m market_sim` ends with the exit codes of `market-sim`."""
    done = subprocess.run(
        [sys.executable, "-m", "market_sim", "run", "baselin"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean" in done.stderr
