"""Which arrays of two states, or of two days, differ in any bit."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Paths of the arrays and numbers in which two nested dataclasses differ; NaN equals NaN."""
    if hasattr(one, "rows") and hasattr(one, "count"):  # slots beyond the count hold nothing
        one, other = in_use(one), in_use(other)
    if is_dataclass(one):
        return [
            path
            for field in fields(one)
            for path in differences(getattr(one, field.name), getattr(other, field.name), f"{at}.{field.name}")
        ]
    same = np.asarray(one).tobytes() == np.asarray(other).tobytes()
    return [] if same else [at.lstrip(".")]


def in_use(book: Any) -> np.ndarray:
    """The rows of a book or a pipeline that its counts say are in use, one replicate after the other."""
    return np.concatenate([rows[:count] for rows, count in zip(book.rows, book.count, strict=True)])
