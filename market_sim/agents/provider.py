"""What providers decide, over all of them at once: quotes, promises, speed, orders ahead of contracts."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import vendor
from market_sim.mechanisms import capacity, delivery, finance, inventory, offering, pricing
from market_sim.numerics import exp
from market_sim.quantiles import normal_quantile
from market_sim.state.grouping import weighed
from market_sim.state.lately import lately
from market_sim.state.market import Market
from market_sim.state.setup import Setup, once

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

    price: np.ndarray  # (R, list, offer) USD per chip-hour
    listed: np.ndarray  # (lab,) the price list that it buys from
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
    purchase, (_, wacc) = vendor.purchase_price(setup, market), loan_terms(setup, market)
    full, capital = pricing.capacity_costs(
        purchase, drawn.chip.server, setup.power, wacc, drawn.provider.opex, site_cost(setup),
        drawn.providers.life, drawn.providers.site_life,
    )  # fmt: skip
    return Costs(purchase, full, avoidable_cost(setup), capital)


@once
def site_cost(setup: Setup) -> np.ndarray:
    """USD per kW that each provider builds its sites for (R, provider); what it leases is paid in its running cost."""
    return setup.drawn.providers.site_cost[:, None] / 1000.0 * setup.drawn.provider.owned_sites


@once
def avoidable_cost(setup: Setup) -> np.ndarray:
    """USD per chip-hour (R, provider, chip) that switching a chip off would save."""
    return pricing.avoidable_cost(setup.power, setup.drawn.provider.opex)


@lately("now", "tick", "holdings.solid", "vendors.guarantees", "ledger.balance")
def loan_terms(setup: Setup, market: Market) -> tuple[np.ndarray, np.ndarray]:
    """Yearly interest and WACC, both (R, provider), as loans have become cheaper since the start, and as vendors'
    guarantees cover them."""
    d = setup.drawn
    return finance.loan_terms(
        d.provider.wacc, setup.riskless[:, market.tick], setup.riskless[:, 0], d.providers.debt_share,
        d.provider.debt_spread, d.providers.seasoned_spread, d.providers.lender_time, market.now,
        d.providers.credit_saving, market.holdings.solid, market.vendors.guarantees, market.ledger.balance,
        provider_slice(setup).start,
    )  # fmt: skip


@once
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
    return np.maximum(running_kw(setup, market), 0.5 * market.providers.power)


@lately("fleet.in_service")
def running_kw(setup: Setup, market: Market) -> np.ndarray:
    """kW of chips in service (R, provider)."""
    return weighed(market.fleet.in_service, setup.power)


def expected_delay(setup: Setup, market: Market, orders: vendor.Orders) -> np.ndarray:
    """Years from order to service (R, provider, chip) from own experience."""
    site = setup.drawn.provider.site_months / 12.0 / site_speed(setup, market)
    return capacity.expected_delay(
        site, orders.lead, orders.packages, market.vendors.supply, setup.chip_vendor, setup.own_silicon,
        setup.drawn.delivery.bring_up,
    )  # fmt: skip


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
    return capacity.site_decides(
        being_built(setup, market), on_sale(setup, market.now), setup.drawn.provider.site_months / 12.0, orders.lead,
        orders.packages, market.vendors.supply, setup.chip_vendor, setup.own_silicon,
    )  # fmt: skip


@lately(
    "now", "ledger.balance", "ledger.real", "holdings.backlog", "providers.active", "providers.corporate_debt",
    "providers.power", "fleet.in_service", "pipe.waiting", "pipe.building",
)  # fmt: skip
def headroom(setup: Setup, market: Market, offered_costs: Costs) -> np.ndarray:
    """kW that each provider can still take on (R, provider), by sites and by money."""
    _, money = credit(setup, market)
    return capacity.room(
        market.fleet.in_service, market.pipe.waiting, setup.power, offered_costs.capital, on_sale(setup, market.now),
        market.providers.power, market.pipe.building, money, _own_part(setup),
    )  # fmt: skip


@lately("now", "providers.active")
def raised_yearly(setup: Setup, market: Market) -> np.ndarray:
    """USD/year of equity on offer to providers (R, provider), growing as their sites may."""
    growth = exp(setup.drawn.providers.power_growth_rate * market.now)
    return setup.drawn.provider.equity_raise * growth[:, None] * market.providers.active


@once
def _own_part(setup: Setup) -> np.ndarray:
    """Part of a lot (R,) that neither debt nor the customer's prepayment finances."""
    return np.maximum(0.05, 1.0 - setup.drawn.providers.debt_share - setup.drawn.trade.prepaid)


