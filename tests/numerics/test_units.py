"""Units and the calendar by hand."""

import numpy as np
import pytest

from market_sim import units


def test_a_year_has_its_hours_weeks_and_months() -> None:
    """The conversions of time agree with each other."""
    assert units.HOURS_PER_YEAR == 24 * units.DAYS_PER_YEAR
    assert units.years_of_months(18) == 1.5
    assert units.years_of_weeks(units.WEEKS_PER_YEAR) == 1.0
    assert units.years_of_hours(8766) == 1.0
    assert units.years_of_weeks(49) == pytest.approx(49 * 7 / 365.25)


def test_months_count() -> None:
    """Months become decimal years, and adding them carries into the year both ways."""
    assert units.decimal_year("2026-07") == 2026.5
    assert units.add_months("2026-11", 3) == "2027-02"
    assert units.add_months("2026-01", -1) == "2025-12"
    assert units.add_months("2026-01", 0) == "2026-01"


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-00", "26-01", "2026-1", "2026-01-05", "mid 2026", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    """The error names what it got and what it wanted."""
    with pytest.raises(ValueError, match="wanted YYYY-MM"):
        units.decimal_year(text)


def test_calendar_opens_and_closes_every_tick() -> None:
    """A calendar of n ticks has n + 1 dates, of any length, and finer ones meet coarser ones exactly."""
    np.testing.assert_array_equal(units.calendar("2026-01", 4, 3.0), [2026.0, 2026.25, 2026.5, 2026.75, 2027.0])
    month, half = units.calendar("2025-05", 30), units.calendar("2025-05", 60, 0.5)
    np.testing.assert_array_equal(half[::2], month)
    with pytest.raises(ValueError, match="positive length"):
        units.calendar("2026-01", 0)
    with pytest.raises(ValueError, match="positive length"):
        units.calendar("2026-01", 3, 0.0)
