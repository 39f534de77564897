"""The light form of what is recorded."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market_sim.results.light import BITS, Plan, days_of_ticks, is_thinned, rounded
from market_sim.results.vocabulary import SIGNALS
from market_sim.scenario.load import load_scenario
from market_sim.simulation.run import simulate_chunk
from market_sim.simulation.signals import YEARLY


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


def test_a_light_run_thins_what_is_said_to_be_thinned() -> None:
    """Of a real run: rows of these signals and markets at year ends alone, of all others in between too."""
    scenario = load_scenario("baseline", {"ticks": 5})
    tables = ("concentration", "shares", "signals")
    frames = simulate_chunk(scenario, seed=0, replicates=(0,), record=tables, light=True)
    for name, column in (("concentration", "market"), ("shares", "market"), ("signals", "signal")):
        for (what,), rows in frames[name].group_by(column):
            assert is_thinned(name, str(what)) == (rows["tick"].is_in([0, 4]).all()), (name, what)


def test_signals_said_to_be_yearly_are_those_measured_once_a_year() -> None:
    """What the recorder holds in between is what the vocabulary says is held."""
    assert {signal.name for signal in SIGNALS if signal.yearly} == set(YEARLY)


def test_the_days_of_a_scenario_are_those_its_ticks_open_on() -> None:
    """Fourteen months from July: the first, the twelfth and the last are told of in full."""
    days, told = days_of_ticks({"start": "2026-07", "ticks": 14, "tick_months": 1.0})
    assert (days[0], days[1], days[-1]) == (date(2026, 7, 1), date(2026, 8, 1), date(2027, 8, 1))
    assert told == [date(2026, 7, 1), date(2027, 6, 1), date(2027, 8, 1)]
