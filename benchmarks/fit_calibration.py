"""Fits the constants of the compute fit to published efficiencies, and measures how it does on what it has not seen.

Each constant starts from a measured value with a spread (`prior`, `prior_spread` in `fit_constants.csv`, in logs) and
is moved by the rows as far as they ask for: a robust least-squares problem in logs of tokens per second. Groups of
rows are left out in turn and predicted with constants fitted to the others. Plans are searched again each time.

    python benchmarks/fit_calibration.py [--write]
"""

import argparse
import csv
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from market_sim.mechanisms.fit.cases import (
    PHASE_NAMES,
    Case,
    OutsideRange,
    case_maturity,
    read_case,
)
from market_sim.mechanisms.fit.layout import ARCHITECTURE, CHIP, CONSTANTS, DECODE, JOB, PREFILL, TRAINING, named
from market_sim.mechanisms.fit.search import phase_terms, plan_seconds, search
from market_sim.mechanisms.fit.workload import (
    architecture_vectors,
    chip_vectors,
    constant_vector,
    job_vectors,
    sustained,
)
from market_sim.scenario import catalog

SPREAD = {TRAINING: 0.13, DECODE: 0.3}
"""Log error of one row that the fit expects; teams differ by .18 on the same model and chip."""
KEPT = 40
"""Plans kept while constants move: more than there are layouts to serve with."""
TABLE = Path(catalog.__file__).parent / "data" / "fit_constants.csv"


@dataclass(frozen=True)
class Measured:
    """Published rows the fit can answer, as arrays with one row each."""

    rows: list[dict[str, str]]
    cases: list[Case]
    target: NDArray[np.float64]  # log tokens per second and chip
    asked: NDArray[np.float64]
    jobs: NDArray[np.float64]

    @property
    def pairs(self) -> list[Hashable]:
        return [(row["architecture"], row["chip"]) for row in self.rows]

    @property
    def models(self) -> list[Hashable]:
        return [row["architecture"] for row in self.rows]

    @property
    def chips(self) -> list[Hashable]:
        return [row["chip"] for row in self.rows]


def measured(phase: int) -> Measured:
    """Comparable rows of one phase with a known architecture, chip and lengths."""
    lengths = {(row["suite"], row["architecture"]): row for row in catalog.read_rows("serving_lengths.csv")}
    rows, cases, target = [], [], []
    for number, row in enumerate(catalog.read_rows("mfu.csv"), start=1):
        if row["comparable"] == "no" or row["mfu_kind"] == "ratio_only" or PHASE_NAMES.get(row["phase"]) != phase:
            continue
        try:
            case = read_case(row, f"row {number}", lengths)
        except OutsideRange:
            continue
        tokens = float(row["tokens_per_s_per_chip"] or 0.0)
        achieved = float(row["mfu_pct"] or 0.0) * 1e13 * case.peak_pflops
        rows.append(row)
        cases.append(case)
        target.append(np.log(tokens or achieved / case.flops_per_token))
    asked = np.concatenate([architecture_vectors(case.architecture) for case in cases])
    jobs = np.concatenate([job_vectors(case.jobs) for case in cases])
    return Measured(rows, cases, np.array(target), asked, jobs)