@lately(
    "now", "ledger.balance", "ledger.real", "holdings.backlog", "providers.active", "providers.corporate_debt",
)  # fmt: skip
def credit(setup: Setup, market: Market) -> tuple[np.ndarray, np.ndarray]:
    """USD that lenders will lend each provider, and USD that it can lay hands on (R, provider)."""
    return finance.credit(
        market.ledger.balance, market.ledger.real, provider_slice(setup).start, market.holdings.backlog,
        setup.drawn.providers.debt_share, free_cash(setup, market), market.providers.corporate_debt,
        raised_yearly(setup, market),
    )  # fmt: skip


@lately("now")
def other_growth(setup: Setup, market: Market) -> np.ndarray:
    """How far other businesses have grown since the start (R,)."""
    return exp(setup.drawn.providers.other_growth * market.now)


@lately("now")
def free_cash(setup: Setup, market: Market) -> np.ndarray:
    """USD/year from other businesses after their own capital spending (R, provider)."""
    earned = np.maximum(0.0, setup.drawn.provider.other_cash_flow - setup.drawn.provider.other_capex)
    return earned * other_growth(setup, market)[:, None]


def provider_slice(setup: Setup) -> slice:
    """Where providers stand on the holder axis."""
    return slice(len(setup.vendors), len(setup.vendors) + len(setup.providers))


def offer(setup: Setup, market: Market, orders: vendor.Orders) -> Offered:
    """Prices, promises and capacity of every offer."""
    d, o, p = setup.drawn, setup.offers, market.providers
    today, expected = costs(setup, market), expected_delay(setup, market, orders)
    built = today.full * d.trade.built_markup[:, None, None]
    stocked = offering.capacities(
        market.fleet.in_service, market.holdings.sold, o.pairs, headroom(setup, market, today), market.vendors.supply,
        orders.packages, d.vendors.longest_lead,
    )  # fmt: skip
    lists, listed = price_lists(setup)
    terms = offering.terms(
        p.quote, built, term_factors(setup), _offer_markups(setup), lists, expected, d.delivery.optimism, p.record,
        _safety_margin(setup), stocked, o.pool, weights(setup), p.active, _for_sale(setup, market.now), o.provider,
        o.chip, o.built,
    )  # fmt: skip
    return Offered(
        terms.price, listed, terms.live, terms.promised, terms.believed, stocked, weights(setup), terms.lots, today,
        built, expected,
    )  # fmt: skip


@once
def _safety_margin(setup: Setup) -> np.ndarray:
    """Log of what labs add to a promise to be sure (R,)."""
    return normal_quantile(setup.drawn.labs.planning_quantile) * setup.drawn.delivery.sigma


def _for_sale(setup: Setup, now: float) -> np.ndarray:
    """Offers (offer,) of chips that are on the market, those to be built of chips not yet withdrawn."""
    o, launched = setup.offers, setup.chip_from <= now + SMALL
    return np.take(launched, o.chip) & (~o.built | (np.take(setup.chip_until, o.chip) >= now))


def on_demand(setup: Setup) -> np.ndarray:
    """Each provider's price on demand over that of one year (R, provider)."""
    return setup.drawn.trade.on_demand_factor[:, None] * setup.drawn.provider.on_demand_premium


@once
def term_factors(setup: Setup) -> np.ndarray:
    """Price of every offer over that of its kind for the term that the price is kept for (R, offer)."""
    d, o = setup.drawn.trade, setup.offers
    term = pricing.term_factor(o.term, np.take(on_demand(setup), o.provider, axis=1), d.term_slope)
    reference = pricing.term_factor(np.array([REFERENCE_TERM]), d.on_demand_factor[:, None], d.term_slope)
    return np.where(o.built, term / reference, term)


