"""The short-list of a run: plans per (lab, chip), their seconds by kind of work, and how these answer to drift."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import (
    A_ACTIVE,
    A_CONTEXT,
    A_EXPERT_IO,
    A_EXPERT_TOTAL,
    A_EXPERT_WIDTH,
    A_EXPERTS,
    A_FFN,
    A_HEAD,
    A_KV_FULL,
    A_KV_LOCAL,
    A_LAYERS,
    A_MOE_LAYERS,
    A_SCORE_FULL,
    A_SCORE_LINEAR,
    A_SCORE_LOCAL,
    A_STATE,
    A_WIDTH,
    DECODE,
    DIRECTIONS,
    PREFILL,
    TRAINING,
)
from market_sim.mechanisms.fit.search import KEPT, candidates, phase_seconds, search
from market_sim.mechanisms.fit.workload import (
    Jobs,
    architecture_vectors,
    chip_vectors,
    constant_vector,
    default_jobs,
    job_vectors,
    useful_flops,
)
from market_sim.numerics import kernel, kexp, part
from market_sim.scenario.catalog import ArchitectureTable, ChipTable, chip_table, load_fit_constants

REFERENCE_CHIP = "H100-SXM"
"""The chip on which a lab's training share of chip-hours is read as a share of work."""

STEP = 0.3
"""Log-deviation at which the response to drift is measured, either side of the base."""


@dataclass(frozen=True)
class ShortList:
    """Plans kept for a run and what they cost; (lab, chip, ...) throughout, plans of the phases one after another."""

    plans: NDArray[np.float64]  # (lab, chip, plan, field of layout.PLAN)
    seconds: NDArray[np.float64]  # (lab, chip, kind, plan) chip-seconds per token at maturity 1
    slopes: NDArray[np.float64]  # (lab, chip, direction, kind, plan) response of the root of seconds to drift
    bends: NDArray[np.float64]  # (lab, chip, direction, kind, plan) its curvature
    spilled: NDArray[np.float64]  # (lab, chip, phase) bytes per chip that do not fit under the best plan
    useful: NDArray[np.float64]  # (lab, phase) model FLOPs per token
    prompts: NDArray[np.float64]  # (lab,) prompt tokens per token generated
    reference: NDArray[np.float64]  # (lab, 2) useful PFLOP/s of the reference chip in training and in inference
    peaks: NDArray[np.float64]  # (lab, chip, 2) dense PFLOP/s in the formats trained and served in
    limiting: NDArray[np.int64]  # (lab, chip) kind of work that takes most of the time, work shared equally
    chip_stacks: tuple[str, ...]


def prepare(
    architectures: ArchitectureTable,
    chips: ChipTable,
    jobs: Jobs | None = None,
    constants: Mapping[str, float] | None = None,
) -> ShortList:
    """The full plan search for every (architecture, chip), once per run: no replicate enters.

    `architectures` has one row per lab; `jobs` default to `default_jobs`, `constants` to those shipped.
    """
    jobs = default_jobs(architectures) if jobs is None else jobs
    fitted = load_fit_constants() if constants is None else constants
    asked, offered = architecture_vectors(architectures), chip_vectors(chips, fitted)
    k, rows = constant_vector(fitted), job_vectors(jobs, len(chips.names))
    parts = _phase_parts(asked, offered, k, rows)
    plans, seconds, spilled = _joined(parts)
    slopes, bends = np.zeros((2, *seconds.shape[:2], len(DIRECTIONS), *seconds.shape[2:]))
    drift_response(asked, offered, k, rows, plans, np.array(_PHASE_OF), seconds, slopes, bends)
    useful = useful_flops(asked, jobs)
    reference = _reference_rates(asked, k, job_vectors(jobs, 1), useful, jobs, fitted)
    prompts = jobs.prompt / jobs.answer
    return ShortList(
        plans, seconds, slopes, bends, spilled, useful, prompts, reference,
        _peaks(offered, jobs), _limiting(seconds, useful, prompts, reference), chips.stacks,
    )  # fmt: skip


_PHASE_OF = [phase for phase, kept in enumerate(KEPT) for _ in range(kept)]

Parts = list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


def _phase_parts(
    asked: NDArray[np.float64], offered: NDArray[np.float64], k: NDArray[np.float64], rows: NDArray[np.float64]
) -> Parts:
    every = candidates()
    return [
        search(phase, asked, offered, k, rows, plans, KEPT[phase])
        for phase, plans in ((TRAINING, every.training), (PREFILL, every.serving), (DECODE, every.decoding))
    ]


def _joined(parts: Parts) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    plans = np.concatenate([part[0] for part in parts], axis=2)
    seconds = np.ascontiguousarray(np.concatenate([part[1] for part in parts], axis=2).swapaxes(2, 3))
    spilled = np.stack([part[2][:, :, 0] for part in parts], axis=-1)
    return np.ascontiguousarray(plans), seconds, spilled


