"""Seconds per token of prefill and of decode under one plan, by kind of work.

A serving plan: `tensor` chips share one copy of the dense weights, `expert` chips share the experts (attention then
runs on replicas of the dense weights). Prompts come in chunks of CHUNK tokens per group; decoding holds as many
sequences as demand, memory and the patience of users allow.
"""

import math
from types import SimpleNamespace as Named

import numpy as np

from market_sim.mechanisms.fit.layout import ATTENTION, COLLECTIVE, DENSE, EXPERT, MEMORY
from market_sim.mechanisms.fit.roofline import (
    EXPERT_DEGREES,
    TENSOR_DEGREES,
    Array,
    attention_rate,
    either,
    expert_grain,
    latency,
    link_rate,
    matmul_rate,
    weight_bytes,
)
from market_sim.numerics import inlined, part

CHUNK = 32768.0
"""Prompt tokens that pass a group together: more costs nothing here, fewer leave matmuls waiting for weights."""

HALVINGS = 12
"""Steps that narrow down the batch users have patience for: from 512 sequences, to two in a thousand."""

(
    S_DENSE,  # seconds per token of dense matmuls
    S_HEAD,  # the same of the output head
    S_NARROW,  # what narrow shards add to the dense ones, per unit of tensor degree
    S_WEIGHTS,  # seconds to read the dense weights once
    S_EXPERT,  # seconds per token of experts' matmuls, 0 without experts
    S_EXPERT_WEIGHTS,  # seconds to read the experts a token meets, were each to serve one row
    S_ROUTED,  # seconds per token to order tokens by expert
    S_PICKED,  # rows of an expert per token
    S_HALF_TILE,  # rows
    S_SCORES,  # seconds per token of the attention core
    S_TOUCHED,  # seconds per token of elementwise traffic
    S_CACHE,  # bytes of keys and values per sequence, one copy
    S_STATE,  # bytes of recurrent state per sequence
    S_KV_HEADS,  # shards that hold keys and values of their own
    S_READ,  # seconds per cached byte
    S_STEP,  # seconds of launches and scheduling per decode step
    S_HELD,  # bytes of dense weights and head
    S_HELD_EXPERTS,  # bytes of experts
    S_ROOM,  # bytes
    S_HOST,  # seconds per byte that does not fit
    S_WANTED,  # sequences at once per chip
    S_PATIENCE,  # longest step that users like, seconds
    S_MOST_TENSOR,  # largest tensor degree that can be laid out
    S_MOST_EXPERT,  # largest expert degree
) = range(24)
S_EXCHANGE = S_MOST_EXPERT + 1  # seconds per token of traffic with experts, by doublings of the degree
S_EXCHANGE_LAG = S_EXCHANGE + EXPERT_DEGREES  # seconds per pass and chip of the same
S_TENSOR = S_EXCHANGE_LAG + EXPERT_DEGREES  # seconds per token of traffic between shards, by doublings
S_TENSOR_LAG = S_TENSOR + TENSOR_DEGREES  # seconds per pass and chip of the same
TERMS = S_TENSOR_LAG + TENSOR_DEGREES

(
    V_GROUP,
    V_DENSE,  # seconds per token
    V_WEIGHTS,  # seconds per pass
    V_FIXED,  # seconds per token of traffic
    V_LAG,  # seconds per pass
    V_HELD,  # bytes of weights per chip
    V_CACHE,  # bytes per sequence, all copies
) = range(7)
LAYOUT_TERMS = 7


