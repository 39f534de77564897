"""The luck of a run: every draw is a function of (seed, replicate, purpose, name, number of the draw).

Draws come from Philox 4x64-10, a generator that computes its n-th number from a key and a counter (Salmon et
al. 2011, *Parallel Random Numbers: As Easy as 1, 2, 3*). The key is a hash of seed, purpose and name; the
counter holds replicate and number. So a firm's luck hangs on its name alone: scenarios with the same seed
share it stream by stream, also where one has more firms, and a replicate is the same alone or in any chunk.

Only uniforms are drawn; the rest are quantiles of them, which have the same bits on every machine. Luck over
time (`brownian`, `dated_uniforms`) is numbered by the calendar, not by the tick.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.numerics import kernel, part
from market_sim.quantiles import (
    exponential_quantile,
    gamma_quantile,
    gumbel_quantile,
    normal_quantile_in_place,
)

Array = NDArray[np.float64]
Replicates = Sequence[int] | NDArray[np.integer]

CALENDAR_ORIGIN = 2000.0  # the decimal year from which all luck over time is numbered
CELLS_PER_MONTH = 64  # the finest step of Brownian luck is 1/768 year
_LEVELS = 6  # 2**6 cells in a month
_DATES_PER_MONTH = 960  # moments of `dated_uniforms`, three quarters of an hour apart

# --- keys and generators --------------------------------------------------------------------------


def key(seed: int, *purpose: str) -> NDArray[np.uint64]:
    """The two key words (2,) of a stream; the lengths of names are hashed too."""
    digest = hashlib.blake2b(str(int(seed)).encode(), digest_size=16)
    for name in purpose:
        text = name.encode()
        digest.update(b"\0%d\0" % len(text) + text)
    return np.frombuffer(digest.digest(), dtype="<u8").astype(np.uint64)


def stream(seed: int, replicate: int, *purpose: str) -> np.random.Generator:
    """A NumPy generator on the stream (seed, replicate, purpose...).

    Its integers and shuffles are the same everywhere; its normals and gammas call the C library, so take
    those from `normals` and `gammas` instead.
    """
    counter = np.array([0, 0, 0, replicate], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key(seed, *purpose), counter=counter))


def paired(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Names of all pairs, row by row, for luck of two parties; reshape the draws to (left, right)."""
    return [f"{len(one)}:{one}/{other}" for one in left for other in right]


# --- draws, numbered ------------------------------------------------------------------------------


def uniforms(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int) -> Array:
    """Uniforms on the open unit interval, (replicate, name, draw), in steps of 2^-52."""
    return _numbered(seed, replicates, (purpose,), names, np.arange(count))


def normals(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int) -> Array:
    """Standard normals, (replicate, name, draw)."""
    return _normal(uniforms(seed, replicates, purpose, names, count))


def gumbels(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int) -> Array:
    """Standard Gumbels, (replicate, name, draw): mean .5772, variance pi^2/6."""
    return gumbel_quantile(uniforms(seed, replicates, purpose, names, count))


def exponentials(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int) -> Array:
    """Unit exponentials, (replicate, name, draw).

    As thresholds: event n of a name comes when the hazard it has gathered since event n - 1 passes draw n.
    """
    return exponential_quantile(uniforms(seed, replicates, purpose, names, count))


def poisson_clock(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int) -> Array:
    """Gathered hazard, from the start, at which events 1, 2, ... of a name come, (replicate, name, event)."""
    return np.cumsum(exponentials(seed, replicates, purpose, names, count), axis=-1)


def gammas(
    seed: int, replicates: Replicates, purpose: str, names: Sequence[str], count: int, shape: ArrayLike
) -> Array:
    """Gammas of unit scale, so of mean `shape`, (replicate, name, draw); `shape` broadcasts against that.

    The luck is one uniform each, so a scenario with another shape has the same luck, not other draws.
    """
    return gamma_quantile(uniforms(seed, replicates, purpose, names, count), shape)


# --- draws over time ------------------------------------------------------------------------------


def dated_uniforms(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], dates: ArrayLike) -> Array:
    """One uniform for each decimal year in `dates` (date,) -> (replicate, name, date).

    The same date has the same luck under any tick and any start.
    """
    months = (np.asarray(dates, dtype=np.float64) - CALENDAR_ORIGIN) * 12.0
    return _numbered(seed, replicates, (purpose, "dated"), names, np.rint(months * _DATES_PER_MONTH))


def brownian(seed: int, replicates: Replicates, purpose: str, names: Sequence[str], dates: ArrayLike) -> Array:
    """Increments of a standard Brownian motion between decimal years (date,) -> (replicate, name, date - 1).

    The path belongs to the calendar: months are drawn first and halved as far as the dates ask (Lévy's
    bridge), so any two sets of dates agree on the path where they meet. Below 1/768 year it is straight.
    Raises ValueError if the dates do not increase.
    """
    cells = _cells(dates)
    level = _level(cells)
    first, last = int(np.floor(cells[0] / CELLS_PER_MONTH)), int(np.ceil(cells[-1] / CELLS_PER_MONTH))
    months = np.arange(first, last)
    steps = _normal(_numbered(seed, replicates, (purpose, "month"), names, months)) * np.sqrt(1.0 / 12.0)
    for halving in range(level):
        nodes = np.arange(first << halving, last << halving)
        luck = _normal(_numbered(seed, replicates, (purpose, f"bridge {halving}"), names, nodes))
        steps = _halved(steps, luck, np.sqrt(1.0 / (12.0 * (4 << halving))))
    return _gathered(steps, (cells / CELLS_PER_MONTH - first) * 2.0**level)


