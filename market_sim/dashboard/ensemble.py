"""A small ensemble of a scenario as it is and as the dials set it: batches in a folder that goes with the page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from market_sim.dashboard.dials import model_params, moved
from market_sim.results.read import Runs, read_runs

if TYPE_CHECKING:
    from market_sim.scenario.schema import Scenario

CHUNK = 4  # replicates between two looks
RECORD = ("concentration", "shares", "signals", "contracts")
CHANGED = "-with-dials"  # what is added to a scenario's name


class Stopped(Exception):
    """The user stopped an ensemble; what was finished stays drawn."""


@dataclass(frozen=True)
class Settings:
    """What the page is asked for: a shipped scenario or a file, its dials, and how much of it to run."""

    scenario: str = "baseline"
    dials: Mapping[str, Any] = field(default_factory=dict)
    replicates: int = 8
    years: int = 5
    seed: int = 0

    def loaded(self) -> Scenario:
        """The scenario untouched, over the years asked for; a file is read once. Raises ScenarioError."""
        return _loaded(self.scenario, self.years)

    def changed(self) -> Scenario | None:
        """The same with the dials as they stand; None while none was moved. Raises ScenarioError."""
        from market_sim.scenario.load import with_overrides

        scenario = self.loaded()
        dials = moved(scenario, self.dials)
        return with_overrides(scenario, dials | {"name": scenario.name + CHANGED}) if dials else None

    def inputs(self) -> dict[str, dict[str, Any]]:
        """The dials as inputs of the page, standing where they were moved to."""
        inputs = model_params(self.loaded())
        return {key: one | {"value": self.dials.get(key, one["value"])} for key, one in inputs.items()}


@lru_cache(maxsize=32)
def _loaded(name: str, years: int) -> Scenario:
    from market_sim.scenario.load import load_scenario, with_overrides

    scenario = load_scenario(name)
    return with_overrides(scenario, {"ticks": max(1, round(years * 12.0 / scenario.tick_months))})


@dataclass(frozen=True)
class Ensemble:
    """The run folders of what was simulated so far, untouched first, and how much of all is done."""

    folders: tuple[Path, ...] = ()
    done: int = 0
    total: int = 0

    @property
    def progress(self) -> float:
        """Share of the replicates that are done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    def read(self) -> Runs | None:
        """The tables of all folders that hold something yet."""
        begun = [folder for folder in self.folders if any(folder.glob("*/*.parquet"))]
        return read_runs(begun) if begun else None


def simulate(settings: Settings, home: Path, look: Callable[[Ensemble], bool], executor: str = "processes") -> Ensemble:
    """Run the scenario untouched and with its dials, below `home`; a folder that is whole is not run again.

    `look` sees the ensemble after every chunk and says whether to go on. Raises Stopped when it does not, and
    what `run_batch` raises.
    """
    variants = [scenario for scenario in (settings.loaded(), settings.changed()) if scenario is not None]
    folders = tuple(_folder(scenario, settings, home) for scenario in variants)
    total = settings.replicates * len(variants)
    for at, scenario in enumerate(variants):

        def watch(done: int, _: int, at: int = at) -> None:
            if not look(Ensemble(folders[: at + 1], at * settings.replicates + done, total)):
                raise Stopped

        _run(scenario, settings, folders[at], watch, executor)
    return Ensemble(folders, total, total)


def _folder(scenario: Scenario, settings: Settings, home: Path) -> Path:
    from market_sim.scenario.canonical import scenario_hash

    return home / f"{scenario.name}-{settings.seed}-{scenario_hash(scenario)[:8]}-n{settings.replicates}"


def _run(
    scenario: Scenario, settings: Settings, folder: Path, watch: Callable[[int, int], None], executor: str
) -> None:
    """Begin a batch, or go on with what its folder holds."""
    from market_sim.experiments.batch import resume_batch, run_batch

    if folder.exists():
        resume_batch(folder, executor, watch=watch)
        return
    count, seed = settings.replicates, settings.seed
    run_batch(scenario, count, executor, folder, seed=seed, record=RECORD, chunk=CHUNK, watch=watch)


def differences(ensemble: Ensemble) -> list[Any]:
    """How the dials change each usual metric at the end, pair by pair; nothing until both variants have replicates."""
    from market_sim.experiments.compare import compare
    from market_sim.experiments.errors import WrongRequest

    if len(ensemble.folders) < 2:
        return []
    untouched, changed = ensemble.folders
    with contextlib.suppress(WrongRequest):
        return list(compare(untouched, changed).differences)
    return []
