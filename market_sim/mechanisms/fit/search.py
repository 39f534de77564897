"""The full search over plans, and the short-list it leaves."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import (
    A_EXPERTS,
    C_DOMAIN,
    C_MEMORY,
    DECODE,
    J_BATCH,
    J_CHIPS,
    J_CONCURRENCY,
    J_LENGTH,
    J_SERVE_CHIPS,
    K_MEMORY_SHARE,
    KINDS,
    P_EXPERT,
    P_PIPELINE,
    P_TENSOR,
    P_TOKENS,
    PLAN,
    PREFILL,
    TRAINING,
)
from market_sim.mechanisms.fit.serving import decode_memory, decode_seconds, prefill_seconds
from market_sim.mechanisms.fit.training import training_memory, training_seconds
from market_sim.numerics import kernel, part

LONGEST_UNCUT = 16384.0
"""Tokens of a sequence that stay on one group of chips; only longer ones are cut over several."""

MOST_LOCAL_EXPERTS = 64.0
"""Experts of a layer one chip holds at most in training, where there are chips enough: more is never fastest."""

PLANS = 16
"""Most plans kept per (architecture, chip): the sum of those kept per phase."""
KEPT = (4, 2, 6)
"""Plans kept for training, prefill and decode."""


BLOCKS = (6, 3, 9)
"""Rows of `Candidates` with the same degrees, per phase."""


@dataclass(frozen=True)
class Candidates:
    """Every plan worth trying, per phase; rows as in `layout.PLAN`."""

    training: NDArray[np.float64]  # (plan, field)
    serving: NDArray[np.float64]
    decoding: NDArray[np.float64]


def candidates() -> Candidates:
    """Powers of two for every degree; shards hold weights, so they replace the pipeline instead of adding to it."""
    training = [
        (tensor, pipeline, expert, tokens, sharded)
        for sharded in (0, 1)
        for pipeline in ((1,) if sharded else (1, 2, 4, 8, 16, 32))
        for tensor in (1, 2, 4, 8, 16)
        for expert in (1, 2, 4, 8, 16, 32, 64)
        for tokens in (2048, 4096, 8192, 16384, 32768, 65536)
        if expert == 1 or expert >= tensor
    ]
    groups = [
        (tensor, expert)
        for tensor in (1, 2, 4, 8, 16)
        for expert in (1, 2, 4, 8, 16, 32, 64)
        if expert == 1 or expert >= tensor
    ]
    serving = [(tensor, 1, expert, tokens, 0) for tensor, expert in groups for tokens in (2048, 8192, 32768)]
    decoding = [
        (tensor, 1, expert, max(1.0, math.ldexp(max(tensor, expert), size)), 0)
        for tensor, expert in groups
        for size in (-2, 0, 2, 4, 5, 6, 7, 8, 9)
    ]
    return Candidates(*(np.array(rows, dtype=np.float64) for rows in (training, serving, decoding)))


@part
def phase_seconds(phase, a, c, k, j, plan, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) for the phase asked for; returns the bytes that do not fit."""
    if phase == TRAINING:
        return training_seconds(a, c, k, j, plan, seconds)
    if phase == PREFILL:
        return prefill_seconds(a, c, k, j, plan, seconds)
    return decode_seconds(a, c, k, j, plan, seconds)


@part
def laid_out(phase, a, c, j, plan):  # type: ignore[no-untyped-def]
    """Whether the degrees of a plan can be laid out on the job's chips at all."""
    tensor, expert = plan[P_TENSOR], plan[P_EXPERT]
    if expert > a[A_EXPERTS] and expert > 1.0:
        return False
    if phase == TRAINING:
        chips = j[J_CHIPS]
        if expert < min(a[A_EXPERTS] / MOST_LOCAL_EXPERTS, chips / 8.0):
            return False
        return max(tensor, expert) * plan[P_PIPELINE] <= chips and (tensor <= c[C_DOMAIN] or tensor == 1.0)
    return max(tensor, expert) <= j[J_SERVE_CHIPS]


TRY, SKIP, ENOUGH = range(3)


