"""The calibration against 2023 and 2024: simulations kept as they come, draws written for scenarios to take."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from market_sim.experiments.calibration import Calibrated, Target
from market_sim.experiments.calibration import calibrate as fit
from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.hindcast import fitted
from market_sim.experiments.inputs import Inputs, inputs_of
from market_sim.experiments.past import FITTED, Past, read_past
from market_sim.experiments.points import Hands, Points, rounded, scenario_at
from market_sim.experiments.retrace import quarters_of, refuse_unfit, retrace
from market_sim.experiments.series import SERIES
from market_sim.results import files
from market_sim.scenario.canonical import scenario_hash
from market_sim.scenario.load import with_overrides
from market_sim.scenario.schema import Scenario

Array = NDArray[np.float64]
PART = 256  # points simulated between two savings
OUT = Path("posteriors", "2023-2024.parquet")


@dataclass(frozen=True)
class Job:
    """A calibration before it is run. `scenario` ends with the last quarter that is for fitting."""

    scenario: Scenario
    inputs: Inputs
    past: Past
    samples: int
    waves: int
    seed: int
    draws: int

    @property
    def name(self) -> str:
        """What the folder of its simulations is called."""
        told = f"{scenario_hash(self.scenario)}{self.inputs.keys}{self.samples}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:8]
        return f"calibrate-{self.scenario.name}-{self.seed}-{digest}"

    @property
    def quarters(self) -> tuple[str, ...]:
        """Quarters that the simulations cover."""
        return quarters_of(self.scenario)

    def target(self) -> Target:
        """Figures of the quarters for fitting; none that could only be known after them."""
        figures = known_by(self.past, FITTED[1]).on(self.quarters, tuple(SERIES))
        return Target(tuple(SERIES), np.where(fitted(self.quarters)[None, :], figures, np.nan))


def known_by(past: Past, quarter: str) -> Past:
    """History as far as it could be known at the end of a quarter."""
    seen = past.known <= past.place(quarter)
    return replace(past, value=np.where(seen, past.value, np.nan))


def job_of(
    scenario: Scenario,
    samples: int,
    waves: int,
    *,
    seed: int = 0,
    draws: int = 256,
    parameters: tuple[str, ...] = (),
    history: str | Path | None = None,
) -> Job:
    """Plan a calibration, before anything runs.

    Raises WrongRequest for a scenario that cannot be held against history or is uncertain of nothing.
    """
    refuse_unfit(scenario)
    past = read_past(history)
    covered = quarters_of(scenario)
    for quarter in FITTED:
        if quarter not in covered:
            span = f"{covered[0]} to {covered[-1]}" if covered else "no whole quarter"
            raise WrongRequest(f"scenario {scenario.name} covers {span}: wanted {quarter} too")
    inputs = inputs_of(scenario, parameters)
    ticks = round(3.0 / scenario.tick_months) * (covered.index(FITTED[1]) + 1)
    return Job(with_overrides(scenario, {"ticks": ticks}), inputs, past, samples, waves, seed, draws)


def calibrate(job: Job, out: Path, hands: Hands, work: Path | None = None) -> Calibrated:
    """Simulate what is missing in `work`, fit, and write the draws to `out` and what is known of them beside it."""
    folder = Path("runs", job.name) if work is None else work
    _refuse_occupied(out)
    keeper = Simulations(job, folder, hands)
    found = fit(
        job.inputs, keeper, job.target(), samples=job.samples, waves=job.waves, seed=job.seed, draws=job.draws
    )  # fmt: skip
    write(job, found, out)
    return found


class Simulations:
    """Simulates waves in parts and keeps each part; one that is there already is read, if it is of the same points."""

    def __init__(self, job: Job, folder: Path, hands: Hands) -> None:
        self.job, self.folder, self.hands = job, folder, hands
        self.total = job.samples * job.waves
        self.done = 0

    def __call__(self, wave: int, points: Points) -> Array:
        """Simulated series (point, series, quarter) of a wave."""
        firsts = range(0, points.count, PART)
        return np.concatenate([self._part(wave, points.part(np.arange(first, min(first + PART, points.count))), first)
                               for first in firsts])  # fmt: skip

    def _part(self, wave: int, points: Points, first: int) -> Array:
        path = self.folder / f"wave-{wave}-from-{first}.parquet"
        digest = _digest(self.job, points)
        held = _read(path, digest, points.count, len(self.job.quarters))
        if held is None:
            held = self._simulated(points)
            _keep(path, held, digest)
        self.done += points.count
        self._tell(0)
        return held

    def _simulated(self, points: Points) -> Array:
        options: dict[str, Any] = {"executor": self.hands.executor, "workers": self.hands.workers}
        scenario = scenario_at(self.job.scenario, points)
        found = retrace(
            scenario, points.count, seed=self.job.seed, watch=lambda done, total: self._tell(done), **options
        )  # fmt: skip
        return np.asarray(found.value)

    def _tell(self, done: int) -> None:
        if self.hands.watch is not None:
            self.hands.watch(self.done + done, self.total)


def _digest(job: Job, points: Points) -> str:
    """What a part hangs on: scenario, seed, and its points."""
    digest = hashlib.sha256(f"{scenario_hash(job.scenario)} {job.seed}".encode())
    for key, column in points.values.items():
        digest.update(key.encode() + rounded(column).tobytes())
    digest.update(points.luck.tobytes())
    return digest.hexdigest()


def _keep(path: Path, values: Array, digest: str) -> None:
    files.make_folder(path.parent)
    frame = pl.DataFrame({"digest": [digest] * len(values), "value": values.reshape(len(values), -1)})
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    files.write_whole(path, buffer.getvalue())


def _read(path: Path, digest: str, count: int, quarters: int) -> Array | None:
    """The values of a part, if it is whole and of these points."""
    if not path.is_file():
        return None
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError):
        return None
    if set(frame.columns) != {"digest", "value"} or frame["digest"].unique().to_list() != [digest]:
        return None
    return frame["value"].to_numpy().reshape(count, len(SERIES), quarters).copy()


def _refuse_occupied(out: Path) -> None:
    if out.suffix not in (".parquet", ".csv"):
        raise WrongRequest(f"--out {out}: wanted a name that ends in .parquet or .csv")
    if out.exists():
        raise WrongRequest(f"--out {out}: is there already, and nothing is written over: remove it, or give another")


def write(job: Job, found: Calibrated, out: Path) -> None:
    """Write the draws, a column per parameter and a row per draw, and beside them what they rest on, as JSON."""
    frame = pl.DataFrame({key: rounded(column) for key, column in found.draws.items()})
    buffer = io.BytesIO()
    (frame.write_csv if out.suffix == ".csv" else frame.write_parquet)(buffer)  # type: ignore[operator]
    files.make_folder(out.parent)
    files.write_whole(out, buffer.getvalue())
    head = {
        "scenario": job.scenario.name,
        "scenario_sha256": scenario_hash(job.scenario),
        "fitted": list(FITTED),
        "samples": job.samples,
        "waves": job.waves,
        "seed": job.seed,
    }
    text = json.dumps(head | found.as_json(), indent=1, ensure_ascii=False)
    files.write_whole(out.with_suffix(".json"), (text + "\n").encode())