@once
def price_lists(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """The lists that somebody buys from (list,), True for that of enterprises, and the list of each lab (lab,)."""
    lists, listed = np.unique(setup.enterprise, return_inverse=True)
    return lists, listed


@once
def _offer_markups(setup: Setup) -> np.ndarray:
    """Each offer's list markup (R, offer)."""
    return np.take(setup.drawn.provider.enterprise_markup, setup.offers.provider, axis=1)


@once
def weights(setup: Setup) -> np.ndarray:
    """What one chip takes of its offer's two pools (offer, 2)."""
    o = setup.offers
    first = np.where(o.built, np.take(setup.power, o.chip), 1.0)
    return np.stack([first, np.where(o.built, np.take(setup.packages, o.chip), 1.0)], axis=1)


@lately()
def on_sale(setup: Setup, now: float) -> np.ndarray:
    """Chips each provider could order today (provider, chip)."""
    return _may_order(setup) & (setup.chip_from <= now + SMALL) & (setup.chip_until >= now)


@lately(
    "now", "pipe.waiting", "pipe.received", "vendors.supply", "providers.active", "labs.plan", "technology.throughput"
)
def being_built(setup: Setup, market: Market) -> np.ndarray:
    """Weight of every (provider, chip) in what the market is building (R, provider, chip), summing to 1.

    Lots under way, and a trace of every chip on sale by its vendor's supply so that the weight never vanishes. The
    price of new capacity is that of what is really built: one cheap captive chip does not set it for everybody.
    """
    return capacity.being_built(
        market.pipe.waiting, market.pipe.received, market.vendors.supply, setup.chip_vendor, setup.packages,
        on_sale(setup, market.now), market.providers.active, useful_chip(market),
    )  # fmt: skip


@lately("labs.plan", "technology.throughput")
def useful_chip(market: Market) -> np.ndarray:
    """Geometric mean throughput of each chip over labs, by what they plan to spend (R, chip)."""
    return capacity.useful_chip(market.labs.plan, log_fit(market))


@lately("technology.throughput")
def log_fit(market: Market) -> np.ndarray:
    """Log of what every chip does for every lab (R, lab, chip)."""
    return capacity.in_logs(market.technology.throughput)


def useful_price(setup: Setup, market: Market, built: np.ndarray) -> np.ndarray:
    """Built-to-order price per useful PFLOP-hour (R,), the weighted geometric mean over what is being built; infinite
    where nothing can be built."""
    return capacity.geometric_mean(being_built(setup, market), built, useful_chip(market), delivered(setup))


def requote(
    setup: Setup, market: Market, offered: Offered, scarcity: np.ndarray, obsolescence: np.ndarray
) -> np.ndarray:
    """Quotes after the tick (R, provider, chip): pulled to replacement cost, pushed by vacancy and scarcity."""
    d = setup.drawn.providers
    weight, useful, reaches = being_built(setup, market), useful_chip(market), delivered(setup)
    price = capacity.geometric_mean(weight, offered.built, useful, reaches)
    passed = setup.drawn.provider.scarcity_pass  # the rest of scarcity is queueing
    wait = obsolescence * np.minimum(capacity.mean(weight, offered.delay), 5.0)
    target, empty = capacity.quote_goals(
        price[:, None] * exp(passed * wait[:, None]), useful, reaches, market.providers.quote, offered.costs.avoidable,
        market.fleet.in_service, market.holdings.sold, d.vacancy_target,
    )  # fmt: skip
    return pricing.quoted(
        market.providers.quote, target, offered.costs.avoidable, empty, passed[:, :, None] * scarcity, d.quote_speed,
        d.vacancy_response, d.vacancy_target, d.scarcity_response, setup.dt,
    )  # fmt: skip


def order_ahead(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """Chips ordered for inventory (R, provider, chip), before whole lots are formed.

    The chip with the best expected return over full cost at own WACC gets the order: in proportion to that return and
    to recent bookings, plus what restores the vacancy that quotes rest at; within sites and money.
    """
    d, p = setup.drawn, market.providers
    return inventory.restocked(
        p.quote, offered.built, offered.delay, 0.5 * d.labs.obsolescence, on_sale(setup, market.now),
        market.fleet.in_service, market.holdings.sold, market.pipe.received, market.pipe.waiting, setup.power, p.power,
        d.providers.vacancy_target, d.providers.inventory_response, p.bookings_rate, p.active,
        headroom(setup, market, offered.costs), half_a_year(setup), setup.dt,
    )  # fmt: skip


@once
def half_a_year(setup: Setup) -> float:
    """Part done in a tick of what takes half a year."""
    return 1.0 - float(exp(-2.0 * setup.dt))


@once
def _may_order(setup: Setup) -> np.ndarray:
    """Chips that each provider sells and whose vendors sell to it (provider, chip)."""
    return setup.deploys & np.take(setup.buys, setup.chip_vendor, axis=1)


def orderable(setup: Setup, market: Market, offered: Offered, chips: np.ndarray) -> np.ndarray:
    """Orders (R, provider, chip) held to chips that the provider may buy today, and to its sites and money."""
    may = on_sale(setup, market.now)
    wanted = np.where(may & market.providers.active[:, :, None], np.maximum(0.0, chips), 0.0)
    kw = weighed(wanted, setup.power)
    scale = np.minimum(1.0, headroom(setup, market, offered.costs) / np.maximum(kw, SMALL))
    return wanted * scale[:, :, None]


def retire(setup: Setup, market: Market, avoidable: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chips switched off and chips left (R, provider, chip), and how many of each chip go (R, chip): vacant ones whose
    quote no longer pays their power, in half a year."""
    return inventory.switched_off(
        market.providers.quote, avoidable, market.fleet.in_service, market.holdings.sold, half_a_year(setup)
    )
