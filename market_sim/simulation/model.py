"""The market as a mesa model: the same tick with one replicate, and agents to look at and to replace."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import mesa
import numpy as np
import polars as pl

from market_sim.agents.faces import face_of
from market_sim.agents.firm import AbstractFirm, Moment, label, stream
from market_sim.agents.policies import Chosen, Policies, Row, choose
from market_sim.mechanisms.concentration import measure
from market_sim.results.manifest import chosen_seed
from market_sim.results.tables import Results
from market_sim.results.vocabulary import MARKETS, SIGNALS
from market_sim.scenario.dates import month_at
from market_sim.scenario.load import load_scenario
from market_sim.scenario.schema import Scenario
from market_sim.simulation.markets import REVENUE, STOCK, Markets
from market_sim.simulation.run import Run, run_info
from market_sim.simulation.signals import Signals
from market_sim.state.market import Market
from market_sim.state.setup import Setup

BASES = {"stock": STOCK, "revenue": REVENUE}
OF_FIRMS = ("name", "kind", "cash", "debt", "net_worth", "revenue", "useful_compute", "supply")


class AnyPath(Protocol):
    """A path as an object, such as pathlib's."""

    def __fspath__(self) -> str: ...


class MarketModel(mesa.Model):
    """One replicate of a scenario, tick by tick, with everything recorded.

    `agents` are the firms: chip vendors, providers, then labs and other buyers. `datacollector` holds, after
    every step, the HHI of each market on stock and revenue (0..1), the signals of the whole market (units as
    in docs/results.md) and each firm's money. The same scenario, `rng` and `replicate` give the same figures
    as `simulate`.
    """

    def __init__(
        self,
        setup: Scenario | str | AnyPath,
        *,
        rng: int = 0,
        replicate: int = 0,
        policies: Chosen | None = None,
    ) -> None:
        """Open the market of a scenario, or of a scenario file, with `rng` as the seed of all luck.

        `policies` maps names of firms to subclasses of their agents, which then decide for them. Raises
        ScenarioError, PolicyError, and ValueError for an `rng` that is no seed.
        """
        scenario = setup if isinstance(setup, Scenario) else load_scenario(str(setup))
        chosen = choose(policies or {}, scenario)
        seed = chosen_seed(rng)
        super().__init__(rng=stream(seed, replicate))
        self._run = Run(scenario, seed=seed, replicates=(replicate,))
        self._firms = {(row[0], name): self._agent(row, name, chosen) for row, name in _rows(scenario)}
        own = {(kind, firm.row): [firm] for (kind, _), firm in self._firms.items() if (kind, firm.row) in chosen}
        self._run.policies = Policies(own)
        self.datacollector = mesa.DataCollector(_market_reporters(), _firm_reporters())
        self._latest: dict[str, float] = {}

    @property
    def setup(self) -> Setup:
        """What is fixed for the run."""
        return self._run.setup

    @property
    def market(self) -> Market:
        """The state after the last tick."""
        return self._run.market

    @property
    def moment(self) -> Moment:
        """What agents see between ticks."""
        return Moment(self.setup, self.market, 0)

    @property
    def tick(self) -> int:
        """Ticks that have passed."""
        return self.market.tick

    @property
    def date(self) -> str:
        """The month that the market has reached, `YYYY-MM`."""
        return month_at(self.setup.scenario.start, self.market.now)

    def firm(self, name: str, kind: str = "") -> Any:
        """The agent of that name: the vendor, provider or lab as `kind` says, else the first of them.

        Raises KeyError if there is none.
        """
        found = [firm for (one, own), firm in self._firms.items() if own == name and kind in ("", one)]
        if not found:
            raise KeyError(f"no {kind or 'firm'} of this market is called {name!r}")
        return found[0]

    def step(self) -> None:
        """Carry the market over one tick. Raises RuntimeError when the run is over, PolicyError."""
        self._run.step()
        self.running = not self._run.done
        self._latest = self._concentrations() | self._signals()
        self.datacollector.collect(self)

    def latest(self, series: str) -> float:
        """A series of the data collector as of the last tick; NaN before there is one."""
        return self._latest.get(series, np.nan)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every result table over the ticks so far, by name."""
        return self._run.frames()

    def results(self, command: str = "") -> Results:
        """The tables of the run so far, ready to be written; `command` is noted in the manifest."""
        seed, replicates, tables = self.setup.seed, self.setup.replicates, self.tables()
        info = run_info(self.setup.scenario, seed=seed, replicates=replicates, tables=tuple(tables), command=command)
        return Results.join([tables], info)

    def _agent(self, row: Row, name: str, chosen: dict[Row, type[AbstractFirm]]) -> AbstractFirm:
        kind = label(self.setup.scenario, row[0], name)
        return chosen.get(row, face_of(row[0], kind))(self, self.setup, row[1])

    def _watcher(self, wanted: type) -> Any:
        return next(one for one in self._run.observer.watchers if isinstance(one, wanted))

    def _concentrations(self) -> dict[str, float]:
        """HHI of every market in the tick that is over."""
        watcher = self._watcher(Markets)
        names = watcher.cast.names["market"]
        out = {}
        for term in MARKETS:
            members = np.flatnonzero(watcher.market == names.index(term.name))
            held = watcher.now[:, 0, members]
            indices = measure(held)
            for basis, place in BASES.items():
                out[_hhi(term.name, basis)] = float(indices.hhi[place]) if indices.held[place] else np.nan
        return out

    def _signals(self) -> dict[str, float]:
        """The signals of the whole market in the tick that is over."""
        watcher = self._watcher(Signals)
        whole = np.flatnonzero(watcher.group == watcher.cast.names.code("group", "all"))
        values = watcher.value[whole, self.tick - 1, 0].tolist()
        return {SIGNALS[watcher.signal[slot]].name: value for slot, value in zip(whole, values, strict=True)}


def _rows(scenario: Scenario) -> Iterator[tuple[Row, str]]:
    """Every firm of the market: vendors, then providers, then labs."""
    for kind in ("vendor", "provider", "lab"):
        yield from (((kind, place), name) for place, name in enumerate(getattr(scenario, kind)))


def _hhi(market: str, basis: str) -> str:
    return f"hhi {market} {basis}"


def _market_reporters() -> dict[str, Callable[[MarketModel], Any]]:
    """What the data collector asks of the model after a step: lookups only."""
    series = [_hhi(term.name, basis) for term in MARKETS for basis in BASES]
    series += [signal.name for signal in SIGNALS if signal.by.split(",")[0] == "all"]
    return {"date": _opened} | {one: _latest(one) for one in series}


def _opened(model: MarketModel) -> str:
    """The month in which the tick just done opened: the date that it has in every table."""
    return month_at(model.setup.scenario.start, model.market.now - model.setup.dt)


def _latest(series: str) -> Callable[[MarketModel], float]:
    return lambda model: model.latest(series)


def _firm_reporters() -> dict[str, Callable[[AbstractFirm], Any]]:
    """What the data collector asks of each firm; None for what its kind does not have."""
    return {one: _shown(one) for one in OF_FIRMS}


def _shown(name: str) -> Callable[[AbstractFirm], Any]:
    return lambda firm: getattr(firm, name, None)