def serving_terms(model: Named, chip: Named, k: Named, job: Named, exchange: Array, *, decoding: bool) -> Array:
    """The terms (..., S_...) of every architecture, chip and job, of decoding or of prefill; `exchange` is their
    `exchange_table`."""
    s = np.empty((*np.broadcast_shapes(model.layers.shape, chip.domain.shape, job.prompt.shape), TERMS))
    wide = chip.peak_bf16 * chip.sustained * k.serve_efficiency
    rate = matmul_rate(chip, k, job.serve_dtype) * chip.sustained * k.serve_efficiency
    _matmul_terms(model, chip, k, job, rate, wide, s)
    bandwidth = chip.bandwidth * k.memory_efficiency
    prompt = np.maximum(1.0, job.prompt * model.context_scale)
    length = np.maximum(1.0, (job.prompt + 0.5 * job.answer) * model.context_scale)
    seen = length if decoding else 0.5 * prompt
    scored = model.score_full * seen + model.score_local * np.minimum(seen, model.window) + model.score_linear
    s[..., S_SCORES] = scored / (wide * attention_rate(model, chip, k))
    touched = (20.0 * model.width + 6.0 * model.ffn_width) * k.elementwise_bytes
    s[..., S_TOUCHED] = model.layers * touched / bandwidth
    cached = model.kv_full * length + model.kv_local * np.minimum(length, model.window)
    s[..., S_CACHE], s[..., S_STATE] = k.kv_bytes * cached, 2.0 * model.state
    s[..., S_KV_HEADS], s[..., S_READ] = np.maximum(model.kv_heads, 1.0), 1.0 / bandwidth
    s[..., S_STEP] = (model.layers + model.moe_layers) * k.decode_launch + k.decode_step_overhead
    s[..., S_ROOM], s[..., S_HOST] = k.memory_share * chip.memory, 1.0 / k.host_bandwidth
    s[..., S_WANTED] = np.maximum(job.concurrency, 1.0 / job.serve_chips)
    s[..., S_PATIENCE] = job.step_limit
    _traffic_terms(model, chip, k, job, exchange, s)
    return s


def _matmul_terms(model: Named, chip: Named, k: Named, job: Named, rate: Array, wide: Array, s: Array) -> None:
    bandwidth, each = chip.bandwidth * k.memory_efficiency, weight_bytes(job.serve_dtype)
    tight = rate / chip.bandwidth / 300.0
    s[..., S_DENSE], s[..., S_HEAD] = 2.0 * model.dense_params / rate, 2.0 * model.head_params / wide
    s[..., S_NARROW] = k.narrow_width * tight / model.width
    s[..., S_WEIGHTS] = (each * model.dense_params + 2.0 * model.head_params) / bandwidth
    slowed = np.where(model.experts > 1.0, 1.0 / k.serve_expert, 0.0)
    picked = model.active_experts / model.experts
    s[..., S_PICKED], s[..., S_HALF_TILE] = picked, 0.5 * k.expert_row_tile
    s[..., S_EXPERT] = slowed * 2.0 * model.expert_active / rate * expert_grain(model, chip, k, tight)
    s[..., S_EXPERT_WEIGHTS] = slowed * each * model.expert_total * picked / bandwidth
    ordered = model.expert_io * k.expert_permute_bytes + 6.0 * model.expert_width
    s[..., S_ROUTED] = slowed * model.moe_layers * model.active_experts * ordered / bandwidth
    s[..., S_HELD] = each * model.dense_params + 4.0 * model.head_params
    s[..., S_HELD_EXPERTS] = each * model.expert_total


def _traffic_terms(model: Named, chip: Named, k: Named, job: Named, exchange: Array, s: Array) -> None:
    s[..., S_MOST_TENSOR] = job.serve_chips
    s[..., S_MOST_EXPERT] = np.maximum(1.0, np.minimum(model.experts, job.serve_chips))
    for power in range(EXPERT_DEGREES):
        s[..., S_EXCHANGE + power] = model.moe_layers * 1.5 * exchange[..., power] * 2.0 * model.expert_io
        s[..., S_EXCHANGE_LAG + power] = model.moe_layers * 2.0 * latency(chip, k, float(1 << power)) if power else 0.0
    for power in range(TENSOR_DEGREES):
        degree = float(1 << power)
        rate = np.where(degree <= chip.domain, link_rate(chip, k, degree), chip.scale_out * k.nic_efficiency)
        s[..., S_TENSOR + power] = model.layers * 8.0 * model.width * (degree - 1.0) / rate
        s[..., S_TENSOR_LAG + power] = model.layers * 2.0 * latency(chip, k, degree) if power else 0.0


@part
def serving_layout(s, tensor, expert, v):  # type: ignore[no-untyped-def]
    """Fills v (V_...) for one layout, its degrees given by their doublings."""
    shards = float(1 << tensor)
    group = max(shards, float(1 << expert))
    v[V_GROUP] = group
    v[V_DENSE] = s[S_DENSE] * (1.0 + s[S_NARROW] * (0.75 + 0.25 * shards)) + s[S_HEAD]
    v[V_WEIGHTS] = s[S_WEIGHTS] * group / shards
    v[V_FIXED] = s[S_EXCHANGE + expert] + s[S_TENSOR + tensor]
    v[V_LAG] = (s[S_EXCHANGE_LAG + expert] + s[S_TENSOR_LAG + tensor]) * group
    v[V_HELD] = s[S_HELD] / shards + s[S_HELD_EXPERTS] / group
    v[V_CACHE] = s[S_CACHE] * max(1.0, shards / s[S_KV_HEADS]) + s[S_STATE]


