"""The compute fit on its own: how well chips suit model architectures, without a market."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from market_sim.mechanisms import fit
from market_sim.scenario.catalog import architecture_table, chip_table

TRAINING_SHARE = 0.5  # of chip-hours on the reference chip


def compute_fit(
    architectures: Sequence[str],
    chips: Sequence[str],
    maturity: ArrayLike = 1.0,
    training_share: ArrayLike = TRAINING_SHARE,
) -> pl.DataFrame:
    """Useful PFLOP/s per chip, MFU, the work that limits, and the error's sd in logs, per architecture and
    chip.

    `architectures` and `chips` name rows of the catalogues; `maturity` of kernels broadcasts to (chip, kind
    of work), 1 being the calibrated reference, `training_share` to (architecture,). Raises KeyError for an
    unknown name.
    """
    asked, offered = architecture_table(list(architectures)), chip_table(list(chips))
    shape = (1, len(offered.names), len(fit.KINDS))
    kappa = np.ascontiguousarray(np.broadcast_to(np.asarray(maturity, np.float64), shape))
    mix = np.ascontiguousarray(np.broadcast_to(np.asarray(training_share, np.float64), (1, len(architectures))))
    answer = fit.evaluate(fit.prepare(asked, offered), kappa, mix)
    return pl.DataFrame(
        {
            "architecture": np.repeat(np.array(architectures, object), len(chips)).tolist(),
            "chip": list(chips) * len(architectures),
            "pflops_per_chip": answer.throughput[0].reshape(-1),
            "mfu": answer.mfu[0].reshape(-1),
            "limited_by": [fit.KINDS[kind] for kind in answer.limiting.reshape(-1)],
            "log_error_sd": np.tile(fit.error_band(offered), len(architectures)),
        }
    )
