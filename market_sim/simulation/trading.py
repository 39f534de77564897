"""Phases 4 and 5: offers meet asks, the market clears, flows become contracts and lots to build."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import lab
from market_sim.agents.lab import Wishes
from market_sim.agents.policies import Policies
from market_sim.agents.provider import Offered
from market_sim.mechanisms import clearing, contracts, delivery, lots, pricing
from market_sim.mechanisms.clearing import Cleared
from market_sim.mechanisms.contracts import Signed
from market_sim.mechanisms.lots import Deals
from market_sim.state.grouping import rows, weighed
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace
from market_sim.units import HOURS_PER_YEAR

POOLS_SHOWN = 30.0  # pools in a market of ordinary size: against them the outside option is weighed


@dataclass(frozen=True)
class Trade:
    """What the market did this tick."""

    cleared: Cleared
    deals: Deals
    signed: Signed
    price: np.ndarray  # (R, list, offer) contract price, USD per chip-hour
    spend: np.ndarray  # (R, lab, provider) USD per hour cleared
    paid: np.ndarray  # (R, offer) the same by offer
    started_kw: np.ndarray  # (R, provider) kW of lots begun


def wish(setup: Setup, market: Market, offered: Offered, policies: Policies) -> Wishes:
    """What labs bring, with the asks and worths of agents that have a policy of their own."""
    wishes = lab.wish(setup, market, offered)
    asked = policies.decide("lab", "ask", setup, market, wishes.ask)
    worth = policies.decide("lab", "value", setup, market, wishes.worth, offer_names)
    if worth is not wishes.worth:
        worth = np.where(offered.live[:, None, :], worth, -np.inf)
    return replace(wishes, ask=np.maximum(0.0, asked), worth=worth)


def offer_names(setup: Setup) -> tuple[str, ...]:
    """Readable name of every offer: provider, chip, ready or built, years."""
    o = setup.offers
    return tuple(
        f"{setup.providers[p]} | {setup.chips[c]} | {'built' if b else 'ready'} | {t:g} y"
        for p, c, b, t in zip(o.provider, o.chip, o.built, o.term, strict=True)
    )


def clear(setup: Setup, market: Market, offered: Offered, wishes: Wishes) -> Cleared:
    """Shadow prices that share scarce pools; labs notice what there is to have.

    Capacity counts in USD per hour, as lots do, and against that of the whole market, so that attraction does not hang
    on the market's size; splitting a firm leaves the whole, and with omega = 1 the sum over its halves, as it was. A
    firm that offers its one site with five chips is not five firms.
    """
    d, o = setup.drawn.trade, setup.offers
    shown, sharing = clearing.on_show(
        offered.price, offered.lots, offered.live, np.ascontiguousarray(o.pool[:, 0]), offered.capacity.shape[1],
        POOLS_SHOWN,
    )  # fmt: skip
    attraction = clearing.attraction(shown, sharing, d.omega)
    return clearing.clear(
        wishes.worth, wishes.outside, wishes.ask, offered.price, o.pool, offered.weight, offered.capacity, attraction,
        lab.spread(setup), market.shadow, setup.scenario.trade.tolerance, lists=offered.listed,
    )  # fmt: skip


def trade(setup: Setup, market: Market, offered: Offered, wishes: Wishes) -> tuple[Market, Trade]:
    """Clear, round to lots, sign, and open a lot for everything built to order."""
    o, luck, k = setup.offers, setup.luck, market.tick
    cleared = clear(setup, market, offered, wishes)
    passed = setup.drawn.provider.scarcity_pass
    price, spend, paid = pricing.contract_prices(
        offered.price, cleared.scarcity, passed, o.provider, cleared.chips, offered.listed
    )
    most = int(setup.scenario.trade.deals_per_tick)
    deals = lots.sign(
        cleared.chips, price, wishes.lot, o.pool, offered.weight, offered.capacity, o.key,
        luck.rounding[:, :, k], luck.waiting[:, :, k], most, offered.listed,
    )  # fmt: skip
    signed = contracts.sign(
        market.book, deals.lab, deals.offer, deals.chips, deals.count, price, offered.price, offered.promised,
        setup.drawn.trade.prepaid, wishes.lot, o.provider, o.chip, o.built, o.term, o.key,
        luck.renewal[:, :, k], market.now, (len(setup.labs), len(setup.providers), len(setup.chips)), offered.listed,
    )  # fmt: skip
    first = market.book.signed
    pipeline = open_lots(setup, market, deals, offered, price, first)
    carry = np.maximum(0.0, rows(spend) - rows(signed.booked) / HOURS_PER_YEAR)
    labs = replace(market.labs, carry=carry, plan=wishes.plan)
    market = replace(market, book=signed.book, pipeline=pipeline, labs=labs, shadow=cleared.shadow)
    kw = weighed(signed.built_chips, setup.power)
    return market, Trade(cleared, deals, signed, price, spend, paid, kw)


def open_lots(setup: Setup, market: Market, deals: Deals, offered: Offered, price: np.ndarray, first: np.ndarray):  # type: ignore[no-untyped-def]
    """A lot under construction for each built deal."""
    o = setup.offers
    of = lots.particulars(deals, price, offered.promised, o.provider, o.chip, o.built, offered.listed)
    return delivery.start(
        market.pipeline, first, deals.count, of.provider, of.chip, deals.chips, of.built, of.promised, of.rent,
        setup.luck.site[:, :, market.tick], setup.drawn.provider.site_months / 12.0, setup.drawn.delivery.bring_up,
        market.now,
    )  # fmt: skip
