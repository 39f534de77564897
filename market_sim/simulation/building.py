"""Phases 6, 7 and 8: orders, vendor allocation, delivery, and what happens to contracts meanwhile."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import provider, vendor
from market_sim.agents.policies import Policies
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Orders, Shipments
from market_sim.mechanisms import contracts, delivery, inventory
from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.delivery import Delivered
from market_sim.simulation.prepare import weights
from market_sim.state.grouping import rows
from market_sim.state.market import Market
from market_sim.state.setup import Setup, once
from market_sim.state.tables import replace

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
    chips, chip, carry = inventory.whole_lots(
        market.providers.order_carry, wanted, provider.on_sale(setup, market.now), market.fleet.in_service,
        provider.headroom(setup, market, offered.costs), setup.power,
    )  # fmt: skip
    ahead, rent, promised = inventory.placed(
        chip, chips, market.providers.quote, offered.delay, setup.drawn.delivery.optimism
    )
    who, none, everyone = _every_provider(setup)
    pipeline = delivery.start(
        market.pipeline, none, everyone, who, chip, chips, chips > 0.0, promised, rent,
        setup.luck.site[:, :, market.tick], setup.drawn.provider.site_months / 12.0, setup.drawn.delivery.bring_up,
        market.now,
    )  # fmt: skip
    market = replace(market, pipeline=pipeline, providers=replace(market.providers, order_carry=carry))
    return market, Ordered(ahead, chips * np.take(setup.power, chip))


@once
def _every_provider(setup: Setup) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One lot a provider: whose (R, provider), for no contract (R,), and how many (R,)."""
    providers = np.tile(np.arange(len(setup.providers)), (setup.width, 1))
    return providers, np.full(setup.width, -1), np.full(setup.width, len(setup.providers))


def allocate(setup: Setup, market: Market, orders: Orders, policies: Policies) -> Shipments:
    """Vendors share their chips over orders; an agent's own rule is held to orders and supply."""
    ruled = vendor.allocate(setup, market, orders)
    decided = policies.decide("vendor", "allocate", setup, market, ruled, setup.providers)
    if decided is not ruled:
        decided = np.clip(decided, 0.0, orders.packages)
        limit = np.maximum(rows(ruled), 1e-300)
        decided = decided * np.minimum(1.0, limit / np.maximum(rows(decided), 1e-300))[:, :, None]
    return vendor.ship(setup, market, orders, decided)


def deliver(setup: Setup, market: Market, shipments: Shipments) -> tuple[Market, Delivered]:
    """Chips arrive, sites are built, lots enter service; stock and fleets move."""
    speed = provider.site_speed(setup, market)
    done = delivery.advance(market.pipeline, shipments.chips, speed, setup.power, market.now, setup.dt)
    v, f, sent = market.vendors, market.fleet, shipments.sent
    vendors = replace(v, stock=np.maximum(0.0, v.stock + shipments.made - sent), made=v.made + shipments.made)
    fleet = replace(f, in_service=f.in_service + done.in_service, shipped=f.shipped + sent)
    return replace(market, pipeline=done.pipeline, vendors=vendors, fleet=fleet), done


@once
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
