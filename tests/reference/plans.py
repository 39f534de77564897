"""Every plan of the compute fit tried in turn, in plain Python: no bound, no term worked out beforehand.

`m`, `c`, `k` and `j` hold the numbers of one architecture, chip, set of constants and job by name.
"""

from collections.abc import Iterator
from math import ceil, inf, log2, sqrt
from types import SimpleNamespace as Named

DEGREES = {"tensor": (1, 2, 4, 8, 16), "pipeline": (1, 2, 4, 8, 16, 32), "expert": (1, 2, 4, 8, 16, 32, 64)}
TOKENS = (2048, 4096, 8192, 16384, 32768, 65536)
CHUNK = 32768.0
Tried = tuple[dict[str, float], list[float], float]
"""A plan, its chip-seconds per token by kind, and the bytes per chip that do not fit."""


def either(x: float, y: float) -> float:
    return sqrt(sqrt(x**4 + y**4))


def rate(c: Named, k: Named, dtype: float) -> float:
    formats = {
        0: [c.peak_bf16],
        1: [c.peak_bf16, c.peak_fp8 * k.fp8_efficiency],
        2: [c.peak_bf16, c.peak_fp8 * k.fp8_efficiency, c.peak_fp4 * k.fp4_efficiency],
        3: [c.peak_bf16, c.peak_int8 * k.int8_efficiency],
    }
    return max(formats[int(dtype)]) * c.sustained


def padded(size: float, tile: float) -> float:
    return ceil(size / tile) * tile / size


def links(c: Named, k: Named, group: float) -> float:
    speed = c.scale_up * k.link_efficiency
    if c.torus > 0 and group <= {2: 16, 3: 64}[int(c.torus)]:
        return speed / c.torus
    return speed * meshed(c, group)


def meshed(c: Named, group: float) -> float:
    return min(1.0, max(group - 1, 1) / (c.domain - 1)) if c.torus < 0 and c.domain > 1 else 1.0


def exchanged(m: Named, c: Named, k: Named, ranks: float) -> float:
    """Seconds per byte from a token to its experts."""
    if ranks == 1:
        return 0.0
    inside = min(ranks, c.domain)
    nodes = max(ranks / inside, 1.0)
    hops = {0: 1.0, -1: 1.0, 2: max(1.0, sqrt(inside) / 2), 3: max(1.0, inside**0.25 * 0.75)}[int(c.torus)]
    speed = c.scale_up * k.link_efficiency / hops * meshed(c, inside)

    def met(places: float) -> float:
        return (places - 1) * (1 - (1 - 1 / places) ** int(m.active_experts))

    nic = c.scale_out * k.nic_efficiency
    return min(met(inside) / speed + met(nodes) / nic, met(ranks) / nic)


def core(m: Named, c: Named, k: Named) -> float:
    """Share of matmul speed in attention."""
    kinds = ("window", "latent", "sparse", "sink", "recurrent", "bias")
    share = k.attention_ratio * (128 + k.softmax_dims) / 128 * m.head_dim / (m.head_dim + k.softmax_dims)
    if c.torus > 0 and m.head_dim < c.tile:
        share /= 1 + k.head_fill * (c.tile / m.head_dim - 1)
    return share * (getattr(k, f"attention_{kinds[int(m.attention_kind) - 1]}") if m.attention_kind else 1.0)


def expert_grain(m: Named, c: Named, k: Named, tight: float) -> float:
    slim = (0.5 / m.expert_width + 0.5 / m.expert_io) * (c.tile / 128) ** 0.25
    return (1 + k.narrow_expert * tight * slim) * padded(m.grid_io, c.tile) * padded(m.grid_expert, c.tile)


