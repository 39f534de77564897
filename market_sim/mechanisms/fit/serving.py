"""Seconds per token of prefill and of decode under one plan, by kind of work.

A serving plan: `tensor` chips share one copy of the dense weights, `expert` chips share the experts (attention then
runs on replicas of the dense weights), `tokens` is prompt tokens per chunk (prefill) or sequences per group (decode).
"""

from market_sim.mechanisms.fit.layout import (
    A_ACTIVE,
    A_CONTEXT,
    A_DENSE,
    A_EXPERT_ACTIVE,
    A_EXPERT_IO,
    A_EXPERT_TOTAL,
    A_EXPERT_WIDTH,
    A_EXPERTS,
    A_FFN,
    A_HEAD,
    A_HEAD_DIM,
    A_KIND,
    A_KV_FULL,
    A_KV_HEADS,
    A_KV_LOCAL,
    A_LAYERS,
    A_MOE_LAYERS,
    A_SCORE_FULL,
    A_SCORE_LINEAR,
    A_SCORE_LOCAL,
    A_STATE,
    A_WIDTH,
    A_WINDOW,
    ATTENTION,
    C_BANDWIDTH,
    C_BF16,
    C_DOMAIN,
    C_MEMORY,
    C_SCALE_OUT,
    C_SUSTAINED,
    COLLECTIVE,
    DENSE,
    EXPERT,
    J_ANSWER,
    J_PROMPT,
    J_SERVE_DTYPE,
    J_STEP_LIMIT,
    K_DECODE_LAUNCH,
    K_DECODE_STEP,
    K_ELEMENTWISE,
    K_HOST,
    K_KV_BYTES,
    K_LATENCY_OUT,
    K_LATENCY_UP,
    K_MEMORY,
    K_MEMORY_SHARE,
    K_NARROW,
    K_NIC,
    K_PERMUTE,
    K_ROW_TILE,
    K_SERVE,
    K_SERVE_EXPERT,
    MEMORY,
    P_EXPERT,
    P_TENSOR,
    P_TOKENS,
)
from market_sim.mechanisms.fit.roofline import (
    attention_rate,
    either,
    exchange_seconds,
    expert_pieces,
    link_rate,
    matmul_rate,
    weight_bytes,
)
from market_sim.numerics import part


@part
def cached_bytes(a, k, length, replication):  # type: ignore[no-untyped-def]
    """Bytes of keys, values and recurrent state one sequence of `length` tokens holds across its group."""
    kept = a[A_KV_FULL] * length + a[A_KV_LOCAL] * min(length, a[A_WINDOW])
    return k[K_KV_BYTES] * kept * replication + 2.0 * a[A_STATE]


@part
def serving_collectives(a, c, k, plan, tokens):  # type: ignore[no-untyped-def]
    """Chip-seconds per token of one forward pass over `tokens` tokens in a group."""
    tensor = plan[P_TENSOR]
    group = max(tensor, plan[P_EXPERT])
    seconds = 0.0
    if tensor > 1.0:
        inside = tensor <= c[C_DOMAIN]
        rate = link_rate(c, k, tensor) if inside else c[C_SCALE_OUT] * k[K_NIC]
        lag = k[K_LATENCY_UP] if inside else k[K_LATENCY_OUT]
        moved = 8.0 * a[A_WIDTH] * (tensor - 1.0) / rate
        seconds += a[A_LAYERS] * (moved + 2.0 * lag * group / tokens)
    if plan[P_EXPERT] > 1.0:
        lag = k[K_LATENCY_UP] if plan[P_EXPERT] <= c[C_DOMAIN] else k[K_LATENCY_OUT]
        sent = 1.5 * exchange_seconds(c, k, plan[P_EXPERT], a[A_ACTIVE], a[A_EXPERT_IO] * 2.0)
        seconds += a[A_MOE_LAYERS] * (sent + 2.0 * lag * group / tokens)
    return seconds


@part
def forward_matmuls(a, c, k, dtype, plan, tokens, seconds):  # type: ignore[no-untyped-def]
    """Fills dense, expert and elementwise chip-seconds per token of one forward pass over `tokens` in a group."""
    tensor = plan[P_TENSOR]
    group = max(tensor, plan[P_EXPERT])
    wide = c[C_BF16] * c[C_SUSTAINED] * k[K_SERVE]
    rate = matmul_rate(c, k, dtype) * c[C_SUSTAINED] * k[K_SERVE]
    held = weight_bytes(c, dtype)
    bandwidth = c[C_BANDWIDTH] * k[K_MEMORY]
    tight = rate / c[C_BANDWIDTH] / 300.0
    shard = a[A_WIDTH] / (1.0 + (tensor - 1.0) * 0.25)
    flops = 2.0 * a[A_DENSE] / rate * (1.0 + k[K_NARROW] * tight / shard) + 2.0 * a[A_HEAD] / wide
    copies = group / tensor
    read = copies * (held * a[A_DENSE] + 2.0 * a[A_HEAD]) / tokens / bandwidth
    seconds[DENSE] = either(flops, read)
    seconds[EXPERT] = 0.0
    if a[A_EXPERTS] > 1.0:
        rows = tokens * a[A_ACTIVE] / a[A_EXPERTS]
        grain = expert_pieces(a, c, k, max(rows, 0.5 * k[K_ROW_TILE]), tight)
        touched = rows / (rows + 0.5)
        work = 2.0 * a[A_EXPERT_ACTIVE] / rate * grain
        seconds[EXPERT] = either(work, held * a[A_EXPERT_TOTAL] * touched / tokens / bandwidth)
        routed = a[A_EXPERT_IO] * k[K_PERMUTE] + 6.0 * a[A_EXPERT_WIDTH]
        seconds[EXPERT] += a[A_MOE_LAYERS] * a[A_ACTIVE] * routed / bandwidth
        seconds[EXPERT] /= k[K_SERVE_EXPERT]
    touched_bytes = a[A_LAYERS] * (20.0 * a[A_WIDTH] + 6.0 * a[A_FFN]) * k[K_ELEMENTWISE]
    seconds[MEMORY] = touched_bytes / bandwidth


