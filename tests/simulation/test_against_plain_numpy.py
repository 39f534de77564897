"""The trading core in plain NumPy, fed with what firms decided, gives what the engine gives: the yardstick is true."""

from typing import Any

import pytest
from reference.against_plain import OF_CONTRACTS, OF_LOTS, apart
from reference.varied import STRAINS, varied

from benchmarks.plain_numpy import TradingCore, recorded
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import Day
from market_sim.state.market import Market

CLOSE = 1e-9
MONEY = ("prepaid_used", "credit_used", "credit_accrued", "credit_paid", "refunded")
SUMS = ("commitment", "backlog", "sold", "useful_lab", "useful_provider", "useful_chip")


def differences(core: TradingCore, market: Market, day: Day) -> dict[str, float]:
    """How far each quantity is apart, relative to its size or to what is small for it."""
    pairs: dict[str, tuple[Any, Any]] = {"shadow": (core.shadow[:-1], market.shadow[0])}
    book, lots = market.book.rows[0, : market.book.count[0]], market.pipeline.rows[0, : market.pipeline.count[0]]
    for name in ("id", "lab", "provider", "chip", "status", *OF_CONTRACTS.split()):
        pairs[f"contract {name}"] = getattr(core.book, name), book[name]
    for name in OF_LOTS.split():
        pairs[f"lot {name}"] = getattr(core.lots, name), lots[name]
    pairs["rent"] = core.month.rent, day.events.rent[0]
    for name in MONEY:
        paid = getattr(core.month, name)
        pairs[f"{name} by lab"] = paid.sum(axis=1), day.events.by_lab(name)[0]
        pairs[f"{name} by provider"] = paid.sum(axis=0), day.events.by_provider(name)[0]
    pairs |= {name: (getattr(core, name), getattr(market.holdings, name)[0]) for name in SUMS}
    return {name: apart(one, other, 1e-6 if "useful" in name else 1.0) for name, (one, other) in pairs.items()}


@pytest.mark.parametrize("strain", STRAINS)
def test_the_trading_core_gives_the_same_trajectories(strain: str) -> None:
    """Scarcity, contracts, lots, payments and sums agree in every tick; takeovers are read from the engine."""
    setup, market = prepare(varied(24, **STRAINS[strain]), 0, (0,))
    core = TradingCore(setup, market)
    for given, after, day in recorded(setup, market, 24):
        core.step(given)
        sold = (day.before.providers.active & ~after.providers.active).any()
        bad = {} if sold else {name: d for name, d in differences(core, after, day).items() if not d < CLOSE}
        assert bad == {}, f"tick {day.before.tick}"
    assert core.next_id > len(core.book)
