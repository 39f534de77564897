"""Seconds per token of training under one plan, by kind of work.

Every term is chip-seconds per token: work that the chips of a job share evenly does not depend on how it is cut,
so the plan enters only through what it adds (traffic, bubbles, recomputation) and through the size of the pieces.
The sum is taken in three steps, so that a search repeats only what changes: the terms of an architecture, chip and
job, those of a layout (degrees of parallelism), and those of the tokens per microbatch.
"""

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
    padding,
)
from market_sim.numerics import inlined, part

(
    T_DENSE,  # seconds per token of dense matmuls without recomputation
    T_HEAD,  # the same of the output head
    T_NARROW,  # what narrow shards add to them, per unit of tensor degree
    T_WEIGHTS,  # seconds to pass the dense weights through memory three times
    T_LAUNCH,  # seconds of launches per microbatch
    T_EXPERT,  # seconds per token of experts' matmuls, 0 without experts
    T_EXPERT_WEIGHTS,  # seconds to pass the experts a token meets through memory, were each to serve one row
    T_ROUTED,  # seconds per token to order tokens by expert and cast them
    T_EXPERT_LAUNCH,
    T_PICKED,  # rows of an expert per token
    T_HALF_TILE,  # rows
    T_SCORES,  # seconds per token of one causal pass of the attention core
    T_TOUCHED,  # seconds per token of elementwise traffic
    T_STEP,  # seconds per token of the optimiser
    T_ROOM,  # bytes
    T_ACTIVATIONS,  # bytes per token kept for the backward pass
    T_RECOMPUTED,  # of them, what recomputing every layer saves
    T_LAYERS,
    T_LOGITS,  # bytes per token, roughly
    T_HOST,  # seconds per byte that does not fit, forward and back
    T_CHIPS,
    T_FED,  # tokens per chip and step
    T_LENGTH,  # tokens per sequence
    T_CUT,  # seconds per token to pass keys and values round, per cut of a sequence
    T_NEAR,  # chips of the job within the scale-up domain
    T_NEIGHBOURS,  # seconds per byte of data-parallel traffic among them left exposed
    T_AWAY,  # the same over the NIC
    T_KEPT,  # seconds per token of gathering shards over the NIC once a step; inf without room to keep them
    T_BODY,  # dense weights, the head counted once
    T_HEAD_WEIGHTS,
    T_EXPERTS,  # expert weights
    T_STATE,  # bytes per weight of weights and gradients
    T_HOP,  # seconds per token to pass activations on, per stage and over the tensor degree
    T_LONGEST,  # what each further stage adds to the longest
    T_JITTER,  # what each doubling of the pipeline adds to it
    T_INTERLEAVE,  # chunks per stage at most
    T_MOST_TENSOR,  # largest tensor degree that can be laid out
    T_MOST_EXPERT,  # largest expert degree
) = range(38)
T_EXCHANGE = T_MOST_EXPERT + 1  # seconds per token of traffic with experts, by doublings of the degree
T_EXCHANGE_LAG = T_EXCHANGE + EXPERT_DEGREES  # seconds per microbatch of the same, pooled
T_TENSOR = T_EXCHANGE_LAG + EXPERT_DEGREES  # seconds per token of traffic between shards, by doublings
T_TENSOR_LAG = T_TENSOR + TENSOR_DEGREES  # seconds per microbatch of the same
TERMS = T_TENSOR_LAG + TENSOR_DEGREES

(
    U_TENSOR,
    U_POOL,  # tokens an expert group pools over those of one shard
    U_HELD,  # weights per chip before the pipeline cuts them
    U_SENT,  # bytes per token that replicas exchange, before the pipeline cuts them
    U_GATHERED,  # bytes per microbatch when weights are sharded
    U_EXCHANGE,  # seconds per token of traffic with experts
    U_EXCHANGE_LAG,  # seconds per microbatch of the same
    U_REPEATED,  # seconds per token of traffic between shards, once more for each layer recomputed
    U_LAG_REPEATED,  # seconds per microbatch of the same
    U_PIPELINE,
    U_FIXED,  # seconds per token of all other traffic
    U_LAG,  # seconds per microbatch of all other traffic
    U_GATHER_ONCE,  # seconds per token when shards are gathered over the NIC once a step
    U_GATHER_ALWAYS,  # seconds per microbatch when they are gathered each time
    U_STATE,  # bytes of weights, gradients and optimiser
    U_UNEVEN,  # longest stage over the mean
    U_BUBBLE,  # idle stages over chunks per stage
    U_WAVES,  # tokens of a step that pass one stage
) = range(18)
LAYOUT_TERMS = 18


