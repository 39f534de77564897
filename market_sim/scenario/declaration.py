"""What one parameter declares about itself: form, unit, bounds, meaning, source and standing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

STANDINGS = ("sourced", "estimated", "illustrative")
NUMERIC_FORMS = frozenset({"number", "whole", "numbers", "mapping", "series"})


class Refused(ValueError):
    """A value does not suit its declaration; `wanted` says in words what would."""

    def __init__(self, wanted: str, nearest: str = "") -> None:
        super().__init__(wanted)
        self.wanted, self.nearest = wanted, nearest


@dataclass(frozen=True)
class Declaration:
    """One field of a section, as validation, documentation and sweeps see it.

    `low` and `high` bound every value and every possible draw, in `unit`; `open_low` leaves `low` itself out.
    `refers` is the dotted path of the named table whose keys this field uses (several joined by `|`).
    """

    form: str
    meaning: str
    default: Any = None
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    options: tuple[str, ...] = ()
    refers: str = ""
    least: int = 0
    count: int | None = None
    section: Any = field(default=None, repr=False)
    source: str = ""
    standing: str = "illustrative"
    optional: bool = False
    required: bool = False
    within_run: bool = False
    fixed: bool = False  # one number for all replicates: a distribution is refused

    def __post_init__(self) -> None:
        if not self.meaning.strip():
            raise TypeError(f"a {self.form} field was declared without a meaning")
        if self.form in NUMERIC_FORMS and not self.unit:
            raise TypeError(f"{self.meaning!r} was declared without a unit; a plain ratio has the unit '1'")
        if self.standing not in STANDINGS:
            raise TypeError(f"{self.meaning!r} has standing {self.standing!r}, not one of {STANDINGS}")
        if self.low > self.high:
            raise TypeError(f"{self.meaning!r} has low {self.low} above high {self.high}")

    @property
    def drawable(self) -> bool:
        """Whether replicates may differ in it."""
        return self.form in ("number", "numbers", "mapping", "series") and not self.fixed

    @property
    def bounds(self) -> str:
        """The admitted range in words a reader can act on, such as `0 to 1` or `above 0`."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "any"
        if math.isinf(self.high):
            return f"above {self.low:g}" if self.open_low else f"{self.low:g} or more"
        if math.isinf(self.low):
            return f"{self.high:g} or less"
        opening = "above " if self.open_low else ""
        return f"{opening}{self.low:g} to {self.high:g}"

    def admits(self, value: float) -> bool:
        """Whether one finite number lies within the bounds."""
        above = value > self.low if self.open_low else value >= self.low
        return above and value <= self.high
