"""Throughput from a short-list: when only maturity moved, and when architectures drifted too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.search import KEPT
from market_sim.mechanisms.fit.shortlist import ShortList
from market_sim.numerics import kernel

_TRAINED = KEPT[0]
_PREFILLED = KEPT[0] + KEPT[1]
_ALL = KEPT[0] + KEPT[1] + KEPT[2]


@dataclass(frozen=True)
class Fit:
    """How well each chip suits each lab."""

    throughput: NDArray[np.float64]  # (replicate, lab, chip) useful PFLOP/s per chip
    mfu: NDArray[np.float64]  # (replicate, lab, chip) share of the peaks of the formats used
    limiting: NDArray[np.int64]  # (lab, chip) index into KINDS of the work that takes most time


def evaluate(shortlist: ShortList, kappa: NDArray[np.float64], mix: NDArray[np.float64]) -> Fit:
    """Throughput at kernel maturity `kappa` (replicate, chip, kind) for training shares `mix` (replicate, lab).

    The share is of chip-hours on the reference chip; the work it stands for is then done on each chip, so the answer
    is the harmonic mean over training and inference of useful PFLOP/s.
    """
    s = shortlist
    shape = (kappa.shape[0], *s.seconds.shape[:2])
    throughput, mfu = np.empty(shape), np.empty(shape)
    mature_throughput(s.seconds, s.useful, s.prompts, s.reference, s.peaks, kappa, mix, throughput, mfu)
    return Fit(throughput, mfu, s.limiting)


def reevaluate(
    shortlist: ShortList, drift: NDArray[np.float64], kappa: NDArray[np.float64], mix: NDArray[np.float64]
) -> Fit:
    """As `evaluate`, for architectures moved by `drift` (replicate, lab, direction), log-deviations from the base.

    A token counts for its FLOPs in the base architecture, so that slower models do not pass for more work.
    """
    throughput, mfu, _ = _drifted(shortlist, drift, kappa, mix, False)
    return Fit(throughput, mfu, shortlist.limiting)


def fit_gradient(
    shortlist: ShortList, drift: NDArray[np.float64], kappa: NDArray[np.float64], mix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """d log throughput / d drift, (replicate, lab, chip, direction), under the plans that are best there."""
    return _drifted(shortlist, drift, kappa, mix, True)[2]


def _drifted(
    s: ShortList, drift: NDArray[np.float64], kappa: NDArray[np.float64], mix: NDArray[np.float64], gradients: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    shape = (kappa.shape[0], *s.seconds.shape[:2])
    throughput, mfu = np.empty(shape), np.empty(shape)
    gradient = np.empty((*shape, drift.shape[2]) if gradients else (0, 0, 0, drift.shape[2]))
    drifted_throughput(
        s.seconds, s.slopes, s.bends, s.useful, s.prompts, s.reference, s.peaks,
        drift, kappa, mix, throughput, mfu, gradient,
    )  # fmt: skip
    return throughput, mfu, gradient


@kernel
def fastest(total, first, last):  # type: ignore[no-untyped-def]
    """The place of the smallest of total[first:last]."""
    place = first
    for plan in range(first + 1, last):
        if total[plan] < total[place]:
            place = plan
    return place


@kernel
def lesser(x, y):  # type: ignore[no-untyped-def]
    """The smaller of two numbers; one machine instruction, as NaN need not be minded."""
    return x if x < y else y


@kernel
def least(w, x, y, z):  # type: ignore[no-untyped-def]
    """The smallest of four numbers."""
    return lesser(lesser(w, x), lesser(y, z))


@kernel
def mature_throughput(seconds, useful, prompts, reference, peaks, kappa, mix, throughput, mfu):  # type: ignore[no-untyped-def]
    """The kernel of `evaluate`: seconds (lab, chip, kind, plan) over kappa, best plan per phase, harmonic mean.

    Replicates run innermost, so that the seconds of one (lab, chip) stay in the nearest cache.
    """
    replicates, chips = kappa.shape[0], kappa.shape[1]
    slow = np.empty((chips, replicates, 5))
    for replicate in range(replicates):
        for chip in range(chips):
            for kind in range(5):
                slow[chip, replicate, kind] = 1.0 / kappa[replicate, chip, kind]
    total = np.empty(_ALL)
    for lab in range(seconds.shape[0]):
        ask = prompts[lab]
        serving = ask * useful[lab, 1] + useful[lab, 2]
        train_rate, serve_rate = reference[lab, 0] / useful[lab, 0], reference[lab, 1] / serving
        for chip in range(chips):
            part, late = seconds[lab, chip], slow[chip]
            train_ideal = reference[lab, 0] / peaks[lab, chip, 0]
            serve_ideal = reference[lab, 1] / peaks[lab, chip, 1]
            for replicate in range(replicates):
                s0, s1, s2 = late[replicate, 0], late[replicate, 1], late[replicate, 2]
                s3, s4 = late[replicate, 3], late[replicate, 4]
                for p in range(_ALL):
                    total[p] = part[0, p] * s0 + part[1, p] * s1 + part[2, p] * s2 + part[3, p] * s3 + part[4, p] * s4
                trained = least(total[0], total[1], total[2], total[3])
                prefilled = least(total[4], total[5], total[6], total[7])
                decoded = lesser(
                    least(total[8], total[9], total[10], total[11]),
                    least(total[12], total[13], total[14], total[15]),
                )
                share = mix[replicate, lab]
                rest = 1.0 - share
                hours = share * train_rate * trained + rest * serve_rate * (ask * prefilled + decoded)
                rate = 1e-15 / hours
                throughput[replicate, lab, chip] = rate * (share * reference[lab, 0] + rest * reference[lab, 1])
                mfu[replicate, lab, chip] = rate * (share * train_ideal + rest * serve_ideal)


@kernel
def drifted_throughput(
    seconds, slopes, bends, useful, prompts, reference, peaks, drift, kappa, mix, throughput, mfu, gradient
):  # type: ignore[no-untyped-def]
    """The kernel of `reevaluate` and `fit_gradient`; an empty gradient is not filled."""
    labs, chips = seconds.shape[0], seconds.shape[1]
    now, root, total = np.empty((5, _ALL)), np.empty((5, _ALL)), np.empty(_ALL)
    for replicate in range(kappa.shape[0]):
        for lab in range(labs):
            share, ask = mix[replicate, lab], prompts[lab]
            serving = ask * useful[lab, 1] + useful[lab, 2]
            train_tokens = share * reference[lab, 0] / useful[lab, 0]
            serve_tokens = (1.0 - share) * reference[lab, 1] / serving
            work = share * reference[lab, 0] + (1.0 - share) * reference[lab, 1]
            d0, d1 = drift[replicate, lab, 0], drift[replicate, lab, 1]
            d2, d3 = drift[replicate, lab, 2], drift[replicate, lab, 3]
            for chip in range(chips):
                slope, bend = slopes[lab, chip], bends[lab, chip]
                total[:] = 0.0
                for kind in range(5):
                    slow = 1.0 / kappa[replicate, chip, kind]
                    for p in range(_ALL):
                        y = d0 * (slope[0, kind, p] + d0 * bend[0, kind, p])
                        y += d1 * (slope[1, kind, p] + d1 * bend[1, kind, p])
                        y += d2 * (slope[2, kind, p] + d2 * bend[2, kind, p])
                        y += d3 * (slope[3, kind, p] + d3 * bend[3, kind, p])
                        f = max(1.0 + 0.0625 * y, 0.5)
                        f2 = f * f
                        f4 = f2 * f2
                        f8 = f4 * f4
                        root[kind, p] = f
                        now[kind, p] = seconds[lab, chip, kind, p] * slow * f8 * f8
                        total[p] += now[kind, p]
                trained = fastest(total, 0, _TRAINED)
                prefilled = fastest(total, _TRAINED, _PREFILLED)
                decoded = fastest(total, _PREFILLED, _ALL)
                hours = train_tokens * total[trained] + serve_tokens * (ask * total[prefilled] + total[decoded])
                ideal = train_tokens * useful[lab, 0] / peaks[lab, chip, 0]
                ideal += serve_tokens * serving / peaks[lab, chip, 1]
                throughput[replicate, lab, chip] = 1e-15 * work / hours
                mfu[replicate, lab, chip] = 1e-15 * ideal / hours
                if gradient.shape[0] > 0:
                    for d in range(4):
                        x = drift[replicate, lab, d]
                        rise = 0.0
                        for kind in range(5):
                            t = train_tokens * now[kind, trained] / root[kind, trained]
                            rise += t * (slope[d, kind, trained] + 2.0 * x * bend[d, kind, trained])
                            t = serve_tokens * ask * now[kind, prefilled] / root[kind, prefilled]
                            rise += t * (slope[d, kind, prefilled] + 2.0 * x * bend[d, kind, prefilled])
                            t = serve_tokens * now[kind, decoded] / root[kind, decoded]
                            rise += t * (slope[d, kind, decoded] + 2.0 * x * bend[d, kind, decoded])
                        gradient[replicate, lab, chip, d] = -rise / hours