def _reference_rates(
    asked: NDArray[np.float64],
    k: NDArray[np.float64],
    rows: NDArray[np.float64],
    useful: NDArray[np.float64],
    jobs: Jobs,
    fitted: Mapping[str, float],
) -> NDArray[np.float64]:
    offered = chip_vectors(chip_table([REFERENCE_CHIP]), fitted)
    best = [part[1][:, 0, 0, :].sum(axis=-1) for part in _phase_parts(asked, offered, k, rows)]
    prompts = jobs.prompt / jobs.answer
    serving = (prompts * useful[:, PREFILL] + useful[:, DECODE]) / (prompts * best[PREFILL] + best[DECODE])
    return np.stack([useful[:, TRAINING] / best[TRAINING], serving], axis=-1) / 1e15


def _peaks(offered: NDArray[np.float64], jobs: Jobs) -> NDArray[np.float64]:
    """Dense PFLOP/s in the formats trained and served in; a format not computed in counts as the widest below it."""
    widest = np.maximum.accumulate(offered[:, :3], axis=1)
    table = np.concatenate([widest, np.maximum(offered[:, :1], offered[:, 3:4])], axis=1) / 1e15
    picks = np.stack([jobs.train_dtype, jobs.serve_dtype], axis=-1).astype(np.int64)
    return np.ascontiguousarray(np.take(table, picks, axis=1).transpose(1, 0, 2))


def _limiting(
    seconds: NDArray[np.float64],
    useful: NDArray[np.float64],
    prompts: NDArray[np.float64],
    reference: NDArray[np.float64],
) -> NDArray[np.int64]:
    starts = np.cumsum([0, *KEPT[:-1]])
    training, prefill, decode = (seconds[:, :, :, start] for start in starts)
    serving = prompts[:, None, None] * prefill + decode
    worth = (prompts * useful[:, PREFILL] + useful[:, DECODE])[:, None, None]
    hours = (
        training * (reference[:, 0] / useful[:, TRAINING])[:, None, None]
        + serving * reference[:, 1, None, None] / worth
    )
    return np.argmax(hours, axis=-1)


@kernel
def drifted(a, drift, out):  # type: ignore[no-untyped-def]
    """Fills `out` with the architecture vector after a drift (direction,), active weights held.

    Sparsity multiplies the experts behind each active one; width trades depth for width at equal weights (layers
    fall as its square); attention multiplies what is cached and scored per position; context multiplies lengths.
    """
    sparser, wider = kexp(drift[0]), kexp(drift[1])
    attending, longer = kexp(drift[2]), kexp(drift[3])
    for field in range(a.shape[0]):
        out[field] = a[field]
    if a[A_EXPERTS] > 1.0:
        out[A_EXPERTS] = max(a[A_EXPERTS] * sparser, a[A_ACTIVE])
        out[A_EXPERT_TOTAL] = a[A_EXPERT_TOTAL] * out[A_EXPERTS] / a[A_EXPERTS]
    shallow = 1.0 / (wider * wider)
    for field in (A_WIDTH, A_FFN, A_EXPERT_IO, A_EXPERT_WIDTH, A_HEAD):
        out[field] *= wider
    out[A_LAYERS] *= shallow
    out[A_MOE_LAYERS] *= shallow
    for field in (A_SCORE_FULL, A_SCORE_LOCAL, A_KV_FULL, A_KV_LOCAL):
        out[field] *= attending / wider
    out[A_SCORE_LINEAR] /= wider
    out[A_STATE] /= wider
    out[A_CONTEXT] *= longer


@part
def root16(x):  # type: ignore[no-untyped-def]
    """The sixteenth root, by square roots alone."""
    return np.sqrt(np.sqrt(np.sqrt(np.sqrt(x))))


@kernel
def drift_response(a, c, k, j, plans, phases, base, slopes, bends):  # type: ignore[no-untyped-def]
    """Fills slopes and bends so that seconds = base (1 + y/16)^16, y = sum_d slope_d x_d + bend_d x_d^2.

    The surface passes through the seconds of the physics at +STEP and -STEP along every direction; the sixteenth
    power stands for the exponential, positive and smooth at the cost of four products.
    """
    drift, moved = np.zeros(4), np.zeros(a.shape[1])
    up, down = np.zeros(5), np.zeros(5)
    for lab in range(a.shape[0]):
        for chip in range(c.shape[0]):
            for direction in range(4):
                for plan in range(plans.shape[2]):
                    drift[direction] = STEP
                    drifted(a[lab], drift, moved)
                    phase_seconds(phases[plan], moved, c[chip], k, j[lab, chip], plans[lab, chip, plan], up)
                    drift[direction] = -STEP
                    drifted(a[lab], drift, moved)
                    phase_seconds(phases[plan], moved, c[chip], k, j[lab, chip], plans[lab, chip, plan], down)
                    drift[direction] = 0.0
                    for kind in range(5):
                        here = base[lab, chip, kind, plan]
                        if here > 0.0:
                            high = 16.0 * (root16(up[kind] / here) - 1.0)
                            low = 16.0 * (root16(down[kind] / here) - 1.0)
                            slopes[lab, chip, direction, kind, plan] = (high - low) / (2.0 * STEP)
                            bends[lab, chip, direction, kind, plan] = (high + low) / (2.0 * STEP * STEP)
