"""Lots under construction: chips arrive, the site is made ready, the lot is brought up."""

from dataclasses import dataclass
from math import log
from typing import Any

from benchmarks.plain_mesa.catalogue import Chip

DONE = 1e-9
INVENTORY = -1
LEAST_DELAY = 1e-3  # years


@dataclass(slots=True, eq=False)
class Lot:
    """Chips ordered together; for a contract by its number, or for inventory. Years of ordinary work left."""

    contract: int
    provider: Any
    chip: Chip
    chips: float
    received: float
    site_left: float
    bring_up_left: float
    ordered: float
    promised: float
    rent: float  # USD a year

    @property
    def kw(self) -> float:
        return self.chips * self.chip.power

    def receive(self, arrived: float) -> float:
        """Take what is missing out of `arrived` chips; how many were taken."""
        taken = max(0.0, min(self.chips - self.received, arrived))
        self.received += taken
        if taken > 0.0 and self.chips - self.received < DONE * self.chips:
            self.received = self.chips
        return taken

    def build(self, speed: float, dt: float) -> float | None:
        """Work for `dt` years, `speed` years of site work a year; how much of the time was left when it was done."""
        left = dt
        if self.site_left > 0.0:
            used = min(left, self.site_left / speed)
            self.site_left -= used * speed
            left -= used
            if self.site_left < DONE:
                self.site_left = 0.0
        if self.site_left > 0.0 or self.received != self.chips:
            return None
        used = min(left, self.bring_up_left)
        self.bring_up_left -= used
        return left - used if self.bring_up_left < DONE else None

    def lateness(self, at: float) -> float:
        """Log of the delay over what was promised."""
        promised = max(self.promised - self.ordered, LEAST_DELAY)
        return log(max(at - self.ordered, LEAST_DELAY)) - log(promised)
