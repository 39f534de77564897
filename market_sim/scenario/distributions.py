"""Distributions a scenario may put in place of a number, drawn by their inverse CDF.

`quantile(u)` is increasing in u, so one uniform per parameter gives every scenario the same luck. `Draws` alone goes
by the number of the replicate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
from pydantic_core import core_schema

from market_sim.scenario.declaration import Refused

Uniforms = np.ndarray
FARTHEST = 8.3  # standard deviations from the median that no draw exceeds: uniforms stop a 2**-53 short of 1
TINY = 2.0**-54  # keeps u off 0 and 1, where an unbounded quantile is infinite


class Distribution:
    """A distribution given in a scenario as a table, `{dist = "uniform", low = 1.0, high = 2.0}`."""

    name: ClassVar[str] = ""
    open_low: ClassVar[bool] = False

    @property
    def support(self) -> tuple[float, float]:
        """Least and greatest possible draw."""
        raise NotImplementedError

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        """Draws for uniforms in [0, 1), elementwise."""
        raise NotImplementedError

    def as_table(self) -> dict[str, Any]:
        """The table that a scenario file would hold."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type]
        kept = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
        return {"dist": self.name} | {key: value for key, value in kept.items() if value is not None}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(cls)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Every value from low to high equally likely."""

    low: float
    high: float
    name: ClassVar[str] = "uniform"

    def __post_init__(self) -> None:
        _require(self.low <= self.high, "low no greater than high")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        return np.clip(self.low + (self.high - self.low) * uniforms, self.low, self.high)


@dataclass(frozen=True)
class Triangular(Distribution):
    """Rising to the mode and falling from it, from low to high."""

    low: float
    mode: float
    high: float
    name: ClassVar[str] = "triangular"

    def __post_init__(self) -> None:
        _require(self.low <= self.mode <= self.high, "low <= mode <= high")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        rising = self.low + np.sqrt(uniforms * width * rise)
        falling = self.high - np.sqrt((1.0 - uniforms) * width * fall)
        return np.clip(np.where(uniforms * width < rise, rising, falling), self.low, self.high)


def _truncated(uniforms: Uniforms, below: float, upto: float) -> np.ndarray:
    """Standard normal draws between two points, given as shares of the distribution (0 and 1: no cut)."""
    from market_sim.quantiles import normal_quantile

    return normal_quantile(np.clip(below + uniforms * (upto - below), TINY, 1.0 - TINY))


def _share_below(z: float | None, otherwise: float) -> float:
    return otherwise if z is None else 0.5 * math.erfc(-z / math.sqrt(2.0))


@dataclass(frozen=True)
class Normal(Distribution):
    """Bell-shaped with a mean and a standard deviation, cut off at low and high where these are given."""

    mean: float
    sd: float
    low: float | None = None
    high: float | None = None
    name: ClassVar[str] = "normal"

    def __post_init__(self) -> None:
        _require(self.sd > 0, "sd above 0")
        _require_cut(self.low, self.high, self._shares())

    @property
    def support(self) -> tuple[float, float]:
        return _edges(self.low, self.high, -math.inf)

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        drawn = self.mean + self.sd * _truncated(uniforms, *self._shares())
        return np.clip(drawn, *self.support)

    def _shares(self) -> tuple[float, float]:
        cuts = [None if cut is None else (cut - self.mean) / self.sd for cut in (self.low, self.high)]
        return _share_below(cuts[0], 0.0), _share_below(cuts[1], 1.0)


@dataclass(frozen=True)
class Lognormal(Distribution):
    """The logarithm is normal: `median`, and `sigma` the standard deviation of the log; may be cut off."""

    median: float
    sigma: float
    low: float | None = None
    high: float | None = None
    name: ClassVar[str] = "lognormal"
    open_low: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _require(self.median > 0 and self.sigma > 0, "median and sigma above 0")
        _require(self.low is None or self.low > 0, "low above 0")
        _require(self.high is None or self.high > 0, "high above 0")
        _require_cut(self.low, self.high, self._shares())

    @property
    def support(self) -> tuple[float, float]:
        farthest = self.median * math.exp(min(FARTHEST * self.sigma, 700.0))
        return _edges(self.low, farthest if self.high is None else self.high, 0.0)

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        from market_sim.numerics import exp

        drawn = self.median * exp(self.sigma * _truncated(uniforms, *self._shares()))
        return np.clip(drawn, *self.support)

    def _shares(self) -> tuple[float, float]:
        cuts = [None if cut is None else math.log(cut / self.median) / self.sigma for cut in (self.low, self.high)]
        return _share_below(cuts[0], 0.0), _share_below(cuts[1], 1.0)


@dataclass(frozen=True)
class Beta(Distribution):
    """A beta distribution with shapes a and b, stretched from low to high."""

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0
    name: ClassVar[str] = "beta"

    def __post_init__(self) -> None:
        _require(self.a > 0 and self.b > 0, "a and b above 0")
        _require(self.low <= self.high, "low no greater than high")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        from scipy.special import betaincinv

        inside = betaincinv(self.a, self.b, np.clip(uniforms, TINY, 1.0 - TINY))
        return np.clip(self.low + (self.high - self.low) * inside, *self.support)


@dataclass(frozen=True)
class Choice(Distribution):
    """One of a list of numbers, each with its weight (equal where none are given)."""

    values: tuple[float, ...]
    weights: tuple[float, ...] | None = None
    name: ClassVar[str] = "choice"

    def __post_init__(self) -> None:
        listed = isinstance(self.values, tuple) and isinstance(self.weights, tuple | None)
        _require(listed, "values, and weights if any, as lists of finite numbers")
        _require(len(self.values) > 0, "at least one of values")
        if self.weights is not None:
            _require(len(self.weights) == len(self.values), "as many weights as values")
            _require(min(self.weights) >= 0 and sum(self.weights) > 0, "weights of 0 or more, not all 0")

    @property
    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        weights = np.asarray(self.weights or [1.0] * len(self.values))
        cumulated = np.cumsum(weights)[:-1] / weights.sum()
        return np.asarray(self.values)[np.searchsorted(cumulated, uniforms, side="right")]


@dataclass(frozen=True)
class Draws(Distribution):
    """Values given one by one: replicate k takes number k, beginning again after the last."""

    values: tuple[float, ...]
    name: ClassVar[str] = "draws"

    def __post_init__(self) -> None:
        _require(isinstance(self.values, tuple) and len(self.values) > 0, "values as a list of at least one number")

    @property
    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def quantile(self, uniforms: Uniforms) -> np.ndarray:
        """The margin alone: which values stand in one row with others' is lost."""
        return np.quantile(np.asarray(self.values), uniforms)

    def of_replicates(self, replicates: Sequence[int]) -> np.ndarray:
        """Values (R,) of these replicates."""
        return np.asarray(self.values)[np.asarray(replicates, dtype=np.int64) % len(self.values)]


