"""Elementary functions against mpmath, and their bits against themselves."""

import math
import os
import subprocess
import sys

import mpmath
import numpy as np
import pytest

from market_sim import numerics, vectors
from market_sim.numerics import kernel, kexp, kexpm1, klog, klog1p, kpow

DRAWS = 1500
EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    1e300,
    -1e300,
    5e-324,
    -5e-324,
    1e-310,
    2.0**53,
]
EDGES += [
    math.inf,
    -math.inf,
    math.nan,
    math.pi,
    math.sqrt(0.5),
    math.sqrt(2.0),
    1.0 + 2.0**-52,
    1.0 - 2.0**-53,
]


def ulps(answers: np.ndarray, truths: list[mpmath.mpf]) -> float:
    """The largest error in units of the last place of the truth."""
    worst = 0.0
    for answer, truth in zip(answers.tolist(), truths, strict=True):
        unit = float(np.spacing(abs(float(truth))))
        worst = max(worst, float(abs(mpmath.mpf(answer) - truth) / mpmath.mpf(unit)))
    return worst


def spread(low: float, high: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, DRAWS)


def magnitudes(low: float, high: float, seed: int) -> np.ndarray:
    """Numbers of either sign whose binary exponents are spread evenly."""
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], DRAWS) * np.ldexp(rng.uniform(1.0, 2.0, DRAWS), rng.integers(low, high, DRAWS))


INPUTS = {
    "exp": np.concatenate([spread(-745.0, 709.7, 1), spread(-2.0, 2.0, 2), magnitudes(-60, 3, 3)]),
    "expm1": np.concatenate([spread(-50.0, 709.7, 4), spread(-1.0, 1.0, 5), magnitudes(-1060, 3, 6)]),
    "log": np.abs(np.concatenate([magnitudes(-1074, 1023, 7), spread(0.4, 2.5, 8), 1.0 + magnitudes(-50, -3, 9)])),
    "log1p": np.concatenate([np.abs(magnitudes(-60, 1023, 10)), spread(-1.0, 2.0, 11), magnitudes(-1060, -2, 12)]),
}


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_within_one_unit_in_the_last_place(name: str) -> None:
    """exp, expm1, log and log1p are within 1 ulp of the truth, from subnormal numbers to the largest."""
    with mpmath.workprec(1300):
        truths = [getattr(mpmath, name)(mpmath.mpf(x)) for x in INPUTS[name].tolist()]
    with mpmath.workprec(1300):
        assert ulps(getattr(numerics, name)(INPUTS[name]), truths) < 1.0


@pytest.mark.parametrize(("log_x", "y"), [(700.0, 1.0), (3.0, 200.0), (0.3, 2000.0), (1e-6, 6e8)])
def test_powers_within_one_unit_in_the_last_place(log_x: float, y: float) -> None:
    """power is within 1 ulp also where a tiny error of the logarithm is multiplied by a large exponent."""
    bases, exponents = np.exp(spread(-log_x, log_x, 13)), spread(-y, y, 14)
    with mpmath.workprec(200):
        truths = [mpmath.power(mpmath.mpf(b), mpmath.mpf(e)) for b, e in zip(bases, exponents, strict=True)]
        assert ulps(numerics.power(bases, exponents), truths) < 1.0


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p"])
def test_edges_follow_the_standard(name: str) -> None:
    """Zeros with their sign, infinities, nan and numbers out of the domain answer as C99 has it."""
    x = np.array(EDGES)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    got = getattr(numerics, name)(x)
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=0.0)
    np.testing.assert_array_equal(np.signbit(got)[x == 0.0], np.signbit(expected)[x == 0.0])


def test_powers_at_edges_follow_the_standard() -> None:
    """All pairs of edge values answer as C99 has it, the sign of zero and of infinity included."""
    bases, exponents = (grid.ravel() for grid in np.meshgrid(EDGES, EDGES))
    expected = np.array([_c_pow(b, e) for b, e in zip(bases.tolist(), exponents.tolist(), strict=True)])
    got = numerics.power(bases, exponents)
    np.testing.assert_allclose(got, expected, rtol=1e-15, atol=0.0)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got)[known], np.signbit(expected)[known])


def _c_pow(base: float, exponent: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(base) ** np.float64(exponent))


