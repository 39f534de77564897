"""Model architectures drift apart and adapt to the chips that labs own, at a loss of quality."""

import numpy as np

from market_sim.numerics import kernel, klog, part


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
    out = np.zeros(len(drift))
    _divergence(drift, weight, np.empty(drift.shape[2]), out)
    return out


@kernel
def _divergence(drift, weight, centre, out):  # type: ignore[no-untyped-def]
    for r in range(drift.shape[0]):
        whole = 0.0
        for i in range(drift.shape[1]):
            whole += weight[r, i]
        whole = max(whole, 1e-300)
        for d in range(centre.shape[0]):
            centre[d] = 0.0
            for i in range(drift.shape[1]):
                centre[d] += weight[r, i] / whole * drift[r, i, d]
        for i in range(drift.shape[1]):
            square = 0.0
            for d in range(centre.shape[0]):
                gap = drift[r, i, d] - centre[d]
                square += gap * gap
            out[r] += weight[r, i] / whole * square
        out[r] = np.sqrt(out[r])


def lock_in(
    throughput: np.ndarray, reference: np.ndarray, available: np.ndarray, chip_price: np.ndarray,
    chip_vendor: np.ndarray, vendors: int, weight: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Mean log ratio of a lab's best platform to its best of another vendor per USD, less the same for its twin.

    The twin shares luck and ideal but never adapts to its chips, so launch cycles drop out. (replicate,).
    """
    out = np.empty(len(throughput))
    _lock_in(
        throughput, reference, np.ascontiguousarray(available), chip_price, chip_vendor, weight, np.empty(vendors), out
    )
    return out


@kernel
def _lock_in(throughput, reference, available, price, chip_vendor, weight, best, out):  # type: ignore[no-untyped-def]
    for r in range(throughput.shape[0]):
        whole, total = 0.0, 0.0
        for i in range(throughput.shape[1]):
            own = _advantage(throughput[r, i], available[r], price[r], chip_vendor, best)
            twin = _advantage(reference[r, i], available[r], price[r], chip_vendor, best)
            total += weight[r, i] * (own - twin)
            whole += weight[r, i]
        out[r] = total / max(whole, 1e-300)


@part
def _advantage(fit, available, price, chip_vendor, best):  # type: ignore[no-untyped-def]
    """Log ratio of the best vendor's best chip per USD to that of the second; 0 where there is none."""
    for v in range(best.shape[0]):
        best[v] = 0.0
    for c in range(fit.shape[0]):
        if available[c]:
            best[chip_vendor[c]] = max(best[chip_vendor[c]], fit[c] / price[c])
    first, second = 0.0, 0.0
    for v in range(best.shape[0]):
        second = max(second, min(first, best[v]))
        first = max(first, best[v])
    return klog(first / second) if second > 0.0 else 0.0


def segregation(use: np.ndarray) -> np.ndarray:
    """Between-lab segregation over platforms (replicate,), Theil's information index H in 0..1.

    `use` (replicate, lab, platform) in useful compute. 0: all labs use the same mix; 1: each platform mix is pure.
    Theil & Finizza (1971).
    """
    out = np.zeros(len(use))
    _segregation(use, out)
    return out


@kernel
def _segregation(use, out):  # type: ignore[no-untyped-def]
    labs, platforms = use.shape[1:]
    share, logs, size = np.empty((labs + 1, platforms)), np.empty((labs + 1, platforms)), np.empty(labs + 1)
    for r in range(use.shape[0]):  # the last row is the market's
        size[labs], share[labs] = 0.0, 0.0
        for i in range(labs):
            size[i] = 0.0
            for m in range(platforms):
                size[i] += use[r, i, m]
                share[i, m] = use[r, i, m]
                share[labs, m] += use[r, i, m]
            size[labs] += size[i]
        for i in range(labs + 1):
            for m in range(platforms):
                share[i, m] /= size[i] if size[i] > 0.0 else 1.0
        _in_logs(share.reshape(-1), logs.reshape(-1))
        within, whole = 0.0, _entropy(share[labs], logs[labs])
        for i in range(labs):
            within += size[i] * _entropy(share[i], logs[i])
        out[r] = (whole - within / size[labs]) / whole if whole > 1e-12 else 0.0


@part
def _in_logs(values, out):  # type: ignore[no-untyped-def]
    for i in range(values.shape[0]):
        out[i] = klog(values[i])


@part
def _entropy(share, logs):  # type: ignore[no-untyped-def]
    """Shannon entropy in nats; 0 log 0 = 0."""
    out = 0.0
    for m in range(share.shape[0]):
        out -= share[m] * logs[m] if share[m] > 0.0 else 0.0
    return out