KINDS: dict[str, type[Distribution]] = {
    kind.name: kind for kind in (Uniform, Triangular, Normal, Lognormal, Beta, Choice, Draws)
}


def read_distribution(table: Mapping[str, Any]) -> Distribution:
    """The distribution that a scenario's table describes.

    Raises `Refused` if the kind is unknown, an argument is missing, unknown or not a finite number, or the
    arguments contradict one another.
    """
    kind = table.get("dist")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(KINDS)
        raise Refused(f"a number, or a table with dist = one of {known}", _closest(str(kind), list(KINDS)))
    of = KINDS[kind]
    given = {key: _argument(kind, key, value) for key, value in table.items() if key != "dist"}
    _match_arguments(of, kind, given)
    return of(**given)


def _match_arguments(of: type[Distribution], kind: str, given: Mapping[str, Any]) -> None:
    known = [one.name for one in fields(of)]  # type: ignore[arg-type]
    required = known[: known.index("low")] if of in (Normal, Lognormal, Beta) else known
    required = ["values"] if of in (Choice, Draws) else required
    for key in given:
        _require(key in known, f"{kind}({', '.join(known)}); it has no {key!r}", _closest(key, known))
    for key in required:
        _require(key in given, f"{kind}({', '.join(known)}); {key!r} is missing")


def _argument(kind: str, key: str, value: Any) -> Any:
    if key in ("values", "weights") and isinstance(value, list | tuple):
        return tuple(_argument(kind, key, one) for one in value)
    proper = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    _require(proper, f"finite numbers in {kind}; {key} is {value!r}")
    return float(value)


def _require(held: bool, wanted: str, nearest: str = "") -> None:
    if not held:
        raise Refused(wanted, nearest)


def _require_cut(low: float | None, high: float | None, shares: tuple[float, float]) -> None:
    ordered = low is None or high is None or low < high
    _require(ordered, "low below high")
    _require(shares[1] - shares[0] > 1e-9, "a cut that leaves more than a billionth of the distribution")


def _edges(low: float | None, high: float | None, floor: float) -> tuple[float, float]:
    return floor if low is None else low, math.inf if high is None else high


def _closest(word: str, known: list[str]) -> str:
    return (get_close_matches(word, known, n=1, cutoff=0.5) or [""])[0]
