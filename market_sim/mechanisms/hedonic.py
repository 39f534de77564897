"""What buyers pay for speed: the fall of contract prices with delay, across offers alike in all else."""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog, part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALL = 1e-12


@kernel
def _log_useful(useful, reaches, provider, chip, out):  # type: ignore[no-untyped-def]
    by_chip, by_provider = np.empty(useful.shape[1]), np.empty(reaches.shape[1])
    for r in range(out.shape[0]):
        for c in range(by_chip.shape[0]):
            by_chip[c] = klog(max(useful[r, c], SMALL))
        for p in range(by_provider.shape[0]):
            by_provider[p] = klog(max(reaches[r, p], SMALL))
        for j in range(out.shape[1]):
            out[r, j] = by_chip[chip[j]] + by_provider[provider[j]]


def log_useful(useful: Floats, reaches: Floats, provider: Ints, chip: Ints) -> Floats:
    """Log of the work that a chip of each offer does for its tenant (replicate, offer).

    `useful` (replicate, chip) PFLOP/s, of which a part `reaches` (replicate, provider) the tenant.
    """
    out = np.empty((len(useful), len(chip)))
    _log_useful(useful, reaches, provider, chip, out)
    return out


def hedonic_speed_premium(
    log_price: Floats, delay: Floats, log_throughput: Floats, term: Floats, weight: Floats
) -> Floats:
    """d log price / d delay (replicate,), a year, across offers of equal speed and term; below 0 if speed
    pays.

    The slope on delay (replicate, offer; years) of a least-squares line for log_price (replicate, offer),
    with a constant, log_throughput (replicate, offer) and term (offer,) held fixed, weighted by weight
    (replicate, offer), zero where an offer is not live (Rosen 1974, *J. Polit. Econ.* 82). 0 where delay
    does not vary apart from the rest, so a market of one delay has no premium.
    """
    answer = np.zeros(delay.shape[0])
    _speed_premium(log_price, delay, log_throughput, term, weight, answer)
    return answer


@kernel
def _speed_premium(log_price, delay, log_throughput, term, weight, answer):  # type: ignore[no-untyped-def]
    """Frisch & Waugh (1933): price is regressed on what throughput and term leave unexplained of delay."""
    used = np.empty(delay.shape[1])
    columns = np.empty((4, delay.shape[1]))  # throughput, term, delay, price
    for r in range(delay.shape[0]):
        n = 0
        for j in range(delay.shape[1]):
            finite = abs(log_throughput[r, j]) < np.inf and abs(log_price[r, j]) < np.inf
            if finite and weight[r, j] > 0.0:
                used[n] = weight[r, j]
                columns[0, n], columns[1, n] = log_throughput[r, j], term[j]
                columns[2, n], columns[3, n] = delay[r, j], log_price[r, j]
                n += 1
        answer[r] = _partial_slope(columns, used, n)


@part
def _partial_slope(columns, weight, n):  # type: ignore[no-untyped-def]
    """Slope of the last column on the one before it over the first n entries, the first ones and a constant held
    fixed; 0 if undefined."""
    last = columns.shape[0] - 1
    left = np.zeros(last)  # of each regressor's square, after what those before it explain
    total = 0.0
    for j in range(n):
        total += weight[j]
    if total <= 0.0:
        return 0.0
    for a in range(last):
        size = _inner(columns[a], columns[a], weight, n)
        mean = 0.0
        for j in range(n):
            mean += weight[j] * columns[a, j]
        for j in range(n):
            columns[a, j] -= mean / total
        for b in range(a):
            if left[b] > 0.0:
                times = _inner(columns[a], columns[b], weight, n) / left[b]
                for j in range(n):
                    columns[a, j] -= times * columns[b, j]
        rest = _inner(columns[a], columns[a], weight, n)
        left[a] = rest if rest > 1e-12 * size else 0.0
    slope = _inner(columns[last - 1], columns[last], weight, n)
    return slope / left[last - 1] if left[last - 1] > 0.0 else 0.0


@part
def _inner(x, y, weight, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(n):
        total += weight[j] * x[j] * y[j]
    return total
