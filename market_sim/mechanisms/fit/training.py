"""Seconds per token of training under one plan, by kind of work.

Every term is chip-seconds per token: work that the chips of a job share evenly does not depend on how it is cut,
so the plan enters only through what it adds (traffic, bubbles, recomputation) and through the size of the pieces.
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
    A_GRID_WIDTH,
    A_HEAD,
    A_HEAD_DIM,
    A_KIND,
    A_KV_FULL,
    A_KV_LOCAL,
    A_LAYERS,
    A_MOE_LAYERS,
    A_SCORE_FULL,
    A_SCORE_LINEAR,
    A_SCORE_LOCAL,
    A_WIDTH,
    A_WINDOW,
    ATTENTION,
    C_BANDWIDTH,
    C_BF16,
    C_DOMAIN,
    C_MEMORY,
    C_SCALE_OUT,
    C_SUSTAINED,
    C_TILE,
    C_TORUS,
    COLLECTIVE,
    DENSE,
    EXPERT,
    J_BATCH,
    J_CHIPS,
    J_LENGTH,
    J_TRAIN_DTYPE,
    K_CAST,
    K_ELEMENTWISE,
    K_EXPOSED_DATA,
    K_EXPOSED_EXPERT,
    K_EXPOSED_TENSOR,
    K_EXPOSED_TORUS,
    K_HOST,
    K_IMBALANCE,
    K_INTERLEAVE,
    K_JITTER,
    K_LATENCY_OUT,
    K_LATENCY_UP,
    K_LAUNCH,
    K_MEMORY,
    K_MEMORY_SHARE,
    K_NARROW,
    K_NIC,
    K_PERMUTE,
    K_SKEW,
    K_STATE,
    MEMORY,
    P_EXPERT,
    P_PIPELINE,
    P_SHARDED,
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
    padding,
)
from market_sim.numerics import part


@part
def activation_bytes(a):  # type: ignore[no-untyped-def]
    """Bytes kept per token for the backward pass, all layers: the inputs of every matmul."""
    routed = a[A_MOE_LAYERS] * a[A_ACTIVE] * (4.0 * a[A_EXPERT_IO] + 3.0 * a[A_EXPERT_WIDTH])
    return 2.0 * (a[A_LAYERS] * (8.0 * a[A_WIDTH] + 3.0 * a[A_FFN]) + routed)


@part
def training_memory(a, k, j, plan):  # type: ignore[no-untyped-def]
    """Bytes one chip holds, and how many of them recomputing every layer would save.

    Weights, gradients, optimiser state, and the activations of the microbatches in flight.
    """
    tensor, pipeline, tokens = plan[P_TENSOR], plan[P_PIPELINE], plan[P_TOKENS]
    dense = a[A_DENSE] + 2.0 * a[A_HEAD]
    spread = max(plan[P_EXPERT], tensor)
    if plan[P_SHARDED] > 0.0:
        state = 18.0 * (dense + a[A_EXPERT_TOTAL]) / j[J_CHIPS]
        state += 4.0 * (dense / tensor + a[A_EXPERT_TOTAL] / spread) / a[A_LAYERS]
    else:
        held = (dense / tensor + a[A_EXPERT_TOTAL] / spread) / pipeline
        state = k[K_STATE] * held + 12.0 * (dense + a[A_EXPERT_TOTAL]) / j[J_CHIPS]
    waves = min(1.0, j[J_BATCH] * tensor / (j[J_CHIPS] * tokens))  # microbatches in flight per stage
    whole = activation_bytes(a)
    kept = whole * (waves + 1.0 / a[A_LAYERS]) + a[A_HEAD] / a[A_WIDTH]
    saved = (whole - 2.0 * a[A_WIDTH] * a[A_LAYERS]) * waves
    return state + tokens / tensor * kept, tokens / tensor * saved


@part
def training_collectives(a, c, k, j, plan, repeat):  # type: ignore[no-untyped-def]
    """Chip-seconds per token that traffic between chips leaves exposed."""
    tensor, tokens, chips = plan[P_TENSOR], plan[P_TOKENS], j[J_CHIPS]
    pool = tokens * max(plan[P_EXPERT] / tensor, 1.0)
    seconds = 0.0
    beside = k[K_EXPOSED_TORUS] if c[C_TORUS] > 0.0 else 1.0  # engines of their own move a torus's data
    if tensor > 1.0:
        inside = link_rate(c, k, tensor) if tensor <= c[C_DOMAIN] else c[C_SCALE_OUT] * k[K_NIC]
        moved = 16.0 * a[A_WIDTH] * (tensor - 1.0) / inside + 8.0 * tensor * k[K_LATENCY_UP] / tokens
        seconds += beside * k[K_EXPOSED_TENSOR] * a[A_LAYERS] * moved * repeat
    if tokens < j[J_LENGTH]:  # a sequence cut over chips passes its keys and values round
        cut = (a[A_KV_FULL] + a[A_KV_LOCAL]) * 12.0 * (j[J_LENGTH] / tokens - 1.0)
        seconds += k[K_EXPOSED_DATA] * cut / link_rate(c, k, tensor * j[J_LENGTH] / tokens)
    if plan[P_EXPERT] > 1.0:
        message = 2.0 * a[A_EXPERT_IO]
        lag = k[K_LATENCY_UP] if plan[P_EXPERT] <= c[C_DOMAIN] else k[K_LATENCY_OUT]
        sent = exchange_seconds(c, k, plan[P_EXPERT], a[A_ACTIVE], message) + plan[P_EXPERT] * lag / pool
        seconds += k[K_EXPOSED_EXPERT] * a[A_MOE_LAYERS] * 4.0 * sent
    near = min(c[C_DOMAIN], chips)
    dense = a[A_DENSE] + a[A_HEAD]
    spread = max(plan[P_EXPERT], tensor)
    if plan[P_SHARDED] > 0.0:  # weights gathered twice and gradients scattered once, each microbatch
        gathered = 6.0 * (dense / tokens + a[A_EXPERT_TOTAL] / pool)
        seconds += beside * k[K_EXPOSED_DATA] * gathered / link_rate(c, k, near)
        if chips > near:
            within = 18.0 * (a[A_DENSE] + 2.0 * a[A_HEAD] + a[A_EXPERT_TOTAL]) < 0.6 * near * c[C_MEMORY]
            once = 8.0 * (dense + a[A_EXPERT_TOTAL]) * chips / (near * j[J_BATCH])
            always = gathered * tensor / near
            outside = min(once, always) if within else always
            seconds += k[K_EXPOSED_DATA] * outside / (c[C_SCALE_OUT] * k[K_NIC])
    else:
        held = (dense / tensor + a[A_EXPERT_TOTAL] / spread) / plan[P_PIPELINE]
        moved = 6.0 * held * chips / j[J_BATCH]
        replicas = max(1.0, near / (tensor * 1.0))
        slow = moved / replicas / (c[C_SCALE_OUT] * k[K_NIC]) if chips > near else 0.0
        seconds += k[K_EXPOSED_DATA] * (beside * moved / link_rate(c, k, near) + slow)
    if plan[P_PIPELINE] > 1.0:
        hops = 4.0 * a[A_WIDTH] * plan[P_PIPELINE] * k[K_INTERLEAVE]
        seconds += k[K_EXPOSED_DATA] * hops / (tensor * c[C_SCALE_OUT] * k[K_NIC])
    return seconds


@part
def training_seconds(a, c, k, j, plan, seconds):  # type: ignore[no-untyped-def]
    """Fills `seconds` (kind,) with chip-seconds per token; returns the bytes that do not fit in a chip's memory."""
    tensor, tokens = plan[P_TENSOR], plan[P_TOKENS]
    dtype = j[J_TRAIN_DTYPE]
    need, saved = training_memory(a, k, j, plan)
    room = k[K_MEMORY_SHARE] * c[C_MEMORY]
    redone = min(1.0, max(0.0, need - room) / saved)  # as many layers are recomputed as memory asks for
    over = max(0.0, need - saved - room)
    repeat = 1.0 + redone / 3.0
    rate = matmul_rate(c, k, dtype) * c[C_SUSTAINED]
    wide = c[C_BF16] * c[C_SUSTAINED]
    narrow = rate > wide * 1.001
    bandwidth = c[C_BANDWIDTH] * k[K_MEMORY]
    tight = rate / c[C_BANDWIDTH] / 300.0  # how hungry the matrix units are against an H100's in bf16
    shard = a[A_WIDTH] / (1.0 + (tensor - 1.0) * 0.25)

    grain = (1.0 + k[K_NARROW] * tight / shard) * padding(a[A_GRID_WIDTH], c[C_TILE])
    flops = 6.0 * a[A_DENSE] * repeat / rate + 6.0 * a[A_HEAD] / wide
    dense = either(flops * grain, 6.0 * (a[A_DENSE] + a[A_HEAD]) * repeat / tokens / bandwidth)
    launches = a[A_LAYERS] * 40.0 * k[K_LAUNCH] * tensor / tokens
    seconds[DENSE] = dense + launches * repeat

    seconds[EXPERT] = 0.0
    if a[A_EXPERTS] > 1.0:
        pool = tokens * max(plan[P_EXPERT] / tensor, 1.0)
        rows = pool * a[A_ACTIVE] / a[A_EXPERTS]
        work = 6.0 * a[A_EXPERT_ACTIVE] * repeat / rate * expert_pieces(a, c, k, rows, tight) * k[K_SKEW]
        touched = rows / (rows + 1.0)
        seconds[EXPERT] = either(work, 6.0 * a[A_EXPERT_TOTAL] * touched * repeat / pool / bandwidth)
        routed = a[A_EXPERT_IO] * k[K_PERMUTE] + 6.0 * a[A_EXPERT_WIDTH]
        if narrow:
            routed += k[K_CAST] * (a[A_EXPERT_IO] + a[A_EXPERT_WIDTH]) / 3.0
        seconds[EXPERT] += a[A_MOE_LAYERS] * a[A_ACTIVE] * 3.0 * routed * repeat / bandwidth
        seconds[EXPERT] += a[A_MOE_LAYERS] * 40.0 * k[K_LAUNCH] * tensor / tokens

    length = j[J_LENGTH] * a[A_CONTEXT]
    seen = min(a[A_WINDOW], 0.5 * length)
    scored = (a[A_SCORE_FULL] * 0.5 * length + a[A_SCORE_LOCAL] * seen + a[A_SCORE_LINEAR]) * (2.5 + repeat)
    reach = attention_rate(c, k, a[A_KIND], a[A_HEAD_DIM])
    seconds[ATTENTION] = scored / (wide * reach)

    touched_bytes = a[A_LAYERS] * (60.0 * a[A_WIDTH] + 18.0 * a[A_FFN]) * k[K_ELEMENTWISE]
    if narrow:
        touched_bytes += k[K_CAST] * a[A_LAYERS] * (4.0 * a[A_WIDTH] + a[A_FFN])
    total = a[A_DENSE] + a[A_HEAD] + a[A_EXPERT_TOTAL]
    seconds[MEMORY] = (touched_bytes * repeat + 30.0 * total / j[J_BATCH]) / bandwidth

    stages = plan[P_PIPELINE]
    waves = max(1.0, j[J_BATCH] * tensor * stages / (j[J_CHIPS] * tokens))
    uneven = 1.0 + 0.5 * k[K_IMBALANCE] * (stages - 1.0) / a[A_LAYERS]
    if a[A_EXPERTS] > 1.0:  # the slowest of several stages whose routed load varies
        halved = stages
        while halved > 1.0:
            uneven += k[K_JITTER]
            halved *= 0.5
    bubble = uneven * (1.0 + (stages - 1.0) / (waves * min(k[K_INTERLEAVE], max(1.0, a[A_LAYERS] / stages))))
    for kind in range(4):
        seconds[kind] *= bubble
    seconds[COLLECTIVE] = training_collectives(a, c, k, j, plan, repeat)
    seconds[MEMORY] += 2.0 * over * tensor * stages / (tokens * k[K_HOST])
    return over
