"""The full search over plans, and the short-list it leaves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.layout import (
    A_EXPERTS,
    C_DOMAIN,
    DECODE,
    J_BATCH,
    J_CHIPS,
    J_CONCURRENCY,
    J_LENGTH,
    J_SERVE_CHIPS,
    KINDS,
    P_EXPERT,
    P_PIPELINE,
    P_TENSOR,
    P_TOKENS,
    PLAN,
    PREFILL,
    TRAINING,
)
from market_sim.mechanisms.fit.serving import decode_seconds, prefill_seconds
from market_sim.mechanisms.fit.training import training_seconds
from market_sim.numerics import kernel

LONGEST_UNCUT = 16384.0
"""Tokens of a sequence that stay on one group of chips; only longer ones are cut over several."""

PLANS = 16
"""Most plans kept per (architecture, chip): the sum of those kept per phase."""
KEPT = (6, 4, 6)
"""Plans kept for training, prefill and decode."""


@dataclass(frozen=True)
class Candidates:
    """Every plan worth trying, per phase; rows as in `layout.PLAN`."""

    training: NDArray[np.float64]  # (plan, field)
    serving: NDArray[np.float64]
    decoding: NDArray[np.float64]


def candidates() -> Candidates:
    """Powers of two for every degree; shards hold weights, so they replace the pipeline instead of adding to it."""
    training = [
        (tensor, pipeline, expert, tokens, recompute, sharded)
        for sharded in (0, 1)
        for pipeline in ((1,) if sharded else (1, 2, 4, 8, 16, 32))
        for tensor in (1, 2, 4, 8, 16)
        for expert in (1, 2, 4, 8, 16, 32, 64)
        for tokens in (2048, 4096, 8192, 16384, 32768, 65536)
        for recompute in (0, 0.5, 1)
        if expert == 1 or expert >= tensor
    ]
    groups = [
        (tensor, expert)
        for tensor in (1, 2, 4, 8, 16, 32, 64)
        for expert in (1, 2, 4, 8, 16, 32, 64)
        if expert == 1 or expert >= tensor
    ]
    serving = [(tensor, 1, expert, tokens, 0, 0) for tensor, expert in groups for tokens in (2048, 8192, 32768)]
    decoding = [
        (tensor, 1, expert, 2**size * max(tensor, expert), 0, 0)
        for tensor, expert in groups
        for size in range(-2, 11)
        if 2**size * max(tensor, expert) >= 1
    ]
    return Candidates(*(np.array(rows, dtype=np.float64) for rows in (training, serving, decoding)))


@kernel
def phase_seconds(phase, a, c, k, j, plan, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) for the phase asked for; returns the bytes that do not fit."""
    if phase == TRAINING:
        return training_seconds(a, c, k, j, plan, seconds)
    if phase == PREFILL:
        return prefill_seconds(a, c, k, j, plan, seconds)
    return decode_seconds(a, c, k, j, plan, seconds)


@kernel
def legal(phase, a, c, j, plan):  # type: ignore[no-untyped-def]
    """Whether the degrees of a plan can be laid out on the job's chips at all."""
    tensor, expert = plan[P_TENSOR], plan[P_EXPERT]
    if expert > max(a[A_EXPERTS], 1.0):
        return False
    if phase == TRAINING:
        chips = j[J_CHIPS]
        if tensor * plan[P_PIPELINE] > chips or expert * plan[P_PIPELINE] > chips:
            return False
        if tensor > c[C_DOMAIN] and tensor > 1.0:
            return False
        least = max(2048.0, min(j[J_LENGTH], LONGEST_UNCUT))
        if plan[P_TOKENS] < least:
            return False
        fed = j[J_BATCH] * tensor * plan[P_PIPELINE] >= chips * plan[P_TOKENS]
        return fed or (plan[P_TOKENS] < 2.0 * least and plan[P_PIPELINE] == 1.0)
    group = max(tensor, expert)
    if group > j[J_SERVE_CHIPS]:
        return False
    return phase != DECODE or plan[P_TOKENS] <= group * max(j[J_CONCURRENCY], 1.0)


@kernel
def shortlist_one(phase, a, c, k, j, plans, kept, chosen, times, spilled):  # type: ignore[no-untyped-def]
    """The `kept` fastest legal plans: fills chosen (kept, field), times (kept, kind), spilled (kept,) bytes."""
    best = np.full(kept, np.inf)
    seconds = np.zeros(5)
    for row in range(plans.shape[0]):
        if not legal(phase, a, c, j, plans[row]):
            continue
        over = phase_seconds(phase, a, c, k, j, plans[row], seconds)
        total = seconds[0] + seconds[1] + seconds[2] + seconds[3] + seconds[4]
        if total >= best[kept - 1]:
            continue
        place = kept - 1
        while place > 0 and best[place - 1] > total:
            best[place] = best[place - 1]
            chosen[place] = chosen[place - 1]
            times[place] = times[place - 1]
            spilled[place] = spilled[place - 1]
            place -= 1
        best[place] = total
        chosen[place] = plans[row]
        times[place] = seconds
        spilled[place] = over
    for place in range(1, kept):  # fewer legal plans than room: repeat the best
        if best[place] == np.inf:
            chosen[place] = chosen[0]
            times[place] = times[0]
            spilled[place] = spilled[0]


@kernel
def shortlist_all(phase, a, c, k, j, plans, kept, chosen, times, spilled):  # type: ignore[no-untyped-def]
    """`shortlist_one` for every (architecture, chip); j has one row per architecture and chip."""
    for lab in range(a.shape[0]):
        for chip in range(c.shape[0]):
            shortlist_one(
                phase, a[lab], c[chip], k, j[lab, chip], plans, kept,
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
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The fastest plans of one phase: (lab, chip, plan, field), their chip-seconds per token by kind, bytes spilled."""
    shape = (architectures.shape[0], chips.shape[0], kept)
    chosen, times, spilled = np.zeros((*shape, len(PLAN))), np.zeros((*shape, len(KINDS))), np.zeros(shape)
    shortlist_all(phase, architectures, chips, constants, jobs, plans, kept, chosen, times, spilled)
    return chosen, times, spilled


