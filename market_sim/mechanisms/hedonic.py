"""What buyers pay for speed: the fall of contract prices with delay, across offers alike in all else."""

import numpy as np
from numpy.typing import NDArray

from market_sim.numerics import kernel, klog, part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALL = 1e-12
ROUNDING = 1e-12  # part of a square that rounding may leave where nothing is


def hedonic_speed_premium(
    price: Floats, of: int, spent: Floats, delay: Floats, useful: Floats, reaches: Floats, provider: Ints, chip: Ints,
    term: Floats,
) -> Floats:  # fmt: skip
    """d log price / d delay (replicate,), a year, across offers of equal speed and term; below 0 if speed
    pays.

    The slope on delay (replicate, offer; years) of a least-squares line for the log of the price on one list, number
    `of` of price (replicate, list, offer), with a constant, the log of what a chip does for its tenant and term
    (offer,) held fixed, weighted by what was `spent` (replicate, offer) (Rosen 1974, *J. Polit. Econ.* 82). Of the
    `useful` PFLOP/s of a chip (replicate, chip) a part `reaches` (replicate, provider) the tenant; `provider` and
    `chip` (offer,). 0 where delay does not vary apart from the rest, so a market of one delay has no premium.
    """
    answer = np.zeros(delay.shape[0])
    _speed_premium(price, of, spent, delay, useful, reaches, provider, chip, term, answer)
    return answer


@kernel
def _speed_premium(price, of, spent, delay, useful, reaches, provider, chip, term, answer):  # type: ignore[no-untyped-def]
    offers = delay.shape[1]
    used, columns = np.empty(offers), np.empty((4, offers))
    by_chip, by_provider = np.empty(useful.shape[1]), np.empty(reaches.shape[1])
    for r in range(answer.shape[0]):
        for c in range(by_chip.shape[0]):
            by_chip[c] = klog(max(useful[r, c], SMALL))
        for p in range(by_provider.shape[0]):
            by_provider[p] = klog(max(reaches[r, p], SMALL))
        n = 0
        for j in range(offers):
            if spent[r, j] > 0.0:
                used[n] = spent[r, j]
                columns[0, n], columns[1, n] = by_chip[chip[j]] + by_provider[provider[j]], term[j]
                columns[2, n], columns[3, n] = delay[r, j], max(price[r, of, j], SMALL)
                n += 1
        for j in range(n):  # apart, so that logs are taken by vector instructions
            columns[3, j] = klog(columns[3, j])
        answer[r] = _partial_slope(columns, used, n)


@part
def _partial_slope(columns, weight, n):  # type: ignore[no-untyped-def]
    """Slope of the last of four columns on the third over the first n entries, the first two and a constant held
    fixed; 0 if undefined.

    Frisch & Waugh (1933): what a column explains is swept out of the moments of those after it. Sums are kept apart
    and taken together, since the processor then need not wait for one to add to the next.
    """
    total, m0, m1, m2, m3, size0, size1, size2 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    x0, x1, x2, x3 = columns
    for j in range(n):
        w = weight[j]
        w0, w1, w2 = w * x0[j], w * x1[j], w * x2[j]
        total += w
        m0 += w0
        m1 += w1
        m2 += w2
        m3 += w * x3[j]
        size0 += w0 * x0[j]
        size1 += w1 * x1[j]
        size2 += w2 * x2[j]
    if total <= 0.0:
        return 0.0
    m0, m1, m2, m3 = m0 / total, m1 / total, m2 / total, m3 / total
    s00, s01, s02, s03, s11, s12, s13, s22, s23 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(n):
        d0, d1, d2, d3 = x0[j] - m0, x1[j] - m1, x2[j] - m2, x3[j] - m3
        w0, w1, w2 = weight[j] * d0, weight[j] * d1, weight[j] * d2
        s00 += w0 * d0
        s01 += w0 * d1
        s02 += w0 * d2
        s03 += w0 * d3
        s11 += w1 * d1
        s12 += w1 * d2
        s13 += w1 * d3
        s22 += w2 * d2
        s23 += w2 * d3
    if s00 > ROUNDING * size0:
        one, two = s01 / s00, s02 / s00
        s11, s12, s13, s22, s23 = s11 - one * s01, s12 - one * s02, s13 - one * s03, s22 - two * s02, s23 - two * s03
    if s11 > ROUNDING * size1:
        two = s12 / s11
        s22, s23 = s22 - two * s12, s23 - two * s13
    return s23 / s22 if s22 > ROUNDING * size2 else 0.0
