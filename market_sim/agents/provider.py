"""What providers decide, over all of them at once: quotes, promises, speed, orders ahead of contracts."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import vendor
from market_sim.mechanisms import delivery, finance, pricing
from market_sim.numerics import exp, log
from market_sim.quantiles import normal_quantile
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import DEPOSITS, LOANS

REFERENCE_TERM = 4.0  # years: the term that the built-to-order price is for
SMALL = 1e-12


@dataclass(frozen=True)
class Costs:
    """What capacity costs providers today."""

    purchase: np.ndarray  # (R, provider, chip) USD per chip
    full: np.ndarray  # (R, provider, chip) USD per chip-hour
    avoidable: np.ndarray  # (R, provider, chip) USD per chip-hour
    capital: np.ndarray  # (R, provider, chip) USD per chip, server and site


@dataclass(frozen=True)
class Offered:
    """Everything on offer this tick."""

    price: np.ndarray  # (R, lab, offer) USD per chip-hour
    live: np.ndarray  # (R, offer) bool
    promised: np.ndarray  # (R, offer) years
    believed: np.ndarray  # (R, offer) years, as labs believe
    capacity: np.ndarray  # (R, pool) chips of a ready pool, kW of a site, packages of a vendor
    weight: np.ndarray  # (offer, 2) what one chip takes of its pools
    lots: np.ndarray  # (R, offer) chips it could sell
    costs: Costs
    built: np.ndarray  # (R, provider, chip) price built to order for the reference term, USD per chip-hour
    delay: np.ndarray  # (R, provider, chip) expected years from order to service


def costs(setup: Setup, market: Market) -> Costs:
    """Full and avoidable cost of every provider's every chip."""
    drawn = setup.drawn
    purchase, wacc = vendor.purchase_price(setup, market), cost_of_capital(setup, market)
    site_kw = drawn.providers.site_cost / 1000.0
    full = pricing.chip_hour_cost(
        purchase, drawn.chip.server, setup.power, wacc, drawn.provider.opex, site_kw,
        drawn.providers.life, drawn.providers.site_life,
    )  # fmt: skip
    avoidable = pricing.avoidable_cost(setup.power, drawn.provider.opex)
    capital = purchase + drawn.chip.server[:, None, :] + site_kw[:, None, None] * setup.power
    return Costs(purchase, full, avoidable, capital)


def cost_of_capital(setup: Setup, market: Market) -> np.ndarray:
    """WACC (R, provider), less what a vendor's guarantees save on the part of the debt that they cover."""
    d = setup.drawn
    debt = -market.ledger.balance[:, LOANS, provider_slice(setup)]
    covered = np.minimum(1.0, market.vendors.guarantees.sum(axis=1) / np.maximum(debt, SMALL))
    backed = np.where(debt > 0.0, covered, 0.0)
    floor = np.minimum(d.provider.wacc, d.providers.debt_rate[:, None])
    return np.maximum(floor, d.provider.wacc - d.providers.credit_saving[:, None] * backed)


def delivered(setup: Setup) -> np.ndarray:
    """Share of a chip's work that reaches the tenant (R, provider): the rest is lost to the cloud's own layers."""
    return np.maximum(0.0, 1.0 - setup.drawn.provider.overhead * setup.drawn.providers.overhead[:, None])


def site_speed(setup: Setup, market: Market) -> np.ndarray:
    """Ordinary site work done a year (R, provider), with chosen effort and congestion."""
    size = running_power(setup, market)
    return delivery.building_speed(market.providers.speed, setup.drawn.delivery.congestion, market.pipe.building, size)


def running_power(setup: Setup, market: Market) -> np.ndarray:
    """kW by which an organisation is as large as it is (R, provider): chips in service, or half the sites it has, since
    landlords and contractors build for young firms too."""
    in_service = (market.fleet.in_service * setup.power).sum(axis=2)
    return np.maximum(in_service, 0.5 * market.providers.power)


def expected_delay(setup: Setup, market: Market, orders: vendor.Orders) -> np.ndarray:
    """Years from order to service (R, provider, chip) from own experience."""
    site = setup.drawn.provider.site_months / 12.0
    by_buyer = vendor.lead_by_buyer(setup, market, orders)
    speed = site_speed(setup, market)
    return np.maximum((site / speed)[:, :, None], by_buyer) + setup.drawn.delivery.bring_up[:, None, None]


def choose_speed(setup: Setup, market: Market, orders: vendor.Orders) -> np.ndarray:
    """Log speed-up (R, provider) that what speed wins is worth, on the part of building that waits for the site.

    Where chips take longer than the site, a faster site wins nothing.
    """
    d = setup.drawn
    worth = (d.labs.delay_discount * d.labs.obsolescence)[:, None] + (d.trade.prepaid * d.labs.discount)[:, None]
    incentive = market.providers.incentive * d.provider.incentive / d.labs.sigma[:, None]
    site = d.provider.site_months / 12.0
    return delivery.chosen_speed(
        incentive,
        worth,
        site * site_decides(setup, market, orders),
        d.delivery.effort_cost[:, None],
        d.delivery.effort_cap[:, None],
    )


