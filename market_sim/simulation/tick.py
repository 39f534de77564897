"""One tick of the market, phase by phase: calls, no sums."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import lab, provider, vendor
from market_sim.agents.lab import Wishes
from market_sim.agents.policies import Policies
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Orders, Shipments
from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.delivery import Delivered
from market_sim.simulation import adapting, building, earning, money, technology, trading
from market_sim.simulation.building import Ordered
from market_sim.simulation.money import Settled
from market_sim.simulation.prepare import add_deals, add_lots, add_useful, close, hand_over
from market_sim.simulation.trading import Trade
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace


@dataclass(frozen=True)
class Day:
    """What happened in one tick, for those who watch."""

    before: Market
    offered: Offered
    wishes: Wishes
    trade: Trade
    ordered: Ordered
    orders: Orders
    shipments: Shipments
    delivered: Delivered
    events: Events
    settled: Settled
    ports_paid: np.ndarray  # (R, lab) USD


def tick(setup: Setup, market: Market, policies: Policies) -> tuple[Market, Day]:
    """Carry the market over one tick. Rules compute; this is where their answers are committed, in order."""
    market = technology.mature(setup, market)  # 1 technology
    market = technology.release_models(setup, market)
    market = technology.fit_chips(setup, market)  # 2 fit
    market = add_useful(setup, market)
    market = earning.meet_demand(setup, market)  # 3 demand
    start = market

    books = vendor.book_orders(setup, market, market.pipe.waiting)
    offered = provider.offer(setup, market, books)  # 4 quotes
    wishes = trading.wish(setup, market, offered, policies)
    market, trade = trading.trade(setup, market, offered, wishes)  # 5 trade
    market = add_deals(setup, market, start.book)

    market, ordered = building.order_ahead(setup, market, offered, policies)  # 6 orders and allocation
    market = add_lots(setup, market)
    orders = vendor.book_orders(setup, market, market.pipe.waiting)
    shipments = building.allocate(setup, market, orders, policies)
    stocked = market
    market, delivered = building.deliver(setup, market, shipments)  # 7 delivery
    market, events = building.live_contracts(setup, market, delivered)  # 8 contract events
    market = add_lots(setup, market)

    market, ports_paid = port(setup, market, offered)
    market, retired = retire(setup, market, offered)
    begun = trade.started_kw + ordered.kw
    market, settled = money.settle(
        setup, stocked, market, offered, trade, events, shipments, begun, ports_paid, retired
    )  # 9 accounts
    market = hand_over(setup, market, settled.failed)

    pressure = lab.obsolescence(setup, market.tick)  # 10 prices, beliefs, investment, entry
    market = adapting.move_quotes(setup, market, offered, pressure, policies)
    market = adapting.learn(setup, market, trade, delivered, orders, policies)
    new = trade.signed.built_chips.sum(axis=1) + ordered.ahead.sum(axis=1)
    market = adapting.move_vendors(setup, market, orders.lead, new, policies)
    market = adapting.open_sites(setup, market)
    market = earning.follow_costs(setup, market, lab.replacement_cost(setup, market, offered.built))
    market = replace(market, tick=market.tick + 1, now=(market.tick + 1) * setup.dt)
    day = Day(start, offered, wishes, trade, ordered, orders, shipments, delivered, events, settled, ports_paid)
    return close(setup, market), day


def port(setup: Setup, market: Market, offered: Offered) -> tuple[Market, np.ndarray]:
    """Ports go on where they repay."""
    if (market.technology.ported >= 1.0).all():
        return market, np.zeros_like(market.labs.plan)
    ported, paid = lab.port(setup, market, offered)
    return replace(market, technology=replace(market.technology, ported=ported)), paid


def retire(setup: Setup, market: Market, offered: Offered) -> tuple[Market, np.ndarray]:
    """Chips that no longer pay their power are switched off."""
    off, left, gone = provider.retire(setup, market, offered.costs.avoidable)
    fleet = replace(market.fleet, in_service=left, retired=market.fleet.retired + gone)
    return replace(market, fleet=fleet), off
