"""Quantiles of the normal, Gumbel, exponential and gamma distributions, with the same bits on every machine.

They turn uniforms on the open unit interval into other luck, each uniform into one number, so that two
scenarios which differ in a distribution still share their luck.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from market_sim.numerics import kernel, kexp, klog, part

Array = NDArray[np.float64]

_HALF_LOG_TWO_PI = 0.9189385332046727


def normal_quantile(probabilities: ArrayLike) -> Any:
    """x with Phi(x) = p, elementwise, to 16 digits (Wichura 1988, algorithm AS 241, *Appl. Statist.* 37)."""
    luck = np.array(probabilities, dtype=np.float64, order="C")
    normal_quantile_in_place(luck.reshape(-1))
    return luck if luck.ndim else luck[()]


def exponential_quantile(probabilities: ArrayLike) -> Any:
    """-ln p, elementwise: a unit exponential, small where p is near one."""
    luck = np.array(probabilities, dtype=np.float64, order="C")
    _exponential_in_place(luck.reshape(-1))
    return luck if luck.ndim else luck[()]


def gumbel_quantile(probabilities: ArrayLike) -> Any:
    """-ln(-ln p), elementwise: a standard Gumbel."""
    luck = np.array(probabilities, dtype=np.float64, order="C")
    _gumbel_in_place(luck.reshape(-1))
    return luck if luck.ndim else luck[()]


def gamma_quantile(probabilities: ArrayLike, shape: ArrayLike) -> Any:
    """x with P(shape, x) = p, elementwise and broadcast: a gamma of unit scale, to 1e-12 of itself.

    Raises ValueError if a shape is not positive.
    """
    shapes = np.asarray(shape, dtype=np.float64)
    if not np.all(shapes > 0.0):
        raise ValueError(f"the shape of a gamma must be positive; got {shape!r}")
    wide = np.broadcast_shapes(np.shape(probabilities), shapes.shape)
    luck = np.array(np.broadcast_to(probabilities, wide), dtype=np.float64, order="C")
    _gamma_in_place(luck.reshape(-1), np.array(np.broadcast_to(shapes, wide), order="C").reshape(-1))
    return luck if luck.ndim else luck[()]


# --- in place, over vectors -----------------------------------------------------------------------


@kernel
def normal_quantile_in_place(luck):  # type: ignore[no-untyped-def]
    """Replace uniforms (n,) by standard normals."""
    for i in range(luck.size):
        luck[i] = knormal(luck[i])


@kernel
def _exponential_in_place(luck):  # type: ignore[no-untyped-def]
    for i in range(luck.size):
        luck[i] = -klog(luck[i])


@kernel
def _gumbel_in_place(luck):  # type: ignore[no-untyped-def]
    for i in range(luck.size):
        luck[i] = -klog(-klog(luck[i]))


@kernel
def _gamma_in_place(luck, shapes):  # type: ignore[no-untyped-def]
    for i in range(luck.size):
        luck[i] = kgamma(luck[i], shapes[i])


# --- the normal -----------------------------------------------------------------------------------


@part
def knormal(p):  # type: ignore[no-untyped-def]
    """The standard normal quantile of one float64 in (0, 1)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _normal_centre(0.180625 - q * q)
    r = np.sqrt(-klog(p if q < 0.0 else 1.0 - p))
    x = _normal_flank(r - 1.6) if r <= 5.0 else _normal_tail(r - 5.0)
    return -x if q < 0.0 else x


