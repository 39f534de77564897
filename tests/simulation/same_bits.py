"""Which arrays of two states, or of two days, differ in any bit."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Paths of the arrays and numbers in which two nested dataclasses differ; NaN equals NaN."""
    if is_dataclass(one):
        return [
            path
            for field in fields(one)
            for path in differences(getattr(one, field.name), getattr(other, field.name), f"{at}.{field.name}")
        ]
    same = np.asarray(one).tobytes() == np.asarray(other).tobytes()
    return [] if same else [at.lstrip(".")]
