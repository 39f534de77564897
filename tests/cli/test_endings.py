"""How a command ends when it is not the input that is wrong."""

from pathlib import Path
from typing import Any, NoReturn

import pytest
from ended import SHORT, Command

from market_sim.results.errors import WriteFailed
from market_sim.results.tables import Results
from market_sim.simulation import run as simulation


def raising(error: BaseException) -> Any:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    return fail


def test_ctrl_c_ends_with_130_and_leaves_nothing(cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted run has written no folder, and says so in one line."""
    monkeypatch.setattr(simulation, "simulate", raising(KeyboardInterrupt()))
    ended = cli("run", "baseline", *SHORT)
    assert ended.code == 130
    assert "interrupted" in ended.err
    assert not (tmp_path / "runs").exists()


def test_an_interrupt_may_say_how_to_go_on(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is raised with words is told in those words."""
    monkeypatch.setattr(simulation, "simulate", raising(KeyboardInterrupt("go on with --resume runs/x")))
    assert "go on with --resume runs/x" in cli("run", "baseline", *SHORT).err


def test_a_bug_is_one_line_unless_debugged(cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error gives 1, and its traceback to who asks for it."""
    monkeypatch.setattr(simulation, "simulate", raising(ZeroDivisionError("by nought")))
    ended = cli("run", "baseline", *SHORT)
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert "bug" in ended.err
    assert "ZeroDivisionError: by nought" in ended.err
    assert not (tmp_path / "runs").exists()
    assert "Traceback" in cli("--debug", "run", "baseline", *SHORT).err


def test_a_disk_that_refuses_ends_with_1(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is nobody's input."""
    monkeypatch.setattr(Results, "write", raising(WriteFailed("could not write x: No space left on device")))
    ended = cli("run", "baseline", *SHORT)
    assert (ended.code, ended.err) == (1, "market-sim: could not write x: No space left on device\n")


def test_a_full_disk_leaves_no_half_run(cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before the disk was full is taken away again."""

    def write(_: Results, folder: Path) -> NoReturn:
        (folder / "shares").mkdir(parents=True)
        raise WriteFailed("could not write x: No space left on device")

    monkeypatch.setattr(Results, "write", write)
    assert cli("run", "baseline", *SHORT, "--out", "half").code == 1
    assert not (tmp_path / "half").exists()


def test_a_first_run_says_that_it_compiles(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of silence would look like a hang."""
    monkeypatch.setattr("market_sim.cli.running.cold", lambda: True)
    monkeypatch.setattr(simulation, "simulate", raising(KeyboardInterrupt()))
    assert cli("run", "baseline", *SHORT).err.startswith("Compiling (first run only")
