"""Importance samples and regression adjustment: from simulated points to draws of a posterior.

Points live in normal scores z = Phi^-1(u), u the place of a parameter in its prior, so the prior is a standard normal
whatever the parameters' own distributions are, and no draw can leave its prior's support.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEFENSIVE = 0.2  # of each later wave comes from the prior, so that weights stay bounded
WIDER = 1.3  # variance of a proposal over that of the points it follows
RIDGE = 1e-3
EDGE = 1e-9  # keeps places off 0 and 1
KEPT = 0.25  # of the prior's weight that is taken for near
TINY = 1e-300


def scores(places: Array) -> Array:
    """Normal scores of places from 0 to 1."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(places, EDGE, 1.0 - EDGE)))


def places(z: Array) -> Array:
    """Places from 0 to 1 of normal scores."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


@dataclass(frozen=True)
class Proposal:
    """Where a wave draws its points from: the prior, or a normal about `mean` mixed with the prior."""

    mean: Array | None = None
    root: Array | None = None  # Cholesky factor of the covariance

    def draw(self, uniforms: Array) -> Array:
        """Points (point, parameter) in scores from uniforms (point, parameter + 1); the last chooses the part."""
        z = scores(uniforms[:, :-1])
        if self.mean is None or self.root is None:
            return z
        near = self.mean + z @ self.root.T
        return np.where((uniforms[:, -1] < DEFENSIVE)[:, None], z, near)

    def log_density(self, z: Array) -> Array:
        """Log density (point,) at scores."""
        prior = log_normal(z)
        if self.mean is None or self.root is None:
            return prior
        inner: Array = np.asarray(np.linalg.solve(self.root, (z - self.mean).T).T, dtype=np.float64)
        near = log_normal(inner) - np.log(np.diag(self.root)).sum()
        return np.asarray(np.logaddexp(np.log(DEFENSIVE) + prior, np.log1p(-DEFENSIVE) + near))


def log_normal(z: Array) -> Array:
    """Log density (point,) of independent standard normals."""
    return np.asarray(-0.5 * (z * z).sum(axis=1) - 0.5 * z.shape[1] * np.log(2.0 * np.pi))


def log_weights(z: Array, waves: list[tuple[Proposal, int]]) -> Array:
    """Log weight (point,) that makes the points of all waves, drawn with their proposals, count as the prior's.

    `waves`: each wave's proposal and number of points. Mixture weights after Cornuet, Marin, Mira & Robert (2012),
    Scandinavian Journal of Statistics 39, 798.
    """
    total = sum(count for _, count in waves)
    parts = np.stack([np.log(count / total) + proposal.log_density(z) for proposal, count in waves])
    return np.asarray(log_normal(z) - np.logaddexp.reduce(parts, axis=0))


def normalised(log_weight: Array) -> Array:
    """Weights that add up to one."""
    top = log_weight.max()
    weight = np.exp(log_weight - top) if np.isfinite(top) else np.ones_like(log_weight)
    return np.asarray(weight / weight.sum())


def effective(weight: Array) -> float:
    """Effective number of points, (sum w)^2 / sum w^2 (Kish 1965)."""
    return float(weight.sum() ** 2 / (weight * weight).sum())


def regressed(target: Array, on: Array, weight: Array) -> Array:
    """Weighted least-squares slopes (column of `on`, column of `target`), kept small by a ridge of a thousandth."""
    centre, goal = weight @ on, weight @ target
    scale = np.sqrt(np.maximum(weight @ (on - centre) ** 2, TINY))
    x = (on - centre) / scale
    gram = (x * weight[:, None]).T @ x + RIDGE * np.eye(x.shape[1])
    slopes = np.linalg.solve(gram, (x * weight[:, None]).T @ (target - goal))
    return np.asarray(slopes / scale[:, None])


def conditioned(z: Array, gap: Array, weight: Array) -> tuple[Array, Array]:
    """Points (point, parameter) adjusted to what they would be were their gaps (point, contrast) zero, and weights.

    Gaps are summed up by what they say of each parameter (linear regression: Fearnhead & Prangle 2012, JRSS B 74, 419);
    the nearest `KEPT` of the points by that measure are taken with an Epanechnikov kernel and moved along a regression
    fitted to them (Beaumont, Zhang & Balding 2002, Genetics 162, 2025). `weight` (point,) makes the points the prior's.
    """
    summary = gap @ regressed(z, gap, weight)
    size = np.sqrt(np.maximum(weight @ (summary - weight @ summary) ** 2, TINY))
    distance = np.sqrt(((summary / size) ** 2).sum(axis=1))
    order = np.argsort(distance, kind="stable")
    last = order[min(int(np.searchsorted(np.cumsum(weight[order]), KEPT)), len(order) - 1)]
    kernel = weight * np.maximum(0.0, 1.0 - (distance / max(float(distance[last]), TINY)) ** 2)
    kept = kernel / kernel.sum() if kernel.sum() > 0.0 else weight
    return np.asarray(z - summary @ regressed(z, summary, kept)), kept


def next_proposal(z: Array, weight: Array) -> Proposal:
    """A normal with the weighted mean and a wider covariance."""
    mean = weight @ z
    spread = (z - mean).T @ ((z - mean) * weight[:, None])
    covariance = WIDER * spread + RIDGE * np.eye(z.shape[1])
    return Proposal(mean, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64))


def smoothed(z: Array, weight: Array, behind: float, count: int, seed: int) -> Array:
    """`count` draws of the weighted points, each moved a little so that none comes twice.

    `behind`: how many simulations they stand for, which sets how little. Systematic resampling, then a normal kernel
    that shrinks points towards the mean so that mean and covariance stay (West 1993, JRSS B 55, 409).
    """
    generator = np.random.default_rng(seed)
    at = np.searchsorted(np.cumsum(weight), (np.arange(count) + generator.random()) / count)
    chosen = generator.permutation(np.minimum(at, len(weight) - 1))
    parameters = z.shape[1]
    width = (4.0 / ((parameters + 2.0) * behind)) ** (1.0 / (parameters + 4.0))
    width = min(width, 0.9)
    mean = weight @ z
    spread = (z - mean).T @ ((z - mean) * weight[:, None])
    root = np.linalg.cholesky(spread + 1e-9 * np.eye(parameters))
    noise = generator.standard_normal((count, parameters)) @ root.T
    return np.asarray(mean + np.sqrt(1.0 - width * width) * (z[chosen] - mean) + width * noise)
