"""Where one agent's own policy replaces the vectorised one for its row, and for its row only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from market_sim.state.market import Market
from market_sim.state.setup import Setup


@dataclass(frozen=True)
class Policies:
    """Agents with a policy of their own, by (kind, row); the rest of the market stays vectorised."""

    own: Mapping[tuple[str, int], Any] = field(default_factory=dict)

    def decide(
        self, kind: str, verb: str, setup: Setup, market: Market, proposed: np.ndarray, names: tuple[str, ...] = ()
    ) -> np.ndarray:
        """`proposed` (R, row, ...) with the rows of agents that define `verb` replaced by what they answer.

        With `names` a row is handed over as a mapping of name to number, without as one number. The agent's `look` is
        called first, so that it sees the market of the replicate it decides in.
        """
        rows = [(row, agent) for (one, row), agent in sorted(self.own.items(), key=lambda i: i[0]) if one == kind]
        acting = [(row, agent) for row, agent in rows if verb in agent.decides()]
        if not acting:
            return proposed
        decided = proposed.copy()
        for row, agent in acting:
            for r in range(setup.width):
                agent.look(setup, market, r)
                decided[r, row] = _answer(agent, verb, proposed[r, row], names)
        return decided


def _answer(agent: Any, verb: str, proposed: np.ndarray, names: tuple[str, ...]) -> Any:
    """Ask the agent; an answer that names something unknown, or is no finite number, is refused."""
    if not names:
        return _finite(agent, verb, "", getattr(agent, verb)(float(proposed)))
    answer = getattr(agent, verb)(dict(zip(names, map(float, proposed), strict=True)))
    unknown = [name for name in answer if name not in names]
    if unknown:
        raise PolicyError(f"{agent.name}: {verb} answered for {unknown[0]!r}; known are {', '.join(names)}")
    return np.array([_finite(agent, verb, name, answer.get(name, 0.0)) for name in names])


def _finite(agent: Any, verb: str, name: str, value: Any) -> float:
    if not isinstance(value, (int, float, np.number)) or np.isnan(value):
        where = f" for {name!r}" if name else ""
        raise PolicyError(f"{agent.name}: {verb} answered {value!r}{where}; wanted a number")
    return float(value)


class PolicyError(ValueError):
    """A policy answered something that can't be used."""


NONE = Policies()
