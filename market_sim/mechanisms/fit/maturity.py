"""Kernel maturity by stack, kind of work and date, and the error band of an answer."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import KINDS
from market_sim.mechanisms.fit.workload import Jobs
from market_sim.numerics import exp
from market_sim.scenario.catalog import ChipTable, load_fit_constants

LATEST = 2026.75
"""The last date (year) at which efficiencies were measured; later ones are taken to be as those."""


def kappa0(
    stack: str, kind: str, date: float, family_from: float | None = None, constants: Mapping[str, float] | None = None
) -> float:
    """Speed of a stack's kernels for one kind of work at a date (year), relative to mature ones.

    kappa = level (1 - gap e^{-age/time}) e^{gain (date - LATEST)}, age counted from the year the chip's
    instruction-set family began: a new family starts at 1 - gap of what its stack reaches. Without `family_from`
    the stack's settled level is meant.
    """
    fitted = load_fit_constants() if constants is None else constants
    level = fitted.get(f"maturity:{stack}:{kind}", fitted.get(f"maturity:{stack}", 1.0))
    if family_from is None:
        return level
    grown = exp(fitted["software_gain"] * min(date - LATEST, 0.0))
    return float(level * grown * caught_up(fitted["maturity_gap"], date - family_from, fitted))


def caught_up(gap: float, age: float, fitted: Mapping[str, float]) -> float:
    """Speed relative to settled kernels of those that began a `gap` behind `age` years ago."""
    return float(1.0 - gap * exp(-max(0.0, age) / fitted["maturity_time"]))


def novelty(age: float, fitted: Mapping[str, float]) -> float:
    """Speed of a training framework's kernels for routed experts, `age` years after the model came out.

    Published runs are mostly of others' models; who makes a model tunes its kernels before it comes out.
    """
    return caught_up(fitted["novelty_gap"], age, fitted)


def starting_maturity(
    chips: ChipTable, date: float, constants: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """`kappa0` of every chip and kind of work at a date: (chip, kind)."""
    rows = zip(chips.stacks, chips.family_from, strict=True)
    return np.array([[kappa0(stack, kind, date, start, constants) for kind in KINDS] for stack, start in rows])


def settled_maturity(
    chips: ChipTable, date: float, constants: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """`kappa0` at a date (year) of a family that its stack's kernels were written for long ago: (chip, kind)."""
    return np.array([[kappa0(stack, kind, date, -np.inf, constants) for kind in KINDS] for stack in chips.stacks])


def error_band(chips: ChipTable, constants: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """Standard deviation (chip,) of the log error of a throughput, by how well the chip's vendor is measured."""
    fitted = load_fit_constants() if constants is None else constants
    return np.array([fitted.get(f"band:{stack}", fitted["band"]) for stack in chips.stacks])


def spec_sheet(chips: ChipTable, jobs: Jobs) -> NDArray[np.float64]:
    """Peak dense PFLOP/s per chip (lab, chip) in the format each lab trains in, as the data sheet prints it."""
    widest = np.fmax.accumulate(chips.peaks[:, :3], axis=1)
    table = np.concatenate([widest, np.fmax(chips.peaks[:, :1], chips.peaks[:, 3:4])], axis=1)
    return np.ascontiguousarray(np.take(table, jobs.train_dtype.astype(np.int64), axis=1).T)
