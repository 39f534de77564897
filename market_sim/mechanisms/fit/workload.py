"""From the tables to the flat vectors of the kernels: what an architecture asks for, what a chip offers, the job."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.mechanisms.fit.layout import ARCHITECTURE, CHIP, CONSTANTS, JOB, named
from market_sim.numerics import exp, log
from market_sim.scenario.catalog import ArchitectureTable, ChipTable, load_chips


@dataclass(frozen=True)
class Jobs:
    """What each lab runs; arrays of shape (lab,). `default_jobs` gives sensible values by model size."""

    train_chips: NDArray[np.float64]
    train_length: NDArray[np.float64]  # tokens per sequence
    train_dtype: NDArray[np.float64]  # index into DTYPES
    batch: NDArray[np.float64]  # tokens per optimiser step
    prompt: NDArray[np.float64]  # tokens in per request
    answer: NDArray[np.float64]  # tokens out per request
    serve_dtype: NDArray[np.float64]
    concurrency: NDArray[np.float64]  # most sequences at once per chip
    step_limit: NDArray[np.float64]  # longest decode step, seconds
    serve_chips: NDArray[np.float64]  # chips of one serving instance


def default_batch(chips: ArrayLike) -> NDArray[np.float64]:
    """Tokens per optimiser step: 32 thousand a chip until 8 million, then no fewer than 1,024 a chip."""
    count = np.asarray(chips, dtype=np.float64)
    return np.maximum(np.minimum(32768.0 * count, 8388608.0), 1024.0 * count)


def default_jobs(architectures: ArchitectureTable) -> Jobs:
    """Jobs by model size: 256 chips per 10 billion active parameters to train on, 4k sequences, requests of 2,000
    tokens in and 500 out, each format as the model was trained, steps of at most 50 ms."""
    size = np.maximum(architectures.active_params_b, architectures.total_params_b / 10.0)
    chips = np.clip(np.ldexp(1.0, np.rint(_log2(25.6 * size)).astype(np.int64)), 64.0, 16384.0)
    same = np.ones(len(architectures.names))
    trained = architectures.train_dtype.astype(np.float64)
    return Jobs(
        train_chips=chips,
        train_length=np.minimum(4096.0, np.maximum(architectures.context, 1024.0)),
        train_dtype=np.minimum(trained, 1.0),
        batch=default_batch(chips),
        prompt=2000.0 * same,
        answer=500.0 * same,
        serve_dtype=np.maximum(trained, 1.0),
        concurrency=512.0 * same,
        step_limit=0.05 * same,
        serve_chips=64.0 * same,
    )


def _log2(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log2 by the exponent and mantissa, so that rounding to a power of two is the same on every machine."""
    mantissa, exponent = np.frexp(values)
    return exponent + np.where(mantissa > 2.0**-0.5, 0.0, -1.0)


def changed(jobs: Jobs, **fields: ArrayLike) -> Jobs:
    """The same jobs with some fields replaced, spread over the labs."""
    shape = jobs.train_chips.shape
    return replace(jobs, **{n: np.broadcast_to(np.asarray(v, dtype=np.float64), shape) for n, v in fields.items()})


def job_vectors(jobs: Jobs) -> NDArray[np.float64]:
    """(lab, field)."""
    return np.stack([getattr(jobs, name) for name in JOB], axis=-1)


def constant_vector(constants: Mapping[str, float]) -> NDArray[np.float64]:
    """The fitted constants in the order the kernels read them."""
    return np.array([constants[name] for name in CONSTANTS], dtype=np.float64)


def chip_vectors(chips: ChipTable, constants: Mapping[str, float]) -> NDArray[np.float64]:
    """(chip, field): peaks in FLOP/s, memory in bytes, links in bytes/s one way."""
    peaks = 1e15 * np.nan_to_num(chips.peaks, nan=0.0)
    torus = np.array([0.0, -1.0, 2.0, 3.0])[chips.topologies]
    columns = {
        "peak_bf16": peaks[:, 0],
        "peak_fp8": peaks[:, 1],
        "peak_fp4": peaks[:, 2],
        "peak_int8": peaks[:, 3],
        "memory": chips.memory_gb * 1e9,
        "bandwidth": chips.memory_tb_per_s * 1e12,
        "domain": chips.domain_chips,
        "scale_up": chips.scale_up_gb_per_s * 0.5e9,
        "scale_out": chips.scale_out_gb_per_s * 0.5e9,
        "tile": chips.matrix_tile,
        "torus": torus,
        "sustained": sustained(chips, constants),
    }
    return np.stack([columns[name] for name in CHIP], axis=-1)


def sustained(chips: ChipTable, constants: Mapping[str, float]) -> NDArray[np.float64]:
    """Share (chip,) of the bf16 peak a large matmul sustains: the vendor's, where measured, times what power allows.

    A chip with fewer watts per TFLOP/s than its instruction-set family has on average cannot hold its clock under
    load as well; the exponent says by how much. Across families energy per operation falls, so watts say nothing.
    """
    share = np.array([constants.get(f"sustained:{stack}", constants["sustained"]) for stack in chips.stacks])
    watts = chips.power_kw / chips.peaks[:, 0]
    usual = np.array([family_watts().get(family, own) for family, own in zip(chips.families, watts, strict=True)])
    return np.minimum(share * exp(constants["power_exponent"] * log(watts / usual)), 0.95)