def site_decides(setup: Setup, market: Market, orders: vendor.Orders) -> np.ndarray:
    """Part of what the market builds whose chips come before an ordinary site is ready (R, provider)."""
    weight = useful_mix(setup, market)[:, None, :] * on_sale(setup, market.now)
    first = vendor.lead_by_buyer(setup, market, orders) < (setup.drawn.provider.site_months / 12.0)[:, :, None]
    total = weight.sum(axis=2)
    return np.where(total > 0.0, (weight * first).sum(axis=2) / np.where(total > 0.0, total, 1.0), 1.0)


def useful_mix(setup: Setup, market: Market) -> np.ndarray:
    """Weight of every chip in what the market is building (R, chip)."""
    return being_built(setup, market).sum(axis=1)


def headroom(setup: Setup, market: Market, offered_costs: Costs) -> np.ndarray:
    """kW that each provider can still take on (R, provider), by sites and by money."""
    power = market.providers.power - (market.fleet.in_service * setup.power).sum(axis=2) - market.pipe.building
    return np.maximum(0.0, np.minimum(power, fundable(setup, market, offered_costs)))


def fundable(setup: Setup, market: Market, offered_costs: Costs) -> np.ndarray:
    """kW that money allows: cash and unused credit over the part of a lot that its own contract does not finance."""
    d, own = setup.drawn, provider_slice(setup)
    cash = market.ledger.balance[:, DEPOSITS, own]
    debt = -market.ledger.balance[:, LOANS, own]
    committed = (market.pipe.waiting * offered_costs.capital).sum(axis=2)
    room = credit(setup, market)
    sold = on_sale(setup, market.now)
    each = np.where(sold, offered_costs.capital / setup.power, 0.0)
    per_kw = each.sum(axis=2) / np.maximum(sold.sum(axis=1), 1)
    own_part = np.maximum(0.05, 1.0 - d.providers.debt_share - d.trade.prepaid)[:, None]
    money = cash + np.maximum(0.0, room - debt) + 0.5 * (free_cash(setup, market) + raised_yearly(setup, market))
    free = np.maximum(0.0, money - own_part * committed)
    return np.where(per_kw > 0.0, free / np.maximum(own_part * per_kw, SMALL), 0.0)


def raised_yearly(setup: Setup, market: Market) -> np.ndarray:
    """USD/year of equity on offer to providers (R, provider), growing as their sites may."""
    growth = exp(setup.drawn.providers.power_growth_rate * market.now)
    return setup.drawn.provider.equity_raise * growth[:, None] * market.providers.active


def credit(setup: Setup, market: Market) -> np.ndarray:
    """USD that lenders will lend each provider (R, provider)."""
    return finance.debt_capacity(
        market.holdings.backlog, setup.drawn.providers.debt_share, book(setup, market), free_cash(setup, market),
        market.providers.corporate_debt,
    )  # fmt: skip


def other_growth(setup: Setup, market: Market) -> np.ndarray:
    """How far other businesses have grown since the start (R, 1)."""
    return exp(setup.drawn.providers.other_growth * market.now)[:, None]


def free_cash(setup: Setup, market: Market) -> np.ndarray:
    """USD/year from other businesses after their own capital spending (R, provider)."""
    earned = np.maximum(0.0, setup.drawn.provider.other_cash_flow - setup.drawn.provider.other_capex)
    return earned * other_growth(setup, market)


def provider_slice(setup: Setup) -> slice:
    """Where providers stand on the holder axis."""
    return slice(len(setup.vendors), len(setup.vendors) + len(setup.providers))


def book(setup: Setup, market: Market) -> np.ndarray:
    """USD of chips and sites at book (R, provider)."""
    return market.ledger.real[:, :2, provider_slice(setup)].sum(axis=1)


