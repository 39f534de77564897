"""Kernel maturity by stack, kind of work and date, and the error band of an answer."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import EXPERT, KINDS
from market_sim.mechanisms.fit.workload import Jobs
from market_sim.numerics import exp
from market_sim.scenario.catalog import ChipTable, load_fit_constants

ROUTING_SETTLED = 2026.75
"""Kernels for routed experts are taken to have been catching up, on every chip alike, until the last measured date."""


def kappa0(
    stack: str, kind: str, date: float, family_from: float | None = None, constants: Mapping[str, float] | None = None
) -> float:
    """Speed of a stack's kernels for one kind of work at a date (year), relative to mature ones.

    kappa = level (1 - gap e^{-age/time}), age counted from the year the chip's instruction-set family began: a new
    family starts at 1 - gap of what its stack reaches. Without `family_from` the stack's settled level is meant.
    """
    fitted = load_fit_constants() if constants is None else constants
    level = fitted.get(f"maturity:{stack}:{kind}", fitted.get(f"maturity:{stack}", 1.0))
    if family_from is None:
        return level
    age = max(0.0, date - family_from)
    gap = fitted.get(f"maturity_gap:{kind}", fitted["maturity_gap"])
    grown = fitted["routing_gain"] * min(date - ROUTING_SETTLED, 0.0) if kind == KINDS[EXPERT] else 0.0
    grown += fitted["software_gain"] * min(date - ROUTING_SETTLED, 0.0)
    return float(level * (1.0 - gap * exp(-age / fitted["maturity_time"])) * exp(grown))


def starting_maturity(
    chips: ChipTable, date: float, constants: Mapping[str, float] | None = None
) -> NDArray[np.float64]:
    """`kappa0` of every chip and kind of work at a date: (chip, kind)."""
    rows = zip(chips.stacks, chips.family_from, strict=True)
    return np.array([[kappa0(stack, kind, date, start, constants) for kind in KINDS] for stack, start in rows])


def error_band(chips: ChipTable, constants: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """Standard deviation (chip,) of the log error of a throughput, by how well the chip's vendor is measured."""
    fitted = load_fit_constants() if constants is None else constants
    return np.array([fitted.get(f"band:{stack}", fitted["band"]) for stack in chips.stacks])


def spec_sheet(chips: ChipTable, jobs: Jobs) -> NDArray[np.float64]:
    """Peak dense PFLOP/s per chip (lab, chip) in the format each lab trains in, as the data sheet prints it."""
    widest = np.fmax.accumulate(chips.peaks[:, :3], axis=1)
    table = np.concatenate([widest, np.fmax(chips.peaks[:, :1], chips.peaks[:, 3:4])], axis=1)
    return np.ascontiguousarray(np.take(table, jobs.train_dtype.astype(np.int64), axis=1).T)