def training(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float]) -> tuple[list[float], float, float]:
    """Chip-seconds per token by kind, bytes that do not fit, and the share of layers recomputed."""
    tensor, stages, ranks, tokens = plan["tensor"], plan["pipeline"], plan["expert"], plan["size"]
    need, saved = training_memory(m, c, k, j, plan)
    room = k.memory_share * c.memory
    redone, over = min(1.0, max(0.0, need - room) / saved), max(0.0, need - saved - room)
    repeat, pool = 1 + redone / 3, tokens * max(ranks / tensor, 1)
    speed, wide, bandwidth = rate(c, k, j.train_dtype), c.peak_bf16 * c.sustained, c.bandwidth * k.memory_efficiency
    cast, tight = k.cast_bytes * (speed > wide * 1.001), speed / c.bandwidth / 300
    grain = (1 + k.narrow_width * tight * (1 + (tensor - 1) / 4) / m.width) * padded(m.grid_width, c.tile)
    flops = (6 * m.dense_params * repeat / speed + 6 * m.head_params / wide) * grain
    dense = either(flops, 6 * (m.dense_params + m.head_params) * repeat / tokens / bandwidth)
    dense += m.layers * 40 * k.launch_seconds * tensor / tokens * repeat
    experts = 0.0
    if m.experts > 1:
        rows = pool * m.active_experts / m.experts
        work = 6 * m.expert_active * repeat / speed * expert_grain(m, c, k, tight) * k.expert_skew
        read = 6 * m.expert_total * rows / (rows + 1) * repeat / pool / bandwidth
        ordered = m.expert_io * k.expert_permute_bytes + 6 * m.expert_width
        ordered += cast * (m.expert_io + m.expert_width) / 3
        experts = either(work * (1 + k.expert_row_tile / 2 / rows), read)
        experts += m.moe_layers * m.active_experts * 3 * ordered * repeat / bandwidth
        experts += m.moe_layers * 40 * k.launch_seconds * tensor / tokens
    length = j.train_length * m.context_scale
    scored = m.score_full * length / 2 + m.score_local * min(m.window, length / 2) + m.score_linear
    touched = (60 * m.width + 18 * m.ffn_width) * k.elementwise_bytes + cast * (4 * m.width + m.ffn_width)
    memory = m.layers * touched * repeat / bandwidth
    memory += 30 * (m.dense_params + m.head_params + m.expert_total) / j.batch / bandwidth
    waves = max(1.0, j.batch * tensor * stages / (j.train_chips * tokens))
    uneven = 1 + k.stage_imbalance / 2 * (stages - 1) / m.layers + k.stage_jitter * log2(stages) * (m.experts > 1)
    bubble = uneven * (1 + (stages - 1) / (waves * min(k.pipeline_interleave, max(1.0, m.layers / stages))))
    parts = [dense, experts, scored * (2.5 + repeat) / (wide * core(m, c, k)), memory]
    seconds = [bubble * part for part in parts] + [traffic(m, c, k, j, plan, repeat)]
    seconds[3] += 2 * over * tensor * stages / (tokens * k.host_bandwidth)
    return seconds, over, redone


def training_memory(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float]) -> tuple[float, float]:
    tensor, tokens = plan["tensor"], plan["size"]
    dense = m.dense_params + 2 * m.head_params
    held = dense / tensor + m.expert_total / max(plan["expert"], tensor)
    every = (dense + m.expert_total) / j.train_chips
    state = (
        18 * every + 4 * held / m.layers if plan["sharded"] else k.state_bytes * held / plan["pipeline"] + 12 * every
    )
    routed = m.moe_layers * m.active_experts * (4 * m.expert_io + 3 * m.expert_width)
    whole = 2 * (m.layers * (8 * m.width + 3 * m.ffn_width) + routed)
    flying = min(1.0, j.batch * tensor / (j.train_chips * tokens))
    kept = whole * (flying + 1 / m.layers) + m.head_params / m.width
    return state + tokens / tensor * kept, tokens / tensor * (whole - 2 * m.width * m.layers) * flying