def offer(setup: Setup, market: Market, orders: vendor.Orders) -> Offered:
    """Prices, promises and capacity of every offer."""
    d, o = setup.drawn, setup.offers
    today = costs(setup, market)
    expected = expected_delay(setup, market, orders)
    promised = expected * (1.0 - d.delivery.optimism)[:, None, None]
    wait = np.where(o.built, flat(promised, o), 0.0)
    z = normal_quantile(d.labs.planning_quantile)
    record = np.take(market.providers.record, o.provider, axis=1)
    believed = np.where(o.built, wait * exp(record + (z * d.delivery.sigma)[:, None]), 0.0)
    capacity = pools(setup, market, today)
    lots = available(setup, capacity)
    term = pricing.term_factor(o.term, d.trade.on_demand_factor, d.trade.term_slope)
    reference = pricing.term_factor(np.array([REFERENCE_TERM]), d.trade.on_demand_factor, d.trade.term_slope)
    built = today.full * d.trade.built_markup[:, None, None]
    base = np.where(o.built, flat(built, o) * term / reference, flat(market.providers.quote, o) * term)
    launched = setup.chip_from <= market.now + SMALL
    sold = np.take(launched, o.chip) & (~o.built | (np.take(setup.chip_until, o.chip) >= market.now))
    live = np.take(market.providers.active, o.provider, axis=1) & (lots >= 1.0) & sold
    return Offered(
        segment_prices(setup, base), live, wait, believed, capacity, weights(setup), lots, today, built, expected
    )


