"""Units, named once, and the calendar.

Inside the engine time is in years, money in USD, power in kW per chip and MW per site, throughput in useful
PFLOP/s per chip, prices in USD per chip-hour. Numbers in other units are converted where they enter, by these
names: ``capex_usd = capex_bn * BILLION``. A year counts as twelve equal months and as 8,766 hours.
"""

import numpy as np
from numpy.typing import NDArray

# --- time -----------------------------------------------------------------------------------------

MONTHS_PER_YEAR = 12.0
DAYS_PER_YEAR = 365.25
WEEKS_PER_YEAR = DAYS_PER_YEAR / 7.0
HOURS_PER_YEAR = 8766.0
SECONDS_PER_HOUR = 3600.0
SECONDS_PER_YEAR = HOURS_PER_YEAR * SECONDS_PER_HOUR

# --- counts, money, power, compute ----------------------------------------------------------------

PERCENT = 0.01
THOUSAND = 1e3
MILLION = 1e6
BILLION = 1e9
TRILLION = 1e12

KW_PER_MW = 1e3
MW_PER_GW = 1e3
WATTS_PER_KW = 1e3

TFLOP = 1e12  # operations
PFLOP = 1e15
TFLOP_PER_PFLOP = 1e3
GIGABYTE = 1e9  # bytes, as data sheets of chips count them
TERABYTE = 1e12


def years_of_months(months: float) -> float:
    """Months -> years."""
    return months / MONTHS_PER_YEAR


def years_of_weeks(weeks: float) -> float:
    """Weeks -> years."""
    return weeks / WEEKS_PER_YEAR


def years_of_hours(hours: float) -> float:
    """Hours -> years."""
    return hours / HOURS_PER_YEAR


# --- the calendar ---------------------------------------------------------------------------------


def decimal_year(month: str) -> float:
    """A month ``YYYY-MM`` -> the decimal year at which it begins: ``2026-07`` is 2026.5.

    Raises ValueError for anything else.
    """
    return _months(month) / MONTHS_PER_YEAR


def add_months(month: str, count: int) -> str:
    """The month ``YYYY-MM`` that lies `count` months after a month, before it if negative."""
    year, past = divmod(_months(month) + count, 12)
    return f"{year:04d}-{past + 1:02d}"


def calendar(start: str, ticks: int, tick_months: float = 1.0) -> NDArray[np.float64]:
    """Decimal years at which ticks 0, 1, ... open, and at which the last one closes, (ticks + 1,).

    Raises ValueError if the start is no month, or a count or length is not positive.
    """
    if ticks < 1 or not tick_months > 0.0:
        raise ValueError(f"a calendar needs ticks of positive length; got {ticks} of {tick_months} months")
    months: NDArray[np.float64] = np.arange(ticks + 1, dtype=np.float64) * tick_months
    return (_months(start) + months) / MONTHS_PER_YEAR


def _months(month: str) -> int:
    """Months from the year 0 to a month ``YYYY-MM``."""
    year, dash, number = month.partition("-")
    known = dash and len(year) == 4 and len(number) == 2 and (year + number).isdecimal()
    if not known or not 1 <= int(number) <= 12:
        raise ValueError(f"{month!r} is no month; wanted YYYY-MM, such as 2026-01")
    return 12 * int(year) + int(number) - 1
