"""What must balance, in every shipped scenario, every tick."""

from dataclasses import fields, replace

import numpy as np
import pytest
from reference.runs import SHIPPED, complaints, shipped, ticks

from market_sim.mechanisms.finance import FLOW, WORTH
from market_sim.simulation.prepare import add_up, prepare
from market_sim.state.identities import broken_flows, imbalances

SCENARIOS = sorted(path.stem for path in SHIPPED.glob("*.toml"))


def test_the_shipped_scenarios_are_found():
    """The scenarios are where this test looks for them."""
    assert {"baseline", "history_2023", "demand_slump"} <= set(SCENARIOS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_chips_contracts_power_and_money_balance_every_tick(name):
    """Chips, commitments, power and money to 1e-9 of turnover, over the whole run."""
    assert complaints(shipped(name)) == []


@pytest.fixture(scope="module")
def step():
    """A setup and one tick of the baseline in its second quarter: before, after, what happened."""
    setup, market = prepare(shipped("baseline", ticks=4), 3, (0, 5))
    return setup, *list(ticks(setup, market))[-1]


def spoilt(market, table, name, at, by):
    """The market with one number of one table changed."""
    held = getattr(market, table)
    value = getattr(held, name).copy()
    value[at] = value[at] + by
    return replace(market, **{table: replace(held, **{name: value})})


@pytest.mark.parametrize(
    ("table", "name", "at", "share", "says"),
    [
        ("vendors", "made", (1, 2), 1e-6, "chips made"),
        ("fleet", "retired", (0, 1), 1e-3, "chips shipped"),
        ("fleet", "shipped", (0, 1), 1e-6, "chips shipped"),
        ("ledger", "balance", (0, 0, 3), 1e-6, "deposits sum to zero"),
        ("ledger", "balance", (1, 4, 3), 1e-6, "equity sum to zero"),
        ("vendors", "unit_cost", (1,), 1e-3, "stock at book"),
        ("labs", "plan", (1, 2), -2.0, "negative"),
        ("providers", "quote", (0, 1, 1), np.nan, "not finite"),
    ],
)
def test_one_wrong_number_is_noticed(step, table, name, at, share, says):
    """A millionth too much of anything that must balance is named (the checks can fail)."""
    setup, _, after, _ = step
    size = max(1e6 * (name == "retired"), np.abs(getattr(getattr(after, table), name)).max())
    found = imbalances(spoilt(after, table, name, at, share * size), setup.power)
    assert any(says in line for line in found), found


def test_a_live_contract_without_chips_is_noticed(step):
    """A fleet smaller than what is let, and a pending contract without a lot, are both named."""
    setup, _, after, _ = step
    fleet = replace(after.fleet, in_service=after.holdings.sold * 0.99)
    assert any("live contracts" in line for line in imbalances(replace(after, fleet=fleet), setup.power))
    pipeline = replace(after.pipeline, count=after.pipeline.count - 5)
    assert any("pending contracts" in line for line in imbalances(replace(after, pipeline=pipeline), setup.power))


@pytest.mark.parametrize(
    ("flow", "says"),
    [("rent", "each kind of flow"), ("loans", "each kind of flow"), ("interest", "change in claims")],
)
def test_money_from_nowhere_is_noticed(step, flow, says):
    """A flow that reaches one side only breaks its sum and, if it touches worth, the change in claims."""
    setup, before, after, day = step
    flows = day.settled.flows.copy()
    flows[1, FLOW[flow], 4] += 1e-6 * np.abs(flows[1]).sum()
    found = broken_flows(before, after, flows, day.settled.written_off, WORTH, FLOW["equity"], setup.power)
    assert any(says in line for line in found), found


def test_a_site_filled_beyond_its_power_is_noticed(step):
    """Chips that appear where there is no power for them are named, also if every chip is accounted for."""
    setup, before, after, day = step
    crowded = spoilt(after, "providers", "power", (0, 0), -0.9 * after.providers.power[0, 0])
    settled = day.settled
    found = broken_flows(before, crowded, settled.flows, settled.written_off, WORTH, FLOW["equity"], setup.power)
    assert any("power" in line for line in found), found


PENNILESS = {
    "providers.default_liquidity": 0.0,
    "provider.CoreWeave.cash": 0.0,
    "provider.Lambda.cash": 0.0,
    "provider.*.equity_raise": 0.0,
}


@pytest.mark.parametrize(("name", "ticks_run", "strain"), [("baseline", 24, {}), ("history_2023", 8, PENNILESS)])
def test_sums_kept_over_the_ticks_are_those_of_the_book(name, ticks_run, strain):
    """What is carried along from tick to tick is what adding the book up anew gives, failures included."""
    setup, market = prepare(shipped(name, ticks=ticks_run, **strain), 0, (4, 7, 9, 14))
    failed = 0
    for _, after, day in ticks(setup, market):
        failed += int(day.settled.failed.sum())
        anew = add_up(setup, after).holdings
        for one in fields(anew):
            kept, wanted = getattr(after.holdings, one.name), getattr(anew, one.name)
            np.testing.assert_allclose(kept, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max(), err_msg=one.name)
    assert failed > 0
