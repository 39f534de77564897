"""The market as a mesa model: the same tick with one replicate, and agents to look at and to replace."""

from collections.abc import Iterator
from pathlib import Path

import mesa

from market_sim.agents.faces import AbstractFirm, Moment, face_of, label, stream
from market_sim.agents.policies import Chosen, Policies, Row, choose
from market_sim.scenario.dates import month_at
from market_sim.scenario.load import load_scenario
from market_sim.scenario.schema import Scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import tick


class MarketModel(mesa.Model):
    """One replicate of a scenario, tick by tick.

    `market` is the state after the last tick, `setup` what is fixed for the run; `agents` are the firms. The same
    scenario, `rng` and `replicate` give the same figures as `simulate`.
    """

    def __init__(
        self,
        setup: Scenario | str | Path,
        *,
        rng: int = 0,
        replicate: int = 0,
        policies: Chosen | None = None,
    ) -> None:
        """Open the market of a scenario, or of the scenario file at a path, with `rng` as the run's seed.

        `policies` maps firms to subclasses of their agents, which then stand in for them. Raises ScenarioError,
        PolicyError.
        """
        scenario = setup if isinstance(setup, Scenario) else load_scenario(setup)
        chosen = choose(policies or {}, scenario)
        super().__init__(rng=stream(int(rng), replicate))
        self.setup, self.market = prepare(scenario, int(rng), (replicate,))
        self.firms = {row: self._agent(row, name, chosen) for row, name in _rows(scenario)}
        self._policies = Policies({row: [self.firms[row]] for row in chosen})

    def _agent(self, row: Row, name: str, chosen: dict[Row, type[AbstractFirm]]) -> AbstractFirm:
        kind = label(self.setup.scenario, row[0], name)
        return chosen.get(row, face_of(row[0], kind))(self, self.setup, row[1])

    @property
    def moment(self) -> Moment:
        """What agents see between ticks."""
        return Moment(self.setup, self.market, 0)

    @property
    def date(self) -> str:
        """The month that the market has reached, `YYYY-MM`."""
        return month_at(self.setup.scenario.start, self.market.now)

    def step(self) -> None:
        """Carry the market over one tick. Raises RuntimeError when the run is over."""
        if not self.running:
            raise RuntimeError(f"the run is over after its {self.setup.scenario.ticks} ticks")
        self.market, _ = tick(self.setup, self.market, self._policies)
        self.running = self.market.tick < self.setup.scenario.ticks


def _rows(scenario: Scenario) -> Iterator[tuple[Row, str]]:
    """Every firm of the market: vendors, then providers, then labs."""
    for kind in ("vendor", "provider", "lab"):
        yield from (((kind, place), name) for place, name in enumerate(getattr(scenario, kind)))
