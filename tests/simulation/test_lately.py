"""Rules whose answers are kept say all that they read of a market."""

from inspect import getmembers, signature
from typing import Any

import pytest
from reference.varied import varied

from market_sim.agents import lab, provider, vendor
from market_sim.simulation.prepare import prepare
from market_sim.state.lately import lately
from market_sim.state.market import Market
from market_sim.state.tables import Table, replace

KEPT = {name: rule for room in (lab, provider, vendor) for name, rule in getmembers(room) if hasattr(rule, "reads")}


class Watched:
    """A market, or a table of it, that notes the name of every field that is looked up."""

    def __init__(self, of: Any, noted: set[str], path: str = "") -> None:
        self._of, self._noted, self._path = of, noted, path

    def __getattr__(self, name: str) -> Any:
        value, path = getattr(self._of, name), f"{self._path}{name}"
        if isinstance(value, Table):
            return Watched(value, self._noted, f"{path}.")
        self._noted.add(path)
        return value


@pytest.fixture(scope="module")
def opening() -> tuple[Any, Market]:
    """A small market at its start."""
    return prepare(varied(3), 0, (0, 1))


def arguments(rule: Any, opening: tuple[Any, Market], noted: set[str]) -> list[Any]:
    """What the rule takes, the market watched."""
    setup, market = opening
    costs = provider.costs(setup, market)
    known = {
        "setup": setup, "market": Watched(market, noted), "now": 0.0, "purchase": costs.purchase,
        "offered_costs": costs,
    }  # fmt: skip
    return [known[name] for name in signature(rule).parameters]


@pytest.mark.parametrize("name", KEPT)
def test_a_rule_reads_what_it_says_and_no_more(name: str, opening: tuple[Any, Market]) -> None:
    """An answer is kept as long as what the rule names stays: a field it read unnamed could change unseen."""
    noted: set[str] = set()
    rule = KEPT[name].__wrapped__
    rule(*arguments(rule, opening, noted))
    assert noted == KEPT[name].reads


def test_an_answer_stands_while_what_was_read_stays(opening: tuple[Any, Market]) -> None:
    """The rule works anew for another array or argument than before; its last two answers stay known."""
    _, market = opening
    worked = []

    @lately("labs.plan")
    def rule(times: float, market: Market) -> Any:
        worked.append(times)
        return times * market.labs.plan

    moved = replace(market, labs=replace(market.labs, plan=2.0 * market.labs.plan))
    aside = replace(market, labs=replace(market.labs, demand=2.0 * market.labs.demand))
    one, two = 1.0, 2.0
    assert rule(one, market) is rule(one, aside)
    assert rule(one, moved)[0, 0] == 2.0 * rule(one, market)[0, 0]
    assert worked == [one, one]
    rule(two, market)
    rule(one, moved)
    rule(one, market)
    assert worked == [one, one, two, one]
