"""Model architectures drift apart and adapt to the chips that labs own, at a loss of quality."""

import numpy as np

from market_sim.numerics import kernel, log
from market_sim.state.grouping import rows, weighed


def next_generation(
    drift: np.ndarray, ideal: np.ndarray, gradient: np.ndarray, releases: np.ndarray, adaptation: np.ndarray,
    codesign: np.ndarray, curvature: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Architectures (replicate, lab, direction) after the tick's model releases.

    a <- a + k_d (a* - a) + k_c g / (1 + k_c M): the pull of the installed chips' gradient g of log fit, bounded by the
    quality loss 1/2 (a - a*)' M (a - a*): with k_c -> inf the step ends where marginal gain meets marginal
    loss, g / M. `releases` (replicate, lab) is True for labs that release this tick.
    """
    out = np.empty(drift.shape)
    _next_generation(drift, ideal, gradient, releases, adaptation, codesign, curvature, out)
    return out


@kernel
def _next_generation(drift, ideal, gradient, releases, adaptation, codesign, curvature, out):  # type: ignore[no-untyped-def]
    for r in range(drift.shape[0]):
        bound = 1.0 + codesign[r] * curvature[r]
        for i in range(drift.shape[1]):
            for d in range(drift.shape[2]):
                at = drift[r, i, d]
                moved = at + adaptation[r] * (ideal[r, i, d] - at) + codesign[r] * gradient[r, i, d] / bound
                out[r, i, d] = moved if releases[r, i] else at


def quality_loss(drift: np.ndarray, ideal: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Capability lost by leaving the ideal (replicate, lab): 1/2 (a - a*)' M (a - a*), M = curvature * identity."""
    out = np.empty(drift.shape[:2])
    _quality_loss(drift, ideal, curvature, out)
    return out


@kernel
def _quality_loss(drift, ideal, curvature, out):  # type: ignore[no-untyped-def]
    for r in range(drift.shape[0]):
        for i in range(drift.shape[1]):
            total = 0.0
            for d in range(drift.shape[2]):
                gap = drift[r, i, d] - ideal[r, i, d]
                total += gap * gap
            out[r, i] = 0.5 * curvature[r] * total


def releases(now: float, dt: float, phase: np.ndarray, interval: np.ndarray) -> np.ndarray:
    """Labs (replicate, lab) whose next model generation falls in (now, now + dt]; `phase` in 0..1."""
    before = np.floor(now / interval[:, None] + phase)
    after = np.floor((now + dt) / interval[:, None] + phase)
    return after > before


def divergence(drift: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Root mean square distance of labs from their weighted centre (replicate,), in log units."""
    w = weight / np.maximum(weight.sum(axis=1), 1e-300)[:, None]
    centre = (w[:, :, None] * drift).sum(axis=1)
    gap = drift - centre[:, None, :]
    return np.sqrt((w * weighed(gap, gap)).sum(axis=1))


def lock_in(
    throughput: np.ndarray, reference: np.ndarray, available: np.ndarray, chip_price: np.ndarray,
    chip_vendor: np.ndarray, vendors: int, weight: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Mean log ratio of a lab's best platform to its best of another vendor per USD, less the same for its twin.

    The twin shares luck and ideal but never adapts to its chips, so launch cycles drop out. (replicate,).
    """

    def advantage(fit: np.ndarray) -> np.ndarray:
        value = np.where(available[:, None, :] & (fit > 0.0), fit / chip_price[:, None, :], 1e-30)
        best = np.stack([np.where(chip_vendor == v, value, 1e-30).max(axis=2) for v in range(vendors)], axis=-1)
        ranked = np.sort(best, axis=-1, kind="stable")
        second = ranked[..., -2] if vendors > 1 else ranked[..., -1]
        return np.where(second > 1e-29, log(ranked[..., -1] / second), 0.0)

    gap = advantage(throughput) - advantage(reference)
    w = weight / np.maximum(weight.sum(axis=1), 1e-300)[:, None]
    return (w * gap).sum(axis=1)


def segregation(use: np.ndarray) -> np.ndarray:
    """Between-lab segregation over platforms (replicate,), Theil's information index H in 0..1.

    `use` (replicate, lab, platform) in useful compute. 0: all labs use the same mix; 1: each platform mix is pure.
    Theil & Finizza (1971).
    """
    total = use.sum(axis=(1, 2))
    safe = np.where(total > 0.0, total, 1.0)
    overall = entropy(use.sum(axis=1) / safe[:, None])
    size = rows(use)
    own = entropy(use / np.where(size > 0.0, size, 1.0)[:, :, None])
    within = (size * own).sum(axis=1) / safe
    return np.where(overall > 1e-12, (overall - within) / np.where(overall > 1e-12, overall, 1.0), 0.0)


def entropy(share: np.ndarray) -> np.ndarray:
    """Shannon entropy in nats over the last axis; 0 log 0 = 0."""
    return -np.where(share > 0.0, share * log(np.where(share > 0.0, share, 1.0)), 0.0).sum(axis=-1)
