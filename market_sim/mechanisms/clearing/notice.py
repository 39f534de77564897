"""How much an offer is noticed: by the lots behind it, and apart from how many terms they are offered on."""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog

__all__ = ["attraction", "on_show"]

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


def on_show(
    price: Floats, lots: Floats, live: NDArray[np.bool_], pool: NDArray[np.int64], pools: int, shown: float
) -> tuple[Floats, Floats]:
    """What draws labs to each offer: worth of the capacity shown, and live offers that share its pool.

    Both (replicate, offer): `lots` at the least price (replicate, list, offer) that any lab is asked, in units that
    make those of the whole market `shown`, a pool counting once. `pool` (offer,) is the offer's first of `pools`.
    """
    worth, sharing = np.zeros(lots.shape), np.ones(lots.shape)
    _on_show(price, lots, live, pool, pools, shown, worth, sharing)
    return worth, sharing


@kernel
def _on_show(price, lots, live, pool, pools, shown, worth, sharing):  # type: ignore[no-untyped-def]
    offers = lots.shape[1]
    least, count = np.empty(offers), np.empty(pools)
    for r in range(lots.shape[0]):
        for g in range(pools):
            count[g] = 0.0
        for j in range(offers):
            least[j] = np.inf
            count[pool[j]] += 1.0 if live[r, j] else 0.0
        for i in range(price.shape[1]):
            for j in range(offers):
                least[j] = price[r, i, j] if price[r, i, j] < least[j] else least[j]
        whole = 0.0
        for j in range(offers):
            sharing[r, j] = count[pool[j]] if count[pool[j]] > 1.0 else 1.0
            if live[r, j]:
                worth[r, j] = lots[r, j] * least[j]
                whole += worth[r, j] / sharing[r, j]
        for j in range(offers):
            worth[r, j] *= shown / whole if whole > 0.0 else shown
