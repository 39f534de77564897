"""Dates of ticks and of moments: years since the scenario's start -> days of the calendar."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_DAY = np.iinfo(np.int32).min  # stands for a moment that has not come
ROUNDING = 1e-6  # months (2.6 s): a moment a rounding error short of midnight belongs to the day it opens


@dataclass(frozen=True, slots=True)
class Calendar:
    """Start of the scenario and length of a tick in months; a year counts as twelve calendar months."""

    start: date
    tick_months: float = 1.0

    def days_of_ticks(self, ticks: ArrayLike) -> NDArray[np.int32]:
        """Ticks (n) -> days since 1970-01-01 on which they open (n)."""
        return self._days(np.asarray(ticks, dtype=np.float64) * self.tick_months)

    def days_of_years(self, years: ArrayLike) -> NDArray[np.int32]:
        """Years since the start (n), fractions too -> days since 1970-01-01 (n); NaN gives NO_DAY."""
        return self._days(np.asarray(years, dtype=np.float64) * 12.0)

    def _days(self, months: NDArray[np.float64]) -> NDArray[np.int32]:
        known = np.isfinite(months)
        nudged = np.where(known, months, 0.0) + ROUNDING
        whole = np.floor(nudged)
        first, after = self._anniversary(whole), self._anniversary(whole + 1.0)
        days = first + np.floor((nudged - whole) * (after - first)).astype(np.int64)
        return np.where(known, days, NO_DAY).astype(np.int32)

    def _anniversary(self, months: NDArray[np.float64]) -> NDArray[np.int64]:
        """The start's day of the month, so many months on; the last of the month where it is shorter."""
        month = np.datetime64(self.start, "M") + months.astype("m8[M]")
        first = month.astype("M8[D]").astype(np.int64)
        last = (month + np.timedelta64(1, "M")).astype("M8[D]").astype(np.int64) - 1
        return np.minimum(first + self.start.day - 1, last)


def year_ends(ticks: int, tick_months: float) -> tuple[int, ...]:
    """The first tick, those that end a year since the start, and the last one."""
    year = max(1, round(12.0 / tick_months))
    return tuple(sorted({0, ticks - 1, *range(year - 1, ticks, year)}))
