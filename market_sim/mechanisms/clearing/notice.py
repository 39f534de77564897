"""How much an offer is noticed: by the lots behind it, and apart from how many terms they are offered on."""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog

__all__ = ["attraction"]

Floats = NDArray[np.float64]


def attraction(lots_offered: Floats, offers_in_pool: NDArray[np.generic], omega: Floats) -> Floats:
    """log A of (replicate, offer): omega log(lots offered) - log(offers in its pool); -inf without lots.

    omega (replicate,): 1 lets a firm be noticed in proportion to what it has, so that splitting it changes
    nothing; at 0 every offer is noticed alike, and two halves of a firm win more than the whole.
    """
    answer = np.empty(lots_offered.shape)
    counts = np.broadcast_to(np.asarray(offers_in_pool, np.float64), lots_offered.shape)
    _attraction(
        np.ascontiguousarray(lots_offered, np.float64),
        np.ascontiguousarray(counts),
        np.ascontiguousarray(omega, np.float64),
        answer,
    )
    return answer


@kernel
def _attraction(lots_offered, offers_in_pool, omega, answer):  # type: ignore[no-untyped-def]
    for r in range(answer.shape[0]):
        for j in range(answer.shape[1]):
            lots = lots_offered[r, j]
            value = omega[r] * klog(lots) if omega[r] != 0.0 else 0.0
            value -= klog(max(1.0, offers_in_pool[r, j]))
            answer[r, j] = value if lots > 0.0 else -np.inf