@kernel
def _scalar_forms(x, y, answers):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        answers[0, i] = kexp(x[i])
        answers[1, i] = kexpm1(x[i])
        answers[2, i] = klog(abs(x[i]))
        answers[3, i] = klog1p(abs(x[i]))
        answers[4, i] = kpow(abs(x[i]), y[i])


def test_kernels_and_arrays_share_their_bits() -> None:
    """A kernel's scalar forms, the array forms, and the array forms of one element give identical bits."""
    x, y = spread(-30.0, 30.0, 15), spread(-9.0, 9.0, 16)
    in_kernel = np.empty((5, DRAWS))
    _scalar_forms(x, y, in_kernel)
    size = np.abs(x)
    arrays = [
        numerics.exp(x),
        numerics.expm1(x),
        numerics.log(size),
        numerics.log1p(size),
        numerics.power(size, y),
    ]
    np.testing.assert_array_equal(in_kernel, np.array(arrays))
    np.testing.assert_array_equal([numerics.exp(one) for one in x], arrays[0])
    np.testing.assert_array_equal([numerics.power(a, b) for a, b in zip(size, y, strict=True)], arrays[4])


def test_shapes_and_layouts() -> None:
    """Answers have the broadcast shape in C order, whatever the layout of the input, which is kept."""
    x = np.asfortranarray(spread(0.1, 9.0, 17)[:12].reshape(3, 4))
    before = x.copy()
    assert numerics.exp(x).flags.c_contiguous
    np.testing.assert_array_equal(numerics.log(x.T), numerics.log(x).T)
    np.testing.assert_array_equal(x, before)
    column = np.array([[1.0], [2.0], [0.5]])
    np.testing.assert_allclose(numerics.power(x, column), x**column, rtol=1e-15)
    assert numerics.power(2.0, x).flags.c_contiguous
    np.testing.assert_allclose(numerics.power(2.0, x), 2.0**x, rtol=1e-15)
    assert isinstance(numerics.exp(1.0), float)
    assert numerics.exp(np.empty((0, 3))).shape == (0, 3)
    assert numerics.exp(2) == numerics.exp(2.0)


def test_annuity_is_continuous_at_zero() -> None:
    """(1 - e^-x)/x is 1 at zero, near 1 - x/2 beside it, and never a quotient of rounding errors."""
    x = np.array([0.0, 5e-324, 1e-300, 1e-12, -1e-12, 1e-6, 1.0, 50.0, math.inf, -math.inf])
    expected = [
        1.0,
        1.0,
        1.0,
        1 - 5e-13,
        1 + 5e-13,
        1 - 5e-7 + 1e-12 / 6,
        1 - math.exp(-1.0),
        0.02,
        0.0,
        math.inf,
    ]
    np.testing.assert_allclose(numerics.annuity(x), expected, rtol=1e-15)


def test_sum_has_a_fixed_order() -> None:
    """ksum adds eight running sums and then the rest, so the answer can be retraced by hand."""
    values = magnitudes(-30, 30, 18)[:29]
    lanes = [0.0] * 8
    for at, value in enumerate(values[:24].tolist()):
        lanes[at % 8] += value
    total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
    for value in values[24:].tolist():
        total += value
    assert vectors.ksum(values) == total
    assert vectors.ksum(values[:0]) == 0.0


DIGEST = """
import hashlib, numpy as np
from market_sim import numerics, quantiles
x = (np.arange(20001) - 10000.0) / 64.0
size = np.abs(x) + 2.0**-40
answers = [numerics.exp(x), numerics.expm1(x), numerics.log(size), numerics.power(size, x / 7.0)]
answers.append(quantiles.normal_quantile((np.arange(4096) + 0.5) / 4096.0))
digest = hashlib.sha256(b"".join(one.tobytes() for one in answers)).hexdigest()[:16]
"""
KNOWN_DIGEST = "781d84d2bfaed752"


def test_bits_are_those_of_every_machine() -> None:
    """The bits of 84,000 answers are the ones pinned here, on whatever machine this runs."""
    scope: dict[str, str] = {}
    exec(DIGEST, scope)
    assert scope["digest"] == KNOWN_DIGEST


def test_bits_are_those_of_the_plainest_processor(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Compiled for a processor without wide vectors or fused multiply-add, every bit is the same."""
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "MARKET_SIM_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", DIGEST + "print(digest)"]
    done = subprocess.run(command, env=os.environ | plain, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == KNOWN_DIGEST
