"""What firms share and none of them is: stacks, instruction-set families, chips and pools of revenue."""

from dataclasses import dataclass, field
from math import exp
from typing import Any

HOURS = 8766.0  # a year
SOON = 1e-12  # years by which a launch may be early


@dataclass(slots=True, eq=False)
class Stack:
    """A software stack; rates per year."""

    place: int
    ceiling: float
    vendor_effort: float
    port_cost: float  # engineer-months
    automation: list[float]  # by tick
    known: list[float]  # maturity reached on hardware long in use, by kind of work
    knew: list[float] = field(default_factory=list)  # the same before the tick

    def learn(self, rate: float, dt: float) -> None:
        """Close the gap to the ceiling at `rate`."""
        step = 1.0 - exp(-rate * dt)
        self.knew, self.known = self.known, [k + max(0.0, self.ceiling - k) * step for k in self.known]


@dataclass(slots=True, eq=False)
class Family:
    """An instruction-set family of a stack; its kernels mature together."""

    stack: Stack
    start: float  # years since the start of the run
    maturity: list[float]  # by kind of work
    launched: bool

    def launch(self, reset: float) -> None:
        """Come to market at a part of what its stack knows."""
        self.maturity = [reset * known for known in self.stack.knew]

    def take_over(self, rate: float, dt: float) -> None:
        """Make good at `rate` the share by which kernels fall short of what the stack knows."""
        left = exp(-rate * dt)
        self.maturity = [
            known * (1.0 - (1.0 - kappa / knew) * left)
            for kappa, knew, known in zip(self.maturity, self.stack.knew, self.stack.known, strict=True)
        ]


@dataclass(slots=True, eq=False)
class Chip:
    """A product of a vendor. Money per chip, power in kW."""

    place: int
    name: str
    stack: Stack
    family: Family
    released: float  # years since the start of the run
    withdrawn: float
    power: float
    packages: float
    server: float
    network: float  # USD of it that the chip's own vendor sells
    cost: float
    error: float  # factor of the compute fit
    list_price: float
    stock: float
    made: float
    unit_cost: float
    retired: float
    shipped: float
    vendor: Any = None
    useful: float = 0.0  # PFLOP/s in live contracts

    def launched(self, now: float) -> bool:
        return self.released <= now + SOON

    def on_sale(self, now: float) -> bool:
        return self.launched(now) and self.withdrawn >= now

    def cost_today(self, now: float, decline: float) -> float:
        """USD to make one, falling from launch or the start on."""
        return self.cost * exp(-decline * max(0.0, now - max(0.0, self.released)))


@dataclass(slots=True, eq=False)
class RevenuePool:
    """End-customer spending that labs compete for."""

    potential: list[float]  # USD a year at the start of each tick
    labs: list[Any] = field(default_factory=list)

    def industry_cost(self) -> float:
        """USD per useful PFLOP-hour over all fleets of the pool; 0 where there are none."""
        rent = sum(lab.rent_rate for lab in self.labs)
        useful = sum(lab.useful for lab in self.labs)
        return rent / (useful * HOURS) if useful > 0.0 else 0.0
