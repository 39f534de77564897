"""Designs over parameters: grids, and Latin hypercubes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from market_sim.experiments.design import CHUNK, Design, design
from market_sim.experiments.errors import WrongRequest
from market_sim.scenario.canonical import as_tree
from market_sim.scenario.keys import key_parts, split_assignment, toml_value
from market_sim.scenario.schema import Scenario

POINTS = 16  # of a Latin hypercube, unless told otherwise


@dataclass(frozen=True, slots=True)
class Range:
    """Where a parameter is drawn from, evenly in its value or in its logarithm."""

    low: float
    high: float
    log: bool = False

    def at(self, place: float) -> float:
        """The value at a place from 0 to 1."""
        if self.log:
            return self.low * math.exp(place * math.log(self.high / self.low))
        return self.low + place * (self.high - self.low)


def grid_axis(text: str) -> tuple[str, tuple[Any, ...]]:
    """Key and values of `key=v1,v2,..`. Raises WrongRequest."""
    key, values = _assignment("--grid", text)
    read = tuple(toml_value(one) for one in _split(values))
    if not read or "" in read:
        raise WrongRequest(f"--grid {text!r}: wanted key=v1,v2,..")
    return key, read


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside brackets and quotes."""
    pieces, depth, quote = [""], 0, ""
    for character in text:
        if quote or character in "\"'":
            quote = "" if quote == character else quote or character
        depth += (character in "[{") - (character in "]}") if not quote else 0
        if character == "," and not depth and not quote:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece.strip() for piece in pieces]


def lhs_axis(text: str) -> tuple[str, Range]:
    """Key and range of `key=lo:hi`, or `key=lo:hi:log`. Raises WrongRequest."""
    key, bounds = _assignment("--lhs", text)
    low, _, rest = bounds.partition(":")
    high, colon, scale = rest.partition(":")
    try:
        span = Range(float(low), float(high), scale == "log")
    except ValueError:
        raise WrongRequest(f"--lhs {text!r}: wanted key=lo:hi, or key=lo:hi:log") from None
    if (colon and not span.log) or not (math.isfinite(span.low) and math.isfinite(span.high)):
        raise WrongRequest(f"--lhs {text!r}: wanted key=lo:hi, or key=lo:hi:log, with finite numbers")
    if span.low >= span.high or (span.log and span.low <= 0.0):
        above = "0 < lo < hi" if span.log else "lo < hi"
        raise WrongRequest(f"--lhs {text!r}: wanted {above}")
    return key, span


def _assignment(option: str, text: str) -> tuple[str, str]:
    try:
        key, value = split_assignment(text)
        key_parts(key)
    except ValueError as error:
        raise WrongRequest(f"{option} {error}") from None
    return key, value


def sweep(
    scenario: Scenario,
    replicates: int,
    *,
    grid: Mapping[str, Sequence[Any]] | None = None,
    lhs: Mapping[str, Range] | None = None,
    points: int = POINTS,
    seed: int = 0,
    chunk: int = CHUNK,
    record: str | Sequence[str] | None = None,
    command: str = "",
) -> Design:
    """The design of every grid point with every Latin-hypercube point, each under the same luck.

    `run_design` runs it; `design.parquet` in its folder says which run has which values. Raises WrongRequest,
    and ScenarioError for a key or a value that the schema does not take.
    """
    grid, lhs = grid or {}, lhs or {}
    if both := sorted(set(grid) & set(lhs)):
        raise WrongRequest(f"{both[0]} stands in --grid and in --lhs: wanted it once")
    if not grid and not lhs:
        raise WrongRequest("a sweep needs a parameter to vary: --grid key=v1,v2 or --lhs key=lo:hi")
    drawn = list(_hypercube(scenario, lhs, points, seed)) if lhs else [{}]
    crossed = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    listed = [fixed | free for fixed in crossed for free in drawn]
    return design(scenario, replicates, seed=seed, chunk=chunk, record=record, points=listed, command=command)


def _hypercube(
    scenario: Scenario, lhs: Mapping[str, Range], points: int, seed: int
) -> Iterator[dict[str, float | int]]:
    """Points that each cut every range into `points` equal parts and stand once in each of them.

    McKay, Beckman & Conover (1979), Technometrics 21, 239.
    """
    from scipy.stats import qmc

    if points < 1:
        raise WrongRequest(f"--points {points}: wanted 1 or more")
    tree = as_tree(scenario)
    counted = {key for key in lhs if _is_count(tree, key_parts(key))}
    for place in qmc.LatinHypercube(d=len(lhs), seed=seed).random(points):
        values = {key: span.at(float(at)) for (key, span), at in zip(lhs.items(), place, strict=True)}
        yield {key: round(value) if key in counted else value for key, value in values.items()}


def _is_count(tree: Any, parts: tuple[str, ...]) -> bool:
    """Whether the scenario holds a whole number there; `*` looks at the first entry."""
    for part in parts:
        if not isinstance(tree, Mapping) or not tree:
            return False
        tree = next(iter(tree.values())) if part == "*" else tree.get(part)
    return isinstance(tree, int) and not isinstance(tree, bool)
