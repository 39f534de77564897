"""Pieces of the roofline that melt into every `@kernel` of training and serving: formats, maxima, collectives."""

import math

from market_sim.mechanisms.fit.layout import (
    A_EXPERT_IO,
    A_EXPERT_WIDTH,
    A_GRID_EXPERT,
    A_GRID_IO,
    C_BF16,
    C_DOMAIN,
    C_FP4,
    C_FP8,
    C_INT8,
    C_SCALE_OUT,
    C_SCALE_UP,
    C_TILE,
    C_TORUS,
    K_ATTENTION,
    K_FP4,
    K_FP8,
    K_HEAD_FILL,
    K_INT8,
    K_LINK,
    K_NARROW_EXPERT,
    K_NIC,
    K_ROW_TILE,
    K_SOFTMAX,
    K_WINDOW,
)
from market_sim.numerics import kernel, part


@kernel
def either(x, y):  # type: ignore[no-untyped-def]
    """A smooth maximum, (x^4 + y^4)^(1/4): what binds when two resources overlap all but near the ridge."""
    x2 = x * x
    y2 = y * y
    return math.sqrt(math.sqrt(x2 * x2 + y2 * y2))


@part
def matmul_rate(c, k, dtype):  # type: ignore[no-untyped-def]
    """FLOP/s of a large matmul in the format asked for, or in the widest one below it the chip computes in.

    A format whose peak is no higher than bf16 brings no gain and costs none of the narrow format's losses.
    """
    best = c[C_BF16]
    if dtype == 1.0 or dtype == 2.0:
        best = max(best, c[C_FP8] * k[K_FP8])
    if dtype == 2.0:
        best = max(best, c[C_FP4] * k[K_FP4])
    if dtype == 3.0:
        best = max(best, c[C_INT8] * k[K_INT8])
    return best


@kernel
def padding(size, tile):  # type: ignore[no-untyped-def]
    """Work done over work wanted when a width is cut into whole tiles."""
    return math.ceil(size / tile) * tile / size


@part
def expert_pieces(a, c, k, rows, tight):  # type: ignore[no-untyped-def]
    """How much longer experts' matmuls take than one large one of the same FLOPs.

    Each expert pads its rows by half a tile on average and its widths to whole tiles; narrow matrices keep a matrix
    unit waiting, the longer the larger its tile and the tighter its memory bandwidth.
    """
    slim = (0.5 / a[A_EXPERT_WIDTH] + 0.5 / a[A_EXPERT_IO]) * math.sqrt(math.sqrt(c[C_TILE] / 128.0))
    padded = padding(a[A_GRID_IO], c[C_TILE]) * padding(a[A_GRID_EXPERT], c[C_TILE])
    return (1.0 + 0.5 * k[K_ROW_TILE] / rows) * (1.0 + k[K_NARROW_EXPERT] * tight * slim) * padded


@part
def weight_bytes(c, dtype):  # type: ignore[no-untyped-def]
    """Bytes per served weight in the format asked for: narrow weights are kept even where the chip computes wide."""
    if dtype == 2.0:
        return 0.55
    return 1.0 if dtype == 1.0 or dtype == 3.0 else 2.0


@part
def attention_rate(c, k, kind, head_dim):  # type: ignore[no-untyped-def]
    """Share of sustained bf16 matmul speed that the attention core reaches.

    Softmax costs as much per score whatever the head size, so narrow heads lose; on a systolic array a head
    narrower than the array leaves it partly empty.
    """
    share = k[K_ATTENTION] * (128.0 + k[K_SOFTMAX]) / 128.0 * head_dim / (head_dim + k[K_SOFTMAX])
    if c[C_TORUS] > 0.0 and head_dim < c[C_TILE]:
        share /= 1.0 + k[K_HEAD_FILL] * (c[C_TILE] / head_dim - 1.0)
    if kind >= 1.0:
        share *= k[K_WINDOW - 1 + int(kind)]
    return share


@part
def link_rate(c, k, group):  # type: ignore[no-untyped-def]
    """Bytes/s per chip, one way, of an all-gather among neighbours inside the scale-up domain.

    A ring along one axis of a torus has that axis's links only; a group in a full mesh has the links among its own.
    """
    rate = c[C_SCALE_UP] * k[K_LINK]
    if c[C_TORUS] > 0.0:
        if group <= (16.0 if c[C_TORUS] == 2.0 else 64.0):
            rate /= c[C_TORUS]
    elif c[C_TORUS] < 0.0 and c[C_DOMAIN] > 1.0:
        rate *= min(1.0, max(group - 1.0, 1.0) / (c[C_DOMAIN] - 1.0))
    return rate


@part
def exchange_rate(c, k, group):  # type: ignore[no-untyped-def]
    """Bytes/s per chip, one way, of an all-to-all inside the scale-up domain.

    On a torus a message crosses side/4 links per axis on average, so the rate falls with the group's side.
    """
    rate = c[C_SCALE_UP] * k[K_LINK]
    if c[C_TORUS] == 2.0:
        rate /= max(1.0, math.sqrt(group) / 2.0)
    elif c[C_TORUS] == 3.0:
        rate /= max(1.0, math.sqrt(math.sqrt(group)) * 0.75)
    elif c[C_TORUS] < 0.0 and c[C_DOMAIN] > 1.0:
        rate *= min(1.0, max(group - 1.0, 1.0) / (c[C_DOMAIN] - 1.0))
    return rate


@kernel
def distinct(ranks, picks):  # type: ignore[no-untyped-def]
    """Expected number of distinct ranks among `ranks` that hold at least one of `picks` experts drawn evenly."""
    if ranks <= 1.0:
        return 1.0
    miss, power, left = 1.0, 1.0 - 1.0 / ranks, int(picks)
    while left > 0:
        if left & 1:
            miss *= power
        power *= power
        left >>= 1
    return ranks * (1.0 - miss)


@part
def exchange_seconds(c, k, ranks, picks, message):  # type: ignore[no-untyped-def]
    """Seconds to send one token's `message` bytes to its experts' ranks, counting each rank or node once."""
    if ranks <= 1.0:
        return 0.0
    inside = min(ranks, c[C_DOMAIN])
    seconds = distinct(inside, picks) * (inside - 1.0) / inside * message / exchange_rate(c, k, inside)
    nodes = ranks / inside
    if nodes > 1.0:
        seconds += distinct(nodes, picks) * (nodes - 1.0) / nodes * message / (c[C_SCALE_OUT] * k[K_NIC])
    return seconds