def traffic(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float], repeat: float) -> float:
    tensor, stages, ranks, tokens = plan["tensor"], plan["pipeline"], plan["expert"], plan["size"]
    nic, near, chips = c.scale_out * k.nic_efficiency, min(c.domain, j.train_chips), j.train_chips
    beside = k.exposed_torus if c.torus > 0 else 1.0
    pool = tokens * max(ranks / tensor, 1)
    seconds = k.exposed_data * (m.kv_full + m.kv_local) * 12 * max(0.0, j.train_length / tokens - 1) / links(c, k, near)
    if tensor > 1:
        moved = 16 * m.width * (tensor - 1) / links(c, k, tensor) + 8 * tensor * k.latency_up / tokens
        seconds += beside * k.exposed_tensor * m.layers * moved * repeat
    if ranks > 1:
        lag = ranks * (k.latency_up if ranks <= c.domain else k.latency_out) / pool
        seconds += k.exposed_expert * m.moe_layers * 4 * (exchanged(m, c, k, ranks) * 2 * m.expert_io + lag)
    dense = m.dense_params + m.head_params
    if plan["sharded"]:
        gathered = 6 * (dense / tokens + m.expert_total / pool)
        seconds += beside * k.exposed_data * gathered / links(c, k, near)
        if chips > near:
            fits = 18 * (dense + m.head_params + m.expert_total) < 0.6 * near * c.memory
            once = 8 * (dense + m.expert_total) * chips / (near * j.batch) if fits else inf
            seconds += k.exposed_data * min(once, gathered * tensor / near) / nic
    else:
        moved = 6 * (dense / tensor + m.expert_total / max(ranks, tensor)) / stages * chips / j.batch
        away = moved / max(1.0, near / tensor) / nic if chips > near else 0.0
        seconds += k.exposed_data * (beside * moved / links(c, k, near) + away)
    if stages > 1:
        seconds += k.exposed_data * 4 * m.width * stages * k.pipeline_interleave / (tensor * nic)
    return seconds


def forward(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float], tokens: float) -> tuple[list[float], float]:
    """Dense, expert, attention (0), memory and traffic seconds per token of a pass, and bytes of weights per chip."""
    tensor, ranks = plan["tensor"], plan["expert"]
    group = max(tensor, ranks)
    speed, wide = rate(c, k, j.serve_dtype) * k.serve_efficiency, c.peak_bf16 * c.sustained * k.serve_efficiency
    bandwidth, each = c.bandwidth * k.memory_efficiency, (2.0, 1.0, 0.55, 1.0)[int(j.serve_dtype)]
    tight = speed / c.bandwidth / 300
    flops = 2 * m.dense_params / speed * (1 + k.narrow_width * tight * (1 + (tensor - 1) / 4) / m.width)
    read = group / tensor * (each * m.dense_params + 2 * m.head_params) / tokens / bandwidth
    dense, experts = either(flops + 2 * m.head_params / wide, read), 0.0
    if m.experts > 1:
        rows = tokens * m.active_experts / m.experts
        padding = 1 + k.expert_row_tile / 2 / max(rows, k.expert_row_tile / 2)
        work = 2 * m.expert_active / speed * expert_grain(m, c, k, tight) * padding
        experts = either(work, each * m.expert_total * rows / (rows + 1) / tokens / bandwidth)
        ordered = m.expert_io * k.expert_permute_bytes + 6 * m.expert_width
        experts = (experts + m.moe_layers * m.active_experts * ordered / bandwidth) / k.serve_expert
    moved = 0.0
    if tensor > 1:
        near = tensor <= c.domain
        sent = 8 * m.width * (tensor - 1) / (links(c, k, tensor) if near else c.scale_out * k.nic_efficiency)
        moved += m.layers * (sent + 2 * (k.latency_up if near else k.latency_out) * group / tokens)
    if ranks > 1:
        lag = k.latency_up if ranks <= c.domain else k.latency_out
        moved += m.moe_layers * (3 * m.expert_io * exchanged(m, c, k, ranks) + 2 * lag * group / tokens)
    touched = m.layers * (20 * m.width + 6 * m.ffn_width) * k.elementwise_bytes / bandwidth
    held = each * (m.dense_params / tensor + m.expert_total / group) + 4 * m.head_params / tensor
    return [dense, experts, 0.0, touched, moved], held


def prefill(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float]) -> tuple[list[float], float]:
    seconds, held = forward(m, c, k, j, plan, CHUNK)
    seen = 0.5 * max(1.0, j.prompt * m.context_scale)
    scored = m.score_full * seen + m.score_local * min(m.window, seen) + m.score_linear
    seconds[2] = scored / (c.peak_bf16 * c.sustained * k.serve_efficiency * core(m, c, k))
    over = max(0.0, held - k.memory_share * c.memory)
    seconds[3] += over * max(plan["tensor"], plan["expert"]) / (CHUNK * k.host_bandwidth)
    return seconds, over


