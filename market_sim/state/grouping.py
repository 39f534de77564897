"""Sums over groups of the last axis, in the order of the axis, so that they have the same bits in any chunk."""

import numpy as np

from market_sim.numerics import kernel


@kernel
def _grouped(values, index, out):
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i, index[j]] += values[i, j]


def grouped(values: np.ndarray, index: np.ndarray, groups: int) -> np.ndarray:
    """Sum (..., n) over the entries that `index` (n,) sends to each of `groups`: (..., groups)."""
    flat = np.ascontiguousarray(values, np.float64).reshape(-1, values.shape[-1])
    out = np.zeros((len(flat), groups))
    _grouped(flat, np.ascontiguousarray(index), out)
    return out.reshape(*values.shape[:-1], groups)


@kernel
def _grouped_product(values, weight, index, out):
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            for k in range(values.shape[2]):
                out[i, j, index[k]] += values[i, j, k] * weight[i, j, k]


def grouped_product(values: np.ndarray, weight: np.ndarray, index: np.ndarray, groups: int) -> np.ndarray:
    """As `grouped` of values * weight, both (R, m, n), without making the product."""
    out = np.zeros((*values.shape[:2], groups))
    _grouped_product(values, weight, index, out)
    return out