@part
def _normal_centre(r):  # type: ignore[no-untyped-def]
    a = 2.5090809287301226727e3 * r + 3.3430575583588128105e4
    a = (a * r + 6.7265770927008700853e4) * r + 4.5921953931549871457e4
    a = (a * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3
    a = (a * r + 1.3314166789178437745e2) * r + 3.3871328727963666080e0
    b = 5.2264952788528545610e3 * r + 2.8729085735721942674e4
    b = (b * r + 3.9307895800092710610e4) * r + 2.1213794301586595867e4
    b = (b * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2
    b = (b * r + 4.2313330701600911252e1) * r + 1.0
    return a / b


@part
def _normal_flank(r):  # type: ignore[no-untyped-def]
    c = 7.74545014278341407640e-4 * r + 2.27238449892691845833e-2
    c = (c * r + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0
    c = (c * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0
    c = (c * r + 4.63033784615654529590e0) * r + 1.42343711074968357734e0
    d = 1.05075007164441684324e-9 * r + 5.47593808499534494600e-4
    d = (d * r + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1
    d = (d * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0
    d = (d * r + 2.05319162663775882187e0) * r + 1.0
    return c / d


@part
def _normal_tail(r):  # type: ignore[no-untyped-def]
    e = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    e = (e * r + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2
    e = (e * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0
    e = (e * r + 5.46378491116411436990e0) * r + 6.65790464350110377720e0
    f = 2.04426310338993978564e-15 * r + 1.42151175831644588870e-7
    f = (f * r + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4
    f = (f * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1
    f = (f * r + 5.99832206555887937690e-1) * r + 1.0
    return e / f


# --- the gamma ------------------------------------------------------------------------------------


@part
def kgamma(p, shape):  # type: ignore[no-untyped-def]
    """The quantile of a gamma of unit scale, of one float64 in (0, 1).

    Halley's rule on ln x, from the cube-root normal approximation of Wilson & Hilferty (1931).
    """
    log_gamma = _log_gamma(shape)
    log_x = _gamma_guess(p, shape, log_gamma)
    for _ in range(40):
        x = kexp(log_x)
        density = kexp(shape * log_x - x - log_gamma)  # of ln x
        lower, upper = _gamma_parts(shape, x, density)
        miss = lower - p if p < 0.5 else (1.0 - p) - upper
        if density == 0.0 or miss == 0.0:
            break
        step = miss / density
        step = step / max(0.5, 1.0 - 0.5 * step * (shape - x))
        step = min(max(step, -1.0), 1.0)
        log_x -= step
        if abs(step) < 1e-14:
            break
    return kexp(log_x)


@part
def _gamma_guess(p, shape, log_gamma):  # type: ignore[no-untyped-def]
    """ln x to start from: Wilson & Hilferty, or the first term of the series where x is small."""
    ninth = 1.0 / (9.0 * shape)
    root = 1.0 - ninth + knormal(p) * np.sqrt(ninth)
    first_term = (klog(p) + log_gamma + klog(shape)) / shape
    if root <= 0.3 or shape < 0.5:
        return first_term
    return klog(shape) + 3.0 * klog(root)


@part
def _gamma_parts(shape, x, density):  # type: ignore[no-untyped-def]
    """P and Q = 1 - P of the incomplete gamma, by series below x = shape + 1, by continued fraction above.

    `density` is x^shape e^-x / Gamma(shape) (Abramowitz & Stegun 6.5.29 and 6.5.31).
    """
    if x < shape + 1.0:
        term = 1.0 / shape
        total = term
        n = shape
        while term > 1e-17 * total:
            n += 1.0
            term *= x / n
            total += term
        return density * total, 1.0 - density * total
    # the even part of the fraction, evaluated forwards by ratios of successive convergents (Lentz)
    b = x + 1.0 - shape
    c = 1e300
    d = 1.0 / b
    value = d
    for i in range(1, 500):
        a = -i * (i - shape)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return 1.0 - density * value, density * value


@part
def _log_gamma(shape):  # type: ignore[no-untyped-def]
    """ln Gamma by Stirling's series, after raising the argument to 12 or more."""
    product = 1.0
    while shape < 12.0:
        product *= shape
        shape += 1.0
    z = 1.0 / (shape * shape)
    series = ((z / 1188.0 - 1.0 / 1680.0) * z + 1.0 / 1260.0) * z - 1.0 / 360.0
    series = (series * z + 1.0 / 12.0) / shape
    return (shape - 0.5) * klog(shape) - shape + _HALF_LOG_TWO_PI + series - klog(product)
