"""The engine beside the plain mesa model: both run from one opening market, and how far apart they are after a tick."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.plain_mesa import PlainMarket
from benchmarks.plain_mesa.contracts import LIVE, PENDING, SUBLET
from market_sim.agents.policies import NONE
from market_sim.scenario.schema import Scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import Day, tick
from market_sim.state import tables
from market_sim.state.market import Market

STATUS = {PENDING: tables.PENDING, LIVE: tables.LIVE, SUBLET: tables.SUBLET}
OF_LABS = "active capability demand revenue growth plan carry cost_index"
OF_PROVIDERS = "active quote power speed incentive record bookings_rate order_carry entry_clock"
OF_VENDORS = "supply supply_target order_rate order_growth duplicates spending_share"
OF_CHIPS = "list_price stock made unit_cost"
SMALL = {"order_carry": 64.0}  # chips of the smallest lot: what is carried is what whole lots leave over
OF_CONTRACTS = "chips price rent term signed promised started ends prepaid credit"
OF_LOTS = "contract chips received site_left bring_up_left ordered promised rent"


def both(scenario: Scenario, seed: int, replicate: int = 0) -> Iterator[tuple[PlainMarket, Market, Day]]:
    """Every tick of one replicate: the plain market and the engine's after it, and what happened."""
    setup, market = prepare(scenario, seed, (replicate,))
    plain = PlainMarket(setup, market)
    for _ in range(scenario.ticks):
        market, day = tick(setup, market, NONE)
        plain.step()
        yield plain, market, day


def apart(one: Any, other: Any, least: float) -> float:
    """Largest difference of two arrays over their own size, or over `least` where they are smaller; NaN equals NaN."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
        return np.inf
    size = np.maximum(np.maximum(np.abs(a), np.abs(b)), max(least, 1e-300))
    return float(np.nanmax(np.abs(a - b) / size, initial=0.0))


def differences(plain: PlainMarket, market: Market, day: Day) -> dict[str, float]:
    """How far each quantity is apart, relative to its size or to what is small for it."""
    pairs = [*_core(plain, market, day), *_firms(plain, market, day), *_money(plain, market)]
    return {name: apart(one, other[0], least) for name, one, other, least in pairs}


def numbers(things: Sequence[Any], name: str) -> list[Any]:
    return [getattr(thing, name) for thing in things]


Pairs = Iterator[tuple[str, Any, Any, float]]  # name, plain, the engine's with its replicate axis, what is small


def _core(plain: PlainMarket, market: Market, day: Day) -> Pairs:
    """Fit, asks, offers, scarcity, contracts, lots and fleets."""
    technology, offered = market.technology, day.offered
    yield "maturity", numbers(plain.families, "maturity"), technology.maturity, 1.0
    yield "known", numbers(plain.stacks, "known"), technology.known, 1.0
    yield "drift", numbers(plain.labs, "drift"), technology.drift, 1.0
    yield "throughput", numbers(plain.labs, "throughput"), technology.throughput, 0.0
    yield "ported", [[lab.ported[one] for one in plain.stacks] for lab in plain.labs], technology.ported, 1.0
    yield "ask", numbers(plain.labs, "ask"), day.wishes.ask, 1.0
    yield "lot", numbers(plain.labs, "lot"), day.wishes.lot, 0.0
    offers, pools = plain.market.offers, plain.market.capacities
    yield "live", numbers(offers, "live"), offered.live, 0.0
    asked = np.take(offered.price, offered.listed, axis=1)
    yield "offer price", [[one.price[lab.enterprise] for one in offers] for lab in plain.labs], asked, 0.0
    yield "belief", numbers(offers, "believed"), offered.believed, 0.01
    yield "capacity", numbers(pools, "size"), offered.capacity, 1.0
    yield "shadow", numbers(pools, "shadow"), market.shadow, 1.0
    book, lots = market.book.rows[:, : market.book.count[0]], market.pipeline.rows[:, : market.pipeline.count[0]]
    yield "contract id", numbers(plain.contracts, "number"), book["id"], 0.0
    yield "contract status", [STATUS[one.status] for one in plain.contracts], book["status"], 0.0
    for kind in ("lab", "provider", "chip"):
        place = {thing: at for at, thing in enumerate(getattr(plain, f"{kind}s"))}
        yield f"contract {kind}", [place[thing] for thing in numbers(plain.contracts, kind)], book[kind], 0.0
    for name in OF_CONTRACTS.split():
        yield f"contract {name}", numbers(plain.contracts, name), book[name], 1.0
    for name in OF_LOTS.split():
        yield f"lot {name}", numbers(plain.lots, name), lots[name], 1.0
    yield "in service", numbers(plain.providers, "fleet"), market.fleet.in_service, 1.0
    yield "shipped", numbers(plain.chips, "shipped"), market.fleet.shipped, 1.0
    yield "retired", numbers(plain.chips, "retired"), market.fleet.retired, 1.0
    yield "lead", numbers(plain.vendors, "lead"), day.orders.lead, 0.01


def _firms(plain: PlainMarket, market: Market, day: Day) -> Pairs:
    """What labs, providers, vendors and chips are like."""
    tables_of = (
        (plain.labs, market.labs, OF_LABS),
        (plain.providers, market.providers, OF_PROVIDERS),
        (plain.vendors, market.vendors, OF_VENDORS),
        (plain.chips, market.vendors, OF_CHIPS),
    )
    for things, table, names in tables_of:
        for name in names.split():
            yield f"{type(table).__name__}.{name}", numbers(things, name), getattr(table, name), SMALL.get(name, 1.0)
    held = market.holdings
    yield "commitment", numbers(plain.labs, "commitment"), held.commitment, 1.0
    yield "useful", numbers(plain.labs, "useful"), held.useful_lab, 1e-6
    yield "backlog", numbers(plain.providers, "backlog"), held.backlog, 1.0
    yield "solid", numbers(plain.providers, "solid"), held.solid, 1.0


def _money(plain: PlainMarket, market: Market) -> Pairs:
    """Accounts of every holder, and vendors' claims."""
    outside = (plain.customers, plain.lenders, plain.investors, plain.suppliers)
    firms = (*plain.vendors, *plain.providers, *plain.labs)
    accounts = [*numbers(firms, "account"), *outside]
    scale = float(np.abs(market.ledger.balance).max())
    for place, name in enumerate(tables.INSTRUMENTS):
        yield name, numbers(accounts, name), market.ledger.balance[:, place], scale
    for place, name in enumerate(tables.ASSETS):
        yield f"{name} at book", numbers(accounts, name), market.ledger.real[:, place], scale
    buyers = (*plain.providers, *plain.labs)
    for name, customers in (("stakes", buyers), ("leases", plain.providers), ("guarantees", plain.providers)):
        held = [[getattr(vendor, name).get(one, 0.0) for one in customers] for vendor in plain.vendors]
        yield name, held, getattr(market.vendors, name), scale
