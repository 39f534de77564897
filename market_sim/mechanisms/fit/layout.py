"""Where each number stands in the flat vectors that every `@kernel` of the fit reads, and the kinds of work.

Kernels take four vectors of float64: the architecture, the chip, the job and the fitted constants. A plan is a
vector too. Seconds come out per token and chip, one number per kind of work.
"""

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
(
    A_LAYERS,
    A_WIDTH,
    A_DENSE,
    A_HEAD,
    A_EXPERT_ACTIVE,
    A_EXPERT_TOTAL,
    A_EXPERTS,
    A_ACTIVE,
    A_EXPERT_WIDTH,
    A_EXPERT_IO,
    A_MOE_LAYERS,
    A_FFN,
    A_SCORE_FULL,
    A_SCORE_LOCAL,
    A_SCORE_LINEAR,
    A_WINDOW,
    A_KV_FULL,
    A_KV_LOCAL,
    A_STATE,
    A_HEAD_DIM,
    A_KIND,
    A_KV_HEADS,
    A_TOTAL,
    A_CONTEXT,
    A_GRID_WIDTH,
    A_GRID_IO,
    A_GRID_EXPERT,
) = range(27)

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
(
    C_BF16,
    C_FP8,
    C_FP4,
    C_INT8,
    C_MEMORY,
    C_BANDWIDTH,
    C_DOMAIN,
    C_SCALE_UP,
    C_SCALE_OUT,
    C_TILE,
    C_TORUS,
    C_SUSTAINED,
) = range(12)

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
(
    J_CHIPS,
    J_LENGTH,
    J_TRAIN_DTYPE,
    J_BATCH,
    J_PROMPT,
    J_ANSWER,
    J_SERVE_DTYPE,
    J_CONCURRENCY,
    J_STEP_LIMIT,
    J_SERVE_CHIPS,
) = range(10)

PLAN = ("tensor", "pipeline", "expert", "tokens", "sharded")
P_TENSOR, P_PIPELINE, P_EXPERT, P_TOKENS, P_SHARDED = range(5)

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
(
    K_FP8,
    K_FP4,
    K_INT8,
    K_CAST,
    K_MEMORY,
    K_ELEMENTWISE,
    K_NARROW,
    K_NARROW_EXPERT,
    K_ROW_TILE,
    K_SKEW,
    K_ATTENTION,
    K_SOFTMAX,
    K_WINDOW,
    K_LATENT,
    K_SPARSE,
    K_SINK,
    K_RECURRENT,
    K_BIAS,
    K_LINK,
    K_NIC,
    K_EXPOSED_TENSOR,
    K_EXPOSED_EXPERT,
    K_EXPOSED_DATA,
    K_EXPOSED_TORUS,
    K_LATENCY_UP,
    K_LATENCY_OUT,
    K_LAUNCH,
    K_INTERLEAVE,
    K_HOST,
    K_MEMORY_SHARE,
    K_DECODE_LAUNCH,
    K_DECODE_STEP,
    K_SERVE,
    K_SERVE_EXPERT,
    K_KV_BYTES,
    K_PERMUTE,
    K_HEAD_FILL,
    K_IMBALANCE,
    K_JITTER,
    K_STATE,
) = range(40)
