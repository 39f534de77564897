"""The matrix of architectures and chips for a reader: throughput, MFU, seconds by kind of work, and how sure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.mechanisms.fit.drifting import specialise
from market_sim.mechanisms.fit.evaluate import evaluate, limiting
from market_sim.mechanisms.fit.layout import DIRECTIONS, KINDS
from market_sim.mechanisms.fit.maturity import LATEST, error_band, starting_maturity
from market_sim.mechanisms.fit.search import KEPT
from market_sim.mechanisms.fit.shortlist import ShortList, prepare
from market_sim.mechanisms.fit.workload import Jobs, default_jobs
from market_sim.scenario.catalog import ArchitectureTable, ChipTable, architecture_table, chip_table


@dataclass(frozen=True)
class FitMatrix:
    """Answers for every (architecture, chip); the last axis of `seconds` runs over `kinds`."""

    architectures: tuple[str, ...]
    chips: tuple[str, ...]
    kinds: tuple[str, ...]
    throughput: NDArray[np.float64]  # (architecture, chip) useful PFLOP/s per chip
    mfu: NDArray[np.float64]  # (architecture, chip) share of the peaks of the formats used
    per_dollar: NDArray[np.float64]  # (architecture, chip) useful PFLOP/s per million USD of chip price
    limiting: tuple[tuple[str, ...], ...]  # kind of work that takes most of the time
    seconds: NDArray[np.float64]  # (architecture, chip, phase, kind) chip-seconds per token under the best plans
    error_sd: NDArray[np.float64]  # (chip,) standard deviation of the log error
    reasons: tuple[tuple[str, ...], ...]  # why an answer is a stretch, else empty


def compute_fit(
    architectures: ArchitectureTable | Iterable[str],
    chips: ChipTable | Iterable[str] | Mapping[str, Mapping[str, Any]],
    maturity: ArrayLike | None = None,
    *,
    date: float = LATEST,
    jobs: Jobs | None = None,
    training_share: ArrayLike = 0.5,
) -> FitMatrix:
    """Which chip suits which architecture, and by how much.

    `architectures` and `chips` are tables or names of the catalogue. Kernels are as mature as each stack's were at
    `date` (year), by default the last one measured, or as `maturity` says, speeds relative to mature kernels that
    spread over (chip, kind). `training_share` of chip-hours on the reference chip spreads over (architecture,).
    Raises KeyError for an unknown name, with the nearest ones, and ValueError for a maturity that is not positive or
    does not spread, or a share outside 0 to 1.
    """
    models = architectures if isinstance(architectures, ArchitectureTable) else architecture_table(architectures)
    table = chips if isinstance(chips, ChipTable) else chip_table(chips if isinstance(chips, Mapping) else [*chips])
    kappa = _maturity(starting_maturity(table, date) if maturity is None else maturity, table)
    mix = _shares(training_share, models)
    shortlist = prepare(models, table, default_jobs(models) if jobs is None else jobs)
    answer = evaluate(shortlist, kappa[None], mix[None])
    undrifted = np.zeros((1, len(models.names), len(DIRECTIONS)))
    shared = specialise(shortlist, undrifted, kappa[None], mix[None])
    throughput = answer.throughput[0]
    return FitMatrix(
        models.names, table.names, KINDS, throughput, answer.mfu[0], 1e6 * throughput / table.price_usd,
        _named(limiting(shared, kappa[None])[0]), _best_seconds(shortlist, kappa), error_band(table),
        _reasons(shortlist),
    )  # fmt: skip


def _maturity(maturity: ArrayLike, chips: ChipTable) -> NDArray[np.float64]:
    given, shape = np.asarray(maturity, dtype=np.float64), (len(chips.names), len(KINDS))
    wanted = f"positive numbers that spread over {shape}, one row per chip, one column per kind"
    try:
        kappa = np.ascontiguousarray(np.broadcast_to(given, shape))
    except ValueError:
        raise ValueError(f"maturity: shape {given.shape}; wanted {wanted}") from None
    if not np.all(np.isfinite(kappa) & (kappa > 0.0)):
        raise ValueError(f"maturity: least {np.min(kappa, initial=np.inf):g}; wanted {wanted}")
    return kappa


def _shares(share: ArrayLike, models: ArchitectureTable) -> NDArray[np.float64]:
    given, shape = np.asarray(share, dtype=np.float64), (len(models.names),)
    if given.shape not in ((), (1,), shape) or not np.all((given >= 0.0) & (given <= 1.0)):
        raise ValueError(f"training_share: {share!r}; wanted shares from 0 to 1 that spread over {shape}")
    return np.ascontiguousarray(np.broadcast_to(given, shape))


def _best_seconds(shortlist: ShortList, kappa: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chip-seconds per token by kind (lab, chip, phase, kind) under each phase's fastest plan at this maturity."""
    slowed = shortlist.seconds / kappa[None, :, :, None]
    starts = np.cumsum([0, *KEPT])
    parts = [slowed[..., first:last] for first, last in pairwise(starts)]
    best = [np.argmin(part.sum(axis=2), axis=-1)[:, :, None, None] for part in parts]
    return np.stack(
        [np.take_along_axis(part, place, axis=3)[..., 0] for part, place in zip(parts, best, strict=True)], axis=2
    )


def _named(kinds: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(KINDS[kind] for kind in row) for row in kinds)


def _reasons(shortlist: ShortList) -> tuple[tuple[str, ...], ...]:
    phases = ("training", "prefill", "decoding")
    return tuple(
        tuple("; ".join(f"{phase} keeps {over / 1e9:.3g} GB per chip in host memory"
                        for phase, over in zip(phases, cell, strict=True) if over > 0.0) for cell in row)
        for row in shortlist.spilled
    )  # fmt: skip
