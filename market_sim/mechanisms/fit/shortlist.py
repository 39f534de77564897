"""The short-list of a run: plans per (lab, chip), their seconds by kind of work, and how these answer to drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace as Named

import numpy as np

from market_sim.mechanisms.fit.layout import (
    ARCHITECTURE,
    CHIP,
    CONSTANTS,
    DECODE,
    DIRECTIONS,
    JOB,
    PREFILL,
    TRAINING,
    named,
)
from market_sim.mechanisms.fit.roofline import Array, exchange_table
from market_sim.mechanisms.fit.search import KEPT, phase_terms, plan_seconds, search
from market_sim.mechanisms.fit.workload import (
    Jobs,
    architecture_vectors,
    chip_vectors,
    constant_vector,
    default_jobs,
    job_vectors,
    useful_flops,
)
from market_sim.numerics import exp
from market_sim.scenario.catalog import ArchitectureTable, ChipTable, chip_table, load_fit_constants

REFERENCE_CHIP = "H100-SXM"
"""The chip on which a lab's training share of chip-hours is read as a share of work."""

STEP = 0.3
"""Log-deviation at which the response to drift is measured, either side of the base."""


@dataclass(frozen=True)
class ShortList:
    """Plans kept for a run and what they cost; (lab, chip, ...) throughout, plans of the phases one after another."""

    plans: Array  # (lab, chip, plan, field of layout.PLAN)
    seconds: Array  # (lab, chip, kind, plan) chip-seconds per token at maturity 1
    slopes: Array  # (lab, chip, direction, kind, plan) response of the root of seconds to drift
    bends: Array  # (lab, chip, direction, kind, plan) its curvature
    spilled: Array  # (lab, chip, phase) bytes per chip that do not fit under the best plan
    useful: Array  # (lab, phase) model FLOPs per token
    prompts: Array  # (lab,) prompt tokens per token generated
    reference: Array  # (lab, 2) useful PFLOP/s of the reference chip in training and in inference
    peaks: Array  # (lab, chip, 2) dense PFLOP/s in the formats trained and served in
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
    k, wanted = named(CONSTANTS, constant_vector(fitted)), named(JOB, job_vectors(jobs)[:, None])
    plans, seconds, spilled = _best_plans(asked, offered, k, wanted)
    slopes, bends = drift_response(asked, offered, k, wanted, plans, seconds)
    useful = useful_flops(asked, jobs)
    reference = _reference_rates(asked, k, wanted, useful, jobs, fitted)
    prompts = jobs.prompt / jobs.answer
    return ShortList(
        plans, seconds, slopes, bends, spilled, useful, prompts, reference,
        _peaks(offered, jobs), chips.stacks,
    )  # fmt: skip


_PHASES = [(phase, slice(sum(KEPT[:phase]), sum(KEPT[: phase + 1]))) for phase in (TRAINING, PREFILL, DECODE)]
"""Where the plans of each phase stand in a short-list."""


def _best_plans(asked: Array, offered: Array, k: Named, wanted: Named) -> tuple[Array, Array, Array]:
    """Plans (lab, chip, plan, field), their seconds (lab, chip, kind, plan), bytes spilled (lab, chip, phase)."""
    model, chip = named(ARCHITECTURE, asked[:, None]), named(CHIP, offered)
    exchange = exchange_table(model, chip, k)
    parts = [search(phase, phase_terms(phase, model, chip, k, wanted, exchange), KEPT[phase]) for phase, _ in _PHASES]
    plans = np.concatenate([part[0] for part in parts], axis=2)
    seconds = np.ascontiguousarray(np.concatenate([part[1] for part in parts], axis=2).swapaxes(2, 3))
    return plans, seconds, np.stack([part[2][:, :, 0] for part in parts], axis=-1)


def _reference_rates(
    asked: Array, k: Named, wanted: Named, useful: Array, jobs: Jobs, fitted: Mapping[str, float]
) -> Array:
    seconds = _best_plans(asked, chip_vectors(chip_table([REFERENCE_CHIP]), fitted), k, wanted)[1]
    best = [seconds[:, 0, :, place.start].sum(axis=-1) for _, place in _PHASES]
    prompts = jobs.prompt / jobs.answer
    serving = (prompts * useful[:, PREFILL] + useful[:, DECODE]) / (prompts * best[PREFILL] + best[DECODE])
    return np.stack([useful[:, TRAINING] / best[TRAINING], serving], axis=-1) / 1e15


