"""The uncertain parameters of a scenario: those it gives as distributions, or those asked for with a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market_sim.experiments.errors import WrongRequest
from market_sim.experiments.sweep import Range, lhs_axis
from market_sim.scenario.accept import nearest
from market_sim.scenario.distributions import Distribution, Draws
from market_sim.scenario.keys import key_path
from market_sim.scenario.realise import distributions
from market_sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Inputs:
    """Parameters, each with the distribution that its places from 0 to 1 are read by."""

    keys: tuple[str, ...]
    spread: tuple[Distribution | Range, ...]

    @property
    def count(self) -> int:
        """How many parameters."""
        return len(self.keys)

    @property
    def margins(self) -> tuple[str, ...]:
        """Those given as rows of draws, of which only the margins count here."""
        return tuple(key for key, one in zip(self.keys, self.spread, strict=True) if isinstance(one, Draws))

    def values(self, places: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Key -> values (point,) at places (point, parameter) from 0 to 1."""
        return {
            key: _at(one, np.ascontiguousarray(places[:, at]))
            for at, (key, one) in enumerate(zip(self.keys, self.spread, strict=True))
        }


def _at(spread: Distribution | Range, places: NDArray[np.float64]) -> NDArray[np.float64]:
    if isinstance(spread, Range):
        return np.array([spread.at(float(place)) for place in places])
    return spread.quantile(places)


def inputs_of(scenario: Scenario, asked: Sequence[str] = ()) -> Inputs:
    """The parameters asked for, each `key` or `key=lo:hi[:log]`; all that the scenario is uncertain of for none.

    Raises WrongRequest for a key that is given as one number and without a range, and where nothing is uncertain.
    """
    held: dict[str, Distribution | Range] = {key_path(path): one for path, one in distributions(scenario)}
    chosen = dict(_asked(text, held) for text in asked) if asked else held
    if not chosen:
        raise WrongRequest(f"{scenario.name}: no parameter is uncertain; give some with --parameter KEY=LO:HI")
    return Inputs(tuple(chosen), tuple(chosen.values()))


def _asked(text: str, held: dict[str, Distribution | Range]) -> tuple[str, Distribution | Range]:
    if "=" in text:
        try:
            return lhs_axis(text)
        except WrongRequest as error:
            raise WrongRequest(str(error).replace("--lhs", "--parameter")) from None
    if text not in held:
        near = nearest(text, list(held))
        hint = f"; did you mean {near!r}?" if near else ""
        known = f"wanted KEY=LO:HI, or one of {', '.join(held)}"
        raise WrongRequest(f"--parameter {text}: the scenario draws no such parameter{hint} ({known})")
    return text, held[text]
