"""Pieces of the roofline that training and serving share: formats, tiles, collectives.

`model`, `chip`, `job` and `k` (the fitted constants) are `layout.named` vectors; arrays spread over one another.
"""

import math
from types import SimpleNamespace as Named

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.numerics import kernel

Array = NDArray[np.float64]

EXPERT_DEGREES = 7
"""Expert degrees tried: 1 to 64."""
TENSOR_DEGREES = 5
"""Tensor degrees tried: 1 to 16."""
PIPELINE_DEGREES = 6
"""Pipeline degrees tried: 1 to 32."""


@kernel
def either(x, y):  # type: ignore[no-untyped-def]
    """A smooth maximum, (x^4 + y^4)^(1/4): what binds when two resources overlap all but near the ridge."""
    x2 = x * x
    y2 = y * y
    return math.sqrt(math.sqrt(x2 * x2 + y2 * y2))


def matmul_rate(chip: Named, k: Named, dtype: ArrayLike) -> Array:
    """FLOP/s of a large matmul in the format asked for, or in the widest one below it the chip computes in.

    A format whose peak is no higher than bf16 brings no gain and costs none of the narrow format's losses.
    """
    eight = np.maximum(chip.peak_bf16, chip.peak_fp8 * k.fp8_efficiency)
    four = np.maximum(eight, chip.peak_fp4 * k.fp4_efficiency)
    whole = np.maximum(chip.peak_bf16, chip.peak_int8 * k.int8_efficiency)
    return np.choose(np.asarray(dtype, dtype=np.int64), np.broadcast_arrays(chip.peak_bf16, eight, four, whole))


def weight_bytes(dtype: ArrayLike) -> Array:
    """Bytes per served weight in the format asked for: narrow weights are kept even where the chip computes wide."""
    return np.take(np.array([2.0, 1.0, 0.55, 1.0]), np.asarray(dtype, dtype=np.int64))


def padding(size: ArrayLike, tile: ArrayLike) -> Array:
    """Work done over work wanted when a width is cut into whole tiles."""
    wide, cut = np.asarray(size, dtype=np.float64), np.asarray(tile, dtype=np.float64)
    return np.asarray(np.ceil(wide / cut) * cut / wide)


def expert_grain(model: Named, chip: Named, k: Named, tight: Array) -> Array:
    """How much longer experts' matmuls take than one large one of the same FLOPs, apart from the padding of rows.

    Widths are cut into whole tiles; narrow matrices keep a matrix unit waiting, the longer the larger its tile and
    the tighter its memory bandwidth.
    """
    slim = (0.5 / model.expert_width + 0.5 / model.expert_io) * np.sqrt(np.sqrt(chip.tile / 128.0))
    padded = padding(model.grid_io, chip.tile) * padding(model.grid_expert, chip.tile)
    return np.asarray((1.0 + k.narrow_expert * tight * slim) * padded)


def attention_rate(model: Named, chip: Named, k: Named) -> Array:
    """Share of sustained bf16 matmul speed that the attention core reaches.

    Softmax costs as much per score whatever the head size, so narrow heads lose; on a systolic array a head
    narrower than the array leaves it partly empty.
    """
    kinds = (1.0, k.attention_window, k.attention_latent, k.attention_sparse, k.attention_sink, k.attention_recurrent,
             k.attention_bias)  # fmt: skip
    share = k.attention_ratio * (128.0 + k.softmax_dims) / 128.0 * model.head_dim / (model.head_dim + k.softmax_dims)
    empty = np.where(chip.torus > 0.0, np.maximum(chip.tile / model.head_dim - 1.0, 0.0), 0.0)
    return np.asarray(share / (1.0 + k.head_fill * empty) * np.take(kinds, model.attention_kind.astype(np.int64)))


def _meshed(chip: Named, group: ArrayLike) -> Array:
    """Share of a chip's links that a group uses: in a full mesh, those among its own."""
    own = np.minimum(1.0, np.maximum(np.subtract(group, 1.0), 1.0) / np.maximum(chip.domain - 1.0, 1.0))
    return np.where((chip.torus < 0.0) & (chip.domain > 1.0), own, 1.0)


def link_rate(chip: Named, k: Named, group: ArrayLike) -> Array:
    """Bytes/s per chip, one way, of an all-gather among neighbours inside the scale-up domain.

    A ring along one axis of a torus has that axis's links only.
    """
    ring = np.where(chip.torus == 2.0, 16.0, np.where(chip.torus == 3.0, 64.0, 0.0))
    axes = np.where(np.less_equal(group, ring), chip.torus, 1.0)
    return np.asarray(chip.scale_up * k.link_efficiency / axes * _meshed(chip, group))


def exchange_rate(chip: Named, k: Named, group: ArrayLike) -> Array:
    """Bytes/s per chip, one way, of an all-to-all inside the scale-up domain.

    On a torus a message crosses side/4 links per axis on average, so the rate falls with the group's side.
    """
    side = np.sqrt(group)
    flat, deep = np.maximum(1.0, side / 2.0), np.maximum(1.0, np.sqrt(side) * 0.75)
    slowed = np.where(chip.torus == 2.0, flat, np.where(chip.torus == 3.0, deep, 1.0))
    return np.asarray(chip.scale_up * k.link_efficiency / slowed * _meshed(chip, group))


def distinct(ranks: ArrayLike, picks: ArrayLike) -> Array:
    """Expected number of distinct ranks among `ranks` that hold at least one of `picks` experts drawn evenly."""
    among, left = np.asarray(ranks, dtype=np.float64), np.asarray(picks).astype(np.int64)
    miss, power = np.ones(np.broadcast_shapes(left.shape, among.shape)), 1.0 - 1.0 / among
    while left.any():
        miss = np.where(left % 2 == 1, miss * power, miss)
        left, power = left // 2, power * power
    return np.asarray(among * (1.0 - miss))


def _met(ranks: ArrayLike, model: Named) -> Array:
    """Ranks a token is sent to, its own left out."""
    return np.asarray(distinct(ranks, model.active_experts) * np.divide(np.subtract(ranks, 1.0), ranks))


def exchange_table(model: Named, chip: Named, k: Named) -> Array:
    """Seconds per byte to send a token to its experts' chips (..., degree), by doublings of the expert degree.

    Each rank or node that holds several of its experts counts once; where links are no faster than the NIC, all goes
    straight over that. No architecture's drift changes it.
    """
    columns = [np.zeros(np.broadcast_shapes(model.active_experts.shape, chip.domain.shape))]
    for power in range(1, EXPERT_DEGREES):
        ranks = float(1 << power)
        inside = np.minimum(ranks, chip.domain)
        nodes = np.maximum(ranks / inside, 1.0)
        near = _met(inside, model) / exchange_rate(chip, k, inside)
        nic = chip.scale_out * k.nic_efficiency
        columns.append(np.minimum(near + _met(nodes, model) / nic, _met(ranks, model) / nic))
    return np.stack(columns, axis=-1)


def latency(chip: Named, k: Named, group: float) -> Array:
    """Seconds before a collective of a group moves its first byte."""
    return np.where(group <= chip.domain, k.latency_up, k.latency_out)
