"""What vendors decide, over all of them at once: allocation, list prices, supply and backing."""

from dataclasses import dataclass

import numpy as np

from market_sim.mechanisms import credit, pricing, supply
from market_sim.numerics import exp
from market_sim.state.grouping import rows
from market_sim.state.initial import per_vendor
from market_sim.state.lately import lately
from market_sim.state.market import Market
from market_sim.state.setup import Setup, once

ROUNDING = 1e-12


@dataclass(frozen=True)
class Orders:
    """What buyers have asked of each vendor."""

    waiting: np.ndarray  # (R, provider, chip) chips ordered and not shipped
    packages: np.ndarray  # (R, vendor, provider) the same in packages
    lead: np.ndarray  # (R, vendor) years, duplicates counted


@dataclass(frozen=True)
class Shipments:
    """What vendors sent and made."""

    chips: np.ndarray  # (R, provider, chip)
    sent: np.ndarray  # (R, chip) the same to all providers
    made: np.ndarray  # (R, chip)
    allotted: np.ndarray  # (R, vendor, provider) packages


@lately()
def unit_cost(setup: Setup, now: float) -> np.ndarray:
    """USD to make a chip today (R, chip): falls by a fixed part every year from launch or the start on."""
    age = np.maximum(0.0, now - np.maximum(0.0, setup.chip_from))
    rate = setup.drawn.vendors.cost_decline
    return setup.drawn.chip.cost * exp(-rate[:, None] * age)


@lately("now", "vendors.list_price")
def purchase_price(setup: Setup, market: Market) -> np.ndarray:
    """What each provider pays for each chip (R, provider, chip): list, or the transfer price of its own silicon."""
    transfer = unit_cost(setup, market.now) / (1.0 - setup.drawn.vendors.transfer_margin)[:, None]
    return np.where(setup.own_silicon, transfer[:, None, :], market.vendors.list_price[:, None, :])


@once
def network_price(setup: Setup) -> np.ndarray:
    """USD of the vendor's own networking that is bought with a chip (R, chip), out of what the server costs."""
    return setup.drawn.chip.server * setup.drawn.chip.network


@lately()
def price_with_network(setup: Setup, purchase: np.ndarray) -> np.ndarray:
    """USD that a vendor gets for each chip and the networking beside it (R, provider, chip)."""
    return purchase + network_price(setup)[:, None, :]


def in_packages(chips: np.ndarray, setup: Setup) -> np.ndarray:
    """(R, provider, chip) chips -> (R, vendor, provider) packages."""
    return supply.in_packages(chips, setup.packages, setup.chip_vendor, len(setup.vendors))


def book_orders(setup: Setup, market: Market, waiting: np.ndarray) -> Orders:
    """The order books and the lead times that they imply."""
    packages = in_packages(waiting, setup)
    v, lag = market.vendors, setup.drawn.vendors.supply_lag
    backlog = rows(packages) * (1.0 + v.duplicates)
    stock = per_vendor(v.stock * setup.packages, setup)
    return Orders(waiting, packages, supply.lead_time(backlog, stock, v.supply, v.supply_target, lag))


def worth_of_buyers(setup: Setup, market: Market, orders: Orders) -> np.ndarray:
    """pi: margin per package of each buyer's orders over the vendor's mean, less where buyers make chips too."""
    margin = np.maximum(0.0, market.vendors.list_price - unit_cost(setup, market.now)) / setup.packages
    return supply.worth_of_buyers(
        orders.waiting, orders.packages, margin, setup.packages, setup.chip_vendor, setup.rival_owner,
        setup.drawn.vendors.rival_discount,
    )  # fmt: skip


def allocate(setup: Setup, market: Market, orders: Orders) -> np.ndarray:
    """Packages for each buyer (R, vendor, provider): owners first, then the vendor's rule over the rest."""
    drawn, vendors = setup.drawn, market.vendors
    stock = per_vendor(vendors.stock * setup.packages, setup)
    available = stock + vendors.supply * setup.dt
    mine = setup.vendor_owner[:, None] == np.arange(len(setup.providers))
    own = np.where(mine, orders.packages, 0.0)
    scale = np.minimum(1.0, available / np.maximum(rows(own), 1e-300))
    own = own * scale[:, :, None]
    rest = np.where(mine, 0.0, orders.packages)
    theta = drawn.vendor.multipolarity * drawn.vendors.multipolarity[:, None]
    pi = worth_of_buyers(setup, market, orders)
    left = available - rows(own)
    left = np.where(left > ROUNDING * available, left, 0.0)  # what rounding leaves of nothing is nobody's
    return own + supply.allocate(setup.rule, rest, pi, left, theta, drawn.vendors.inertia)