@inlined
def forward_seconds(s, v, tokens, seconds):  # type: ignore[no-untyped-def]
    """Fills dense, expert, elementwise and traffic seconds per token of one pass of `tokens` through a group.

    None of them rises with `tokens`.
    """
    shorter = 1.0 / tokens
    seconds[DENSE] = either(v[V_DENSE], v[V_WEIGHTS] * shorter)
    seconds[EXPERT] = 0.0
    if s[S_EXPERT] > 0.0:
        rows = tokens * s[S_PICKED]
        work = s[S_EXPERT] * (1.0 + s[S_HALF_TILE] / max(rows, s[S_HALF_TILE]))
        seconds[EXPERT] = either(work, s[S_EXPERT_WEIGHTS] / (rows + 1.0)) + s[S_ROUTED]
    seconds[MEMORY] = s[S_TOUCHED]
    seconds[COLLECTIVE] = v[V_FIXED] + v[V_LAG] * shorter


@part
def prefill_seconds(s, v, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per prompt token; returns the bytes that do not fit."""
    forward_seconds(s, v, CHUNK, seconds)
    seconds[ATTENTION] = s[S_SCORES]
    over = max(0.0, v[V_HELD] - s[S_ROOM])
    seconds[MEMORY] += over * v[V_GROUP] * s[S_HOST] / CHUNK
    return over


@inlined
def largest_batch(s, v):  # type: ignore[no-untyped-def]
    """Sequences a group decodes at once at most: as many as ask and as memory holds, one a chip where it holds none."""
    fits = max(1.0, (s[S_ROOM] - v[V_HELD]) / v[V_CACHE])
    return max(1.0, v[V_GROUP] * min(s[S_WANTED], fits))


@part
def step_seconds(s, v, batch, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per token of `batch` sequences in a group; returns those of a step, and
    the bytes that do not fit. A step never shortens as the batch grows.
    """
    busy = v[V_GROUP] / batch
    forward_seconds(s, v, batch, seconds)
    seconds[ATTENTION] = either(s[S_SCORES], v[V_CACHE] * s[S_READ])
    over = max(0.0, v[V_HELD] + v[V_CACHE] / busy - s[S_ROOM])
    seconds[MEMORY] += (s[S_STEP] + 2.0 * over * s[S_HOST]) * busy
    each = seconds[DENSE] + seconds[EXPERT] + seconds[ATTENTION] + seconds[MEMORY] + seconds[COLLECTIVE]
    return each / busy, over


@part
def patient_batch(s, v, patience, seconds):  # type: ignore[no-untyped-def]
    """The largest batch whose step takes no longer than `patience`, to a few parts in a thousand.

    Halved between one sequence and all that ask, wherever memory ends: more memory then never makes a batch smaller.
    """
    short, long = 1.0, max(1.0, v[V_GROUP] * s[S_WANTED])
    for _ in range(HALVINGS):
        batch = math.sqrt(short * long)
        if step_seconds(s, v, batch, seconds)[0] > patience:
            long = batch
        else:
            short = batch
    return short


@part
def decode_seconds(s, v, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per token generated; returns the bytes that do not fit.

    The batch is the largest that demand, memory and patience allow. Where one sequence alone takes more than half of
    what users like to wait, they wait twice as long as it takes from memory, and all seconds count that much more.
    """
    step, over = step_seconds(s, v, 1.0, seconds)
    patience = max(s[S_PATIENCE], 2.0 * (step - 2.0 * over * s[S_HOST]))
    step, over = step_seconds(s, v, largest_batch(s, v), seconds)
    if step > patience:
        step, over = step_seconds(s, v, patient_batch(s, v, patience, seconds), seconds)
    slow = patience / s[S_PATIENCE] * max(1.0, 1.0 / (s[S_WANTED] * v[V_GROUP]))  # groups without a sequence
    for kind in range(5):
        seconds[kind] *= slow
    return over
