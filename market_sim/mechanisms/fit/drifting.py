"""The plans of architectures that drift: chip-seconds under the fastest, and how those respond to drift.

One pass over labs and chips, so that their plans stay at hand while replicates take turns, and only for the labs that
moved. A plan's seconds by kind of work are laid end to end: one loop of vector instructions makes them all.
"""

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.evaluate import ALL, PREFILLED, TRAINED, Fit, reweigh
from market_sim.mechanisms.fit.shortlist import ShortList
from market_sim.numerics import kernel, part

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def reevaluate(shortlist: ShortList, drift: Floats, kappa: Floats, mix: Floats) -> Fit:
    """As `evaluate`, for architectures moved by `drift` (replicate, lab, direction), log-deviations from the base.

    A token counts for its FLOPs in the base architecture, so that slower models do not pass for more work.
    """
    return reweigh(shortlist, specialise(shortlist, drift, kappa, mix), kappa, mix)


def specialise(
    shortlist: ShortList, drift: Floats, kappa: Floats, mix: Floats, moved: Bools | None = None,
    before: Floats | None = None,
) -> Floats:  # fmt: skip
    """Chip-seconds per useful PFLOP at maturity 1 by kind of work, (replicate, lab, chip, kind), each phase under the
    plan that is fastest at this drift and maturity.

    Where `moved` (replicate, lab) is given, the others keep what they had `before`.
    """
    every = np.ones(mix.shape, np.bool_) if moved is None else moved
    shape = (len(kappa), *shortlist.seconds.shape[:2], kappa.shape[2])
    out = np.empty(shape) if before is None else before.copy()
    asked = (shortlist.useful, shortlist.prompts, shortlist.reference)
    _specialise(*_plans(shortlist), *asked, drift, kappa, mix, every, out)
    return out


def fit_gradient(
    shortlist: ShortList, drift: Floats, kappa: Floats, mix: Floats, weight: Floats, moved: Bools | None = None
) -> Floats:
    """d log throughput / d drift, (replicate, lab, direction), under the plans that are best there: the mean over chips
    by `weight` (replicate, lab, chip).

    Zero for labs outside `moved` (replicate, lab), and where nothing weighs anything.
    """
    every = np.ones(mix.shape, np.bool_) if moved is None else moved
    out = np.zeros(drift.shape)
    asked = (shortlist.useful, shortlist.prompts, shortlist.reference)
    _gradient(*_plans(shortlist), *asked, drift, kappa, mix, weight, every, out)
    return out


def _plans(s: ShortList) -> tuple[Floats, Floats, Floats]:
    """Seconds (lab, chip, kind and plan), slopes and bends (lab, chip, direction, kind and plan)."""
    return tuple(values.reshape(*values.shape[:-2], -1) for values in (s.seconds, s.slopes, s.bends))  # type: ignore[return-value]


@kernel
def _specialise(seconds, slopes, bends, useful, prompts, reference, drift, kappa, mix, moved, out):  # type: ignore[no-untyped-def]
    now, total, who = np.empty(5 * ALL), np.empty(ALL), np.empty(kappa.shape[0], np.int64)
    for lab in range(seconds.shape[0]):
        number = those_who(moved[:, lab], who)
        for chip in range(seconds.shape[1]):
            for r in who[:number]:
                drift_roots(slopes[lab, chip], bends[lab, chip], drift[r, lab], now)
                drift_seconds(seconds[lab, chip], now, now)
                plans = fastest_plans(now, kappa[r, chip], total)
                work = tokens(mix[r, lab], prompts[lab], useful[lab], reference[lab])
                for kind in range(5):
                    out[r, lab, chip, kind] = needed(now, kind * ALL, plans, work)


@kernel
def _gradient(seconds, slopes, bends, useful, prompts, reference, drift, kappa, mix, weight, moved, out):  # type: ignore[no-untyped-def]
    now, root, total = np.empty(5 * ALL), np.empty(5 * ALL), np.empty(ALL)
    held, rise, who = np.empty(kappa.shape[0]), np.empty(4), np.empty(kappa.shape[0], np.int64)
    for lab in range(seconds.shape[0]):
        number = those_who(moved[:, lab], who)
        for r in who[:number]:
            held[r] = 0.0
            for chip in range(weight.shape[2]):
                held[r] += weight[r, lab, chip]
        for chip in range(seconds.shape[1]):
            for r in who[:number]:
                if weight[r, lab, chip] > 0.0:
                    drift_roots(slopes[lab, chip], bends[lab, chip], drift[r, lab], root)
                    drift_seconds(seconds[lab, chip], root, now)
                    plans = fastest_plans(now, kappa[r, chip], total)
                    work = tokens(mix[r, lab], prompts[lab], useful[lab], reference[lab])
                    hours = rising(
                        now, root, slopes[lab, chip], bends[lab, chip], drift[r, lab], kappa[r, chip], plans, work, rise
                    )
                    for d in range(4):
                        out[r, lab, d] += weight[r, lab, chip] / held[r] * (-rise[d] / hours)


