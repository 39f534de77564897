"""The matrix of architectures and chips for a reader: throughput, MFU, seconds by kind of work, and how sure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.evaluate import evaluate
from market_sim.mechanisms.fit.layout import KINDS
from market_sim.mechanisms.fit.maturity import error_band, starting_maturity
from market_sim.mechanisms.fit.search import KEPT
from market_sim.mechanisms.fit.shortlist import ShortList, prepare
from market_sim.mechanisms.fit.workload import Jobs, default_jobs
from market_sim.scenario.catalog import ArchitectureTable, ChipTable, architecture_table, chip_table

LATEST = 2026.75
"""The date (year) up to which efficiencies were measured."""


@dataclass(frozen=True)
class FitMatrix:
    """Answers for every (architecture, chip); the last axis of `seconds` runs over `kinds`."""

    architectures: tuple[str, ...]
    chips: tuple[str, ...]
    kinds: tuple[str, ...]
    throughput: NDArray[np.float64]  # (architecture, chip) useful PFLOP/s per chip
    mfu: NDArray[np.float64]  # (architecture, chip) share of the peaks of the formats used
    per_dollar: NDArray[np.float64]  # (architecture, chip) useful TFLOP/s per thousand USD of chip price
    limiting: tuple[tuple[str, ...], ...]  # kind of work that takes most of the time
    seconds: NDArray[np.float64]  # (architecture, chip, phase, kind) chip-seconds per token under the best plans
    error_sd: NDArray[np.float64]  # (chip,) standard deviation of the log error
    reasons: tuple[tuple[str, ...], ...]  # why an answer is a stretch, else empty


def compute_fit(
    architectures: ArchitectureTable | Iterable[str],
    chips: ChipTable | Iterable[str] | Mapping[str, Mapping[str, Any]],
    maturity: float | NDArray[np.float64] | None = None,
    *,
    jobs: Jobs | None = None,
    training_share: float = 0.5,
) -> FitMatrix:
    """Which chip suits which architecture, and by how much.

    `architectures` and `chips` are tables or names of the catalogue. `maturity` is a date (year) at which each
    stack's kernels are taken, by default the last one measured, or an array (chip, kind) of speeds relative to
    mature kernels. Raises KeyError for an unknown name, with the nearest ones, and ValueError for a maturity that
    is not positive or has another shape.
    """
    models = architectures if isinstance(architectures, ArchitectureTable) else architecture_table(architectures)
    table = chips if isinstance(chips, ChipTable) else chip_table(chips if isinstance(chips, Mapping) else [*chips])
    kappa = _maturity(maturity, table)
    shortlist = prepare(models, table, default_jobs(models) if jobs is None else jobs)
    answer = evaluate(shortlist, kappa[None], np.full((1, len(models.names)), training_share))
    seconds = _best_seconds(shortlist, kappa)
    throughput = answer.throughput[0]
    return FitMatrix(
        models.names, table.names, KINDS, throughput, answer.mfu[0], 1e6 * throughput / table.price_usd,
        _named(seconds), seconds, error_band(table), _reasons(shortlist),
    )  # fmt: skip


def _maturity(maturity: float | NDArray[np.float64] | None, chips: ChipTable) -> NDArray[np.float64]:
    if maturity is None or isinstance(maturity, float | int):
        return starting_maturity(chips, LATEST if maturity is None else float(maturity))
    kappa = np.ascontiguousarray(maturity, dtype=np.float64)
    if kappa.shape != (len(chips.names), len(KINDS)) or not np.all(kappa > 0.0):
        wanted = f"positive numbers of shape ({len(chips.names)}, {len(KINDS)}), one row per chip, one column per kind"
        raise ValueError(f"maturity: shape {kappa.shape}, least {np.min(kappa, initial=np.inf):g}; wanted {wanted}")
    return kappa


def _best_seconds(shortlist: ShortList, kappa: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chip-seconds per token by kind (lab, chip, phase, kind) under each phase's fastest plan at this maturity."""
    slowed = shortlist.seconds / kappa[None, :, :, None]
    starts = np.cumsum([0, *KEPT])
    parts = [slowed[..., first:last] for first, last in pairwise(starts)]
    best = [np.argmin(part.sum(axis=2), axis=-1)[:, :, None, None] for part in parts]
    return np.stack(
        [np.take_along_axis(part, place, axis=3)[..., 0] for part, place in zip(parts, best, strict=True)], axis=2
    )


def _named(seconds: NDArray[np.float64]) -> tuple[tuple[str, ...], ...]:
    shares = (seconds / seconds.sum(axis=-1, keepdims=True)).sum(axis=2)
    return tuple(tuple(KINDS[kind] for kind in row) for row in np.argmax(shares, axis=-1))


def _reasons(shortlist: ShortList) -> tuple[tuple[str, ...], ...]:
    phases = ("training", "prefill", "decoding")
    return tuple(
        tuple("; ".join(f"{phase} keeps {over / 1e9:.3g} GB per chip in host memory"
                        for phase, over in zip(phases, cell, strict=True) if over > 0.0) for cell in row)
        for row in shortlist.spilled
    )  # fmt: skip
