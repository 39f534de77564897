"""Phases 6, 7 and 8: orders, vendor allocation, delivery, and what happens to contracts meanwhile."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import provider, vendor
from market_sim.agents.policies import Policies
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Orders, Shipments
from market_sim.mechanisms import contracts, delivery
from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.delivery import Delivered
from market_sim.simulation.prepare import weights
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace
from market_sim.units import HOURS_PER_YEAR

RENEWAL_TERM = 1.0  # years


@dataclass(frozen=True)
class Ordered:
    """Orders placed ahead of contracts this tick."""

    ahead: np.ndarray  # (R, provider, chip) chips
    kw: np.ndarray  # (R, provider)


def order_ahead(setup: Setup, market: Market, offered: Offered, policies: Policies) -> tuple[Market, Ordered]:
    """Inventory orders, placed in whole lots of at least a rack row; what is less waits."""
    wanted = provider.order_ahead(setup, market, offered)
    decided = policies.decide("provider", "order", setup, market, wanted, setup.chips)
    if decided is not wanted:
        wanted = provider.orderable(setup, market, offered, decided)
    open_to = provider.on_sale(setup, market.now)
    carry = np.where(open_to, market.providers.order_carry + wanted, 0.0)  # what may not be ordered any more is dropped
    lot = np.maximum(64.0, np.floor(0.01 * market.fleet.in_service.sum(axis=2)))[:, :, None]
    best = carry == carry.max(axis=2, keepdims=True)
    best = best & (np.cumsum(best, axis=2) == 1)
    room = provider.headroom(setup, market, offered.costs)[:, :, None] / setup.power  # what waited may not fit any more
    fits = np.floor(np.minimum(carry, room))
    ordered = np.where(best & (fits >= lot), fits, 0.0)
    market, placed = _place(setup, market, offered, ordered)
    carry = np.minimum(carry - placed, lot)
    market = replace(market, providers=replace(market.providers, order_carry=carry))
    return market, Ordered(placed, (placed * setup.power).sum(axis=2))


def _place(setup: Setup, market: Market, offered: Offered, ordered: np.ndarray) -> tuple[Market, np.ndarray]:
    """Open one lot per ordering provider."""
    chip = ordered.argmax(axis=2)
    chips = ordered.max(axis=2)
    who = np.broadcast_to(np.arange(len(setup.providers)), chips.shape)
    at = (np.arange(setup.width)[:, None], who, chip)
    rent = market.providers.quote[at] * chips * HOURS_PER_YEAR
    none = np.full(setup.width, -1, np.int64)
    everyone = np.full(setup.width, len(setup.providers), np.int64)
    promised = offered.delay[at] * (1.0 - setup.drawn.delivery.optimism)[:, None]
    pipeline = delivery.start(
        market.pipeline, none, everyone, who.copy(), chip, chips, chips > 0.0, promised, rent,
        setup.luck.site[:, :, market.tick], setup.drawn.provider.site_months / 12.0, setup.drawn.delivery.bring_up,
        market.now,
    )  # fmt: skip
    return replace(market, pipeline=pipeline), ordered


def allocate(setup: Setup, market: Market, orders: Orders, policies: Policies) -> Shipments:
    """Vendors share their chips over orders; an agent's own rule is held to orders and supply."""
    ruled = vendor.allocate(setup, market, orders)
    decided = policies.decide("vendor", "allocate", setup, market, ruled, setup.providers)
    if decided is not ruled:
        decided = np.clip(decided, 0.0, orders.packages)
        limit = np.maximum(ruled.sum(axis=2), 1e-300)
        decided = decided * np.minimum(1.0, limit / np.maximum(decided.sum(axis=2), 1e-300))[:, :, None]
    return vendor.ship(setup, market, orders, decided)


def deliver(setup: Setup, market: Market, shipments: Shipments) -> tuple[Market, Delivered]:
    """Chips arrive, sites are built, lots enter service; stock and fleets move."""
    speed = provider.site_speed(setup, market)
    done = delivery.advance(market.pipeline, shipments.chips, speed, setup.power, market.now, setup.dt)
    sent = shipments.chips.sum(axis=1)
    v, f = market.vendors, market.fleet
    vendors = replace(v, stock=np.maximum(0.0, v.stock + shipments.made - sent), made=v.made + shipments.made)
    fleet = replace(f, in_service=f.in_service + done.in_service, shipped=f.shipped + sent)
    return replace(market, pipeline=done.pipeline, vendors=vendors, fleet=fleet), done


def markups(setup: Setup) -> np.ndarray:
    """What each lab pays each provider over its quotes, as a factor (R, lab, provider)."""
    return np.where(setup.enterprise[None, :, None], setup.drawn.provider.enterprise_markup[:, None, :], 1.0)


def surplus(cover: np.ndarray) -> np.ndarray:
    """Hazard per year (R, lab) of letting a contract on: what is committed beyond plans, cleared in half a year.

    `cover` is planned spend over commitments; a tenth too much is kept for growth.
    """
    return np.where(cover < 0.9, 2.0 * (0.9 - cover), 0.0)


def live_contracts(setup: Setup, market: Market, done: Delivered) -> tuple[Market, Events]:
    """Contracts start, run late, earn, renew and end over the tick."""
    d = setup.drawn.trade
    plan, committed = market.labs.plan, np.maximum(market.holdings.commitment, 1.0)
    cover = np.clip(plan / committed, 0.0, 1.0)
    top = d.take_or_pay[:, None]
    events = contracts.advance(
        market.book, done.finished, done.finished_count, done.finished_at, market.providers.quote,
        markups(setup), market.labs.active, top + (1.0 - top) * cover, np.minimum(1.0, cover * 1.2), surplus(cover),
        setup.luck.renewal[:, :, market.tick], weights(setup, market),
        market.now, setup.dt, late_credit=d.late_credit, long_stop=d.long_stop, walk_margin=d.walk_margin,
        renewal=d.renewal, renewal_term=RENEWAL_TERM,
    )  # fmt: skip
    nobody = np.full(market.providers.active.shape, -1, np.int64)
    pipeline = delivery.reassign(market.pipeline, events.freed, events.freed_count, nobody)
    return replace(market, book=events.book, holdings=events.holdings, pipeline=pipeline), events
