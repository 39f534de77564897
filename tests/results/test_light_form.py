"""The light form of what is recorded."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market_sim.results.light import BITS, Plan, rounded


@given(st.lists(st.floats(width=32), min_size=1), st.integers(4, 24))
def test_rounding_keeps_the_leading_bits(numbers, bits) -> None:
    """To nearest in so many significant bits; NaN and infinities stay, and what is rounded stays when rounded again."""
    given_numbers = np.array(numbers, np.float32)
    found = rounded(given_numbers, bits)
    normal = np.isfinite(given_numbers) & (np.abs(given_numbers) >= 2.0**-126) & (np.abs(given_numbers) < 2.0**127)
    assert np.array_equal(
        found[~np.isfinite(given_numbers)], given_numbers[~np.isfinite(given_numbers)], equal_nan=True
    )
    exact = given_numbers[normal].astype(np.float64)
    assert (np.abs(found[normal] - exact) <= 2.0**-bits * np.abs(exact)).all()
    assert rounded(found, bits).tobytes() == found.tobytes()


def test_year_ends_stay_whole_and_the_rest_is_rounded() -> None:
    """The first tick, the ends of years and the last keep every bit; in between BITS of them."""
    numbers = np.linspace(1.0, 2.0, 30, dtype=np.float32)[None]
    plan = Plan(("signals",), True, 30, 1.0)
    kept = plan.kept(numbers)
    same = (kept == numbers)[0]
    assert np.flatnonzero(plan.is_whole(30)).tolist() == [0, 11, 23, 29]
    assert same[[0, 11, 23, 29]].all()
    assert not same[1:11].any()
    assert kept[0, 5] == rounded(numbers, BITS)[0, 5]
    assert np.array_equal(Plan(("signals",), False, 30, 1.0).kept(numbers), numbers)