def _peaks(offered: Array, jobs: Jobs) -> Array:
    """Dense PFLOP/s in the formats trained and served in; a format not computed in counts as the widest below it."""
    widest = np.maximum.accumulate(offered[:, :3], axis=1)
    table = np.concatenate([widest, np.maximum(offered[:, :1], offered[:, 3:4])], axis=1) / 1e15
    picks = np.stack([jobs.train_dtype, jobs.serve_dtype], axis=-1).astype(np.int64)
    return np.ascontiguousarray(np.take(table, picks, axis=1).transpose(1, 0, 2))


def drifted(asked: Array, drift: Array) -> Array:
    """Architecture vectors (..., field) after a drift (..., direction), active weights held.

    Sparsity multiplies the experts behind each active one; width trades depth for width at equal weights (layers
    fall as its square); attention multiplies what is cached and scored per position; context multiplies lengths.
    """
    sparser, wider, attending, longer = (exp(drift[..., direction]) for direction in range(4))
    old, out = named(ARCHITECTURE, asked), asked.copy()
    new = named(ARCHITECTURE, out)
    has = old.experts > 1.0
    new.experts[...] = np.where(has, np.maximum(old.experts * sparser, old.active_experts), old.experts)
    new.expert_total[...] = np.where(has, old.expert_total * new.experts / old.experts, old.expert_total)
    for field in (new.width, new.ffn_width, new.expert_io, new.expert_width, new.head_params):
        field *= wider
    for field in (new.layers, new.moe_layers):
        field /= wider * wider
    for field in (new.score_full, new.score_local, new.kv_full, new.kv_local):
        field *= attending / wider
    for field in (new.score_linear, new.state):
        field /= wider
    new.context_scale[...] *= longer
    return out


def root16(x: Array) -> Array:
    """The sixteenth root, by square roots alone."""
    return np.asarray(np.sqrt(np.sqrt(np.sqrt(np.sqrt(x)))))


def drift_response(
    asked: Array, offered: Array, k: Named, wanted: Named, plans: Array, base: Array
) -> tuple[Array, Array]:
    """Slopes and bends (lab, chip, direction, kind, plan) such that seconds = base (1 + y/16)^16, with
    y = sum_d slope_d x_d + bend_d x_d^2.

    The surface passes through the seconds of the physics at +STEP and -STEP along every direction; the sixteenth
    power stands for the exponential, positive and smooth at the cost of four products.
    """
    shape = (*base.shape[:2], len(DIRECTIONS), *base.shape[2:])
    slopes, bends = np.empty(shape), np.empty(shape)
    exchange = exchange_table(named(ARCHITECTURE, asked[:, None]), named(CHIP, offered), k)
    low, high = (
        [_moved_seconds(drifted(asked, step), offered, k, wanted, exchange, plans) for step in sign * STEP * np.eye(4)]
        for sign in (-1.0, 1.0)
    )
    there = np.where(base > 0.0, base, 1.0)
    for direction in range(len(DIRECTIONS)):
        down, up = (16.0 * (root16(side[direction] / there) - 1.0) * (base > 0.0) for side in (low, high))
        slopes[:, :, direction] = (up - down) / (2.0 * STEP)
        bends[:, :, direction] = (up + down) / (2.0 * STEP * STEP)
    return slopes, bends


def _moved_seconds(asked: Array, offered: Array, k: Named, wanted: Named, exchange: Array, plans: Array) -> Array:
    """Seconds (lab, chip, kind, plan) of other architectures under the same plans."""
    model, chip = named(ARCHITECTURE, asked[:, None]), named(CHIP, offered)
    parts = [
        plan_seconds(phase, phase_terms(phase, model, chip, k, wanted, exchange), plans[:, :, place])
        for phase, place in _PHASES
    ]
    return np.concatenate(parts, axis=2).swapaxes(2, 3)