def ship(setup: Setup, market: Market, orders: Orders, allotted: np.ndarray) -> Shipments:
    """Chips that go out, and chips made for them or for stock with what capacity is left."""
    vendors = market.vendors
    capacity = vendors.supply * setup.dt
    chips, made = supply.shipments(allotted, orders.waiting, vendors.stock, setup.packages, setup.chip_vendor, capacity)
    return Shipments(chips, chips.sum(axis=1), made + make_for_stock(setup, market, orders, made, capacity), allotted)


def make_for_stock(setup: Setup, market: Market, orders: Orders, made: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Chips made ahead of orders (R, chip): spare capacity fills stock up to the target lead, over what sells."""
    spare = np.maximum(0.0, capacity - per_vendor(made * setup.packages, setup))
    stock = per_vendor(market.vendors.stock * setup.packages, setup)
    aim = setup.drawn.vendors.target_lead[:, None] * market.vendors.supply * (market.vendors.spending_share > 0.0)
    fill = np.minimum(spare, np.maximum(0.0, 0.5 * aim - stock) * (1.0 - exp(np.array(-5.5 * setup.dt))))
    selling = orders.waiting.sum(axis=1) * setup.packages
    total = np.take(per_vendor(selling, setup), setup.chip_vendor, axis=1)
    part = np.where(total > 0.0, selling / np.where(total > 0.0, total, 1.0), 0.0)
    return np.take(fill, setup.chip_vendor, axis=1) * part / setup.packages


def fastest_growth(setup: Setup, market: Market) -> np.ndarray:
    """Fastest growth of each vendor's supply (R, vendor), 1/year: foundries let a small customer grow faster.

    Beyond its own cap, by `foundry_room` of what all vendors together make.
    """
    supply = np.maximum(market.vendors.supply, 1.0)
    beside = supply.sum(axis=1, keepdims=True) / supply
    return setup.drawn.vendor.growth_cap * (1.0 + setup.drawn.vendors.foundry_room[:, None] * beside)


def expand(setup: Setup, market: Market, lead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Supply and its target after the tick."""
    drawn = setup.drawn
    followed = drawn.vendors.supply_follows[:, None] * market.vendors.order_growth
    first_year = float(np.clip((1.0 - market.now) / setup.dt, 0.0, 1.0))
    return supply.grown_supply(
        market.vendors.supply, market.vendors.supply_target, lead, drawn.vendors.target_lead,
        drawn.vendor.growth_committed, fastest_growth(setup, market), drawn.vendors.supply_response, followed,
        drawn.vendors.supply_lag, first_year, setup.dt,
    )  # fmt: skip


def duplicates(setup: Setup, market: Market, lead: np.ndarray) -> np.ndarray:
    """Duplicate orders after the tick, as a share of true backlog (R, vendor)."""
    v = setup.drawn.vendors
    return supply.duplicate_orders(
        market.vendors.duplicates, lead, v.target_lead, v.duplicate_orders, v.duplicate_cap, v.cancel_time, setup.dt
    )


def list_prices(setup: Setup, market: Market) -> np.ndarray:
    """List prices after the tick (R, chip), on their way to the Lerner rule; a chip not launched keeps its plan."""
    drawn = setup.drawn
    share = np.take(market.vendors.spending_share, setup.chip_vendor, axis=1)
    goal = pricing.lerner_price(
        unit_cost(setup, market.now), share, drawn.vendors.sigma, drawn.vendors.elasticity_floor,
        np.take(drawn.vendor.margin_target, setup.chip_vendor, axis=1),
    )  # fmt: skip
    moved = pricing.listed(market.vendors.list_price, goal, drawn.vendors.price_speed, setup.dt)
    return np.where(setup.chip_from <= market.now, moved, market.vendors.list_price)


def back(setup: Setup, market: Market, profit: np.ndarray, bought: np.ndarray) -> np.ndarray:
    """Equity offered to customers (R, vendor, provider then lab), USD in this tick; `profit` (R, vendor) USD/year.

    A vendor backs buyers of its chips that are small beside its other buyers and have no silicon of their own;
    labs without an owner in proportion to what they plan to spend.
    """
    drawn = setup.drawn
    share = drawn.vendor.backing * drawn.vendors.backing[:, None]
    plan = market.labs.plan * _may_be_backed(setup) * market.labs.active
    want = credit.wants_backing(bought, market.providers.active, _independent(setup), plan)
    return credit.backing(profit, share, want, setup.dt)


@once
def _independent(setup: Setup) -> np.ndarray:
    """Providers without silicon of their own (provider,)."""
    return np.logical_not(setup.own_silicon.any(axis=1))


@once
def _may_be_backed(setup: Setup) -> np.ndarray:
    """Labs without an owner that buy from no enterprise list (lab,)."""
    return (setup.lab_owner < 0) & (~setup.enterprise)
