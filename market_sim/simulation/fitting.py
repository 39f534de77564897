"""The compute fit on its own: how well chips suit model architectures, without a market."""

from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from market_sim.mechanisms import fit


def compute_fit(
    architectures: Iterable[str],
    chips: Iterable[str],
    maturity: ArrayLike | None = None,
    training_share: ArrayLike = 0.5,
) -> pl.DataFrame:
    """Useful PFLOP/s per chip and per million USD of chip price, MFU, the work that limits, the sd of the error in
    logs, and why an answer is a stretch, per architecture and chip.

    `architectures` and `chips` name rows of the catalogues; a chip may go by its short name. `maturity` of kernels
    spreads over (chip, kind of work), 1 being settled kernels; by default each stack's at the last date measured.
    `training_share` of chip-hours spreads over (architecture,).
    Raises KeyError for an unknown name, with the nearest ones, and ValueError for an illegal maturity or share.
    """
    found = fit.compute_fit(list(architectures), list(chips), maturity, training_share=training_share)
    return pl.DataFrame(
        {
            "architecture": [name for name in found.architectures for _ in found.chips],
            "chip": list(found.chips) * len(found.architectures),
            "pflops_per_chip": found.throughput.reshape(-1),
            "pflops_per_musd": found.per_dollar.reshape(-1),
            "mfu": found.mfu.reshape(-1),
            "limited_by": [kind for row in found.limiting for kind in row],
            "log_error_sd": np.tile(found.error_sd, len(found.architectures)),
            "reason": [text for row in found.reasons for text in row],
        }
    )
