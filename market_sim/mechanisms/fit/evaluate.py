"""Throughput from a short-list: when only maturity moved, and when architectures drifted too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.search import KEPT
from market_sim.mechanisms.fit.shortlist import ShortList
from market_sim.numerics import kernel, part

_TRAINED = KEPT[0]
_PREFILLED = KEPT[0] + KEPT[1]
_ALL = KEPT[0] + KEPT[1] + KEPT[2]


@dataclass(frozen=True)
class Fit:
    """How well each chip suits each lab."""

    throughput: NDArray[np.float64]  # (replicate, lab, chip) useful PFLOP/s per chip
    mfu: NDArray[np.float64]  # (replicate, lab, chip) share of the peaks of the formats used


def evaluate(shortlist: ShortList, kappa: NDArray[np.float64], mix: NDArray[np.float64]) -> Fit:
    """Throughput at kernel maturity `kappa` (replicate, chip, kind) for training shares `mix` (replicate, lab).

    The share is of chip-hours on the reference chip; the work it stands for is then done on each chip, so the answer
    is the harmonic mean over training and inference of useful PFLOP/s.
    """
    s = shortlist
    shape = (kappa.shape[0], *s.seconds.shape[:2])
    throughput, mfu = np.empty(shape), np.empty(shape)
    mature_throughput(s.seconds, s.useful, s.prompts, s.reference, s.peaks, kappa, mix, throughput, mfu)
    return Fit(throughput, mfu)


def reevaluate(
    shortlist: ShortList, drift: NDArray[np.float64], kappa: NDArray[np.float64], mix: NDArray[np.float64]
) -> Fit:
    """As `evaluate`, for architectures moved by `drift` (replicate, lab, direction), log-deviations from the base.

    A token counts for its FLOPs in the base architecture, so that slower models do not pass for more work.
    """
    return reweigh(shortlist, specialise(shortlist, drift, kappa, mix), kappa, mix)


def specialise(
    shortlist: ShortList,
    drift: NDArray[np.float64],
    kappa: NDArray[np.float64],
    mix: NDArray[np.float64],
    moved: NDArray[np.bool_] | None = None,
    before: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Chip-seconds per useful PFLOP at maturity 1 by kind of work, (replicate, lab, chip, kind), each phase under the
    plan that is fastest at this drift and maturity.

    Where `moved` (replicate, lab) is given, the others keep what they had `before`.
    """
    labs, chips = shortlist.seconds.shape[:2]
    out = np.empty((len(kappa), labs, chips, kappa.shape[2])) if before is None else before.copy()
    _drifted(shortlist, drift, kappa, mix, moved, out, np.empty((0, 0, 0, drift.shape[2])))
    return out


def reweigh(
    shortlist: ShortList, seconds: NDArray[np.float64], kappa: NDArray[np.float64], mix: NDArray[np.float64]
) -> Fit:
    """The fit at maturity `kappa` of what `specialise` made, its plans held: what changes between model releases."""
    throughput, mfu = np.empty(seconds.shape[:3]), np.empty(seconds.shape[:3])
    weighed_throughput(seconds, shortlist.reference, shortlist.peaks, kappa, mix, throughput, mfu)
    return Fit(throughput, mfu)