def training_terms(model: Named, chip: Named, k: Named, job: Named, exchange: Array) -> Array:
    """The terms (..., T_...) of every architecture, chip and job; `exchange` is their `exchange_table`."""
    t = np.empty((*np.broadcast_shapes(model.layers.shape, chip.domain.shape, job.batch.shape), TERMS))
    rate, wide = matmul_rate(chip, k, job.train_dtype) * chip.sustained, chip.peak_bf16 * chip.sustained
    cast = np.where(rate > wide * 1.001, k.cast_bytes, 0.0)
    _matmul_terms(model, chip, k, rate, wide, cast, t)
    bandwidth = chip.bandwidth * k.memory_efficiency
    length = job.train_length * model.context_scale
    local = model.score_local * np.minimum(model.window, 0.5 * length)
    scored = model.score_full * 0.5 * length + local + model.score_linear
    t[..., T_SCORES] = scored / (wide * attention_rate(model, chip, k))
    touched = (60.0 * model.width + 18.0 * model.ffn_width) * k.elementwise_bytes
    touched = touched + cast * (4.0 * model.width + model.ffn_width)
    t[..., T_TOUCHED] = model.layers * touched / bandwidth
    weights = model.dense_params + model.head_params + model.expert_total
    t[..., T_STEP] = 30.0 * weights / job.batch / bandwidth
    _memory_terms(model, chip, k, t)
    _traffic_terms(model, chip, k, job, t)
    _shard_terms(model, chip, k, exchange, t)
    _stage_terms(model, chip, k, t)
    return t


def _matmul_terms(model: Named, chip: Named, k: Named, rate: Array, wide: Array, cast: Array, t: Array) -> None:
    bandwidth = chip.bandwidth * k.memory_efficiency
    tight = rate / chip.bandwidth / 300.0  # how hungry the matrix units are against an H100's in bf16
    pad = padding(model.grid_width, chip.tile)
    t[..., T_DENSE] = 6.0 * model.dense_params / rate * pad
    t[..., T_HEAD] = 6.0 * model.head_params / wide * pad
    t[..., T_NARROW] = k.narrow_width * tight / model.width
    t[..., T_WEIGHTS] = 6.0 * (model.dense_params + model.head_params) / bandwidth
    t[..., T_LAUNCH] = model.layers * 40.0 * k.launch_seconds
    has = np.where(model.experts > 1.0, 1.0, 0.0)
    picked = model.active_experts / model.experts
    t[..., T_PICKED], t[..., T_HALF_TILE] = picked, 0.5 * k.expert_row_tile
    grain = expert_grain(model, chip, k, tight) * k.expert_skew
    t[..., T_EXPERT] = has * 6.0 * model.expert_active / rate * grain
    t[..., T_EXPERT_WEIGHTS] = has * 6.0 * model.expert_total * picked / bandwidth
    ordered = model.expert_io * k.expert_permute_bytes + 6.0 * model.expert_width
    ordered = ordered + cast * (model.expert_io + model.expert_width) / 3.0
    t[..., T_ROUTED] = has * model.moe_layers * model.active_experts * 3.0 * ordered / bandwidth
    t[..., T_EXPERT_LAUNCH] = has * model.moe_layers * 40.0 * k.launch_seconds


def _memory_terms(model: Named, chip: Named, k: Named, t: Array) -> None:
    """What is kept for the backward pass: the inputs of every matmul."""
    routed = model.moe_layers * model.active_experts * (4.0 * model.expert_io + 3.0 * model.expert_width)
    kept = 2.0 * (model.layers * (8.0 * model.width + 3.0 * model.ffn_width) + routed)
    t[..., T_ROOM] = k.memory_share * chip.memory
    t[..., T_ACTIVATIONS] = kept
    t[..., T_RECOMPUTED] = kept - 2.0 * model.width * model.layers
    t[..., T_LAYERS] = model.layers
    t[..., T_LOGITS] = model.head_params / model.width
    t[..., T_HOST] = 2.0 / k.host_bandwidth
    t[..., T_STATE] = k.state_bytes


