"""How a simulated history may differ from the real one: error of measurement and of the model, series by series.

No model of a market is right, so a fit that takes every gap for luck would believe in far too few parameters. Here the
gap of a series has a scale that is declared before the fit (`SCALES`, from the error that would be defended) times a
factor that nobody knows, with an inverse-gamma prior on its square: it grows where no parameter brings a series near
(Kennedy & O'Hagan 2001, JRSS B 63, 425, for the term). Simulations are given such an error before they are compared
with history (Wilkinson 2013, Statistical Applications in Genetics and Molecular Biology 12, 129). Gaps of quarters of
one series hang together, so a series counts by its level and its trend, not by every quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FREEDOM = 4.0  # of the prior of a factor's square: its mean is 2, and one in ten exceeds 3.8
LEAST = 1e-6  # floor under a logarithm
FAR = 10.0  # scales


@dataclass(frozen=True)
class Scale:
    """Standard deviation of a series' gap before its factor: of its logarithm, or in its own unit if not `log`."""

    size: float
    log: bool = True


SCALES: Mapping[str, Scale] = {
    "nvidia_revenue": Scale(0.10),
    "nvidia_margin": Scale(3.0, log=False),
    "nvidia_share": Scale(5.0, log=False),
    "amd_revenue": Scale(0.35),
    "lead_time": Scale(0.25),
    "h100_rent": Scale(0.20),
    "price_ratio": Scale(0.20),
    "capex": Scale(0.10),
    "compute_stock": Scale(0.20),
    "top5_share": Scale(5.0, log=False),
    "coreweave_revenue": Scale(0.15),
    "coreweave_backlog": Scale(0.25),
    "coreweave_power": Scale(0.25),
    "coreweave_customer": Scale(10.0, log=False),
    "coreweave_rate": Scale(2.0, log=False),
    "openai_revenue": Scale(0.15),
    "openai_power": Scale(0.30),
    "anthropic_revenue": Scale(0.30),
    "nvidia_compute": Scale(7.0, log=False),
    "lab_yield": Scale(0.15),
    "build_slip": Scale(10.0, log=False),
    "neocloud_share": Scale(3.0, log=False),
}


def gaps(simulated: Array, observed: Array, scale: Scale) -> Array:
    """Level and trend (point, 1 or 2) of simulated less observed, in scales; the trend of four figures or more.

    `simulated` (point, quarter), `observed` (quarter,) with NaN where there is no figure. A simulation without a value
    where others have one counts as `FAR` off. No column where no quarter has both.
    """
    told = ~np.isnan(observed) & ~np.isnan(simulated).all(axis=0)
    if not told.any():
        return np.empty((len(simulated), 0))
    found, wanted = simulated[:, told], observed[told]
    if scale.log:
        found, wanted = np.log(np.maximum(found, LEAST)), np.log(np.maximum(wanted, LEAST))
    gap = (found - wanted) / scale.size
    gap = np.where(np.isnan(gap), FAR, gap)
    level = gap.mean(axis=1)
    if gap.shape[1] < 4:
        return level[:, None]
    half = gap.shape[1] // 2
    trend = gap[:, -half:].mean(axis=1) - gap[:, :half].mean(axis=1)
    return np.stack([level, trend], axis=1)


@dataclass(frozen=True)
class Misfit:
    """Gaps of every series that history tells of: (point, contrast) by name, in scales."""

    gaps: Mapping[str, Array]

    def with_error(self, centre: Mapping[str, Array], copies: int, generator: np.random.Generator) -> Array:
        """Gaps (copy x point, contrast of all series) with an error of the model drawn for every one.

        `centre`: contrasts by name of the fit so far, zero before there is one: the factor of a series is drawn given
        that it has to account for them.
        """
        drawn = []
        for name, gap in self.gaps.items():
            again = np.tile(gap, (copies, 1))
            squared = (FREEDOM + float((centre[name] ** 2).sum())) / generator.chisquare(FREEDOM, len(again))
            drawn.append(again + np.sqrt(squared)[:, None] * generator.standard_normal(again.shape))
        return np.concatenate(drawn, axis=1)

    def centre(self, weight: Array) -> dict[str, Array]:
        """Weighted mean of every series' contrasts: what is left of the gap when luck is averaged out."""
        return {name: np.asarray(weight @ gap) for name, gap in self.gaps.items()}


def factor(contrasts: Array) -> float:
    """Root of the posterior mean of a series' squared factor, given the contrasts (contrast,) of the fit."""
    return float(np.sqrt((FREEDOM + (contrasts * contrasts).sum()) / (FREEDOM + len(contrasts) - 2.0)))


def misfit(simulated: Array, observed: Array, names: tuple[str, ...], scales: Mapping[str, Scale] = SCALES) -> Misfit:
    """Compare simulations (point, series, quarter) with figures (series, quarter) of the series that have a scale."""
    held = {name: gaps(simulated[:, at], observed[at], scales[name]) for at, name in enumerate(names) if name in scales}
    return Misfit({name: gap for name, gap in held.items() if gap.shape[1]})