@part
def those_who(moved, who):  # type: ignore[no-untyped-def]
    """Fills the front of `who` with the replicates where it holds; returns their number."""
    number = 0
    for r in range(moved.shape[0]):
        if moved[r]:
            who[number] = r
            number += 1
    return number


@part
def tokens(share, ask, useful, reference):  # type: ignore[no-untyped-def]
    """Tokens trained and decoded per useful PFLOP of a lab's mix of work, and prompt tokens for each decoded."""
    work = 1e-15 * (share * reference[0] + (1.0 - share) * reference[1])
    trained = share * reference[0] / (useful[0] * work)
    return trained, (1.0 - share) * reference[1] / ((ask * useful[1] + useful[2]) * work), ask


@part
def drift_roots(slope, bend, drift, root):  # type: ignore[no-untyped-def]
    """Fills root (kind and plan,): 1 + y/16, whose 16th power seconds grow by, y being the response to drift."""
    d0, d1, d2, d3 = drift[0], drift[1], drift[2], drift[3]
    a0, a1, a2, a3 = slope[0], slope[1], slope[2], slope[3]
    b0, b1, b2, b3 = bend[0], bend[1], bend[2], bend[3]
    for p in range(root.shape[0]):
        y = d0 * (a0[p] + d0 * b0[p])
        y += d1 * (a1[p] + d1 * b1[p])
        y += d2 * (a2[p] + d2 * b2[p])
        y += d3 * (a3[p] + d3 * b3[p])
        f = 1.0 + 0.0625 * y
        root[p] = f if f > 0.5 else 0.5


@part
def drift_seconds(seconds, root, now):  # type: ignore[no-untyped-def]
    """Fills now (kind and plan,), which may be `root` itself: seconds after the drift."""
    for p in range(now.shape[0]):
        f2 = root[p] * root[p]
        f4 = f2 * f2
        f8 = f4 * f4
        now[p] = seconds[p] * f8 * f8


@part
def fastest_plans(now, kappa, total):  # type: ignore[no-untyped-def]
    """Places of the fastest plans of training, prefill and decoding, kinds of work taken together over kappa."""
    for p in range(total.shape[0]):
        total[p] = 0.0
    for kind in range(5):
        slow = 1.0 / kappa[kind]
        for p in range(total.shape[0]):
            total[p] += now[kind * ALL + p] * slow
    return fastest(total, 0, TRAINED), fastest(total, TRAINED, PREFILLED), fastest(total, PREFILLED, ALL)


@part
def fastest(total, first, last):  # type: ignore[no-untyped-def]
    """The place of the smallest of total[first:last]."""
    place = first
    for plan in range(first + 1, last):
        if total[plan] < total[place]:
            place = plan
    return place


@part
def needed(now, first, plans, work):  # type: ignore[no-untyped-def]
    """Seconds of one kind of work, whose plans begin at `first`."""
    trained, decoded, ask = work
    seconds = trained * now[first + plans[0]]
    return seconds + decoded * (ask * now[first + plans[1]] + now[first + plans[2]])


@part
def rising(now, root, slope, bend, drift, kappa, plans, work, rise):  # type: ignore[no-untyped-def]
    """Fills rise (direction,): how seconds over kappa grow with drift; returns these seconds."""
    trained, decoded, ask = work
    hours = 0.0
    for d in range(4):
        rise[d] = 0.0
    for kind in range(5):
        slow = 1.0 / kappa[kind]
        hours += needed(now, kind * ALL, plans, work) / kappa[kind]
        for phase in range(3):
            p = kind * ALL + plans[phase]
            often = slow * (trained if phase == 0 else decoded)
            often = often * ask if phase == 1 else often
            t = often * now[p] / root[p]
            for d in range(4):
                rise[d] += t * (slope[d, p] + 2.0 * drift[d] * bend[d, p])
    return hours
