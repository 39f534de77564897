"""Runs of the engine for tests: tick by tick, with every identity that fails on the way."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from market_sim.agents.policies import NONE
from market_sim.mechanisms.finance import FLOW, WORTH
from market_sim.scenario.load import load_scenario
from market_sim.scenario.schema import Scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import Day, tick
from market_sim.state.identities import broken_flows, imbalances
from market_sim.state.market import Market
from market_sim.state.setup import Setup

SHIPPED = Path(__file__).parents[2] / "scenarios"


def shipped(name: str, **overrides: object) -> Scenario:
    """A shipped scenario; `labs__choice="fit"` overrides `labs.choice`."""
    return load_scenario(SHIPPED / f"{name}.toml", {key.replace("__", "."): v for key, v in overrides.items()})


def ticks(setup: Setup, market: Market) -> Iterator[tuple[Market, Market, Day]]:
    """Every tick of a run: the market before, after, and what happened."""
    for _ in range(setup.scenario.ticks):
        before = market
        market, day = tick(setup, before, NONE)
        yield before, market, day


def complaints(scenario: Scenario, replicates: tuple[int, ...] = (0,), seed: int = 0) -> list[str]:
    """Identities that fail in the first bad tick of a run, none when it is sound."""
    setup, market = prepare(scenario, seed, replicates)
    if found := imbalances(market, setup.power):
        return [f"at the start: {line}" for line in found]
    for before, after, day in ticks(setup, market):
        settled = day.settled
        found = imbalances(after, setup.power) + broken_flows(
            before, after, settled.flows, settled.written_off, WORTH, FLOW["equity"], setup.power
        )
        if found:
            return [f"tick {before.tick}: {line}" for line in found]
    return []


@cache
def last(name: str, ticks_run: int, replicates: tuple[int, ...] = (0,), **overrides: object) -> tuple[Setup, Market]:
    """The market at the end of a shipped scenario shortened to `ticks_run` ticks."""
    scenario = shipped(name, ticks=ticks_run, **overrides)
    setup, market = prepare(scenario, 0, replicates)
    for _, after, _ in ticks(setup, market):
        market = after
    return setup, market
