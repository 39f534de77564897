"""The engine's own trading core, timed within whole ticks: the phases that the tuned NumPy model covers, no other."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from market_sim.agents import lab
from market_sim.agents.policies import NONE
from market_sim.mechanisms import concentration, delivery
from market_sim.scenario.schema import Scenario
from market_sim.simulation import building, technology, tick, trading
from market_sim.simulation.prepare import prepare
from market_sim.state.market import Market
from market_sim.state.setup import Setup

PHASES: tuple[tuple[Any, str], ...] = (
    (technology, "fit_chips"),
    (lab, "value"),  # worth
    (trading, "trade"),  # clearing, rounding, signing, lots begun
    (tick, "add_deals"),
    (delivery, "start"),  # of lots for inventory; those of contracts are part of the trade
    (building, "deliver"),
    (building, "live_contracts"),
)


class Clock:
    """CPU seconds spent in what it times; what is called inside counts once."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.seconds, self.running = 0.0, False

    def timed(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """The rule, on this clock."""

        def call(*given: Any, **named: Any) -> Any:
            if self.running:
                return rule(*given, **named)
            self.running, begun = True, time.process_time()
            try:
                return rule(*given, **named)
            finally:
                self.seconds, self.running = self.seconds + time.process_time() - begun, False

        return call


@contextmanager
def timed_phases(clock: Clock) -> Iterator[None]:
    """The phases on a clock, while it lasts."""
    with ExitStack() as stack:
        for module, name in PHASES:
            stack.enter_context(patch.object(module, name, clock.timed(getattr(module, name))))
        yield


def stocks(setup: Setup, market: Market) -> None:
    """Concentration of useful compute under contract by lab, provider, vendor and platform."""
    held = market.holdings
    by_vendor = concentration.merged(held.useful_chip, setup.chip_vendor, len(setup.vendors))
    by_stack = concentration.merged(held.useful_chip, setup.chip_stack, len(setup.stacks))
    for quantity in (held.useful_lab, held.useful_provider, by_vendor, by_stack):
        concentration.measure(quantity)


def core_seconds(scenario: Scenario, replicates: int) -> float:
    """CPU seconds of the trading core over one run of a chunk."""
    clock = Clock()
    measured = clock.timed(stocks)
    setup, market = prepare(scenario, 1, tuple(range(replicates)))
    with timed_phases(clock):
        for _ in range(scenario.ticks):
            market, _ = tick.tick(setup, market, NONE)
            measured(setup, market)
    return clock.seconds
