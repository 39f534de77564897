"""The engine gives what an independent model of plain objects gives, from the same luck, to nine digits."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.against_plain import both, differences
from reference.varied import STRAINS, varied

from benchmarks.plain_mesa import PlainMarket
from benchmarks.plain_mesa.contracts import SUBLET
from benchmarks.plain_mesa.recording import BASES, INDICES
from market_sim.agents.policies import NONE
from market_sim.simulation.prepare import prepare
from market_sim.simulation.run import Run
from market_sim.simulation.tick import Day, tick
from market_sim.state.market import Market
from market_sim.state.tables import STATUSES

TICKS = 30
SEEDS = (0, 1)
CLOSE = 1e-9


@cache
def compared(strain: str, seed: int) -> tuple[dict[str, float], Counter[str]]:
    """What is further apart than it may be in the first bad tick, if any, and what happened in the run."""
    happened: Counter[str] = Counter()
    for plain, market, day in both(varied(TICKS, **STRAINS[strain]), seed):
        happened += events(plain, market, day)
        bad = {name: size for name, size in differences(plain, market, day).items() if not size < CLOSE}
        if bad:
            return bad | {"in tick": plain.tick - 1}, happened
    return {}, happened


def events(plain: PlainMarket, market: Market, day: Day) -> Counter[str]:
    """How often everything happened in a tick."""
    told = day.events
    seen = Counter(STATUSES[status] for status in told.ended["status"][0, : told.ended_count[0]])
    seen["signed"] = int(day.trade.deals.count[0])
    seen["renewed"] = int(told.renewed_count.sum())
    seen["sublet"] = sum(one.status == SUBLET for one in plain.contracts)
    seen["late credit"] = int((told.by_lab("credit_accrued") > 0.0).sum())
    seen["built to order"] = int((day.trade.signed.built_chips > 0.0).sum())
    seen["ordered ahead"] = int((day.ordered.ahead > 0.0).sum())
    seen["chips short"] = int((day.shipments.allotted < 0.999 * day.orders.packages).sum())
    seen["duplicates"] = int((market.vendors.duplicates > 0.01).sum())
    seen["retired"] = int((market.fleet.retired > day.before.fleet.retired).sum())
    seen["entered"] = int((market.providers.active & ~day.before.providers.active).sum())
    seen["provider failed"] = int(day.settled.failed.sum())
    seen["taken over"] = int((day.before.providers.active & ~market.providers.active).sum())
    seen["lab failed"] = int(day.settled.failed_labs.sum())
    seen["port"] = int((day.ports_paid > 0.0).sum())
    seen["family launched"] = sum(0.0 < family.start <= plain.now for family in plain.families)
    seen["model released"] = sum(lab.drift != lab.ideal[0] for lab in plain.labs)
    seen["leased"] = int((market.vendors.leases > 0.0).sum())
    seen["scarce"] = int((market.shadow > 0.01).sum())
    return seen


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("strain", STRAINS)
def test_every_strain_gives_the_same_trajectories(strain: str, seed: int) -> None:
    """Contracts, chips, quotes, scarcity, fleets, lots, revenue and balances agree in every tick."""
    bad, _ = compared(strain, seed)
    assert bad == {}


def test_the_strains_make_everything_happen() -> None:
    """No rule passes for right because it never came into play."""
    total: Counter[str] = Counter()
    for strain in STRAINS:
        for seed in SEEDS:
            total += compared(strain, seed)[1]
    wanted = (
        *("signed", "built to order", "ordered ahead", "scarce", "expired", "renewed", "walked", "sublet", "defaulted"),
        *("late credit", "chips short", "duplicates", "retired", "entered", "provider failed", "taken over"),
        *("lab failed", "port", "family launched", "model released", "leased"),
    )
    assert {name for name in wanted if total[name] == 0} == set()


numbers = st.fixed_dictionaries(
    {
        "trade__omega": st.floats(0.0, 1.0),
        "trade__lot": st.floats(0.01, 0.3),
        "trade__prepaid": st.sampled_from([0.0, 0.1, 0.4]),
        "trade__renewal": st.floats(0.0, 1.0),
        "labs__sigma": st.floats(0.15, 1.0),
        "labs__choice": st.sampled_from(["fit", "spec_sheet"]),
        "labs__delay_discount": st.floats(0.0, 3.0),
        "demand__start_regime": st.sampled_from(["boom", "normal", "slump"]),
        "demand__horizon": st.floats(0.0, 2.0),
        "delivery__congestion": st.floats(0.0, 1.2),
        "vendor__supply": st.floats(1e4, 2e6),
        "vendor__allocation": st.sampled_from(["pro_rata", "highest_margin", "strategic"]),
        "vendor__backing": st.floats(0.0, 0.5),
        "provider__debt": st.floats(0.0, 2e10),
        "provider__power": st.floats(0.0, 800.0),
        "lab__cash": st.floats(0.0, 2e10),
        "lab__training_share": st.floats(0.0, 1.0),
        "tick_months": st.sampled_from([0.5, 1.0, 2.0]),
    }
)


@settings(max_examples=15, deadline=None)
@given(numbers, st.integers(0, 10_000), st.integers(0, 50))
def test_any_numbers_give_the_same_trajectories(changes: dict[str, object], seed: int, replicate: int) -> None:
    """So do markets with numbers drawn over wide ranges."""
    for plain, market, day in both(varied(14, **changes), seed, replicate):
        bad = {name: size for name, size in differences(plain, market, day).items() if not size < CLOSE}
        assert bad == {}, f"tick {plain.tick - 1}"


def test_a_change_in_the_sixth_digit_is_seen() -> None:
    """The comparison tells two markets apart that differ a little in one number."""
    scenario = varied(6)
    setup, market = prepare(scenario, 0, (0,))
    plain = PlainMarket(setup, market)
    plain.given.providers.quote_speed *= 1.000001
    for _ in range(scenario.ticks):
        market, day = tick(setup, market, NONE)
        plain.step()
    found = differences(plain, market, day)
    assert found["Providers.quote"] > CLOSE
    assert found["drift"] < CLOSE


def test_concentration_is_recorded_alike() -> None:
    """Every index of every market on every basis, as the engine's table and mesa's data collector have it."""
    scenario = varied(15, **STRAINS["shortage"])
    run = Run(scenario, seed=0, replicates=(0,), record=("concentration",))
    plain = PlainMarket(*prepare(scenario, 0, (0,)))
    while not run.done:
        run.step()
        plain.step()
    ours = plain.datacollector.get_model_vars_dataframe()
    table = run.frames()["concentration"]
    assert len(table) == scenario.ticks * len(plain.watch.markets) * len(BASES)
    for row in table.iter_rows(named=True):
        for index in INDICES:
            other = ours[f"{index} {row['market']} {row['basis']}"][row["tick"]]
            assert (row[index] is None and np.isnan(other)) or row[index] == pytest.approx(other, rel=1e-6, abs=1e-7)
