"""What the trading core reads of a tick: what firms decided outside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from market_sim.agents import provider
from market_sim.agents.policies import NONE
from market_sim.simulation.tick import Day, tick
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import Book, Pipeline, replace

Array = np.ndarray


@dataclass(frozen=True)
class Given:
    """One replicate, one tick; axes as in `Market` and `Day`, without the replicate."""

    now: float
    seconds: Array  # (lab, chip, work)
    maturity: Array  # (chip, work)
    ported: Array  # (lab, stack)
    cost_index: Array  # (lab,)
    active: Array  # (lab,)
    ask: Array  # (lab,)
    plan: Array  # (lab,)
    lot: Array  # (lab,)
    price: Array  # (lab, offer)
    live: Array  # (offer,)
    promised: Array  # (offer,)
    believed: Array  # (offer,)
    capacity: Array  # (pool,)
    shown: Array  # (offer,) chips that each could sell alone
    quote: Array  # (provider, chip)
    pace: Array  # (provider,) years of ordinary site work done in a year
    ahead: Array  # (provider, chip) chips ordered for inventory
    delay: Array  # (provider, chip) years
    shipped: Array  # (provider, chip)
    obsolescence: float
    luck: Array  # (3, lab) rounding, waiting, renewal
    site_luck: Array  # (provider,)
    moved: tuple[Book, Pipeline] | None  # where contracts and lots changed hands after the tick before


def pace(setup: Setup, day: Day) -> Array:
    """Site work that providers do a year (R, provider) while all lots of the tick are under way."""
    building = day.before.pipe.building + day.trade.started_kw + day.ordered.kw
    return provider.site_speed(setup, replace(day.before, pipe=replace(day.before.pipe, building=building)))


def read(setup: Setup, day: Day, obsolescence: float, moved: tuple[Book, Pipeline] | None) -> Given:
    """What the first replicate's day gives the trading core."""
    before, offered, k = day.before, day.offered, day.before.tick
    t, labs = before.technology, before.labs
    luck = setup.luck
    held: dict[str, Any] = {
        "seconds": t.seconds, "maturity": np.take(t.maturity, setup.chip_family, axis=1), "ported": t.ported,
        "cost_index": labs.cost_index, "active": labs.active, "ask": day.wishes.ask, "plan": day.wishes.plan,
        "lot": day.wishes.lot, "price": np.take(offered.price, offered.listed, axis=1), "live": offered.live,
        "promised": offered.promised,
        "believed": offered.believed, "capacity": offered.capacity, "shown": offered.lots,
        "quote": before.providers.quote, "pace": pace(setup, day),
        "ahead": day.ordered.ahead, "delay": offered.delay, "shipped": day.shipments.chips,
        "luck": np.stack([luck.rounding[:, :, k], luck.waiting[:, :, k], luck.renewal[:, :, k]], axis=1),
        "site_luck": luck.site[:, :, k],
    }  # fmt: skip
    first = {name: np.ascontiguousarray(array[0]) for name, array in held.items()}
    return Given(now=before.now, obsolescence=obsolescence, moved=moved, **first)


def recorded(setup: Setup, market: Market, ticks: int) -> list[tuple[Given, Market, Day]]:
    """A run of the engine: what each tick gives, the market after it and what happened."""
    rows: list[tuple[Given, Market, Day]] = []
    moved: tuple[Book, Pipeline] | None = None
    for _ in range(ticks):
        labs, slump = setup.drawn.labs, setup.luck.in_regime[0, market.tick, 2]
        pressure = float(labs.obsolescence[0] * (1.0 + slump * (labs.slump_obsolescence[0] - 1.0)))
        market, day = tick(setup, market, NONE)
        rows.append((read(setup, day, pressure, moved), market, day))
        sold = bool((day.before.providers.active & ~market.providers.active).any())
        moved = (market.book, market.pipeline) if sold else None
    return rows
