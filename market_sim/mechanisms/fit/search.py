"""The full search over plans, and the short-list it leaves.

A layout is a choice of degrees of parallelism, all powers of two; a plan of training is a layout and the tokens per
microbatch, one of serving a layout alone. Of each layout the best size counts, and of the layouts the fastest are
kept. What cannot be among them is left out by bounds that hold for every size: the answer is that of trying every
plan.
"""

from types import SimpleNamespace as Named

import numpy as np

from market_sim.mechanisms.fit.layout import (
    DECODE,
    KINDS,
    P_EXPERT,
    P_PIPELINE,
    P_SHARDED,
    P_SIZE,
    P_TENSOR,
    PLAN,
    TRAINING,
)
from market_sim.mechanisms.fit.roofline import EXPERT_DEGREES, PIPELINE_DEGREES, TENSOR_DEGREES, Array, exchange_table
from market_sim.mechanisms.fit.serving import (
    LAYOUT_TERMS as SERVING_LAYOUT_TERMS,
)
from market_sim.mechanisms.fit.serving import (
    S_MOST_EXPERT,
    S_MOST_TENSOR,
    decode_seconds,
    prefill_seconds,
    serving_layout,
    serving_terms,
)
from market_sim.mechanisms.fit.training import (
    LAYOUT_TERMS as TRAINING_LAYOUT_TERMS,
)
from market_sim.mechanisms.fit.training import (
    T_CHIPS,
    T_LENGTH,
    T_MOST_EXPERT,
    T_MOST_TENSOR,
    T_ROOM,
    U_PIPELINE,
    U_WAVES,
    training_memory,
    training_seconds,
    training_sized,
    training_split,
    training_stages,
    training_terms,
)
from market_sim.numerics import inlined, kernel, part

LONGEST_UNCUT = 16384.0
"""Tokens of a sequence that stay on one group of chips; only longer ones are cut over several."""

LEAST_TOKENS, TOKEN_SIZES = 2048.0, 6
"""Tokens per microbatch tried: from the least by doubling."""

KEPT = (4, 2, 6)
"""Plans kept for training, prefill and decode: 16 at most in all."""

FIRST, SECONDS = 1, 1 + len(PLAN)
OVER = SECONDS + len(KINDS)
COLUMNS = OVER + 1
TOTAL = 0
"""Columns of a short-list: seconds at 1 / maturity, the plan's fields, seconds by kind at maturity 1, bytes spilled."""


@inlined
def weighted(seconds, slow):  # type: ignore[no-untyped-def]
    """Seconds of all kinds together at 1 / maturity."""
    total = 0.0
    for kind in range(5):
        total += seconds[kind] * slow[kind]
    return total


@inlined
def note(found, total, over, tensor, pipeline, expert, size, sharded, seconds):  # type: ignore[no-untyped-def]
    """Writes a plan and what it costs into `found`, a row of the short-list; degrees are given by their doublings."""
    found[TOTAL], found[OVER] = total, over
    found[FIRST + P_TENSOR], found[FIRST + P_EXPERT] = 1 << tensor, 1 << expert
    found[FIRST + P_PIPELINE], found[FIRST + P_SIZE], found[FIRST + P_SHARDED] = 1 << pipeline, size, sharded
    for kind in range(5):
        found[SECONDS + kind] = seconds[kind]


@part
def keep(found, best):  # type: ignore[no-untyped-def]
    """Puts `found` in its place among `best` (kept, column), fastest first, if it is fast enough."""
    place = best.shape[0] - 1
    if found[TOTAL] >= best[place, TOTAL]:
        return
    while place > 0 and best[place - 1, TOTAL] > found[TOTAL]:
        for column in range(COLUMNS):
            best[place, column] = best[place - 1, column]
        place -= 1
    for column in range(COLUMNS):
        best[place, column] = found[column]


@inlined
def legal_size(t, u, tokens, fewest):  # type: ignore[no-untyped-def]
    """Whether a step feeds every stage a microbatch of this size, and no layer has to be recomputed for it.

    Microbatches of the fewest tokens recompute what they must, and one is fed without a pipeline whatever the step.
    """
    if fewest:
        return tokens <= u[U_WAVES] or u[U_PIPELINE] == 1.0
    return tokens <= u[U_WAVES] and training_memory(t, u, tokens)[0] <= t[T_ROOM]


@kernel
def search_training(terms, slow, best):  # type: ignore[no-untyped-def]
    """Fills best (cell, kept, column), set to inf, with the fastest training plans at terms (cell, T_...)."""
    u, seconds, found = np.empty(TRAINING_LAYOUT_TERMS), np.empty(5), np.empty(COLUMNS)
    for cell in range(terms.shape[0]):
        t, own, late = terms[cell], best[cell], slow[cell]
        least = max(LEAST_TOKENS, min(t[T_LENGTH], LONGEST_UNCUT))
        most = max(t[T_LENGTH], LEAST_TOKENS * (1 << (TOKEN_SIZES - 1)))
        for expert in range(EXPERT_DEGREES - 1, -1, -1):
            for tensor in range(TENSOR_DEGREES):
                legal = (1 << tensor) <= t[T_MOST_TENSOR] and (1 << expert) <= t[T_MOST_EXPERT]
                if not legal or (expert > 0 and tensor > expert):
                    break
                training_split(t, tensor, expert, u)
                for stage in range(-1, PIPELINE_DEGREES):  # first the weights sharded over all chips
                    pipeline, sharded = max(stage, 0), 1.0 if stage < 0 else 0.0
                    if (1 << (max(tensor, expert) + pipeline)) > t[T_CHIPS]:
                        break
                    training_stages(t, pipeline, sharded, u)
                    training_sized(t, u, most, 1.0, max(1.0, u[U_WAVES] / least), seconds)
                    if weighted(seconds, late) >= own[own.shape[0] - 1, TOTAL]:
                        continue  # no size can be fast enough
                    found[TOTAL] = np.inf
                    for size in range(TOKEN_SIZES - 1, -1, -1):
                        tokens = LEAST_TOKENS * (1 << size)
                        if tokens < least:
                            break
                        if not legal_size(t, u, tokens, tokens < 2.0 * least):
                            continue
                        over = training_seconds(t, u, tokens, seconds)
                        total = weighted(seconds, late)
                        if total < found[TOTAL]:
                            note(found, total, over, tensor, pipeline, expert, tokens, sharded, seconds)
                        if pipeline == 0:
                            break  # fewer tokens only cost more
                    keep(found, own)