def limiting(seconds: NDArray[np.float64], kappa: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index (replicate, lab, chip) into KINDS of the work that takes most time in what `specialise` made."""
    return np.argmax(seconds / kappa[:, None], axis=-1)


def fit_gradient(
    shortlist: ShortList,
    drift: NDArray[np.float64],
    kappa: NDArray[np.float64],
    mix: NDArray[np.float64],
    moved: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """d log throughput / d drift, (replicate, lab, chip, direction), under the plans that are best there.

    Zero for labs outside `moved` (replicate, lab).
    """
    shape = (kappa.shape[0], *shortlist.seconds.shape[:2])
    gradient = np.zeros((*shape, drift.shape[2]))
    _drifted(shortlist, drift, kappa, mix, moved, np.empty((*shape, kappa.shape[2])), gradient)
    return gradient


def _drifted(
    s: ShortList,
    drift: NDArray[np.float64],
    kappa: NDArray[np.float64],
    mix: NDArray[np.float64],
    moved: NDArray[np.bool_] | None,
    out: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> None:
    every = np.ones(mix.shape, np.bool_) if moved is None else moved
    drifted_seconds(
        s.seconds, s.slopes, s.bends, s.useful, s.prompts, s.reference, drift, kappa, mix, every, out, gradient
    )


@kernel
def fastest(total, first, last):  # type: ignore[no-untyped-def]
    """The place of the smallest of total[first:last]."""
    place = first
    for plan in range(first + 1, last):
        if total[plan] < total[place]:
            place = plan
    return place


@part
def fastest_seconds(part, late, first, last, out):  # type: ignore[no-untyped-def]
    """Fills out (replicate,) with the least seconds among plans first..last of one (lab, chip).

    part is (kind, plan), late (kind, replicate). Replicates run innermost and contiguous: the loop is one of vector
    instructions, and a plan's five numbers stay in registers.
    """
    late0, late1, late2, late3, late4 = late[0], late[1], late[2], late[3], late[4]
    out[:] = np.inf
    for plan in range(first, last):
        s0, s1, s2, s3, s4 = part[0, plan], part[1, plan], part[2, plan], part[3, plan], part[4, plan]
        for r in range(out.shape[0]):
            seconds = s0 * late0[r] + s1 * late1[r] + s2 * late2[r] + s3 * late3[r] + s4 * late4[r]
            out[r] = seconds if seconds < out[r] else out[r]


@kernel
def mature_throughput(seconds, useful, prompts, reference, peaks, kappa, mix, throughput, mfu):  # type: ignore[no-untyped-def]
    """The kernel of `evaluate`: seconds (lab, chip, kind, plan) over kappa, best plan per phase, harmonic mean."""
    replicates, chips = kappa.shape[0], kappa.shape[1]
    late = np.empty((chips, 5, replicates))
    for replicate in range(replicates):
        for chip in range(chips):
            for kind in range(5):
                late[chip, kind, replicate] = 1.0 / kappa[replicate, chip, kind]
    trained, prefilled, decoded = np.empty(replicates), np.empty(replicates), np.empty(replicates)
    for lab in range(seconds.shape[0]):
        ask = prompts[lab]
        train_work, serve_work = reference[lab, 0], reference[lab, 1]
        train_rate = train_work / useful[lab, 0]
        serve_rate = serve_work / (ask * useful[lab, 1] + useful[lab, 2])
        for chip in range(chips):
            part = seconds[lab, chip]
            fastest_seconds(part, late[chip], 0, _TRAINED, trained)
            fastest_seconds(part, late[chip], _TRAINED, _PREFILLED, prefilled)
            fastest_seconds(part, late[chip], _PREFILLED, _ALL, decoded)
            train_ideal, serve_ideal = train_work / peaks[lab, chip, 0], serve_work / peaks[lab, chip, 1]
            for r in range(replicates):
                share = mix[r, lab]
                rest = 1.0 - share
                hours = share * train_rate * trained[r] + rest * serve_rate * (ask * prefilled[r] + decoded[r])
                rate = 1e-15 / hours
                throughput[r, lab, chip] = rate * (share * train_work + rest * serve_work)
                mfu[r, lab, chip] = rate * (share * train_ideal + rest * serve_ideal)


@kernel
def drifted_seconds(
    seconds, slopes, bends, useful, prompts, reference, drift, kappa, mix, moved, out, gradient
):  # type: ignore[no-untyped-def]  # fmt: skip
    """The kernel of `specialise` and `fit_gradient`; an empty gradient is not filled."""
    labs, chips = seconds.shape[0], seconds.shape[1]
    now, root, total = np.empty((5, _ALL)), np.empty((5, _ALL)), np.empty(_ALL)
    for replicate in range(kappa.shape[0]):
        for lab in range(labs):
            if not moved[replicate, lab]:
                continue
            share, ask = mix[replicate, lab], prompts[lab]
            work = 1e-15 * (share * reference[lab, 0] + (1.0 - share) * reference[lab, 1])
            train_tokens = share * reference[lab, 0] / (useful[lab, 0] * work)
            serve_tokens = (1.0 - share) * reference[lab, 1] / ((ask * useful[lab, 1] + useful[lab, 2]) * work)
            for chip in range(chips):
                slope, bend = slopes[lab, chip], bends[lab, chip]
                drift_plans(
                    seconds[lab, chip], slope, bend, drift[replicate, lab], kappa[replicate, chip], now, root, total
                )
                trained = fastest(total, 0, _TRAINED)
                prefilled = fastest(total, _TRAINED, _PREFILLED)
                decoded = fastest(total, _PREFILLED, _ALL)
                each = out[replicate, lab, chip]
                hours = 0.0
                for kind in range(5):
                    each[kind] = train_tokens * now[kind, trained]
                    each[kind] += serve_tokens * (ask * now[kind, prefilled] + now[kind, decoded])
                    hours += each[kind] / kappa[replicate, chip, kind]
                for d in range(4 if gradient.shape[0] > 0 else 0):
                    x = drift[replicate, lab, d]
                    rise = 0.0
                    for kind in range(5):
                        slow = 1.0 / kappa[replicate, chip, kind]
                        t = slow * train_tokens * now[kind, trained] / root[kind, trained]
                        rise += t * (slope[d, kind, trained] + 2.0 * x * bend[d, kind, trained])
                        t = slow * serve_tokens * ask * now[kind, prefilled] / root[kind, prefilled]
                        rise += t * (slope[d, kind, prefilled] + 2.0 * x * bend[d, kind, prefilled])
                        t = slow * serve_tokens * now[kind, decoded] / root[kind, decoded]
                        rise += t * (slope[d, kind, decoded] + 2.0 * x * bend[d, kind, decoded])
                    gradient[replicate, lab, chip, d] = -rise / hours


@part
def drift_plans(seconds, slope, bend, drift, kappa, now, root, total):  # type: ignore[no-untyped-def]
    """Fills now (kind, plan): seconds after the drift; root: 1 + y/16; total (plan,): all kinds over kappa."""
    d0, d1, d2, d3 = drift[0], drift[1], drift[2], drift[3]
    total[:] = 0.0
    for kind in range(5):
        slow = 1.0 / kappa[kind]
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
            now[kind, p] = seconds[kind, p] * f8 * f8
            total[p] += now[kind, p] * slow


@kernel
def weighed_throughput(seconds, reference, peaks, kappa, mix, throughput, mfu):  # type: ignore[no-untyped-def]
    """The kernel of `reweigh`: useful work over seconds by kind over kappa."""
    chips = kappa.shape[1]
    slow = np.empty((5, chips))
    for replicate in range(kappa.shape[0]):
        for chip in range(chips):
            for kind in range(5):
                slow[kind, chip] = 1.0 / kappa[replicate, chip, kind]
        for lab in range(mix.shape[1]):
            train = mix[replicate, lab] * reference[lab, 0]
            serve = (1.0 - mix[replicate, lab]) * reference[lab, 1]
            for chip in range(chips):
                s = seconds[replicate, lab, chip]
                needs = s[0] * slow[0, chip] + s[1] * slow[1, chip] + s[2] * slow[2, chip]
                needs += s[3] * slow[3, chip] + s[4] * slow[4, chip]
                ideal = train / peaks[lab, chip, 0] + serve / peaks[lab, chip, 1]
                throughput[replicate, lab, chip] = 1.0 / needs
                mfu[replicate, lab, chip] = ideal / ((train + serve) * needs)
