"""What choosing by fit makes of a fixed stock of chips, ranks of chips, list prices and margins."""

import numpy as np
import polars as pl
import pytest

from market_sim.scenario.load import load_scenario
from market_sim.simulation.run import Run
from market_sim.simulation.seen import Seen
from market_sim.simulation.systems import fit_gain, list_price, rank_changes, shared


def seen_after(ticks: int = 2, **changes: object) -> Seen:
    """The last tick of a short run of the baseline."""
    run = Run(load_scenario("baseline", {"ticks": ticks, **changes}), seed=1, replicates=(0, 1), record=("signals",))
    day = [run.step() for _ in range(ticks)][-1]
    return Seen(run.setup, run.observer.cast, run.market, day)


@pytest.fixture(scope="module")
def seen() -> Seen:
    return seen_after()


def test_the_same_chips_are_shared_whoever_gets_them(seen: Seen) -> None:
    """All that is in service and delivered finds a lab, by fit and by spec sheet alike."""
    stock = (seen.market.fleet.in_service * seen.delivered[:, :, None]).sum(axis=1)
    fit = np.maximum(seen.market.technology.throughput, 1e-12)
    for judged in (fit, np.ascontiguousarray(np.broadcast_to(seen.setup.peak, fit.shape))):
        assert shared(seen, judged).sum(axis=1) == pytest.approx(stock, rel=2e-4, abs=1e-6)


def test_choosing_by_fit_beats_the_spec_sheet_where_labs_differ(seen: Seen) -> None:
    """The gain is above zero and below the largest ratio of fits; a lab that is good at one chip gets more of it."""
    gain = fit_gain(seen)
    assert gain.shape == (2, 1)
    assert (gain > 0.0).all()
    assert (gain < 1.0).all()


def test_nothing_is_gained_where_labs_go_by_the_spec_sheet() -> None:
    """Gain and changes of rank are exactly zero then."""
    off = seen_after(**{"labs.choice": "spec_sheet"})
    assert (fit_gain(off) == 0.0).all()
    assert (rank_changes(off) == 0.0).all()


def test_ranks_change_for_a_share_of_pairs(seen: Seen) -> None:
    """Counted by hand for the first replicate: discordant pairs over all, labs weighted by their plans."""
    setup, market = seen.setup, seen.market
    sold = [
        c
        for c in range(len(setup.chips))
        if setup.chip_from[c] <= seen.now + 1e-12 and setup.chip_until[c] >= seen.now and setup.deploys[:, c].any()
    ]
    price = market.vendors.list_price[0] + setup.drawn.chip.server[0]
    plan = market.labs.plan[0] * market.labs.active[0]
    turned = np.zeros(len(plan))
    for lab in range(len(plan)):
        fit = [market.technology.throughput[0, lab, c] / price[c] for c in sold]
        peak = [setup.peak[lab, c] / price[c] for c in sold]
        pairs = [(a, b) for a in range(len(sold)) for b in range(a)]
        turned[lab] = np.mean([(fit[a] - fit[b]) * (peak[a] - peak[b]) < 0.0 for a, b in pairs])
    assert rank_changes(seen)[0, 0] == pytest.approx((turned * plan).sum() / plan.sum())


def test_list_prices_carry_the_markup() -> None:
    """Twice the markup on enterprises is twice the list price, and no other price moves in the first tick."""
    once, twice = (seen_after(1, **{"provider.*.enterprise_markup": markup}) for markup in (1.0, 2.0))
    assert list_price(twice)[:, 0] == pytest.approx(2.0 * list_price(once)[:, 0], rel=0.02)


def test_profits_and_margins_are_those_of_the_accounts() -> None:
    """A vendor's profit over a quarter is sales less cost and operations in the accounts' flows."""
    run = Run(load_scenario("baseline", {"ticks": 3}), seed=1, replicates=(0,), record=("signals", "accounts"))
    days = [run.step() for _ in range(3)]
    signals = run.frames()["signals"]
    nvidia = run.setup.vendors.index("NVIDIA")
    told = signals.filter(pl.col("signal") == "vendor_profit", pl.col("group") == "NVIDIA")["value"].to_list()
    cost = float(run.setup.drawn.vendor.operating_cost[0, nvidia])
    for value, day in zip(told, days, strict=True):
        sales = day.settled.bought[0, nvidia].sum()
        assert value == pytest.approx((day.settled.profit[0, nvidia] - cost * sales) * 12.0, rel=1e-5)
    margins = signals.filter(pl.col("signal") == "provider_margin", pl.col("group") == "all")["value"]
    assert ((margins < 1.0) & (margins > -1.0)).all()
