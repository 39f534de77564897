"""Vectors in kernels."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from market_sim.numerics import kernel
from market_sim.vectors import kcopy, kfill, ksort

NUMBERS = arrays(np.float64, st.integers(0, 3000), elements=st.floats(-1e6, 1e6))


@kernel
def _sorted_places(key, order, copy, filled):
    """Call each, as a kernel does."""
    ksort(order, key)
    kcopy(copy, key)
    kfill(filled, 7.0)


@settings(deadline=None, max_examples=50)
@given(NUMBERS)
def test_places_are_put_in_order_and_none_is_lost(key):
    """`ksort` names every place once, from the least key to the largest, and leaves the keys; `kcopy` and `kfill` reach
    every place."""
    before, order, copy, filled = key.copy(), np.empty(len(key), np.int64), np.empty_like(key), np.empty_like(key)
    _sorted_places(key, order, copy, filled)
    assert np.array_equal(np.sort(order), np.arange(len(key)))
    assert np.array_equal(key[order], np.sort(key))
    assert np.array_equal(key, before)
    assert np.array_equal(copy, key)
    assert (filled == 7.0).all()