def _traffic_terms(model: Named, chip: Named, k: Named, job: Named, t: Array) -> None:
    near, nic = np.minimum(chip.domain, job.train_chips), chip.scale_out * k.nic_efficiency
    beside = np.where(chip.torus > 0.0, k.exposed_torus, 1.0)  # engines of their own move a torus's data
    away, fed = k.exposed_data / nic, job.batch / job.train_chips
    weights = model.dense_params + 2.0 * model.head_params + model.expert_total
    t[..., T_CHIPS], t[..., T_FED], t[..., T_LENGTH] = job.train_chips, fed, job.train_length
    t[..., T_NEAR], t[..., T_AWAY] = near, away
    t[..., T_NEIGHBOURS] = beside * k.exposed_data / link_rate(chip, k, near)
    t[..., T_CUT] = (model.kv_full + model.kv_local) * 12.0 * k.exposed_data / link_rate(chip, k, near)
    room = 18.0 * weights < 0.6 * near * chip.memory  # to keep what a node gathered
    t[..., T_KEPT] = np.where(room, away * 8.0 * (weights - model.head_params) / (fed * near), np.inf)
    t[..., T_BODY], t[..., T_HEAD_WEIGHTS] = model.dense_params + model.head_params, model.head_params
    t[..., T_EXPERTS] = model.expert_total
    t[..., T_MOST_TENSOR] = near
    t[..., T_MOST_EXPERT] = np.maximum(1.0, np.minimum(model.experts, job.train_chips))


def _shard_terms(model: Named, chip: Named, k: Named, exchange: Array, t: Array) -> None:
    """Traffic between the chips that share experts, and between those that share a layer."""
    often = k.exposed_expert * 4.0 * model.moe_layers
    beside = np.where(chip.torus > 0.0, k.exposed_torus, 1.0) * k.exposed_tensor * model.layers
    for power in range(EXPERT_DEGREES):
        degree = float(1 << power)
        t[..., T_EXCHANGE + power] = often * exchange[..., power] * 2.0 * model.expert_io
        t[..., T_EXCHANGE_LAG + power] = often * degree * latency(chip, k, degree) if power else 0.0
    for power in range(TENSOR_DEGREES):
        degree = float(1 << power)
        t[..., T_TENSOR + power] = beside * 16.0 * model.width * (degree - 1.0) / link_rate(chip, k, degree)
        t[..., T_TENSOR_LAG + power] = beside * 8.0 * degree * k.latency_up if power else 0.0


def _stage_terms(model: Named, chip: Named, k: Named, t: Array) -> None:
    nic = chip.scale_out * k.nic_efficiency
    t[..., T_HOP] = k.exposed_data * 4.0 * model.width * k.pipeline_interleave / nic
    t[..., T_LONGEST] = 0.5 * k.stage_imbalance / model.layers
    t[..., T_JITTER] = np.where(model.experts > 1.0, k.stage_jitter, 0.0)
    t[..., T_INTERLEAVE] = k.pipeline_interleave


@part
def training_split(t, tensor, expert, u):  # type: ignore[no-untyped-def]
    """Fills what the tensor and expert degrees, given by their doublings, decide of a layout."""
    shards, ranks = float(1 << tensor), float(1 << expert)
    spread, pool = 1.0 / max(ranks, shards), max(ranks / shards, 1.0)
    u[U_TENSOR], u[U_POOL] = shards, pool
    u[U_HELD] = (t[T_BODY] + t[T_HEAD_WEIGHTS]) / shards + t[T_EXPERTS] * spread
    u[U_SENT] = 6.0 * (t[T_BODY] / shards + t[T_EXPERTS] * spread) / t[T_FED]
    u[U_GATHERED] = 6.0 * (t[T_BODY] + t[T_EXPERTS] / pool)  # weights twice, gradients once
    u[U_EXCHANGE], u[U_EXCHANGE_LAG] = t[T_EXCHANGE + expert], t[T_EXCHANGE_LAG + expert] / pool
    u[U_REPEATED], u[U_LAG_REPEATED] = t[T_TENSOR + tensor], t[T_TENSOR_LAG + tensor]


