"""Who holds how much of a market: shares and the indices made of them.

With quantities q_i >= 0, shares s_i = q_i / sum q and n the number of those that hold something:

| index | formula | range | source |
|---|---|---|---|
| HHI | sum s_i^2 | 1/n .. 1 | Hirschman 1945; Herfindahl 1950 |
| CR_k | sum of the k largest s_i | k/n .. 1 | Bain 1951 |
| effective firms | 1 / HHI | 1 .. n | Adelman 1969, the numbers equivalent |
| entropy | - sum s_i log s_i, nats | 0 .. log n | Theil 1967, ch. 8 |
| Gini | sum_ij abs(s_i - s_j) / 2n | 0 .. 1 - 1/n | Gini 1912, over holders alone |

e^entropy >= 1/HHI (both are Hill numbers, of order 1 and 2: Hill 1973). Merging a and b adds 2 s_a s_b to
HHI. Those that hold nothing change no index, so it does not matter whom a scenario lists. A market in which
nobody holds anything has no shares: every index is 0 there, outside the range of HHI and of the effective
number, and `held` is False.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog, part

Floats = NDArray[np.float64]

LARGEST = 4  # how many firms the wider concentration ratio counts


@dataclass(frozen=True)
class Concentration:
    """Indices of one or many markets, each of the shape that the quantities have without their last axis."""

    hhi: Floats
    cr1: Floats
    cr4: Floats
    effective_firms: Floats
    entropy: Floats
    gini: Floats
    held: NDArray[np.bool_]  # whether anybody holds anything


@part
def ranked(quantity, order, first, end):  # type: ignore[no-untyped-def]
    """Sort the places `first` to `end` of `order` by what they hold, smallest first: fast if they nearly are."""
    for j in range(first + 1, end):
        place = order[j]
        held = quantity[place]
        k = j
        while k > first and quantity[order[k - 1]] > held:
            order[k] = order[k - 1]
            k -= 1
        order[k] = place


@part
def indices(quantity, order, first, end, share, log_share):  # type: ignore[no-untyped-def]
    """HHI, CR1, CR4, effective firms, entropy and Gini of the places `first` to `end` of `order`, ranked; summed from
    the smallest holder to the largest, all 0 where nobody holds anything. The last two are room for as many numbers."""
    total, begin = 0.0, end
    for j in range(first, end):
        if quantity[order[j]] > 0.0:
            begin = min(begin, j)
            total += quantity[order[j]]
    if total <= 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    n = end - begin
    for k in range(n):
        share[k] = quantity[order[begin + k]] / total
    for k in range(n):  # apart, so that logs are taken by vector instructions
        log_share[k] = klog(share[k])
    hhi, entropy, gini, cr4 = 0.0, 0.0, 0.0, 0.0
    for k in range(n):
        hhi += share[k] * share[k]
        entropy -= share[k] * log_share[k] if share[k] > 0.0 else 0.0
        gini += (2.0 * k + 1.0 - n) * share[k]
    for k in range(max(0, n - LARGEST), n):
        cr4 += share[k]
    return hhi, share[n - 1], min(cr4, 1.0), 1.0 / hhi, max(entropy, 0.0), max(gini / n, 0.0)


@kernel
def _measure(quantity, out):  # type: ignore[no-untyped-def]
    """Indices (market, 6) of quantities (market, firm)."""
    firms = quantity.shape[1]
    order, share, log_share = np.empty(firms, np.int64), np.empty(firms), np.empty(firms)
    for m in range(quantity.shape[0]):
        for i in range(firms):
            order[i] = i
        ranked(quantity[m], order, 0, firms)
        found = indices(quantity[m], order, 0, firms, share, log_share)
        for k in range(6):
            out[m, k] = found[k]


def measure(quantity: Floats) -> Concentration:
    """Indices of quantities (..., firm), such as (replicate, tick, firm), in any unit; what is below 0 counts
    as 0.
    """
    flat = np.ascontiguousarray(quantity, np.float64).reshape(-1, quantity.shape[-1])
    out = np.zeros((len(flat), 6))
    _measure(flat, out)
    hhi, cr1, cr4, effective, entropy, gini = (column.reshape(quantity.shape[:-1]) for column in out.T)
    return Concentration(hhi, cr1, cr4, effective, entropy, gini, hhi > 0.0)


def shares(quantity: Floats) -> Floats:
    """Quantities (..., firm) over their total; NaN where that is zero."""
    total = quantity.sum(axis=-1, keepdims=True)
    return np.where(total > 0.0, quantity / np.where(total > 0.0, total, 1.0), np.nan)


@kernel
def _merged(quantity, owner, out):  # type: ignore[no-untyped-def]
    for m in range(quantity.shape[0]):
        for i in range(quantity.shape[1]):
            if owner[i] >= 0:
                out[m, owner[i]] += quantity[m, i]


def merged(quantity: Floats, owner: NDArray[np.int64], owners: int) -> Floats:
    """Quantities (..., firm) summed over the firms of each owner (..., owner); an owner of -1 is left out."""
    flat = np.ascontiguousarray(quantity, np.float64).reshape(-1, quantity.shape[-1])
    out = np.zeros((len(flat), owners))
    _merged(flat, np.ascontiguousarray(owner, np.int64), out)
    return out.reshape(*quantity.shape[:-1], owners)
