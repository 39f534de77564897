"""The batch that all others are held against."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_batches import content, serial_batch, tiny

from market_sim.scenario.canonical import resolved_toml


@pytest.fixture(scope="session")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete batch in parts of seven."""
    return serial_batch(tmp_path_factory.mktemp("whole") / "batch").folder


@pytest.fixture(scope="session")
def whole(whole_folder: Path) -> dict[str, str]:
    """What it holds."""
    return content(whole_folder)


@pytest.fixture
def copied(whole_folder: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(whole_folder, tmp_path / "copied"))


@pytest.fixture(scope="session")
def tiny_toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market as a file."""
    path = tmp_path_factory.mktemp("scenario") / "tiny.toml"
    path.write_text(resolved_toml(tiny()))
    return path


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """failing(3, 9): from now on these replicates raise."""
    from market_sim.simulation import run

    sound = run.simulate_chunk

    def fail(*replicates: int) -> None:
        def simulate_chunk(*arguments: object, **options: object) -> object:
            if bad := set(replicates) & set(options["replicates"]):  # type: ignore[call-overload]
                raise ValueError(f"no price clears for {sorted(bad)}")
            return sound(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(run, "simulate_chunk", simulate_chunk)

    return fail
