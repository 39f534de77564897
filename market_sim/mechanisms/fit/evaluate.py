"""Throughput from a short-list at any maturity, and of plans that are held while kernels mature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.mechanisms.fit.search import KEPT
from market_sim.mechanisms.fit.shortlist import ShortList
from market_sim.numerics import kernel, part

# Where the plans of training, of prefill and of decoding end in a row of all that are kept.
TRAINED = KEPT[0]
PREFILLED = KEPT[0] + KEPT[1]
ALL = KEPT[0] + KEPT[1] + KEPT[2]
BEST_MFU = 0.8  # no published training run comes near it (mfu.csv)


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


def reweigh(
    shortlist: ShortList,
    seconds: NDArray[np.float64],
    kappa: NDArray[np.float64],
    mix: NDArray[np.float64],
    error: NDArray[np.float64] | None = None,
) -> Fit:
    """The fit at maturity `kappa` of what `specialise` made, its plans held: what changes between model releases.

    Off by a factor `error` (replicate, chip), if given, that lifts no chip above the best MFU measured.
    """
    throughput, mfu = np.empty(seconds.shape[:3]), np.empty(seconds.shape[:3])
    factor = np.ones(kappa.shape[:2]) if error is None else error
    weighed_throughput(seconds, shortlist.reference, shortlist.peaks, kappa, mix, factor, throughput, mfu)
    return Fit(throughput, mfu)


def limiting(seconds: NDArray[np.float64], kappa: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index (replicate, lab, chip) into KINDS of the work that takes most time in what `specialise` made."""
    return np.argmax(seconds / kappa[:, None], axis=-1)


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
            fastest_seconds(part, late[chip], 0, TRAINED, trained)
            fastest_seconds(part, late[chip], TRAINED, PREFILLED, prefilled)
            fastest_seconds(part, late[chip], PREFILLED, ALL, decoded)
            train_ideal, serve_ideal = train_work / peaks[lab, chip, 0], serve_work / peaks[lab, chip, 1]
            for r in range(replicates):
                share = mix[r, lab]
                rest = 1.0 - share
                hours = share * train_rate * trained[r] + rest * serve_rate * (ask * prefilled[r] + decoded[r])
                rate = 1e-15 / hours
                throughput[r, lab, chip] = rate * (share * train_work + rest * serve_work)
                mfu[r, lab, chip] = rate * (share * train_ideal + rest * serve_ideal)


@kernel
def weighed_throughput(seconds, reference, peaks, kappa, mix, error, throughput, mfu):  # type: ignore[no-untyped-def]
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
                used = ideal / ((train + serve) * needs)
                off = min(error[replicate, chip], max(1.0, BEST_MFU / max(used, 1e-12)))
                throughput[replicate, lab, chip] = 1.0 / needs * off
                mfu[replicate, lab, chip] = used * off
