"""Phase 10: prices, beliefs, capacity plans, entry."""

import numpy as np

from market_sim.agents import provider, vendor
from market_sim.agents.policies import Policies
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Orders
from market_sim.mechanisms import capacity, delivery
from market_sim.mechanisms.delivery import Delivered
from market_sim.numerics import exp, log
from market_sim.simulation.trading import Trade
from market_sim.state.initial import per_vendor
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace

SPENDING_TIME = 0.5  # years over which vendors see their share of spending, and the growth of their orders
ORDER_TIME = 0.25  # years over which vendors see what is ordered
BOOKING_TIME = 0.5  # years over which providers see how much they sell


def toward(value: np.ndarray, goal: np.ndarray, time: float, dt: float) -> np.ndarray:
    """An average with memory of `time` years."""
    return value + (goal - value) * (1.0 - exp(np.array(-dt / time)))


def scarcity_by_chip(setup: Setup, market: Market) -> np.ndarray:
    """Log shadow price of every provider's ready chips (R, provider, chip)."""
    out = np.zeros_like(market.providers.quote)
    pairs = setup.offers.pairs
    out[:, pairs[:, 0], pairs[:, 1]] = market.shadow[:, : len(pairs)]
    return out


def move_quotes(setup: Setup, market: Market, offered: Offered, obsolescence: np.ndarray, policies: Policies) -> Market:
    """Quotes after the tick."""
    moved = provider.requote(setup, market, offered, scarcity_by_chip(setup, market), obsolescence)
    decided = policies.decide("provider", "quote", setup, market, moved, setup.chips)
    return replace(market, providers=replace(market.providers, quote=np.maximum(decided, 1e-6)))


def learn(setup: Setup, market: Market, trade: Trade, done: Delivered, orders: Orders, policies: Policies) -> Market:
    """Records, incentives, speeds and the scale of bookings."""
    p, d = market.providers, setup.drawn
    memory = d.labs.record_time[:, None] * np.maximum(p.bookings_rate, 1000.0)
    record = delivery.learned_record(p.record, done.lateness, done.completed, memory)
    incentive = toward(p.incentive, delivery.incentive(trade.spend), BOOKING_TIME, setup.dt)
    market = replace(
        market, providers=replace(p, record=record, incentive=incentive, bookings_rate=bookings(setup, market, trade))
    )
    speed = policies.decide("provider", "speed", setup, market, provider.choose_speed(setup, market, orders))
    return replace(market, providers=replace(market.providers, speed=np.clip(speed, 0.0, 3.0)))


def bookings(setup: Setup, market: Market, trade: Trade) -> np.ndarray:
    """kW a year that each provider signs for building (R, provider), smoothed; at least a tenth of its growth."""
    now = toward(market.providers.bookings_rate, trade.started_kw / setup.dt, BOOKING_TIME, setup.dt)
    least = 0.1 * setup.drawn.provider.power_growth * 1000.0 * market.providers.active
    return np.maximum(now, least)


def move_vendors(setup: Setup, market: Market, lead: np.ndarray, ordered: np.ndarray, policies: Policies) -> Market:
    """List prices, supply, duplicate orders and shares of spending; `ordered` chips (R, chip) this tick."""
    spent = per_vendor(ordered * market.vendors.list_price, setup)
    total = spent.sum(axis=1, keepdims=True)
    share = spent / np.where(total > 0.0, total, 1.0)
    seen = np.where(
        total > 0.0,
        toward(market.vendors.spending_share, share, SPENDING_TIME, setup.dt),
        market.vendors.spending_share,
    )
    market = replace(market, vendors=replace(market.vendors, spending_share=seen))
    market = see_orders(setup, market, ordered)
    grown, target = vendor.expand(setup, market, lead)
    prices = policies.decide(
        "vendor", "list_prices", setup, market, _by_vendor(setup, vendor.list_prices(setup, market)), setup.chips
    )
    vendors = replace(
        market.vendors, list_price=_by_chip(setup, prices), supply=grown, supply_target=target,
        duplicates=vendor.duplicates(setup, market, lead),
    )  # fmt: skip
    return replace(market, vendors=vendors)


def see_orders(setup: Setup, market: Market, ordered: np.ndarray) -> Market:
    """Vendors learn how much is ordered and how fast that grows; `ordered` chips (R, chip) this tick."""
    placed = per_vendor(ordered * setup.packages, setup) / setup.dt
    before = market.vendors.order_rate
    rate = toward(before, placed, ORDER_TIME, setup.dt)
    seen = log(np.maximum(rate, 1.0) / np.maximum(before, 1.0)) / setup.dt
    growth = toward(market.vendors.order_growth, seen, SPENDING_TIME, setup.dt)
    return replace(market, vendors=replace(market.vendors, order_rate=rate, order_growth=growth))


def _by_vendor(setup: Setup, by_chip: np.ndarray) -> np.ndarray:
    """(R, chip) as (R, vendor, chip), every vendor seeing all prices."""
    return np.broadcast_to(by_chip[:, None, :], (len(by_chip), len(setup.vendors), by_chip.shape[1]))


def _by_chip(setup: Setup, by_vendor: np.ndarray) -> np.ndarray:
    """The price of each chip as its own vendor set it (R, chip)."""
    chips = np.arange(by_vendor.shape[2])
    return np.maximum(by_vendor[:, setup.chip_vendor, chips], 1e-6)


def open_sites(setup: Setup, market: Market) -> Market:
    """Site power grows where less than two years' growth stands unused; new firms enter while margins stay high."""
    d, p = setup.drawn, market.providers
    used = provider.running_kw(setup, market) + market.pipe.building
    yearly = (
        d.provider.power_growth
        * 1000.0
        * d.providers.power_limit[:, None]
        * exp(d.providers.power_growth_rate * market.now)[:, None]
    )
    room = np.maximum(0.0, used + 2.0 * yearly - p.power)
    power = p.power + np.minimum(yearly * setup.dt, room) * p.active
    clock = p.entry_clock + d.providers.entry_rate[:, None] * entry_margin(setup, market) * setup.dt
    active = p.active | ((clock >= setup.luck.entry) & ~p.active)
    return replace(market, providers=replace(p, power=power, entry_clock=clock, active=active))


def entry_margin(setup: Setup, market: Market) -> np.ndarray:
    """Log of market quotes over a firm's own full cost with markup (R, provider), best chip; 0 for the active."""
    if market.providers.active.all():
        return np.zeros(market.providers.active.shape)
    cost = provider.costs(setup, market).full * setup.drawn.trade.built_markup[:, None, None]
    return capacity.entry_margin(
        market.fleet.in_service, market.providers.quote, cost, provider.on_sale(setup, market.now),
        market.providers.active,
    )  # fmt: skip
