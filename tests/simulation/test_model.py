"""The mesa face of the market: the same figures as a plain run, and firms to look at."""

import inspect
import math

import mesa
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from market_sim.agents.faces import (
    FACES,
    ChipVendor,
    Enterprise,
    Hyperscaler,
    ModelLab,
    Neocloud,
    OtherBuyer,
    OtherProvider,
)
from market_sim.agents.policies import PolicyError
from market_sim.scenario.load import load_scenario
from market_sim.simulation.model import MarketModel
from market_sim.simulation.run import Run, simulate

HALF_YEARS = {"tick_months": 6.0, "ticks": 12}


class RefusesMeta(ChipVendor):
    def allocate(self, proposed):
        return proposed | {"Meta": 0.0}


@pytest.fixture(scope="module")
def scenario():
    """The baseline in half-year ticks."""
    return load_scenario("baseline", HALF_YEARS)


@pytest.fixture(scope="module")
def model(scenario):
    """A run carried to its end."""
    model = MarketModel(scenario, rng=3)
    while model.running:
        model.step()
    return model


def assert_same_tables(one, other):
    assert list(one) == list(other)
    for name in one:
        assert_frame_equal(one[name], other[name], check_exact=True)


def test_a_model_gives_the_figures_of_a_plain_run(scenario, model):
    """Every table of a MarketModel carried to its end is that of simulate, bit for bit."""
    results = simulate(scenario, seed=3)
    assert_same_tables(model.tables(), dict(results))
    assert_same_tables(dict(model.results()), dict(results))
    assert model.results().info.folder_name == results.info.folder_name


def test_a_policy_gives_the_same_figures_in_a_model_and_in_a_run(scenario):
    """One policy, one replicate: the same tables from MarketModel as from Run, and others than without it."""
    model = MarketModel(scenario, rng=3, replicate=2, policies={"NVIDIA": RefusesMeta})
    run = Run(scenario, seed=3, replicates=(2,), policies={"NVIDIA": RefusesMeta})
    plain = Run(scenario, seed=3, replicates=(2,))
    for _ in range(2):
        model.step()
        run.step()
        plain.step()
    assert_same_tables(model.tables(), run.frames())
    assert not model.tables()["shares"].equals(plain.frames()["shares"])


def test_a_model_keeps_its_own_clock(scenario):
    """`tick` counts steps, `date` says the month reached, and the run ends after the scenario's ticks."""
    model = MarketModel(scenario, rng=3)
    assert (model.tick, model.date, model.running) == (0, "2026-01", True)
    model.step()
    assert (model.tick, model.date) == (1, "2026-07")


def test_a_run_that_is_over_takes_no_step(scenario, model):
    """After the last tick `running` is false and a step is refused."""
    assert model.tick == scenario.ticks
    assert not model.running
    with pytest.raises(RuntimeError, match="over after its 12 ticks"):
        model.step()


def test_a_path_does_as_well_as_a_scenario():
    """A model opens the scenario at a path or of a shipped name."""
    assert MarketModel("baseline").setup.scenario.name == "baseline"


def test_every_firm_is_an_agent_of_its_kind(scenario, model):
    """Vendors, providers and labs each show as the class of their kind, in the scenario's order."""
    assert [agent.name for agent in model.agents] == [*scenario.vendor, *scenario.provider, *scenario.lab]
    of = {
        "hyperscaler": Hyperscaler, "neocloud": Neocloud, "model_lab": ModelLab, "enterprise": Enterprise,
    }  # fmt: skip
    for agent in model.agents:
        other = {"vendor": ChipVendor, "provider": OtherProvider, "lab": OtherBuyer}[agent.row_kind]
        assert type(agent) is of.get(agent.kind, other)
        assert model.firm(agent.name, agent.row_kind) is agent


def test_a_name_that_stands_for_several_firms_is_told_by_kind(model):
    """Google sells chips and rents them out."""
    assert isinstance(model.firm("Google"), ChipVendor)
    assert isinstance(model.firm("Google", "provider"), Hyperscaler)
    with pytest.raises(KeyError, match="no firm of this market is called 'Gogle'"):
        model.firm("Gogle")


def shown(face):
    """Names of the properties that a face adds to a mesa agent."""
    added = {name for name, value in inspect.getmembers(face, lambda value: isinstance(value, property))}
    return sorted(added - set(dir(mesa.Agent)) - {"moment"})


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_every_property_can_be_read_and_says_its_unit(model, face):
    """Every property of every firm has a value at the end of a run, none of them NaN, and a docstring."""
    for agent in model.agents.select(agent_type=face):
        for name in shown(face):
            value = getattr(agent, name)
            assert not (isinstance(value, float) and math.isnan(value)), (agent, name)
    assert all(getattr(face, name).__doc__ for name in shown(face))


