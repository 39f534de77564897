"""Exponentials, logarithms and powers with the same bits on every machine, and the decorator of kernels.

NumPy's ``exp``, ``log`` and ``power`` differ in their last bit between processors, and those of the C library
between systems. The forms here use nothing but correctly rounded ``+ - * /``, comparisons and shifts of bits,
in an order the compiler may not change, so the answer is a property of the input alone.

Method: argument reduction by multiples of ln 2 in two parts (Cody & Waite 1980, *Software Manual for the
Elementary Functions*), Chebyshev-fitted polynomials on the reduced range, and sums whose rounding errors are
carried along (Dekker 1971, *Numer. Math.* 18). Every answer is within 1 unit in the last place of the truth,
powers included; tests compare with mpmath.

In kernels: `kexp`, `kexpm1`, `klog`, `klog1p`, `kpow`, `kannuity` of scalars. Over arrays: `exp`, `expm1`, `log`,
`log1p`, `power`, `annuity`, which give the very same bits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.compilation import inlined, kernel, part

__all__ = [
    "annuity",
    "exp",
    "expm1",
    "kannuity",
    "kernel",
    "kexp",
    "kexpm1",
    "klog",
    "klog1p",
    "kpow",
]
__all__ += ["log", "log1p", "part", "power"]

Array = NDArray[np.float64]

# --- constants ------------------------------------------------------------------------------------

_INV_LN2 = 1.4426950408889634
_LN2_HI = float.fromhex("0x1.62e42fefa3800p-1")  # 42 bits, so that its product with an exponent is exact
_LN2_LO = 5.497923018708371e-14
_SHIFTER = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits
_SHIFTER_BITS = np.int64(0x4338000000000000)
_SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)
_ONE_BITS = np.int64(0x3FF0000000000000)
_MANTISSA = np.int64(52)
_TINY = 2.2250738585072014e-308  # the smallest normal number
_TWO_53 = 9007199254740992.0
_TWO_54 = 18014398509481984.0
_SPLITTER = 134217729.0  # 2**27 + 1 (Dekker)
_TWO_THIRDS = 0.6666666666666666
_TWO_THIRDS_LO = 3.700743415417188e-17

# --- exponentials ---------------------------------------------------------------------------------


@inlined
def _exp_excess(r):  # type: ignore[no-untyped-def]
    """e^r - 1 - r for |r| <= ln(2)/2; polynomial of e^r = 1 + r + r^2/2 + r^3 P(r), error 2^-60 of e^r."""
    p = 2.091125490208877e-09
    p = p * r + 2.51004110820149e-08
    p = p * r + 2.7557282931125736e-07
    p = p * r + 2.7557268406190795e-06
    p = p * r + 2.4801587317169235e-05
    p = p * r + 0.00019841269863088255
    p = p * r + 0.0013888888888886548
    p = p * r + 0.008333333333330055
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666669
    r2 = r * r
    return 0.5 * r2 + r2 * (r * p)


@inlined
def _power_of_two(k):  # type: ignore[no-untyped-def]
    """2^k for an int64 k in [-1022, 1023]."""
    return np.int64((k << _MANTISSA) + _ONE_BITS).view(np.float64)


@inlined
def _scaled(y, k):  # type: ignore[no-untyped-def]
    """y 2^k in two exact steps, the last of which may overflow or lose bits below the normal range."""
    half = k // 2
    return y * _power_of_two(half) * _power_of_two(k - half)


@inlined
def _exp_sum(x, tail):  # type: ignore[no-untyped-def]
    """e^(x + tail), the tail being less than an ulp of x."""
    x = 800.0 if x > 800.0 else x
    x = -800.0 if x < -800.0 else x
    shifted = np.float64(x * _INV_LN2 + _SHIFTER)
    k = shifted.view(np.int64) - _SHIFTER_BITS
    n = shifted - _SHIFTER
    high = x - n * _LN2_HI
    low = tail - n * _LN2_LO
    r = high + low
    low = low - (r - high)
    one_plus = 1.0 + r
    rest = (r - (one_plus - 1.0)) + (_exp_excess(r) + low)
    return _scaled(one_plus + rest, k)


@inlined
def kexp(x):  # type: ignore[no-untyped-def]
    """e^x of one float64, for use in kernels."""
    return _exp_sum(x, 0.0)


@inlined
def kexpm1(x):  # type: ignore[no-untyped-def]
    """e^x - 1 of one float64, exact to the last place near zero as well."""
    z = 800.0 if x > 800.0 else x
    z = -60.0 if z < -60.0 else z
    shifted = np.float64(z * _INV_LN2 + _SHIFTER)
    k = shifted.view(np.int64) - _SHIFTER_BITS
    n = shifted - _SHIFTER
    high = z - n * _LN2_HI
    low = n * _LN2_LO
    r = high - low
    low = (high - r) - low
    # e^x - 1 = 2^k ((1 - 2^-k) + (e^r - 1)): the first bracket is exact and no smaller than r, or zero
    inverse = _power_of_two(-(np.int64(100) if k > 100 else k))
    base = 1.0 - inverse
    total = base + r
    low = low + ((1.0 - base) - inverse)
    rest = (r - (total - base)) + (_exp_excess(r) + low)
    answer = _scaled(total + rest, k)
    return x if x == 0.0 else answer


@inlined
def kannuity(x):  # type: ignore[no-untyped-def]
    """(1 - e^-x)/x of one float64: the worth of 1 a year, paid evenly, discounted by x in all; 1 at x = 0."""
    value = kexpm1(-x) / -x
    value = 1.0 if x == 0.0 else value
    return np.inf if x == -np.inf else value


# --- logarithms -----------------------------------------------------------------------------------


@inlined
def _exponent_of(bits):  # type: ignore[no-untyped-def]
    """k with x = 2^k m and m in [sqrt(1/2), sqrt(2)), from the bits of a positive normal x."""
    bias = np.int64(2048)
    offset = np.uint64(bits - _SQRT_HALF_BITS + (bias << _MANTISSA))
    return np.int64(offset >> np.uint64(52)) - bias


@inlined
def _split(x):  # type: ignore[no-untyped-def]
    """(m, k) with x = 2^k m and m in [sqrt(1/2), sqrt(2)), for a positive x, k being a float64."""
    small = x < _TINY
    bits = np.float64(x * (_TWO_54 if small else 1.0)).view(np.int64)
    k = _exponent_of(bits)
    m = np.int64(bits - (k << _MANTISSA)).view(np.float64)
    # k as a float64, by way of the low bits of the shifter: vectors have no conversion of int64 everywhere
    n = np.int64(k + _SHIFTER_BITS).view(np.float64) - _SHIFTER
    return m, n - (54.0 if small else 0.0)


@inlined
def _log_sum(m, n, tail):  # type: ignore[no-untyped-def]
    """ln(2^n m) + tail for m in [sqrt(1/2), sqrt(2)).

    ln m = 2 artanh s with s = (m - 1)/(m + 1), arranged so that m - 1, which is exact, leads.
    """
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.13086662010743266
    p = p * z + 0.1326876970865962
    p = p * z + 0.15386239830927845
    p = p * z + 0.1818179563777656
    p = p * z + 0.22222222391735982
    p = p * z + 0.28571428570803514
    p = p * z + 0.4000000000000088
    p = p * z + 0.6666666666666666
    half_square = 0.5 * f * f
    correction = half_square - s * (half_square + z * p)
    base = n * _LN2_HI
    total = base + f
    rest = (f - (total - base)) + ((n * _LN2_LO + tail) - correction)
    return total + rest


@inlined
def klog(x):  # type: ignore[no-untyped-def]
    """ln x of one float64, for use in kernels: -inf at 0, nan below."""
    m, n = _split(x)
    answer = _log_sum(m, n, 0.0)
    answer = x if x == np.inf else answer
    answer = -np.inf if x == 0.0 else answer
    return answer if x >= 0.0 else np.nan


@inlined
def klog1p(x):  # type: ignore[no-untyped-def]
    """ln(1 + x) of one float64, exact to the last place near zero as well."""
    z = 1.0 if x == np.inf else x
    y = 1.0 + z
    lost = (z if z <= 1.0 else 1.0) - (y - (z if z > 1.0 else 1.0))
    m, n = _split(y)
    answer = _log_sum(m, n, lost / (1.0 if y == 0.0 else y))
    answer = x if (x == 0.0) | (x == np.inf) else answer
    answer = -np.inf if x == -1.0 else answer
    return answer if x >= -1.0 else np.nan


# --- powers ---------------------------------------------------------------------------------------


@inlined
def _product_error(a, b, product):  # type: ignore[no-untyped-def]
    """a b - fl(a b), exactly (Dekker 1971)."""
    t = _SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = _SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@inlined
def _log_times(m, n, y):  # type: ignore[no-untyped-def]
    """(high, low) with high + low = y ln(2^n m) to some 67 bits, for m in [sqrt(1/2), sqrt(2))."""
    f = m - 1.0
    d = m + 1.0
    d_low = m - (d - 1.0)
    s = f / d
    sd = s * d
    s_low = ((f - sd) - _product_error(s, d, sd) - s * d_low) / d
    z = s * s
    z_low = _product_error(s, s, z) + 2.0 * s * s_low
    p = 0.11723126228548553
    p = p * z + 0.1170624072062253
    p = p * z + 0.1333480456229293
    p = p * z + 0.15384594964086024
    p = p * z + 0.1818181833539065
    p = p * z + 0.22222222221655796
    p = p * z + 0.2857142857142937
    p = p * z + 0.4
    # q + q_low = 2/3 + z P(z), c + c_low = z (q + q_low), then ln m = 2 s + s (c + c_low)
    zp = z * p
    q = _TWO_THIRDS + zp
    q_low = (zp - (q - _TWO_THIRDS)) + (_TWO_THIRDS_LO + z_low * p)
    c = z * q
    c_low = _product_error(z, q, c) + (z * q_low + z_low * q)
    sc = s * c
    sc_low = _product_error(s, c, sc) + (s * c_low + s_low * c)
    base = n * _LN2_HI
    log = base + 2.0 * s
    low = (2.0 * s - (log - base)) + (2.0 * s_low + sc_low)
    high = log + sc
    low = (sc - (high - log)) + (low + n * _LN2_LO)
    log = high + low
    low = low - (log - high)
    product = y * log
    return product, _product_error(y, log, product) + y * low


@inlined
def kpow(x, y):  # type: ignore[no-untyped-def]
    """x^y of two float64, with the special cases of C99 (annex F)."""
    size = abs(x)
    vast = size == np.inf
    m, n = _split(1.0 if vast | (size == 0.0) else size)
    exponent = 1e25 if y > 1e25 else y
    exponent = -1e25 if exponent < -1e25 else exponent
    high, low = _log_times(m, n, exponent)
    answer = _exp_sum(high, low if abs(high) < 800.0 else 0.0)
    # nothing and infinity: whichever of the two |x| is, and a negative exponent swaps them
    answer = (0.0 if vast == (y < 0.0) else np.inf) if vast | (size == 0.0) else answer
    half = 0.5 * y
    whole = np.floor(y) == y
    odd = whole & (abs(y) < _TWO_53) & (np.floor(half) != half)
    negative = np.float64(x).view(np.int64) < 0
    answer = -answer if negative & odd else answer
    answer = np.nan if (x < 0.0) & (not vast) & (not whole) else answer
    answer = np.nan if (x != x) | (y != y) else answer
    return 1.0 if (x == 1.0) | (y == 0.0) | ((x == -1.0) & (abs(y) == np.inf)) else answer


# --- the same over arrays -------------------------------------------------------------------------


@kernel
def _exp_in_place(x):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = kexp(x[i])


@kernel
def _expm1_in_place(x):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = kexpm1(x[i])


@kernel
def _log_in_place(x):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = klog(x[i])


@kernel
def _log1p_in_place(x):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = klog1p(x[i])


@kernel
def _annuity_in_place(x):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = kannuity(x[i])


@kernel
def _power_in_place(x, y):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = kpow(x[i], y[i])


@kernel
def _one_power_in_place(x, y):  # type: ignore[no-untyped-def]
    for i in range(x.size):
        x[i] = kpow(x[i], y)


def _mapped(in_place: Callable[[Array], None], x: ArrayLike) -> Any:
    values = np.array(x, dtype=np.float64, order="C")
    in_place(values.reshape(-1))
    return values if values.ndim else values[()]


def exp(x: ArrayLike) -> Any:
    """e^x elementwise, of any shape; a scalar for a scalar. Overflow gives inf without a warning."""
    return _mapped(_exp_in_place, x)


def expm1(x: ArrayLike) -> Any:
    """e^x - 1 elementwise, exact to the last place near zero as well."""
    return _mapped(_expm1_in_place, x)


def log(x: ArrayLike) -> Any:
    """ln x elementwise: -inf at 0 and nan below, without a warning."""
    return _mapped(_log_in_place, x)


def log1p(x: ArrayLike) -> Any:
    """ln(1 + x) elementwise, exact to the last place near zero as well."""
    return _mapped(_log1p_in_place, x)


def annuity(x: ArrayLike) -> Any:
    """(1 - e^-x)/x elementwise and 1 at 0: the factor a(x) of contracts paid evenly over their term."""
    return _mapped(_annuity_in_place, x)


def power(x: ArrayLike, y: ArrayLike) -> Any:
    """x^y elementwise and broadcast, with the special cases of C99 (annex F)."""
    exponents = np.asarray(y, dtype=np.float64)
    if exponents.ndim == 0:
        return _mapped(lambda values: _one_power_in_place(values, float(exponents)), x)
    shape = np.broadcast_shapes(np.shape(x), exponents.shape)
    values = np.array(np.broadcast_to(x, shape), dtype=np.float64, order="C")
    exponents = np.array(np.broadcast_to(exponents, shape), order="C")
    _power_in_place(values.reshape(-1), exponents.reshape(-1))
    return values
