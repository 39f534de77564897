"""Phase 3: capability, demand and revenue of labs."""

import numpy as np

from market_sim.agents import lab
from market_sim.mechanisms import architecture, demand
from market_sim.numerics import exp, log
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace

INDEX_TIME = 0.5  # years in which labs see what new capacity costs


def meet_demand(setup: Setup, market: Market) -> Market:
    """Labs' capability moves, customers choose, and labs serve what their capacity allows."""
    d, now = setup.drawn, market.labs
    loss = architecture.quality_loss(market.technology.drift, setup.ideal_at(market.tick), d.labs.quality_loss)
    capability = demand.capability_step(
        now.capability, lab.relative_training(setup, market), loss, d.demand.capability_elasticity,
        d.demand.capability_decay, setup.dt,
    )  # fmt: skip
    attraction = now.brand + d.demand.choice_intensity[:, None] * capability + setup.fortune[:, :, market.tick]
    share = demand.shares(attraction, setup.lab_pool, len(setup.pools), now.active)
    wanted = share * np.take(market.potential[:, :, market.tick], setup.lab_pool, axis=1)
    served = demand.servable_revenue(
        demand.inference(market.holdings.useful_lab, d.lab.training_share), lab.service_yield(setup, market),
        lab.industry_cost(setup, market), d.demand.serve_slack,
    )  # fmt: skip
    able = np.where(now.active, served, 0.0)
    revenue = demand.spilled(wanted, able, d.demand.spill, setup.lab_pool, len(setup.pools))
    growth = demand.learned_growth(now.growth, wanted, now.demand, d.demand.belief_time, setup.dt)
    first = market.tick == 0  # the opening demand is given, so there is nothing to learn from yet
    labs = replace(now, capability=capability, demand=wanted, revenue=revenue, growth=now.growth if first else growth)
    return replace(market, labs=labs)


def follow_costs(setup: Setup, market: Market, cost: np.ndarray) -> Market:
    """The cost index of every lab follows replacement cost `cost` (R, lab) in logs."""
    before = market.labs.cost_index
    index = before * exp((1.0 - exp(np.array(-setup.dt / INDEX_TIME))) * log(cost / before))
    return replace(market, labs=replace(market.labs, cost_index=index))
