"""A scenario, a seed and replicates -> results: prepare, tick, watch, and make the tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from market_sim.agents.policies import NONE, Policies, seat
from market_sim.results.manifest import RunInfo, chosen_seed
from market_sim.results.tables import Results
from market_sim.scenario.canonical import as_tree, resolved_toml
from market_sim.scenario.schema import Scenario
from market_sim.simulation.memory import hand_back_freed_memory, keep_freed_memory
from market_sim.simulation.observe import ALL, Observer, recorded
from market_sim.simulation.prepare import prepare
from market_sim.simulation.seen import names_of
from market_sim.simulation.tick import Day, tick
from market_sim.warming import be_ready

if TYPE_CHECKING:
    from market_sim.agents.policies import Chosen

CHUNK = 64  # replicates carried together


class Run:
    """One chunk of replicates under way: `step` until `done`, and `frames` at any time.

    `setup` is what is fixed, `market` the state after the last tick.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        seed: int = 0,
        replicates: Sequence[int] = (0,),
        record: str | Iterable[str] = ALL,
        policies: "Chosen | Policies" = NONE,
        light: bool = False,
    ) -> None:
        """Draw the luck of these replicates and open their markets; tables are kept `light` or in full.

        Raises ValueError for a seed that is none, TableNotRecorded, PolicyError.
        """
        tables = recorded(record)
        keep_freed_memory()
        be_ready()
        self.setup, self.market = prepare(scenario, chosen_seed(seed), tuple(replicates))
        self.policies = seat(policies, self.setup)
        self.observer = Observer(self.setup, tables, light=light)

    @property
    def done(self) -> bool:
        """Whether the last tick is over."""
        return self.market.tick >= self.setup.scenario.ticks

    def step(self) -> Day:
        """Carry the market over one tick and let the watchers see it. Raises RuntimeError when the run is
        over.
        """
        if self.done:
            raise RuntimeError(f"the run is over after its {self.setup.scenario.ticks} ticks")
        self.market, day = tick(self.setup, self.market, self.policies)
        self.observer.see(self.market, day)
        return day

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables recorded, over the ticks so far."""
        return self.observer.frames()


def simulate_chunk(
    scenario: Scenario,
    *,
    seed: int = 0,
    replicates: Sequence[int] = (0,),
    record: str | Iterable[str] = ALL,
    policies: "Chosen | Policies" = NONE,
    light: bool = False,
) -> dict[str, pl.DataFrame]:
    """Table name -> polars frame of these replicates, carried together; raises as `simulate` does."""
    numbers = chosen_replicates(replicates)
    run = Run(scenario, seed=seed, replicates=numbers, record=record, policies=policies, light=light)
    while not run.done:
        run.step()
    hand_back_freed_memory()  # polars has memory of its own
    return run.frames()


def simulate(
    scenario: Scenario,
    *,
    seed: int = 0,
    replicates: int | Iterable[int] = 1,
    record: str | Iterable[str] = ALL,
    policies: "Chosen | Policies" = NONE,
    command: str = "",
) -> Results:
    """The results of a scenario under the luck of some replicates.

    `replicates`: how many, from 0 on, or their numbers; a number alone gives the same rows as among others.
    `record`: "all" or names of tables. `policies`: firm -> subclass of its agent that decides for it.
    `command`: noted in the manifest. Raises ValueError for a seed that is none and for replicates that are no
    distinct numbers from 0 on, TableNotRecorded, PolicyError.
    """
    numbers = chosen_replicates(range(replicates) if isinstance(replicates, int) else replicates)
    tables = recorded(record)
    chunks = [
        simulate_chunk(scenario, seed=seed, replicates=numbers[first : first + CHUNK], record=tables, policies=policies)
        for first in range(0, len(numbers), CHUNK)
    ]
    info = run_info(scenario, seed=seed, replicates=numbers, tables=tables, command=command)
    return Results.join(chunks, info)


def chosen_replicates(replicates: Iterable[int]) -> tuple[int, ...]:
    """The numbers in order. Raises ValueError unless they are distinct, from 0 on, and at least one."""
    numbers = tuple(replicates)
    whole = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in numbers)
    if not numbers or not whole or len(set(numbers)) != len(numbers):
        raise ValueError(f"replicates must be distinct whole numbers from 0 on, at least one; got {numbers}")
    return tuple(sorted(numbers))


def run_info(
    scenario: Scenario,
    *,
    seed: int,
    replicates: Sequence[int],
    tables: Sequence[str],
    command: str = "",
    light: bool = False,
) -> RunInfo:
    """What a run folder says of the run."""
    resolved: Mapping[str, object] = as_tree(scenario)
    return RunInfo(
        scenario=scenario.name,
        resolved=resolved,
        text=resolved_toml(scenario),
        seed=chosen_seed(seed),
        replicates=len(replicates),
        names=names_of(scenario),
        first_replicate=min(replicates),
        command=command,
        tables=tuple(tables),
        light=light,
    )
