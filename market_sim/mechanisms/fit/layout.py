"""Where each number stands in the flat vectors of the fit, and the kinds of work.

Four vectors of float64 go in: the architecture, the chip, the job and the fitted constants. A plan is a vector too.
Seconds come out per token and chip, one number per kind of work.
"""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

KINDS = ("dense_matmul", "expert_matmul", "attention", "memory_traffic", "collectives")
"""Kinds of work: a stack's kernels mature apart for each."""
DENSE, EXPERT, ATTENTION, MEMORY, COLLECTIVE = range(5)

PHASES = ("training", "prefill", "decode")
TRAINING, PREFILL, DECODE = range(3)

DIRECTIONS = ("sparsity", "width", "attention", "context")
"""Ways an architecture drifts: experts per active expert; model width against depth; cached and scored work per
token of context; length of context. Each is a log-deviation from the base."""

ARCHITECTURE = (
    "layers",
    "width",  # elements of the residual stream
    "dense_params",  # weights every token meets in the layers
    "head_params",  # weights of the output head
    "expert_active",  # expert weights one token meets
    "expert_total",  # all expert weights
    "experts",
    "active_experts",
    "expert_width",
    "expert_io",  # elements sent to an expert
    "moe_layers",
    "ffn_width",  # dense feed-forward width per layer, averaged over layers
    "score_full",  # forward FLOPs per token and position attended to, layers that see everything
    "score_local",  # the same, layers that see a window
    "score_linear",  # forward FLOPs per token of recurrent layers
    "window",
    "kv_full",  # elements cached per token, layers that see everything
    "kv_local",
    "state",  # elements of recurrent state per sequence
    "head_dim",
    "attention_kind",
    "kv_heads",
    "total_params",
    "context_scale",
    "grid_width",  # widths as laid on the tiles of a matrix unit: these do not drift
    "grid_io",
    "grid_expert",
)

CHIP = (
    "peak_bf16",  # FLOP/s
    "peak_fp8",
    "peak_fp4",
    "peak_int8",
    "memory",  # bytes
    "bandwidth",  # bytes/s
    "domain",  # chips reached over scale-up links
    "scale_up",  # bytes/s one way
    "scale_out",  # bytes/s one way
    "tile",
    "torus",  # dimensions of the torus, 0 for a switch, -1 for a full mesh
    "sustained",  # share of the peak a large bf16 matmul sustains
)

JOB = (
    "train_chips",
    "train_length",  # tokens per training sequence
    "train_dtype",
    "batch",  # tokens per optimiser step
    "prompt",  # tokens in
    "answer",  # tokens out
    "serve_dtype",
    "concurrency",  # most sequences decoded at once per chip
    "step_limit",  # longest decode step, seconds
    "serve_chips",  # chips of one serving instance
)

PLAN = ("tensor", "pipeline", "expert", "size", "sharded")
"""Degrees of parallelism; size: tokens per microbatch, in training."""
P_TENSOR, P_PIPELINE, P_EXPERT, P_SIZE, P_SHARDED = range(5)

CONSTANTS = (
    "fp8_efficiency",
    "fp4_efficiency",
    "int8_efficiency",
    "cast_bytes",
    "memory_efficiency",
    "elementwise_bytes",
    "narrow_width",
    "narrow_expert",
    "expert_row_tile",
    "expert_skew",
    "attention_ratio",
    "softmax_dims",
    "attention_window",
    "attention_latent",
    "attention_sparse",
    "attention_sink",
    "attention_recurrent",
    "attention_bias",
    "link_efficiency",
    "nic_efficiency",
    "exposed_tensor",
    "exposed_expert",
    "exposed_data",
    "exposed_torus",
    "latency_up",
    "latency_out",
    "launch_seconds",
    "pipeline_interleave",
    "host_bandwidth",
    "memory_share",
    "decode_launch",
    "decode_step_overhead",
    "serve_efficiency",
    "serve_expert",
    "kv_bytes",
    "expert_permute_bytes",
    "head_fill",
    "stage_imbalance",
    "stage_jitter",
    "state_bytes",
)


def named(names: Sequence[str], vectors: NDArray[np.float64]) -> SimpleNamespace:
    """The last axis of `vectors` by name: each attribute has the shape of the other axes."""
    return SimpleNamespace(**{name: vectors[..., place] for place, name in enumerate(names)})


def stacked(names: Sequence[str], columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The columns, spread over their common shape, as vectors in the order of the names."""
    spread = np.broadcast_arrays(*(np.asarray(columns[name], dtype=np.float64) for name in names))
    return np.stack(spread, axis=-1)