@cache
def family_watts() -> dict[str, float]:
    """Mean watts per dense bf16 PFLOP/s of the catalogue's chips, by instruction-set family."""
    chips = load_chips()
    watts = chips.power_kw / chips.peaks[:, 0]
    return {f: float(np.mean(watts[[g == f for g in chips.families]])) for f in dict.fromkeys(chips.families)}


def architecture_vectors(table: ArchitectureTable) -> NDArray[np.float64]:
    """(architecture, field): weights by role, FLOPs per token and position, elements cached."""
    t = table
    experts_io = np.where(t.expert_latent > 0, t.expert_latent, t.width)
    has = t.experts > 1
    one_expert = t.mlp_matrices * experts_io * t.expert_width
    expert_active = np.where(has, t.moe_layers * t.active_experts * one_expert, 0.0)
    expert_total = np.where(has, t.moe_layers * t.experts * one_expert, 0.0)
    attending = t.full_layers + t.local_layers
    head = t.vocabulary * t.width
    dense, ffn = _dense_weights(t, head, expert_active, attending)
    score = 2.0 * t.heads * (t.qk_dim + t.head_dim)
    columns = {
        "layers": t.layers,
        "width": t.width,
        "dense_params": dense,
        "head_params": head,
        "expert_active": expert_active,
        "expert_total": expert_total,
        "experts": np.maximum(t.experts, 1.0),
        "active_experts": np.maximum(t.active_experts, 1.0),
        "expert_width": np.maximum(t.expert_width, 1.0),
        "expert_io": experts_io,
        "moe_layers": t.moe_layers,
        "ffn_width": ffn,
        "score_full": t.full_layers * score,
        "score_local": t.local_layers * score,
        "score_linear": t.linear_layers * 8.0 * t.linear_state * t.linear_width,
        "window": np.maximum(t.window, 1.0),
        "kv_full": t.full_layers * t.kv_width,
        "kv_local": t.local_layers * t.kv_width,
        "state": t.linear_layers * t.linear_width * t.linear_state,
        "head_dim": t.head_dim,
        "attention_kind": t.attention.astype(np.float64),
        "kv_heads": np.where(t.kv_width < 2 * t.kv_heads * t.head_dim, 1.0, t.kv_heads),
        "total_params": t.total_params_b * 1e9,
        "context_scale": np.ones_like(t.layers),
        "grid_width": t.width,
        "grid_io": experts_io,
        "grid_expert": np.maximum(t.expert_width, 1.0),
    }
    return np.stack([columns[name] for name in ARCHITECTURE], axis=-1)


def _dense_weights(
    t: ArchitectureTable, head: NDArray[np.float64], expert_active: NDArray[np.float64], attending: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights every token meets, and the mean dense feed-forward width of a layer.

    Counted from the shape where all layers are ordinary. Where layers are recurrent or caches compressed, the shape
    does not fix the count, and the published active total, less experts and head, takes its place.
    """
    has = t.experts > 1
    shared = np.where(has, t.moe_layers * t.shared_experts * t.expert_width, 0.0)
    # Nemotron's latent experts, Jamba and Arctic carry dense layers beside the routed ones
    plain = np.where(has, np.maximum(t.layers - t.moe_layers - t.linear_layers, 0.0), t.layers)
    plain = np.where(has & (t.linear_layers > 0), 0.0, plain)
    ffn = (plain * t.ffn_width + shared) / t.layers
    attention = attending * t.width * t.head_dim * (2.0 * t.heads + 2.0 * t.kv_heads)
    shape = attention + t.mlp_matrices * t.width * (plain * t.ffn_width + shared)
    published = 1e9 * t.active_params_b - expert_active - head
    odd = (t.linear_layers > 0) | (t.kv_width != 2.0 * t.kv_heads * t.head_dim)
    return np.where(odd & (published > 0.0), np.maximum(published, 0.1 * shape), shape), ffn


def useful_flops(architectures: NDArray[np.float64], jobs: Jobs) -> NDArray[np.float64]:
    """(lab, phase) model FLOPs one token is counted for: weights met, causal scores, no recomputation, no padding."""
    model = named(ARCHITECTURE, architectures)
    weights = model.dense_params + model.expert_active + model.head_params

    def scores(seen: NDArray[np.float64]) -> NDArray[np.float64]:
        local = np.minimum(model.window, seen)
        return np.asarray(model.score_full * seen + model.score_local * local + model.score_linear)

    training = 3.0 * (2.0 * weights + scores(0.5 * jobs.train_length))
    prefill = 2.0 * weights + scores(0.5 * jobs.prompt)
    decode = 2.0 * weights + scores(jobs.prompt + 0.5 * jobs.answer)
    return np.stack([training, prefill, decode], axis=-1)