def test_faces_show_the_rows_of_the_market(model):
    """Sums over the agents' views are sums of the tables."""
    market = model.market
    providers = [agent for agent in model.agents if agent.row_kind == "provider"]
    labs = [agent for agent in model.agents if agent.row_kind == "lab"]
    chips = sum(sum(agent.fleet.values()) for agent in providers)
    assert chips == pytest.approx(market.fleet.in_service.sum(), rel=1e-12)
    assert sum(len(agent.contracts) for agent in providers) == market.book.count[0]
    assert sum(len(agent.contracts) for agent in labs) == market.book.count[0]
    live = sum(c.chips for agent in labs for c in agent.contracts if c.status == "live")
    assert live == pytest.approx(market.holdings.live.sum(), rel=1e-12)
    assert sum(a.useful_compute for a in labs) == pytest.approx(sum(a.useful_compute for a in providers), rel=1e-9)
    backlog = sum(sum(agent.backlog.values()) for agent in model.agents if agent.row_kind == "vendor")
    assert backlog == pytest.approx((market.pipe.waiting * model.setup.packages).sum(), rel=1e-12)
    owed = sum(agent.debt for agent in model.agents)
    lenders = market.ledger.balance[0, 1, len(model.agents) :].sum()
    assert owed == pytest.approx(lenders, rel=1e-9)


def test_what_an_agent_shows_is_a_copy(model):
    """Writing into what an agent shows leaves the market as it is."""
    fleet = model.firm("Oracle").fleet
    before = model.market.fleet.in_service.copy()
    fleet.clear()
    model.firm("NVIDIA").prices["H100"] = 0.0
    assert np.array_equal(model.market.fleet.in_service, before)
    assert model.firm("Oracle").fleet


def test_the_data_collector_holds_the_figures_of_the_tables(model):
    """HHIs and signals of the collector are those of the result tables, tick by tick."""
    collected = model.datacollector.get_model_vars_dataframe()
    tables = model.tables()
    for market in ("vendor", "provider", "lab", "platform"):
        for basis in ("stock", "revenue"):
            rows = tables["concentration"].filter(market=market, basis=basis).sort("tick")
            assert collected[f"hhi {market} {basis}"].to_list() == pytest.approx(
                [math.nan if value is None else value for value in rows["hhi"]], nan_ok=True, rel=1e-6
            )
    unmet = tables["signals"].filter((pl.col("signal") == "unmet_demand") & (pl.col("group") == "all"))
    series = collected["unmet_demand"].to_numpy()
    assert series[unmet["tick"].to_numpy()] == pytest.approx(unmet["value"].to_numpy(), rel=1e-6)
    assert len(collected) == model.tick


def test_the_data_collector_follows_every_firm(model):
    """Each firm has a row a step, with its money at that time."""
    collected = model.datacollector.get_agent_vars_dataframe()
    assert len(collected) == model.tick * len(model.agents)
    last = collected.xs(model.tick, level="Step").set_index(["kind", "name"])
    assert last.loc[("neocloud", "CoreWeave"), "cash"] == model.firm("CoreWeave").cash


OF_MESA = {  # names that releases of mesa give their models and agents, some of them later than this one
    "agents", "agents_by_type", "data_registry", "model", "notify", "observables", "observe", "pos", "random",
    "remove", "rng", "run_for", "run_until", "running", "scenario", "schedule_event", "simulator", "steps", "time",
    "unique_id",
}  # fmt: skip


def written(cls):
    """Names of the functions and properties that a class itself defines."""
    return {name for name, value in vars(cls).items() if inspect.isfunction(value) or isinstance(value, property)}


def test_a_model_shadows_nothing_of_mesa(model):
    """No name of the model or of an agent, but for `step`, is one that mesa uses."""
    own = written(MarketModel) - {"__init__", "step"}
    assert not own & (OF_MESA | set(dir(mesa.Model)))
    firm = {
        name
        for face in FACES
        for one in face.__mro__
        if one.__module__.startswith("market_sim")
        for name in written(one)
    }
    assert not (firm - {"__init__", "__repr__"}) & (OF_MESA | set(dir(mesa.Agent)))
    added = set(vars(model)) - set(vars(mesa.Model(rng=0)))
    assert added == {"_run", "_firms", "_latest", "datacollector"}


def test_nothing_is_drawn_from_the_models_own_generators(scenario):
    """The luck of a run comes from its streams: mesa's generators stand where they stood."""
    model = MarketModel(scenario, rng=3)
    before = model.random.getstate(), str(model.rng.bit_generator.state)
    model.step()
    assert (model.random.getstate(), str(model.rng.bit_generator.state)) == before


def test_a_policy_that_fails_in_a_step_names_itself(scenario):
    """A step whose policy fails raises PolicyError with firm, verb and tick."""
    broken = type("Broken", (ModelLab,), {"ask": lambda self, proposed: 1 / 0})
    model = MarketModel(scenario, policies={"OpenAI": broken})
    with pytest.raises(PolicyError, match=r"OpenAI \(Broken\): ask raised ZeroDivisionError.*\(tick 0\)"):
        model.step()