@part
def worth_trying(phase, a, c, k, j, plan):  # type: ignore[no-untyped-def]
    """TRY a plan's number of tokens, SKIP it, or find that this and every larger number is ENOUGH of these degrees.

    Training: what does not fit is tried with the fewest tokens only (layers are recomputed as memory asks), and
    the most tokens that fit are best without a pipeline, the fewest with one. Decoding: a batch that
    does not fit is tried only when no smaller one is listed.
    """
    tokens, group = plan[P_TOKENS], max(plan[P_TENSOR], plan[P_EXPERT])
    room = k[K_MEMORY_SHARE] * c[C_MEMORY]
    if phase == PREFILL:
        return TRY
    if phase == DECODE:
        if tokens > group * max(j[J_CONCURRENCY], 1.0):
            return ENOUGH
        return ENOUGH if tokens > group and decode_memory(a, c, k, j, plan) > room else TRY
    least = max(2048.0, min(j[J_LENGTH], LONGEST_UNCUT))
    if tokens < least:
        return SKIP
    first = tokens < 2.0 * least
    fed = j[J_BATCH] * plan[P_TENSOR] * plan[P_PIPELINE] / j[J_CHIPS]  # tokens a pipeline is fed per step
    if fed < tokens and not (first and plan[P_PIPELINE] == 1.0):
        return ENOUGH
    if plan[P_PIPELINE] > 1.0 and not first:
        return ENOUGH
    if training_memory(a, k, j, plan)[0] > room:
        return TRY if first else ENOUGH
    if plan[P_PIPELINE] > 1.0 or fed < 2.0 * tokens or tokens > 32768.0:
        return TRY
    plan[P_TOKENS] = 2.0 * tokens
    larger = training_memory(a, k, j, plan)[0] <= room
    plan[P_TOKENS] = tokens
    return SKIP if larger else TRY


@part
def keep(total, over, plan, seconds, best, chosen, times, spilled):  # type: ignore[no-untyped-def]
    """Inserts a plan into the ordered short-list if it is fast enough."""
    place = best.shape[0] - 1
    if total >= best[place]:
        return
    while place > 0 and best[place - 1] > total:
        best[place] = best[place - 1]
        for field in range(5):
            chosen[place, field] = chosen[place - 1, field]
            times[place, field] = times[place - 1, field]
        spilled[place] = spilled[place - 1]
        place -= 1
    best[place] = total
    for field in range(5):
        chosen[place, field], times[place, field] = plan[field], seconds[field]
    spilled[place] = over


@part
def shortlist_one(phase, a, c, k, j, slow, plans, block, chosen, times, spilled):  # type: ignore[no-untyped-def]
    """The fastest legal plans: fills chosen (kept, field), times (kept, kind), spilled (kept,) bytes.

    `plans` comes in blocks of `block` rows of the same degrees and rising tokens; `slow` (kind,) is 1 / maturity.
    """
    best = np.full(chosen.shape[0], np.inf)
    seconds, plan = np.zeros(5), np.empty(5)
    for start in range(0, plans.shape[0], block):
        for field in range(5):
            plan[field] = plans[start, field]
        if not laid_out(phase, a, c, j, plan):
            continue
        for row in range(start, start + block):
            plan[P_TOKENS] = plans[row, P_TOKENS]
            verdict = worth_trying(phase, a, c, k, j, plan)
            if verdict == ENOUGH:
                break
            if verdict == SKIP:
                continue
            over = phase_seconds(phase, a, c, k, j, plan, seconds)
            total = 0.0
            for kind in range(5):
                total += seconds[kind] * slow[kind]
            keep(total, over, plan, seconds, best, chosen, times, spilled)
    for place in range(1, best.shape[0]):  # fewer legal plans than room: repeat the best
        if best[place] == np.inf:
            for field in range(5):
                chosen[place, field], times[place, field] = chosen[0, field], times[0, field]
            spilled[place] = spilled[0]


@kernel
def shortlist_all(phase, a, c, k, j, slow, plans, block, chosen, times, spilled):  # type: ignore[no-untyped-def]
    """`shortlist_one` for every (architecture, chip); j has one row per architecture and chip, slow one per chip."""
    for lab in range(a.shape[0]):
        for chip in range(c.shape[0]):
            shortlist_one(
                phase, a[lab], c[chip], k, j[lab, chip], slow[chip], plans, block,
                chosen[lab, chip], times[lab, chip], spilled[lab, chip],
            )  # fmt: skip


def search(
    phase: int,
    architectures: NDArray[np.float64],
    chips: NDArray[np.float64],
    constants: NDArray[np.float64],
    jobs: NDArray[np.float64],
    plans: NDArray[np.float64],
    kept: int,
    slow: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The fastest plans of one phase: (lab, chip, plan, field), their chip-seconds per token by kind, bytes spilled.

    `slow` (chip, kind) is 1 / maturity, by default 1; the seconds that come back are those at maturity 1.
    """
    shape = (architectures.shape[0], chips.shape[0], kept)
    chosen, times, spilled = np.zeros((*shape, len(PLAN))), np.zeros((*shape, len(KINDS))), np.zeros(shape)
    late = np.ones((chips.shape[0], len(KINDS))) if slow is None else slow
    shortlist_all(phase, architectures, chips, constants, jobs, late, plans, BLOCKS[phase], chosen, times, spilled)
    return chosen, times, spilled
