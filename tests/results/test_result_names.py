"""Names and their codes; dates of ticks and moments."""

import pickle
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_sim.results.calendar import NO_DAY, Calendar
from market_sim.results.errors import UnknownName
from market_sim.results.names import Names

EPOCH = date(1970, 1, 1)


def as_dates(days: np.ndarray) -> list[date]:
    return [EPOCH + timedelta(days=int(day)) for day in days]


def test_joined_lists_keep_order_and_drop_repeats() -> None:
    """Google the vendor, Google the provider and Google the lab are one entity, with the first one's code."""
    names = Names.of(vendor=["NVIDIA", "Google"], provider=["Google", "AWS"], lab=["Google", "Meta"], chip=["TPU"])
    assert names["entity"] == ("NVIDIA", "Google", "AWS", "Meta")
    assert names["buyer"] == ("Google", "AWS", "Meta")
    assert names.codes("entity", names["provider"]).tolist() == [1, 2]


def test_each_vendor_has_a_market_of_its_buyers(names: Names) -> None:
    """The markets are the four kinds and then the buyers of each vendor."""
    assert names["market"] == ("vendor", "provider", "lab", "platform", "buyers of NVIDIA", "buyers of AMD")


def test_codes_lead_back_to_names(names: Names) -> None:
    """Looking a name up and gathering by its code gives the name, in every vocabulary."""
    for vocabulary, listed in names.items():
        assert names.lookup(vocabulary).gather(names.codes(vocabulary, listed)).to_list() == list(listed)


def test_an_unknown_name_is_told_what_there_is(names: Names) -> None:
    """The message names the thing, its list, and the names wanted."""
    with pytest.raises(UnknownName, match=r"'CoreWave' is no provider.*Azure, CoreWeave"):
        names.code("provider", "CoreWave")


@pytest.mark.parametrize("listed", [["a", "b", "a"], ["a", ""], ["a", 1]])
def test_a_list_that_is_none_is_refused(listed: list[str]) -> None:
    """Doubled, empty and non-text names are refused."""
    with pytest.raises(UnknownName, match="'lab'"):
        Names({"lab": listed})


def test_names_travel_to_other_processes(names: Names) -> None:
    """Pickled names are equal and still give codes."""
    again = pickle.loads(pickle.dumps(names))
    assert again == names
    assert again.code("lab", "Meta") == 2


def test_ticks_open_on_the_first_of_each_month() -> None:
    """Monthly ticks from 1 November 2023 step through the leap year by calendar months."""
    days = Calendar(date(2023, 11, 1)).days_of_ticks([0, 1, 2, 3, 4])
    assert [str(day) for day in as_dates(days)] == [
        "2023-11-01",
        "2023-12-01",
        "2024-01-01",
        "2024-02-01",
        "2024-03-01",
    ]


def test_half_months_split_a_month_by_its_days() -> None:
    """Half of a 28-day February is 14 days, half of March 15."""
    days = Calendar(date(2023, 2, 1), tick_months=0.5).days_of_ticks([0, 1, 2, 3])
    assert [str(day) for day in as_dates(days)] == ["2023-02-01", "2023-02-15", "2023-03-01", "2023-03-16"]


def test_a_start_late_in_the_month_falls_back_to_the_last_day() -> None:
    """From 31 January the next tick opens on 29 February of a leap year, the one after on 31 March."""
    days = Calendar(date(2024, 1, 31)).days_of_ticks([1, 2])
    assert [str(day) for day in as_dates(days)] == ["2024-02-29", "2024-03-31"]


@given(tick=st.integers(0, 1200), months=st.sampled_from([0.25, 0.5, 1.0, 3.0]))
def test_a_tick_and_its_moment_share_a_date(tick: int, months: float) -> None:
    """The years since the start at which a tick opens have the tick's own date, whatever the rounding."""
    calendar = Calendar(date(2023, 1, 1), months)
    assert calendar.days_of_ticks([tick]) == calendar.days_of_years([tick * (months / 12)])


@given(start=st.dates(date(2000, 1, 1), date(2040, 1, 1)), moments=st.lists(st.floats(-5, 50), min_size=2))
def test_later_moments_have_later_dates(start: date, moments: list[float]) -> None:
    """Dates never run backwards in time, whatever the day of the start."""
    assert np.all(np.diff(Calendar(start).days_of_years(sorted(moments))) >= 0)


def test_a_moment_that_has_not_come_has_no_day() -> None:
    """NaN and infinity have no date."""
    assert Calendar(date(2023, 1, 1)).days_of_years([np.nan, np.inf]).tolist() == [NO_DAY, NO_DAY]
