"""`theses` on the command line."""

import json
from pathlib import Path

import pytest

from market_sim.cli import main

QUICK = ("--set", "ticks=20", "--set", "tick_months=6", "--samples", "8", "--thesis", "T1", "--executor", "serial")


def test_a_verdict_for_people_and_for_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words and effects on stderr, the folder on stdout; the same command again finds all done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["theses", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert out == "runs/theses-baseline-T1-0-n8\n"
    assert "in this model" in err
    assert "pairs of chips" in err
    assert main(["theses", *QUICK, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["samples"], answer["omegas"], answer["horizons"]) == (8, [0.0, 0.5, 1.0], [2, 5, 10])
    assert answer["theses"][0]["verdict"] in ("supported", "opposed", "undecided")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(("--thesis", "T9"), "wanted one of T1"), (("--samples", "2"), "8 or more"), (("--set", "ticks=12"), "wanted 10")],
)
def test_what_cannot_be_tried_is_refused(
    arguments: tuple[str, ...],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, one message, nothing written."""
    monkeypatch.chdir(tmp_path)
    assert main(["theses", *QUICK, *arguments]) == 2
    assert wanted in capsys.readouterr().err
    assert not Path("runs").exists()
