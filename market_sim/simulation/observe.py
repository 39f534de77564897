"""What every run records: watchers that look at each tick and make the result tables at the end.

Rules and agents know nothing of them; each keeps plain arrays while the run goes on.
"""

from collections.abc import Iterable
from datetime import date
from typing import Protocol

import polars as pl

from market_sim.results.calendar import Calendar
from market_sim.results.columns import TABLES, table
from market_sim.results.light import Plan
from market_sim.simulation.markets import Markets
from market_sim.simulation.panels import PANELS, Panel
from market_sim.simulation.seen import Cast, Seen
from market_sim.simulation.signals import Signals
from market_sim.simulation.tape import Tape
from market_sim.simulation.tick import Day
from market_sim.state.market import Market
from market_sim.state.setup import Setup

ALL = "all"


class Watcher(Protocol):
    """Looks at every tick and answers with tables."""

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables it makes."""

    def see(self, seen: Seen) -> None:
        """Note what a tick did."""

    def frame(self, name: str, calendar: Calendar, ticks: int) -> pl.DataFrame:
        """One of them, over the first `ticks` ticks."""


def recorded(record: str | Iterable[str]) -> tuple[str, ...]:
    """The tables asked for, in the order they are declared: "all", one name, or several.

    Raises TableNotRecorded for an unknown one.
    """
    if record == ALL:
        return tuple(TABLES)
    asked = {table(name).name for name in ([record] if isinstance(record, str) else record)}
    return tuple(name for name in TABLES if name in asked)


class Observer:
    """Everything that watches one chunk of replicates."""

    def __init__(self, setup: Setup, tables: tuple[str, ...], *, light: bool = False) -> None:
        self.setup, self.tables, self.cast = setup, tables, Cast.of(setup)
        self.ticks = 0
        plan = Plan(tables, light, setup.scenario.ticks, setup.scenario.tick_months)
        self.watchers = watchers(setup, self.cast, plan)

    def see(self, market: Market, day: Day) -> None:
        """Show a tick to all watchers; `market` as it stands after it."""
        seen = Seen(self.setup, self.cast, market, day)
        for watcher in self.watchers:
            watcher.see(seen)
        self.ticks = market.tick

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables recorded, over the ticks seen so far."""
        calendar = calendar_of(self.setup)
        maker = {name: watcher for watcher in self.watchers for name in watcher.tables}
        return {name: maker[name].frame(name, calendar, self.ticks) for name in self.tables}


def watchers(setup: Setup, cast: Cast, plan: Plan) -> list[Watcher]:
    """Those that the tables need, and no more."""
    whole: list[type[Markets] | type[Signals] | type[Tape]] = [Markets, Signals, Tape]
    needed: list[Watcher] = [one(setup, cast, plan) for one in whole if set(one.tables) & set(plan.tables)]
    return needed + [Panel(name, setup, cast) for name in PANELS if name in plan.tables]


def calendar_of(setup: Setup) -> Calendar:
    """The calendar of a scenario; it starts on the first of its month."""
    year, month = setup.scenario.start[:7].split("-")
    return Calendar(date(int(year), int(month), 1), setup.scenario.tick_months)
