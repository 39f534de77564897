"""What must hold of a whole market, whatever its mechanisms do: units of money, likeness, dials at zero."""

import math
from dataclasses import replace

import numpy as np
import pytest
from reference.concentration import shares
from reference.currency import in_currency
from reference.runs import shipped, ticks

from market_sim.agents.policies import NONE
from market_sim.mechanisms import architecture
from market_sim.scenario.keys import leaves
from market_sim.scenario.schema import Scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.technology import twin_throughput
from market_sim.simulation.tick import tick


@pytest.fixture
def amounts_without_bounds():
    """No upper bound on any amount of USD: those that catch slips of unit would refuse a market a thousandfold."""
    declared = {id(one): one for _, one, _ in leaves(shipped("baseline")) if one.unit.startswith("USD")}.values()
    bounds = [(one, one.high) for one in declared]
    for one, _ in bounds:
        object.__setattr__(one, "high", math.inf)
    yield
    for one, high in bounds:
        object.__setattr__(one, "high", high)


@pytest.mark.parametrize("rate", [1e3, 1e-3])
def test_scaling_all_money_leaves_shares_alone(rate, amounts_without_bounds):
    """Every USD in the scenario times a thousand, or over it: the same shares of useful compute, every tick."""
    runs = []
    for scenario in (shipped("baseline", ticks=18), in_currency(shipped("baseline", ticks=18), rate)):
        setup, market = prepare(scenario, 0, (0,))
        runs.append([(shares(setup, after), after) for _, after, _ in ticks(setup, market)])
    for (one, after), (other, scaled) in zip(*runs, strict=True):
        for kind in one:
            np.testing.assert_allclose(other[kind], one[kind], atol=1e-9)
        balance = after.ledger.balance
        np.testing.assert_allclose(scaled.ledger.balance / rate, balance, atol=1e-9 * np.abs(balance).max())


def alike(table):
    """A market with a plentiful fleet; a second, equal firm joins the first of a `table`."""
    firm = {
        "chips": ["H100-SXM"], "fleet": {"H100-SXM": 40_000.0}, "power": 200.0, "cash": 1e10, "other_cash_flow": 1e10
    }  # fmt: skip
    lab = {"pool": "one", "revenue": 1e8, "funding": 2e8, "ports": ["CUDA"]}
    tree = {
        "trade": {"renewal": 0.0},  # renewals draw by the number of the contract
        "ticks": 12, "stack": {"CUDA": {}}, "chip": {"H100-SXM": {"vendor": "V", "stack": "CUDA"}},
        "vendor": {"V": {"supply": 1e6}}, "provider": {"P": firm, "Q": {**firm, "wacc": 0.1}},
        "lab": {"L": lab, "M": {**lab, "revenue": 3e8}},
        "pool": {"one": {"start": 5e8, "ceiling": 5e9, "volatility": 0.0}},
    }  # fmt: skip
    tree[table]["twin"] = dict(next(iter(tree[table].values())))
    return Scenario(**tree)


def with_equal_luck(setup, kind):
    """The last firm of a kind gets the luck of the first."""

    def same(array, axis):
        array = array.copy()
        index = [slice(None)] * array.ndim
        index[axis] = -1
        array[tuple(index)] = np.take(array, 0, axis=axis)
        return array

    luck = setup.luck
    if kind == "provider":
        luck = replace(
            luck, site=same(luck.site, 1), entry=same(luck.entry, 1), provider_taste=same(luck.provider_taste, 2)
        )
        return replace(setup, luck=luck)
    own = (
        "lab_shock",
        "ideal_shock",
        "rounding",
        "waiting",
        "renewal",
        "provider_taste",
        "chip_taste",
        "release_phase",
    )
    luck = replace(luck, **{name: same(getattr(luck, name), 1) for name in own})
    return replace(setup, luck=luck, ideal=same(setup.ideal, 1), fortune=same(setup.fortune, 1))


def test_identical_labs_with_identical_luck_stay_identical():
    """Two labs of the same numbers and the same draws hold, earn and plan the same, where nothing is scarce."""
    setup, market = prepare(alike("lab"), 0, (0, 1))
    setup = with_equal_luck(setup, "lab")
    for _ in range(12):
        market, _ = tick(setup, market, NONE)
        for value in (market.labs.revenue, market.labs.plan, market.labs.capability, market.holdings.useful_lab):
            np.testing.assert_allclose(value[:, -1], value[:, 0], rtol=1e-9)


def test_identical_providers_with_identical_luck_are_offered_and_cleared_alike():
    """Before lots are drawn, two providers of the same numbers and luck clear the same chips at the same price."""
    setup, market = prepare(alike("provider"), 0, (0, 1))
    setup = with_equal_luck(setup, "provider")
    _, day = tick(setup, market, NONE)
    of = setup.offers.provider
    for value in (day.offered.price, day.trade.cleared.chips, day.trade.price):
        np.testing.assert_allclose(value[:, :, of == 2], value[:, :, of == 0], rtol=1e-9)
    assert day.trade.cleared.chips[:, :, of == 0].sum() > 0.0


@pytest.mark.parametrize("codesign", [0.0, 1.0])
def test_without_codesign_there_is_no_lock_in(codesign):
    """A lab that never adapts to its chips is its own twin; one that does is not."""
    setup, market = prepare(shipped("baseline", ticks=18, labs__codesign=codesign), 0, (0,))
    for _, after, _ in ticks(setup, market):
        market = after
    t, held, twin = market.technology, market.holdings, twin_throughput(setup, market)
    index = architecture.lock_in(
        t.throughput, twin, setup.chip_from[None, :] <= market.now, market.vendors.list_price,
        setup.chip_vendor, len(setup.vendors), held.useful_lab,
    )  # fmt: skip
    assert (abs(index[0]) > 1e-6) == (codesign > 0.0)
    assert np.array_equal(t.throughput, twin) == (codesign == 0.0)


def test_fortunes_of_many_firms_even_out():
    """A lab that stands for a hundred firms has a tenth of the luck that one of them would have."""
    one, many = (prepare(shipped("baseline", ticks=6, lab__Startups__firms=n), 0, (0, 1))[0] for n in (1.0, 100.0))
    at = one.labs.index("Startups")
    assert np.abs(one.fortune[:, at, -1]).min() > 0.0
    np.testing.assert_allclose(many.fortune[:, at], one.fortune[:, at] / 10.0, rtol=1e-12)
    others = np.delete(np.arange(len(one.labs)), at)
    np.testing.assert_array_equal(many.fortune[:, others], one.fortune[:, others])