@part
def prefill_seconds(a, c, k, j, plan, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per prompt token; returns the bytes that do not fit."""
    dtype = j[J_SERVE_DTYPE]
    tensor, tokens = plan[P_TENSOR], plan[P_TOKENS]
    group = max(tensor, plan[P_EXPERT])
    forward_matmuls(a, c, k, dtype, plan, tokens, seconds)
    length = max(1.0, j[J_PROMPT] * a[A_CONTEXT])
    seen = min(a[A_WINDOW], 0.5 * length)
    scored = a[A_SCORE_FULL] * 0.5 * length + a[A_SCORE_LOCAL] * seen + a[A_SCORE_LINEAR]
    reach = attention_rate(c, k, a[A_KIND], a[A_HEAD_DIM])
    seconds[ATTENTION] = scored / (c[C_BF16] * c[C_SUSTAINED] * k[K_SERVE] * reach)
    seconds[COLLECTIVE] = serving_collectives(a, c, k, plan, tokens)
    held = weight_bytes(c, dtype)
    need = held * (a[A_DENSE] / tensor + a[A_EXPERT_TOTAL] / group) + 4.0 * a[A_HEAD] / tensor
    over = max(0.0, need - k[K_MEMORY_SHARE] * c[C_MEMORY])
    seconds[MEMORY] += over * group / (tokens * k[K_HOST])
    return over


@part
def decode_memory(a, c, k, j, plan):  # type: ignore[no-untyped-def]
    """Bytes one chip holds while decoding: its part of the weights, and the caches of its sequences."""
    tensor = plan[P_TENSOR]
    group = max(tensor, plan[P_EXPERT])
    length = max(1.0, (j[J_PROMPT] + 0.5 * j[J_ANSWER]) * a[A_CONTEXT])
    cached = cached_bytes(a, k, length, max(1.0, tensor / max(a[A_KV_HEADS], 1.0)))
    held = weight_bytes(c, j[J_SERVE_DTYPE])
    weights = held * (a[A_DENSE] / tensor + a[A_EXPERT_TOTAL] / group) + 4.0 * a[A_HEAD] / tensor
    return weights + plan[P_TOKENS] / group * cached


@part
def decode_seconds(a, c, k, j, plan, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per token generated; returns the bytes that do not fit."""
    dtype = j[J_SERVE_DTYPE]
    tensor, batch = plan[P_TENSOR], plan[P_TOKENS]
    group = max(tensor, plan[P_EXPERT])
    forward_matmuls(a, c, k, dtype, plan, batch, seconds)
    length = max(1.0, (j[J_PROMPT] + 0.5 * j[J_ANSWER]) * a[A_CONTEXT])
    replication = max(1.0, tensor / max(a[A_KV_HEADS], 1.0))
    cached = cached_bytes(a, k, length, replication)
    scored = a[A_SCORE_FULL] * length + a[A_SCORE_LOCAL] * min(length, a[A_WINDOW]) + a[A_SCORE_LINEAR]
    reach = attention_rate(c, k, a[A_KIND], a[A_HEAD_DIM])
    work = scored / (c[C_BF16] * c[C_SUSTAINED] * k[K_SERVE] * reach)
    seconds[ATTENTION] = either(work, cached / (c[C_BANDWIDTH] * k[K_MEMORY]))
    launches = (a[A_LAYERS] + a[A_MOE_LAYERS]) * k[K_DECODE_LAUNCH] + k[K_DECODE_STEP]
    seconds[MEMORY] += launches * group / batch
    seconds[COLLECTIVE] = serving_collectives(a, c, k, plan, batch)
    over = max(0.0, decode_memory(a, c, k, j, plan) - k[K_MEMORY_SHARE] * c[C_MEMORY])
    seconds[MEMORY] += 2.0 * over * group / (batch * k[K_HOST])
    step = 0.0
    for kind in range(5):
        step += seconds[kind]
    late = step * batch / group / j[J_STEP_LIMIT]
    if late > 1.0:  # a step too slow for its users is no plan worth having
        seconds[MEMORY] += step * (late - 1.0)
    return over
