"""The theses put to the test: every mechanism on against off under common luck, at three omegas and three horizons."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from market_sim.experiments.batch import Batch
from market_sim.experiments.design import Design, design
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.points import Hands, carried_out
from market_sim.experiments.theses_declared import HORIZONS, MIDDLE, OMEGA, OMEGAS, THESES, Thesis
from market_sim.experiments.theses_effects import Case, Effect, effect_of
from market_sim.experiments.theses_measures import Array, Clock, measured, read_paths
from market_sim.experiments.theses_verdict import Verdict, judge
from market_sim.results import files
from market_sim.scenario.accept import nearest
from market_sim.scenario.keys import key_path
from market_sim.scenario.realise import draw_parameters
from market_sim.scenario.schema import Scenario

SAMPLES = 128
LEAST = 8
EFFECTS = "effects.parquet"
Arm = tuple[float, tuple[tuple[str, Any], ...]]  # an omega, and the values that turn a mechanism off


@dataclass(frozen=True)
class Trial:
    """The theses' experiment before it is run."""

    scenario: Scenario
    theses: tuple[Thesis, ...]
    arms: tuple[Arm, ...]
    planned: Design

    @property
    def name(self) -> str:
        """What its folder is called unless told otherwise."""
        which = "" if self.theses == THESES else "".join(f"-{one.name}" for one in self.theses)
        return f"theses-{self.scenario.name}{which}-{self.planned.seed}-n{self.planned.replicates}"


@dataclass(frozen=True)
class Weighed:
    """Effects and verdicts; the effects lie in the folder too, as `effects.parquet`."""

    trial: Trial
    folder: files.Place
    effects: tuple[Effect, ...]
    verdicts: tuple[Verdict, ...]

    def frame(self) -> pl.DataFrame:
        """One row per effect; drivers as text."""
        rows = [
            one.as_json() | {"drivers": "; ".join(f"{by.parameter} {by.correlation:+.2f}" for by in one.drivers)}
            for one in self.effects
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        planned = self.trial.planned
        claims = {one.name: one for one in self.trial.theses}
        return {
            "scenario": self.trial.scenario.name,
            "samples": planned.replicates,
            "seed": planned.seed,
            "horizons": list(HORIZONS),
            "omegas": list(OMEGAS),
            "folder": str(self.folder),
            "theses": [
                one.as_json()
                | {"claim": claims[one.thesis].claim, "off": dict(claims[one.thesis].off)}
                | {"effects": [effect.as_json() for effect in self.effects if effect.thesis == one.thesis]}
                for one in self.verdicts
            ],
        }


def trial_of(
    scenario: Scenario, samples: int = SAMPLES, *, theses: Sequence[str] = (), seed: int = 0, command: str = ""
) -> Trial:
    """List every run of the experiment, before anything runs.

    Raises WrongRequest for unknown theses, too few samples or a scenario shorter than the last horizon, ScenarioError
    for a dial that the scenario does not have.
    """
    if samples < LEAST:
        raise WrongRequest(f"--samples {samples}: wanted {LEAST} or more, to tell effects from luck")
    Clock(scenario.tick_months, scenario.ticks).end(HORIZONS[-1])
    chosen = _chosen(theses)
    arms = tuple(dict.fromkeys(_arms(chosen)))
    points = [{OMEGA: omega, **dict(off)} for omega, off in arms]
    planned = design(scenario, samples, seed=seed, points=points, command=command)
    return Trial(scenario, chosen, arms, planned)


def _chosen(names: Sequence[str]) -> tuple[Thesis, ...]:
    known = {one.name: one for one in THESES}
    for name in names:
        if name not in known:
            near = nearest(name, list(known))
            hint = f"; did you mean {near!r}?" if near else ""
            raise WrongRequest(f"--thesis {name}: wanted one of {', '.join(known)}{hint}")
    return tuple(one for one in THESES if one.name in names or not names)


def _arms(theses: Sequence[Thesis]) -> Iterator[Arm]:
    for omega in OMEGAS:
        yield omega, ()
        yield from ((omega, tuple(thesis.off.items())) for thesis in theses)
    yield from ((MIDDLE, tuple(one.off.items())) for thesis in theses for one in thesis.variants)


def weigh(trial: Trial, folder: str | files.Place | None = None, hands: Hands | None = None) -> Weighed:
    """Run what the folder lacks of the experiment, and judge. Raises as running a batch does."""
    place = files.place_of(Path("runs", trial.name) if folder is None else folder)
    batch = carried_out(trial.planned, place, hands or Hands())
    effects = tuple(_effects(trial, batch))
    verdicts = tuple(judge(thesis, effects) for thesis in trial.theses)
    found = Weighed(trial, place, effects, verdicts)
    buffer = io.BytesIO()
    found.frame().write_parquet(buffer)
    files.write_whole(place / EFFECTS, buffer.getvalue())
    return found


def _effects(trial: Trial, batch: Batch) -> Iterator[Effect]:
    """Every thesis at every omega, then its variants; paths of a run are read once."""
    read = _Reader(trial, batch)
    draws = drawn(trial.scenario, trial.planned)
    for thesis in trial.theses:
        cases = [(omega, "", tuple(thesis.off.items())) for omega in OMEGAS]
        cases += [(MIDDLE, one.name, tuple(one.off.items())) for one in thesis.variants]
        for omega, variant, off in cases:
            sides = read((omega, ())), read((omega, off))
            yield from _of_case(trial, thesis, sides, draws, omega, variant)


def _of_case(
    trial: Trial,
    thesis: Thesis,
    sides: tuple[dict[str, Array], dict[str, Array]],
    draws: Mapping[str, Array],
    omega: float,
    variant: str,
) -> Iterator[Effect]:
    clock = Clock(trial.scenario.tick_months, trial.scenario.ticks)
    for measure in thesis.measures:
        for years in HORIZONS:
            on, off = (measured(measure, paths, years, clock) for paths in sides)
            case = Case(thesis.name, variant, omega, years)
            yield effect_of(case, measure, on, off, draws, trial.planned.seed)


class _Reader:
    """The paths of every metric of an arm's run, kept once read."""

    def __init__(self, trial: Trial, batch: Batch) -> None:
        self.trial = trial
        self.folders = dict(zip(trial.arms, batch.folders, strict=True))
        self.metrics = [text for thesis in trial.theses for measure in thesis.measures for text in measure.of]
        self.held: dict[Arm, dict[str, Array]] = {}

    def __call__(self, arm: Arm) -> dict[str, Array]:
        if arm not in self.held:
            counts = self.trial.planned.replicates, self.trial.scenario.ticks
            self.held[arm] = read_paths(self.folders[arm], self.metrics, *counts)
        return self.held[arm]


def drawn(scenario: Scenario, planned: Design) -> dict[str, Array]:
    """Draws (replicate,) of every parameter that is uncertain and not set by the experiment."""
    found = draw_parameters(scenario, planned.seed, range(planned.replicates))
    return {key_path(path): np.asarray(column) for path, column in found.items() if key_path(path) != OMEGA}
