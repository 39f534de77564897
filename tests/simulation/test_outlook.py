"""What firms take from the world around them: the riskless rate of the day, and how fast a growth they plan on."""

import numpy as np
import pytest
from reference.runs import last, shipped

from market_sim.agents import lab, provider
from market_sim.agents.policies import NONE
from market_sim.mechanisms.finance import FLOW
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import tick
from market_sim.state.tables import LOANS, replace

MOVES = [["2026-01", 0.0], ["2026-07", -0.02]]


def test_the_riskless_rate_follows_its_path_and_stays_where_that_ends():
    """Straight from one month to the next, on top of the scenario's rate; flat without a path."""
    setup, _ = prepare(shipped("baseline", ticks=12, providers__riskless_change=MOVES), 0, (0, 1))
    rate = setup.riskless - setup.drawn.providers.debt_rate[:, None]
    np.testing.assert_allclose(rate, [-0.02 * np.minimum(1.0, np.arange(12) / 6)] * 2, atol=1e-4)
    setup, _ = prepare(shipped("baseline", ticks=2), 0, (0,))
    np.testing.assert_array_equal(setup.riskless, [[setup.drawn.providers.debt_rate[0]] * 2])


def test_capital_and_loans_follow_the_riskless_rate():
    """Two points less on every loan, and on capital two points on the part of it that is debt."""
    setup, market = prepare(shipped("baseline", ticks=3), 0, (0, 1))
    market, _ = tick(setup, market, NONE)
    fallen = setup.riskless - [0.0, 0.02, 0.02]
    cheap = replace(setup, riskless=fallen)
    before, after = (provider.loan_terms(one, market)[1] for one in (setup, cheap))
    above = after > fallen[:, [1]] + 1e-9
    assert above.mean() > 0.9
    eased = np.broadcast_to(0.02 * setup.drawn.providers.debt_share[:, None], before.shape)
    np.testing.assert_allclose((before - after)[above], eased[above], rtol=1e-9)
    debt = -market.ledger.balance[:, LOANS, provider.provider_slice(setup)]
    paid = [-tick(one, market, NONE)[1].settled.flows[:, FLOW["interest"]] for one in (setup, cheap)]
    saved = (paid[0] - paid[1])[:, provider.provider_slice(setup)]
    assert saved.sum() == pytest.approx(0.02 * debt.sum() * setup.dt, rel=0.01), "but for what cheaper capital sells"


def test_a_lab_plans_on_as_fast_a_growth_as_it_dares():
    """`ambition` lifts the market's limit for the lab that has it; where growth is faster, its plan is larger."""
    setup, after = last("history_2023", 6)
    cap = setup.drawn.demand.belief_cap
    at = {name: setup.labs.index(name) for name in ("OpenAI", "Large enterprise")}
    assert lab.boldest(setup)[0, at["OpenAI"]] == pytest.approx(1.6 * cap[0])
    assert lab.boldest(setup)[0, at["Large enterprise"]] == cap[0]
    _, timid = last("history_2023", 6, lab__OpenAI__ambition=1.0)
    assert (after.labs.growth[0, at["OpenAI"]] > cap[0]).all()
    assert after.labs.plan[0, at["OpenAI"]] > 1.05 * timid.labs.plan[0, at["OpenAI"]]
