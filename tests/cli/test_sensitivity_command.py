"""`sensitivity` on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from market_sim.cli import main

Said = Callable[..., tuple[int, str, str]]
QUICK = ("baseline", "--method", "morris", "--samples", "4", "--years", "0.25", "--executor", "serial")
TWO = ("--parameter", "trade.omega", "--parameter", "labs.sigma=0.2:0.8")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """said("sensitivity", ...) -> exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(one) for one in arguments])
        return code, *capsys.readouterr()

    return call


def test_it_says_which_parameters_matter(said: Said) -> None:
    """A table per output for people, the folder for scripts; the same command again finds all done."""
    code, out, err = said("sensitivity", *QUICK, *TWO)
    assert code == 0
    assert out == "runs/sensitivity-morris-baseline-0-n4\n"
    for word in ("provider/stock/hhi", "vendor/stock/hhi", "lab/stock/hhi", "trade.omega", "labs.sigma", "luck"):
        assert word in err
    code, out, _ = said("sensitivity", *QUICK, *TWO, "--json")
    answer = json.loads(out)
    assert (code, answer["points"], answer["parameters"]) == (0, 16, ["trade.omega", "labs.sigma"])
    assert {one["output"] for one in answer["indices"]} == {f"{one}/stock/hhi" for one in ("provider", "vendor", "lab")}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--method", "sobl"), "did you mean 'sobol'"),
        (("--method", "sobol", "--samples", "100"), "a power of two"),
        (("--output", "provider/stock/hh"), "provider/stock/hh"),
        (("--parameter", "labs.sgma"), "labs.sgma"),
        (("--years", "90"), "--years 90"),
    ],
)
def test_what_cannot_be_done_is_refused(said: Said, arguments: tuple[str, ...], wanted: str) -> None:
    """Exit code 2, one message, no traceback, nothing written."""
    code, out, err = said("sensitivity", *QUICK, *arguments)
    assert (code, out) == (2, "")
    assert wanted in err
    assert "Traceback" not in err
    assert not Path("runs").exists()