class Problem:
    """One stage of the calibration: the constants it moves, and the rows it moves them by."""

    def __init__(self, data: Measured, stage: str, phase: int) -> None:
        table = catalog.read_rows("fit_constants.csv")
        own = [row for row in table if row["stage"] == stage]
        self.data, self.phase = data, phase
        self.fixed = catalog.load_fit_constants()
        self.names = [row["constant"] for row in own]
        self.prior = np.log([float(row["prior"]) for row in own])
        self.spread = np.array([float(row["prior_spread"]) for row in own])
        self.shipped = np.log([float(row["value"]) for row in own])
        self.offered = np.concatenate([chip_vectors(case.chip, self.fixed) for case in data.cases])
        self.prompts = np.array([float(c.jobs.prompt[0] / c.jobs.answer[0]) * c.prefill for c in data.cases])
        self.parts = (TRAINING,) if phase == TRAINING else (DECODE, PREFILL)

    def constants(self, x: NDArray[np.float64]) -> dict[str, float]:
        return {**self.fixed, **{name: float(v) for name, v in zip(self.names, np.exp(x), strict=True)}}

    def terms(self, x: NDArray[np.float64]) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """The terms of every part (row, term), and 1 / maturity (row, kind)."""
        constants = self.constants(x)
        offered = self.offered.copy()
        named(CHIP, offered).sustained[:] = [sustained(case.chip, constants)[0] for case in self.data.cases]
        model, chip, job = named(ARCHITECTURE, self.data.asked), named(CHIP, offered), named(JOB, self.data.jobs)
        k = named(CONSTANTS, constant_vector(constants))
        slow = np.array([1.0 / case_maturity(case, constants) for case in self.data.cases])
        return [phase_terms(phase, model, chip, k, job) for phase in self.parts], slow

    def plans(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The fastest plans of every row at these constants (row, plan, field)."""
        terms, slow = self.terms(x)
        return search(self.phase, terms[0], KEPT, slow)[0]

    def predict(self, x: NDArray[np.float64], plans: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log tokens per second and chip; prompts run under the plan of decoding where the chips are the same."""
        terms, slow = self.terms(x)
        total = np.zeros(plans.shape[:2])
        for phase, own in zip(self.parts, terms, strict=True):
            seconds = (plan_seconds(phase, own, plans) * slow[:, None]).sum(axis=-1)
            total += seconds * (self.prompts[:, None] if phase == PREFILL else 1.0)
        return -np.log(total.min(axis=1))

    def fit(
        self, x: NDArray[np.float64], used: NDArray[np.bool_], plans: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """Constants that suit the used rows: errors count linearly beyond about one spread."""

        def residuals(z: NDArray[np.float64]) -> NDArray[np.float64]:
            raw = ((self.predict(z, plans) - self.data.target) / SPREAD[self.phase])[used]
            soft = np.sign(raw) * np.sqrt(2.0 * (np.sqrt(1.0 + raw * raw) - 1.0))
            return np.concatenate([soft, (z - self.prior) / self.spread])

        return np.asarray(least_squares(residuals, x, x_scale=self.spread, max_nfev=steps).x)

    def calibrate(self) -> NDArray[np.float64]:
        """Constants fitted to all rows, plans searched again after every round."""
        x, everything = self.prior.copy(), np.ones(len(self.data.rows), dtype=bool)
        for _ in range(4):
            x = self.fit(x, everything, self.plans(x), 8)
        return x

    def left_out(self, x: NDArray[np.float64], groups: Sequence[Hashable]) -> NDArray[np.float64]:
        """Log errors (row,) of each group predicted by constants fitted to all the others."""
        plans, errors = self.plans(x), np.zeros(len(groups))
        for group in dict.fromkeys(groups):
            out = np.array([g == group for g in groups])
            apart = self.fit(x, ~out, plans, 3)
            errors[out] = (self.predict(apart, self.plans(apart)) - self.data.target)[out]
        return errors

    def jacobian(self, x: NDArray[np.float64], plans: NDArray[np.float64]) -> NDArray[np.float64]:
        """Response (row, constant) of the log predictions to the logs of the constants."""
        steps = np.diag(0.2 * self.spread)
        columns = [(self.predict(x + d, plans) - self.predict(x - d, plans)) / (2.0 * d.sum()) for d in steps]
        return np.stack(columns, axis=1)

    def left_out_quickly(self, x: NDArray[np.float64], groups: Sequence[Hashable]) -> NDArray[np.float64]:
        """As `left_out`, by one Newton step from the full fit with the rows' robust weights: for the tests."""
        plans = self.plans(x)
        error, slope = self.predict(x, plans) - self.data.target, self.jacobian(x, plans)
        raw = error / SPREAD[self.phase]
        weight = 1.0 / np.sqrt(1.0 + raw * raw) / SPREAD[self.phase] ** 2
        answer = np.zeros(len(groups))
        for group in dict.fromkeys(groups):
            out = np.array([g == group for g in groups])
            w = np.where(out, 0.0, weight)
            curvature = slope.T @ (w[:, None] * slope) + np.diag(self.spread**-2.0)
            step = np.linalg.solve(curvature, slope.T @ (w * error) + (x - self.prior) / self.spread**2)
            answer[out] = (error - slope @ step)[out]
        return answer

    def bands(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of the log of every constant, the rows and the starting values together."""
        slope = self.jacobian(x, self.plans(x)) / SPREAD[self.phase]
        return np.asarray(np.sqrt(np.diag(np.linalg.inv(slope.T @ slope + np.diag(self.spread**-2.0)))))


def write(problem: Problem, x: NDArray[np.float64]) -> None:
    """Puts fitted values and bands into the shipped table."""
    rows = catalog.read_rows("fit_constants.csv")
    fitted = dict(zip(problem.names, zip(np.exp(x), problem.bands(x), strict=True), strict=True))
    for row in rows:
        if row["constant"] in fitted:
            value, band = fitted[row["constant"]]
            row.update(value=f"{value:.4g}", low=f"{value * np.exp(-band):.3g}", high=f"{value * np.exp(band):.3g}")
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the constants into the shipped table")
    wanted = parser.parse_args()
    for stage, phase in (("training", TRAINING), ("serving", DECODE)):
        problem = Problem(measured(phase), stage, phase)
        x = problem.calibrate()
        error = problem.predict(x, problem.plans(x)) - problem.data.target
        print(f"{stage}: {len(error)} rows, median {np.median(np.abs(error)):.3f}, mean {np.abs(error).mean():.3f}")
        for name, start, value in zip(problem.names, np.exp(problem.prior), np.exp(x), strict=True):
            print(f"  {name:28s} {start:10.4g} -> {value:10.4g}")
        if wanted.write:
            write(problem, x)
            catalog.load_fit_constants.cache_clear()


if __name__ == "__main__":
    main()
