"""What a run keeps of what it records: everything, or a light form for batches of many replicates.

In the light form what concerns single firms and chips (`shares`, signals of a lab or a chip, the concentration of one
vendor's buyers) is there at the first tick, at the end of every year and at the last tick; all else every tick. Numbers
in between are rounded to BITS significant bits, an error of at most a thousandth: what a float32 holds beyond them is
noise that no file compresses. Those of the ticks named stay whole, so that small differences can be told; but for the
quantities of `shares`, which follow from shares and totals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from market_sim.results.calendar import Calendar, year_ends
from market_sim.results.vocabulary import MARKETS, SIGNALS

BITS = 10  # significant bits, the leading one included
FULL = 24  # those of a float32
ONES = ("lab", "chip")  # groups of signals of which there are many


@dataclass(frozen=True)
class Plan:
    """The tables recorded, over how many ticks of how many months, and whether in the light form."""

    tables: tuple[str, ...]
    light: bool
    ticks: int
    tick_months: float

    @property
    def whole(self) -> np.ndarray:
        """The ticks (n,) that are told of in full: single firms and chips too, and every digit."""
        return np.array(year_ends(self.ticks, self.tick_months) if self.light else range(self.ticks), np.int64)

    def is_whole(self, ticks: int) -> np.ndarray:
        """Whether each of the first `ticks` ticks (tick,) is told of in full."""
        return np.isin(np.arange(ticks), self.whole)

    def rough(self, numbers: np.ndarray) -> np.ndarray:
        """float32 that follow from others, such as quantities from shares: rounded at every tick."""
        return rounded(numbers, BITS) if self.light else numbers

    def kept(self, numbers: np.ndarray) -> np.ndarray:
        """float32 of the first ticks (..., tick), those of ticks in between rounded."""
        if not self.light:
            return numbers
        out, whole = rounded(numbers, BITS), self.is_whole(numbers.shape[-1])
        out[..., whole] = numbers[..., whole]
        return out


def is_thinned(table: str, what: str) -> bool:
    """Whether the light form holds rows at year ends alone; `what`: the signal or the market that they are of."""
    if table == "signals":
        return any(signal.name == what and signal.by in ONES for signal in SIGNALS)
    return table == "shares" or (table == "concentration" and what not in (market.name for market in MARKETS))


def days_of_ticks(resolved: Mapping[str, Any]) -> tuple[list[date], list[date]]:
    """The days on which the ticks of a resolved scenario open, and those of the first, of year ends and of the last."""
    ticks, months = int(resolved["ticks"]), float(resolved["tick_months"])
    year, month = str(resolved["start"])[:7].split("-")
    opened = Calendar(date(int(year), int(month), 1), months).days_of_ticks(np.arange(ticks))
    days: list[date] = opened.astype("M8[D]").tolist()
    return days, [days[tick] for tick in year_ends(ticks, months)]


def rounded(numbers: np.ndarray, bits: int) -> np.ndarray:
    """float32 rounded to nearest in so many significant bits, ties away from zero; NaN and infinities stay."""
    if bits >= FULL or not numbers.size:
        return numbers
    lost = FULL - bits
    words = numbers.view(np.int32)
    kept = words + np.int32(1 << (lost - 1))
    kept &= np.int32(-(1 << lost))
    out = kept.view(np.float32)  # infinities have no bits to lose, and a NaN stays one unless all its bits are set
    spoilt = np.isnan(numbers)
    spoilt &= ~np.isnan(out)
    if spoilt.any():
        out[spoilt] = np.nan
    return out