@kernel
def search_serving(terms, slow, decoding, best):  # type: ignore[no-untyped-def]
    """Fills best (cell, kept, column), set to inf, with the fastest plans of decoding or prefill."""
    v, seconds, found = np.empty(SERVING_LAYOUT_TERMS), np.empty(5), np.empty(COLUMNS)
    for cell in range(terms.shape[0]):
        s, own = terms[cell], best[cell]
        for expert in range(EXPERT_DEGREES):
            for tensor in range(TENSOR_DEGREES):
                legal = (1 << tensor) <= s[S_MOST_TENSOR] and (1 << expert) <= s[S_MOST_EXPERT]
                if not legal or (expert > 0 and tensor > expert):
                    break
                serving_layout(s, tensor, expert, v)
                over = decode_seconds(s, v, seconds) if decoding else prefill_seconds(s, v, seconds)
                note(found, weighted(seconds, slow[cell]), over, tensor, 0, expert, 0.0, 0.0, seconds)
                keep(found, own)


@inlined
def doublings(degree):  # type: ignore[no-untyped-def]
    """How often one is doubled to reach a power of two."""
    count = 0
    while (1 << count) < degree:
        count += 1
    return count


@kernel
def training_plans(terms, plans, out):  # type: ignore[no-untyped-def]
    """Fills out (cell, plan, kind) with chip-seconds per token under plans (cell, plan, field)."""
    u = np.empty(TRAINING_LAYOUT_TERMS)
    for cell in range(terms.shape[0]):
        for place in range(plans.shape[1]):
            t, plan = terms[cell], plans[cell, place]
            training_split(t, doublings(plan[P_TENSOR]), doublings(plan[P_EXPERT]), u)
            training_stages(t, doublings(plan[P_PIPELINE]), plan[P_SHARDED], u)
            training_seconds(t, u, plan[P_SIZE], out[cell, place])


@kernel
def serving_plans(terms, plans, decoding, out):  # type: ignore[no-untyped-def]
    """Fills out (cell, plan, kind) with chip-seconds per token under plans (cell, plan, field)."""
    v = np.empty(SERVING_LAYOUT_TERMS)
    for cell in range(terms.shape[0]):
        for place in range(plans.shape[1]):
            s, plan = terms[cell], plans[cell, place]
            serving_layout(s, doublings(plan[P_TENSOR]), doublings(plan[P_EXPERT]), v)
            if decoding:
                decode_seconds(s, v, out[cell, place])
            else:
                prefill_seconds(s, v, out[cell, place])


def phase_terms(phase: int, model: Named, chip: Named, k: Named, job: Named, exchange: Array | None = None) -> Array:
    """The terms (..., term) of one phase for every architecture, chip and job, spread over one another.

    `exchange`, their `exchange_table`, is worked out where it is not given.
    """
    table = exchange_table(model, chip, k) if exchange is None else exchange
    if phase == TRAINING:
        return training_terms(model, chip, k, job, table)
    return serving_terms(model, chip, k, job, table, decoding=phase == DECODE)


def plan_seconds(phase: int, terms: Array, plans: Array) -> Array:
    """Chip-seconds per token (..., plan, kind) under plans (..., plan, field) at terms (..., term)."""
    flat, listed = terms.reshape(-1, terms.shape[-1]), plans.reshape(-1, *plans.shape[-2:])
    out = np.empty((*listed.shape[:2], len(KINDS)))
    if phase == TRAINING:
        training_plans(flat, listed, out)
    else:
        serving_plans(flat, listed, phase == DECODE, out)
    return out.reshape(*plans.shape[:-1], len(KINDS))


def search(phase: int, terms: Array, kept: int, slow: Array | None = None) -> tuple[Array, Array, Array]:
    """The fastest plans of one phase at terms (..., term): plans (..., plan, field), their chip-seconds per token by
    kind at maturity 1 (..., plan, kind), and the bytes per chip that do not fit (..., plan).

    `slow` (..., kind) is 1 / maturity, by default 1.
    """
    flat = terms.reshape(-1, terms.shape[-1])
    late = np.ones((len(flat), len(KINDS))) if slow is None else slow.reshape(-1, len(KINDS))
    best = np.full((len(flat), kept, COLUMNS), np.inf)
    if phase == TRAINING:
        search_training(flat, late, best)
    else:
        search_serving(flat, late, phase == DECODE, best)
    best = np.where(np.isfinite(best[..., :1]), best, best[:, :1])  # fewer layouts than room: repeat the best
    best = best.reshape(*terms.shape[:-1], kept, COLUMNS)
    return best[..., FIRST:SECONDS].copy(), best[..., SECONDS:OVER].copy(), best[..., OVER].copy()