@part
def training_stages(t, pipeline, sharded, u):  # type: ignore[no-untyped-def]
    """Fills the rest of a layout: weights sharded over all chips, or replicas cut into stages."""
    stages = float(1 << pipeline)
    u[U_PIPELINE], u[U_WAVES] = stages, t[T_FED] * u[U_TENSOR] * stages
    u[U_FIXED], u[U_LAG] = u[U_EXCHANGE], u[U_EXCHANGE_LAG]
    u[U_GATHER_ONCE], u[U_GATHER_ALWAYS] = 0.0, 0.0
    u[U_UNEVEN], u[U_BUBBLE] = 1.0, 0.0
    beyond = t[T_CHIPS] > t[T_NEAR]
    each = (t[T_BODY] + t[T_HEAD_WEIGHTS] + t[T_EXPERTS]) / t[T_CHIPS]
    if sharded > 0.0:
        u[U_LAG] += t[T_NEIGHBOURS] * u[U_GATHERED]
        if beyond:
            u[U_GATHER_ALWAYS] = t[T_AWAY] * u[U_GATHERED] * u[U_TENSOR] / t[T_NEAR]
            u[U_GATHER_ONCE] = t[T_KEPT]
        u[U_STATE] = 18.0 * each + 4.0 * u[U_HELD] / t[T_LAYERS]
        return
    moved = u[U_SENT] / stages
    u[U_FIXED] += moved * t[T_NEIGHBOURS]
    if beyond:
        u[U_FIXED] += moved * t[T_AWAY] / max(1.0, t[T_NEAR] / u[U_TENSOR])
    u[U_STATE] = t[T_STATE] * u[U_HELD] / stages + 12.0 * each
    if pipeline > 0:
        u[U_FIXED] += t[T_HOP] * stages / u[U_TENSOR]
        # the longest stage, and the slowest of several whose routed load varies
        u[U_UNEVEN] += t[T_LONGEST] * (stages - 1.0) + t[T_JITTER] * pipeline
        u[U_BUBBLE] = (stages - 1.0) / min(t[T_INTERLEAVE], max(1.0, t[T_LAYERS] / stages))


@inlined
def training_memory(t, u, tokens):  # type: ignore[no-untyped-def]
    """Bytes one chip holds, and how many of them recomputing every layer would save.

    Weights, gradients, optimiser state, and the activations of the microbatches in flight.
    """
    share = tokens / u[U_TENSOR]
    flying = min(1.0, t[T_FED] / share)  # microbatches in flight per stage
    kept = t[T_ACTIVATIONS] * (flying + 1.0 / t[T_LAYERS]) + t[T_LOGITS]
    return u[U_STATE] + share * kept, share * t[T_RECOMPUTED] * flying


@part
def training_sized(t, u, tokens, repeat, waves, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per token at `tokens` per microbatch.

    `repeat` is forward and backward passes of the matmuls over three, `waves` microbatches per stage and step. No
    kind falls with `repeat`, none rises with `tokens` or `waves`.
    """
    shorter = 1.0 / tokens
    flops = (t[T_DENSE] * repeat + t[T_HEAD]) * (1.0 + t[T_NARROW] * (0.75 + 0.25 * u[U_TENSOR]))
    launched = u[U_TENSOR] * shorter
    bubble = u[U_UNEVEN] * (1.0 + u[U_BUBBLE] / waves)
    dense = either(flops, t[T_WEIGHTS] * repeat * shorter) + t[T_LAUNCH] * launched * repeat
    seconds[DENSE] = bubble * dense
    seconds[EXPERT] = 0.0
    if t[T_EXPERT] > 0.0:
        rows = tokens * u[U_POOL] * t[T_PICKED]
        routed = either(t[T_EXPERT] * (1.0 + t[T_HALF_TILE] / rows), t[T_EXPERT_WEIGHTS] / (rows + 1.0))
        seconds[EXPERT] = bubble * ((routed + t[T_ROUTED]) * repeat + t[T_EXPERT_LAUNCH] * launched)
    seconds[ATTENTION] = bubble * t[T_SCORES] * (2.5 + repeat)
    seconds[MEMORY] = bubble * (t[T_TOUCHED] * repeat + t[T_STEP])
    moved = u[U_FIXED] + u[U_REPEATED] * repeat + (u[U_LAG] + u[U_LAG_REPEATED] * repeat) * shorter
    moved += min(u[U_GATHER_ONCE], u[U_GATHER_ALWAYS] * shorter)
    seconds[COLLECTIVE] = moved + t[T_CUT] * max(0.0, t[T_LENGTH] * shorter - 1.0)


@part
def training_seconds(t, u, tokens, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,); returns the bytes that do not fit in a chip's memory.

    As many layers are recomputed as memory asks for; what still does not fit is streamed from the host.
    """
    need, saved = training_memory(t, u, tokens)
    redone = min(1.0, max(0.0, need - t[T_ROOM]) / saved)
    over = max(0.0, need - saved - t[T_ROOM])
    training_sized(t, u, tokens, 1.0 + redone / 3.0, max(1.0, u[U_WAVES] / tokens), seconds)
    seconds[MEMORY] += over * u[U_TENSOR] * u[U_PIPELINE] * t[T_HOST] / tokens
    return over