def flat(grid: np.ndarray, offers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """(R, provider, chip) read at each offer: (R, offer)."""
    width = grid.shape[2]
    return np.take(grid.reshape(len(grid), -1), offers.provider * width + offers.chip, axis=1)


def segment_prices(setup: Setup, base: np.ndarray) -> np.ndarray:
    """(R, lab, offer): enterprises pay the provider's list markup, large labs the base."""
    markup = np.take(setup.drawn.provider.enterprise_markup, setup.offers.provider, axis=1)
    return np.where(setup.enterprise[None, :, None], (base * markup)[:, None, :], base[:, None, :])


def weights(setup: Setup) -> np.ndarray:
    """What one chip takes of its offer's two pools (offer, 2)."""
    o = setup.offers
    first = np.where(o.built, np.take(setup.power, o.chip), 1.0)
    return np.stack([first, np.where(o.built, np.take(setup.packages, o.chip), 1.0)], axis=1)


def vacant(setup: Setup, market: Market) -> np.ndarray:
    """Chips in service without a live contract (R, provider, chip)."""
    return np.maximum(0.0, market.fleet.in_service - market.holdings.sold)


def pools(setup: Setup, market: Market, today: Costs) -> np.ndarray:
    """Capacity of every pool: vacant chips, kW of sites that money can fill, packages that order books still take."""
    o, v = setup.offers, market.vendors
    empty = vacant(setup, market)
    ready = np.floor(empty[:, o.pairs[:, 0], o.pairs[:, 1]] + 1e-9)
    site = headroom(setup, market, today)
    backlog = vendor.in_packages(market.pipe.waiting, setup).sum(axis=2)
    orders = np.maximum(0.0, setup.drawn.vendors.longest_lead[:, None] * v.supply - backlog)
    return np.concatenate([ready, site, orders], axis=1)


def available(setup: Setup, capacity: np.ndarray) -> np.ndarray:
    """Chips that each offer could sell alone (R, offer)."""
    o, w = setup.offers, weights(setup)
    first = np.take(capacity, o.pool[:, 0], axis=1) / w[:, 0]
    second = np.where(o.pool[:, 1] >= 0, np.take(capacity, o.pool[:, 1], axis=1) / w[:, 1], np.inf)
    return np.minimum(first, second)


def on_sale(setup: Setup, now: float) -> np.ndarray:
    """Chips each provider could order today (provider, chip)."""
    may_buy = np.take(setup.buys, setup.chip_vendor, axis=1)
    return may_buy & setup.deploys & (setup.chip_from <= now + SMALL) & (setup.chip_until >= now)


def being_built(setup: Setup, market: Market) -> np.ndarray:
    """Weight of every (provider, chip) in what the market is building (R, provider, chip), summing to 1.

    Lots under way, and a trace of every chip on sale by its vendor's supply so that the weight never vanishes. The
    price of new capacity is that of what is really built: one cheap captive chip does not set it for everybody.
    """
    supply = np.take(market.vendors.supply, setup.chip_vendor, axis=1) / setup.packages
    trace = 1e-3 * supply[:, None, :] * on_sale(setup, market.now) * market.providers.active[:, :, None]
    lots = market.pipe.waiting + market.pipe.received
    weight = (lots * on_sale(setup, market.now) + trace) * useful_chip(market)[:, None, :]
    total = weight.reshape(len(weight), -1).sum(axis=1)
    return weight / np.where(total > 0.0, total, 1.0)[:, None, None]


def useful_chip(market: Market) -> np.ndarray:
    """Geometric mean throughput of each chip over labs, by what they plan to spend (R, chip)."""
    weight = market.labs.plan / np.maximum(market.labs.plan.sum(axis=1), SMALL)[:, None]
    return exp((weight[:, :, None] * log(np.maximum(market.technology.throughput, SMALL))).sum(axis=1))


def useful_price(setup: Setup, market: Market, built: np.ndarray) -> np.ndarray:
    """Built-to-order price per useful PFLOP-hour (R,), the weighted geometric mean over what is being built; infinite
    where nothing can be built."""
    useful = useful_chip(market)
    return _useful_price(being_built(setup, market), useful, delivered(setup), built)


def _useful_price(weight: np.ndarray, useful: np.ndarray, reaches: np.ndarray, built: np.ndarray) -> np.ndarray:
    each = weight * log(np.maximum(built, SMALL) / np.maximum(useful[:, None, :] * reaches[:, :, None], SMALL))
    some = (weight.reshape(len(weight), -1) > 0.0).any(axis=1)
    return np.where(some, exp(each.reshape(len(each), -1).sum(axis=1)), np.inf)


def requote(
    setup: Setup, market: Market, offered: Offered, scarcity: np.ndarray, obsolescence: np.ndarray
) -> np.ndarray:
    """Quotes after the tick (R, provider, chip): pulled to replacement cost, pushed by vacancy and scarcity."""
    d = setup.drawn.providers
    weight, useful, reaches = being_built(setup, market), useful_chip(market), delivered(setup)
    price = _useful_price(weight, useful, reaches, offered.built)
    delay = (weight * offered.delay).reshape(len(price), -1).sum(axis=1)
    passed = setup.drawn.provider.scarcity_pass[:, :, None]  # the rest of scarcity is queueing
    wait = exp(passed * (obsolescence * np.minimum(delay, 5.0))[:, None, None])
    target = price[:, None, None] * wait * useful[:, None, :] * reaches[:, :, None]
    target = np.where(np.isfinite(price)[:, None, None], target, market.providers.quote)  # nothing new to go by
    fleet = market.fleet.in_service
    empty = np.where(
        fleet > 0.5, vacant(setup, market) / np.where(fleet > 0.5, fleet, 1.0), d.vacancy_target[:, None, None]
    )
    return pricing.quoted(
        market.providers.quote, np.maximum(target, offered.costs.avoidable), offered.costs.avoidable, empty,
        passed * scarcity,
        d.quote_speed, d.vacancy_response, d.vacancy_target, d.scarcity_response, setup.dt,
    )  # fmt: skip


def order_ahead(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """Chips ordered for inventory (R, provider, chip), before whole lots are formed.

    The chip with the best expected return over full cost at own WACC gets the order: in proportion to that return and
    to recent bookings, plus what restores the vacancy that quotes rest at; within sites and money.
    """
    d = setup.drawn
    orderable = on_sale(setup, market.now)
    fall = 0.5 * d.labs.obsolescence[:, None, None] * offered.delay
    excess = log(market.providers.quote / offered.built) - fall
    excess = np.where(orderable, excess, -np.inf)
    best = excess.max(axis=2)
    pick = excess == best[:, :, None]
    pick = pick & (np.cumsum(pick, axis=2) == 1)
    spare = vacant(setup, market).sum(axis=2) + market.pipe.received.sum(axis=2) + market.pipe.waiting.sum(axis=2)
    fleet = market.fleet.in_service.sum(axis=2)
    mean_kw = running_power(setup, market) / np.maximum(fleet, 1.0)
    refill = (
        np.maximum(0.0, d.providers.vacancy_target[:, None] * fleet - spare)
        * mean_kw
        * (1.0 - exp(np.array(-2.0 * setup.dt)))
    )
    eager = (
        d.providers.inventory_response[:, None] * np.clip(best, 0.0, 2.0) * market.providers.bookings_rate * setup.dt
    )
    kw = np.where(best > 0.0, eager + refill, 0.0) * market.providers.active
    kw = np.minimum(kw, 0.25 * headroom(setup, market, offered.costs))
    return np.where(pick, (kw[:, :, None] / setup.power), 0.0)


def orderable(setup: Setup, market: Market, offered: Offered, chips: np.ndarray) -> np.ndarray:
    """Orders (R, provider, chip) held to chips that the provider may buy today, and to its sites and money."""
    may = on_sale(setup, market.now)
    wanted = np.where(may & market.providers.active[:, :, None], np.maximum(0.0, chips), 0.0)
    kw = (wanted * setup.power).sum(axis=2)
    scale = np.minimum(1.0, headroom(setup, market, offered.costs) / np.maximum(kw, SMALL))
    return wanted * scale[:, :, None]


def retire(setup: Setup, market: Market, avoidable: np.ndarray) -> np.ndarray:
    """Chips switched off (R, provider, chip): vacant ones whose quote no longer pays their power, in half a year."""
    idle = market.providers.quote <= avoidable * 1.02
    rate = 1.0 - exp(np.array(-2.0 * setup.dt))
    return np.where(idle, vacant(setup, market) * rate, 0.0)