def decode(m: Named, c: Named, k: Named, j: Named, plan: dict[str, float]) -> tuple[list[float], float]:
    group = max(plan["tensor"], plan["expert"])
    length = max(1.0, (j.prompt + j.answer / 2) * m.context_scale)
    copies = max(1.0, plan["tensor"] / max(m.kv_heads, 1.0))
    cached = k.kv_bytes * (m.kv_full * length + m.kv_local * min(length, m.window)) * copies + 2 * m.state
    scored = m.score_full * length + m.score_local * min(length, m.window) + m.score_linear
    work = scored / (c.peak_bf16 * c.sustained * k.serve_efficiency * core(m, c, k))
    room, wanted = k.memory_share * c.memory, max(j.concurrency, 1 / j.serve_chips)

    def step(batch: float) -> tuple[list[float], float, float]:
        seconds, held = forward(m, c, k, j, plan, batch)
        seconds[2] = either(work, cached / (c.bandwidth * k.memory_efficiency))
        over = max(0.0, held + cached * batch / group - room)
        launches = (m.layers + m.moe_layers) * k.decode_launch + k.decode_step_overhead
        seconds[3] += (launches + 2 * over / k.host_bandwidth) * group / batch
        return seconds, sum(seconds) * batch / group, over

    _, alone, streamed = step(1.0)
    patience = max(j.step_limit, 2 * (alone - 2 * streamed / k.host_bandwidth))
    _, held = forward(m, c, k, j, plan, 1.0)
    batch = max(1.0, group * min(wanted, max(1.0, (room - held) / cached)))
    if step(batch)[1] > patience:
        batch, most = 1.0, max(1.0, group * wanted)
        for _ in range(12):
            middle = sqrt(batch * most)
            batch, most = (batch, middle) if step(middle)[1] > patience else (middle, most)
    seconds, _, over = step(batch)
    slow = patience / j.step_limit * max(1.0, 1 / (wanted * group))
    return [part * slow for part in seconds], over


def layouts(m: Named, c: Named, j: Named, chips: float) -> Iterator[tuple[int, int]]:
    """Tensor and expert degrees that fit the chips; a layer is cut no finer than its experts are spread."""
    for tensor in DEGREES["tensor"]:
        for expert in DEGREES["expert"]:
            if max(tensor, expert) <= chips and (expert == 1 or tensor <= expert <= m.experts):
                yield tensor, expert


def every_training_plan(
    m: Named, c: Named, k: Named, j: Named
) -> Iterator[tuple[dict[str, float], list[float], float]]:
    """Of every layout all legal sizes."""
    least = max(2048, min(j.train_length, 16384))
    fewest = min(size for size in TOKENS if size >= least)
    for tensor, expert in layouts(m, c, j, j.train_chips):
        if tensor > 1 and tensor > c.domain:
            continue
        for sharded, pipeline in [(1, 1), *((0, stages) for stages in DEGREES["pipeline"])]:
            if max(tensor, expert) * pipeline > j.train_chips:
                continue
            for size in (tokens for tokens in TOKENS if tokens >= least):
                plan = {"tensor": tensor, "pipeline": pipeline, "expert": expert, "size": size, "sharded": sharded}
                fed = j.batch * tensor * pipeline / j.train_chips
                seconds, over, redone = training(m, c, k, j, plan)
                if (size <= fed or (size == fewest and pipeline == 1)) and (size == fewest or redone == 0):
                    yield plan, seconds, over


def every_serving_plan(m: Named, c: Named, k: Named, j: Named, decoding: bool) -> Iterator[Tried]:
    for tensor, expert in layouts(m, c, j, j.serve_chips):
        plan = {"tensor": tensor, "pipeline": 1, "expert": expert, "size": 0, "sharded": 0}
        yield plan, *(decode if decoding else prefill)(m, c, k, j, plan)
