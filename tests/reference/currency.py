"""A scenario with every amount of money in another currency."""

from typing import Any

from market_sim.scenario.canonical import as_tree
from market_sim.scenario.keys import leaves
from market_sim.scenario.schema import Scenario

SHAPES = ("dist", "sigma", "a", "b")  # of a distribution: what has no unit


def in_currency(scenario: Scenario, rate: float) -> Scenario:
    """The scenario with each number whose declared unit is USD, per anything, times `rate`."""
    tree = as_tree(scenario)
    for path, declaration, _ in leaves(scenario):
        if declaration.unit.split("/")[0] == "USD":
            entry: Any = tree
            for part in path[:-1]:
                entry = entry[part]
            if path[-1] in entry:
                entry[path[-1]] = _times(entry[path[-1]], rate)
    return Scenario(**tree)


def _times(value: Any, rate: float) -> Any:
    if isinstance(value, dict):
        return {key: one if key in SHAPES else _times(one, rate) for key, one in value.items()}
    return [_times(one, rate) for one in value] if isinstance(value, list) else value * rate