def _cells(dates: ArrayLike) -> Array:
    """Dates in cells since the origin, those within a millionth of a cell's edge put on it."""
    cells = (np.asarray(dates, dtype=np.float64) - CALENDAR_ORIGIN) * (12.0 * CELLS_PER_MONTH)
    cells = np.where(np.abs(cells - np.rint(cells)) < 1e-6, np.rint(cells), cells)
    if cells.ndim != 1 or cells.size < 2 or not np.all(np.diff(cells) > 0.0):
        raise ValueError(f"dates must be two or more decimal years that increase; got {dates!r}")
    return cells


def _level(cells: Array) -> int:
    """How often a month must be halved for every date to fall on an edge."""
    for level in range(_LEVELS):
        if np.all(cells % (CELLS_PER_MONTH >> level) == 0.0):
            return level
    return _LEVELS


def _normal(luck: Array) -> Array:
    normal_quantile_in_place(luck.reshape(-1))
    return luck


# --- luck of what is traded -----------------------------------------------------------------------


def name_key(*names: str) -> np.uint64:
    """A number for what goes by these names, for `kmixed`: the same in every scenario, whatever stands beside it."""
    return key(0, *names)[0]


@part
def kbits(luck):  # type: ignore[no-untyped-def]
    """A uniform of this module as the whole number of 52 bits that it was made of."""
    return np.uint64(np.int64(luck * 4503599627370496.0))


@part
def kmixed(one, other):  # type: ignore[no-untyped-def]
    """64 bits out of two numbers, as good as independent of those of any other two.

    The finaliser of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA; constants of D. Stafford's thirteenth mix).
    """
    z = (np.uint64(one) + np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(other)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@part
def kuniform(bits):  # type: ignore[no-untyped-def]
    """A uniform on the open unit interval out of 64 bits, in steps of 2^-52."""
    return (np.float64(np.int64(bits >> np.uint64(12))) + 0.5) * 2.220446049250313e-16


# --- kernels --------------------------------------------------------------------------------------


def _numbered(
    seed: int, replicates: Replicates, purpose: tuple[str, ...], names: Sequence[str], numbers: ArrayLike
) -> Array:
    keys = np.array([key(seed, *purpose, name) for name in names], dtype=np.uint64).reshape(-1, 2)
    chunk = np.array(replicates, dtype=np.uint64)
    luck = np.empty((chunk.size, len(names), np.size(numbers)))
    _fill(keys, chunk, np.array(numbers, dtype=np.int64), luck)
    return luck


@kernel
def _fill(keys, replicates, numbers, luck):  # type: ignore[no-untyped-def]
    """Uniforms at the given numbers of each (replicate, name): four to a block of the generator."""
    block = np.empty(4, dtype=np.uint64)
    for r in range(luck.shape[0]):
        for n in range(luck.shape[1]):
            current = np.int64(-1)
            known = False
            for i in range(luck.shape[2]):
                wanted = numbers[i] >> 2
                if not known or wanted != current:
                    _philox(np.uint64(wanted + 1), replicates[r], keys[n, 0], keys[n, 1], block)
                    current, known = wanted, True
                bits = block[numbers[i] & 3] >> np.uint64(12)
                luck[r, n, i] = (np.float64(bits) + 0.5) * 2.220446049250313e-16


@part
def _philox(c0, c3, k0, k1, block):  # type: ignore[no-untyped-def]
    """Ten rounds of Philox 4x64 on the counter (c0, 0, 0, c3)."""
    c1 = np.uint64(0)
    c2 = np.uint64(0)
    for _ in range(10):
        low0 = c0 * np.uint64(0xD2E7470EE14C6C93)
        low2 = c2 * np.uint64(0xCA5A826395121157)
        high0 = _high(c0, np.uint64(0xD2E7470EE14C6C93))
        high2 = _high(c2, np.uint64(0xCA5A826395121157))
        c0, c1, c2, c3 = high2 ^ c1 ^ k0, low2, high0 ^ c3 ^ k1, low0
        k0 += np.uint64(0x9E3779B97F4A7C15)
        k1 += np.uint64(0xBB67AE8584CAA73B)
    block[0], block[1], block[2], block[3] = c0, c1, c2, c3


@part
def _high(a, b):  # type: ignore[no-untyped-def]
    """The upper 64 bits of the product of two uint64."""
    mask = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    a0, a1, b0, b1 = a & mask, a >> half, b & mask, b >> half
    middle = a1 * b0 + (a0 * b0 >> half)
    cross = (middle & mask) + a0 * b1
    return a1 * b1 + (middle >> half) + (cross >> half)


@kernel
def _halved(steps, luck, spread):  # type: ignore[no-untyped-def]
    """Every step split in two that add up to it: the middle of a bridge is normal around half the step."""
    halves = np.empty((steps.shape[0], steps.shape[1], 2 * steps.shape[2]))
    for r in range(steps.shape[0]):
        for n in range(steps.shape[1]):
            for i in range(steps.shape[2]):
                first = 0.5 * steps[r, n, i] + spread * luck[r, n, i]
                halves[r, n, 2 * i] = first
                halves[r, n, 2 * i + 1] = steps[r, n, i] - first
    return halves


@kernel
def _gathered(steps, edges):  # type: ignore[no-untyped-def]
    """Sums of steps between edges, which are counted in steps and may cut one."""
    sums = np.zeros((steps.shape[0], steps.shape[1], edges.shape[0] - 1))
    for r in range(steps.shape[0]):
        for n in range(steps.shape[1]):
            for t in range(edges.shape[0] - 1):
                for i in range(np.int64(edges[t]), np.int64(np.ceil(edges[t + 1]))):
                    part = min(i + 1.0, edges[t + 1]) - max(np.float64(i), edges[t])
                    sums[r, n, t] += part * steps[r, n, i]
    return sums
