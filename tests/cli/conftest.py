"""The command line in this process, in an empty folder of its own; and one short run to look at."""

from pathlib import Path

import pytest
from ended import SHORT, Command, Ended

from market_sim.cli import main


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """cli("run", "baseline") -> code, stdout and stderr, with tmp_path as the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("market_sim.cli.running.cold", lambda: False)

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of three ticks."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    assert main(["run", "baseline", *SHORT, "--out", str(folder)]) == 0
    return folder
