"""What a clearing answers, and why it stopped."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cleared", "Reason"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Reason(IntEnum):
    """Why a replicate's clearing stopped."""

    CLEARED = 0
    SWEEPS_SPENT = 1
    NOTHING_ASKED = 2
    NOTHING_OFFERED = 3

    @property
    def sentence(self) -> str:
        """The reason in words, with a remedy where one is known."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.CLEARED: "Every pool is within tolerance of its capacity, or slack at no scarcity price.",
    Reason.SWEEPS_SPENT: "The sweeps ran out before the tolerance was met: sales are scaled into capacity and"
    " prices are approximate; raise max_sweeps, the tolerance or sigma.",
    Reason.NOTHING_ASKED: "No lab had a budget, so nothing was traded.",
    Reason.NOTHING_OFFERED: "No offer had capacity, so every budget stayed outside.",
}


@dataclass(frozen=True)
class Cleared:
    """What a clearing answers.

    chips: (replicate, lab, offer), chips bought, fractional and never above capacity;
    shadow: (replicate, pool), log scarcity price >= 0, zero where the pool is slack or empty;
    scarcity: (replicate, offer), the sum of shadow over the offer's pools: labs pay price * e^scarcity;
    share_inside: (replicate, lab), share of the budget spent on offers; the rest stays outside;
    sweeps: (replicate,), passes over labs and offers; reason: (replicate,), a `Reason` each.
    """

    chips: Floats
    shadow: Floats
    scarcity: Floats
    share_inside: Floats
    sweeps: Ints
    reason: Ints
