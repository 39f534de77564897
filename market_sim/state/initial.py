"""Scenario and luck -> the market at tick 0: fleets in service, contracts under way, orders in the queue, balances."""

import numpy as np

from market_sim.numerics import log
from market_sim.state.grouping import grouped
from market_sim.state.luck import BOOM, NORMAL, SLUMP, potential
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import (
    ASSETS,
    CHIPS,
    CONTRACT,
    DEPOSITS,
    HOLDERS_OUTSIDE,
    INSTRUMENTS,
    LIVE,
    LOANS,
    PENDING,
    PROJECT,
    SITES,
    STOCK,
    Book,
    Fleet,
    Holdings,
    Labs,
    Ledger,
    Pipe,
    Pipeline,
    Providers,
    Technology,
    Vendors,
)

VINTAGES = 3  # opening contracts of a lab for a provider's chip
OLDEST = 0.6  # of its term has run for the oldest; fleets that double yearly are young
LIVE_YEARS = 6.0
BOOK_AGE = 0.5  # opening gear stands at half its price in the books
SITE_AGE = 0.7


def opening_technology(setup: Setup, maturity: np.ndarray, throughput: np.ndarray, mfu: np.ndarray) -> Technology:
    """`maturity` (R, family, work) at the start, `throughput` and `mfu` (R, lab, chip) under it."""
    labs = setup.scenario.lab.values()
    ported = np.array([[float(stack in lab.ports) for stack in setup.stacks] for lab in labs])
    drift = setup.drawn.lab.ideal.copy()
    first = np.full(len(setup.families), np.inf)
    np.minimum.at(first, setup.chip_family, setup.chip_from)
    return Technology(
        maturity=maturity,
        launched=np.broadcast_to(first <= 0.0, (setup.width, len(first))).copy(),
        ported=np.broadcast_to(ported, (setup.width, *ported.shape)).copy(),
        drift=drift,
        unadapted=drift.copy(),
        throughput=throughput,
        reference=throughput,
        mfu=mfu,
    )


def revenue_potential(setup: Setup) -> np.ndarray:
    """Potential of every pool of revenue (R, pool, tick + 1), known to the luck of the run alone."""
    drawn = setup.drawn
    level = np.ones((setup.width, 3))
    level[:, BOOM], level[:, SLUMP], level[:, NORMAL] = drawn.demand.boom, drawn.demand.slump, 1.0
    pool = drawn.pool
    return potential(
        pool.start, pool.ceiling, pool.rate, pool.volatility, setup.luck.pool_shock, setup.luck.in_regime, level,
        drawn.demand.regime_time, setup.dt,
    )  # fmt: skip


def opening_labs(setup: Setup, paths: np.ndarray) -> Labs:
    """Labs share their pool at the start as their revenues say; they expect the pool's own growth."""
    lab = setup.drawn.lab
    growth = log(np.maximum(paths[:, :, 1], 1.0) / np.maximum(paths[:, :, 0], 1.0)) / setup.dt
    return Labs(
        active=np.ones((setup.width, len(setup.labs)), bool),
        capability=np.zeros((setup.width, len(setup.labs))),
        brand=log(np.maximum(lab.revenue, 1.0)),
        demand=lab.revenue.copy(),
        revenue=lab.revenue.copy(),
        growth=np.take(growth, setup.lab_pool, axis=1),
        plan=lab.revenue * lab.compute_share,
        carry=np.zeros_like(lab.revenue),
        revenue_yield=np.ones_like(lab.revenue),
        cost_index=np.ones_like(lab.revenue),
    )


def opening_providers(setup: Setup, quote: np.ndarray) -> Providers:
    """`quote` (R, provider, chip): replacement cost at the start."""
    provider = setup.drawn.provider
    zeros = np.zeros((setup.width, len(setup.providers)))
    active = np.array([p.active for p in setup.scenario.provider.values()])
    optimism = setup.drawn.delivery.optimism
    return Providers(
        active=np.broadcast_to(active, zeros.shape).copy(),
        quote=quote,
        power=opening_power(setup),
        speed=zeros,
        incentive=np.full_like(zeros, 0.5),
        record=np.broadcast_to(-log(1.0 - optimism)[:, None], zeros.shape).copy(),
        bookings_rate=provider.power_growth * 1000.0 * active,
        order_carry=np.zeros((setup.width, len(setup.providers), len(setup.chips))),
        corporate_debt=zeros,
        entry_clock=zeros,
    )


def opening_power(setup: Setup) -> np.ndarray:
    """kW of sites powered or under development (R, provider): what is given, at least what fleets and orders take, and
    half a year's growth beyond orders, since sites are sought before tenants are found."""
    provider = setup.drawn.provider
    needed = ((provider.fleet + provider.on_order) * setup.power).sum(axis=2)
    active = np.array([p.active for p in setup.scenario.provider.values()])
    ahead = 0.5 * provider.power_growth * setup.drawn.providers.power_limit[:, None] * active
    return np.maximum(provider.power * 1000.0, needed + ahead * 1000.0)


def opening_vendors(setup: Setup, list_price: np.ndarray) -> Vendors:
    """Stock at the start is spread over the chips on order, or over those launched where none is."""
    vendor, chip = setup.drawn.vendor, setup.drawn.chip
    ordered = setup.drawn.provider.on_order.sum(axis=1) * setup.packages
    ordered = ordered + 1e-6 * (setup.chip_from <= 0.0)
    total = per_vendor(ordered, setup)
    part = ordered / np.maximum(np.take(total, setup.chip_vendor, axis=1), 1e-300)
    stock = np.take(vendor.inventory * vendor.supply, setup.chip_vendor, axis=1) * part / setup.packages
    fleets = setup.drawn.provider.fleet.sum(axis=1)
    return Vendors(
        list_price=list_price,
        supply=vendor.supply.copy(),
        supply_target=vendor.supply.copy(),
        duplicates=np.zeros_like(vendor.supply),
        spending_share=opening_share(setup, ordered, fleets),
        stock=stock,
        made=stock + fleets,
        unit_cost=chip.cost.copy(),
        stakes=np.zeros((setup.width, len(setup.vendors), len(setup.providers) + len(setup.labs))),
        leases=np.zeros((setup.width, len(setup.vendors), len(setup.providers))),
        guarantees=np.zeros((setup.width, len(setup.vendors), len(setup.providers))),
    )


def opening_share(setup: Setup, ordered: np.ndarray, fleets: np.ndarray) -> np.ndarray:
    """Share of chip spending by vendor (R, vendor): orders where there are any, else fleets, at list price."""
    price = setup.drawn.chip.price
    spending = per_vendor((ordered / setup.packages + fleets) * price, setup)
    return spending / np.maximum(spending.sum(axis=1), 1e-300)[:, None]


def per_vendor(by_chip: np.ndarray, setup: Setup) -> np.ndarray:
    """Sum of (R, chip) over each vendor's chips."""
    return grouped(by_chip, setup.chip_vendor, len(setup.vendors))


def slots(setup: Setup) -> tuple[int, int]:
    """Room for contracts and for lots under construction, enough for several years of the busiest signing."""
    opening = int((setup.drawn.lab.holdings[0] > 0.0).sum()) * len(setup.chips) * VINTAGES
    yearly = min(setup.scenario.trade.deals_per_tick / setup.dt, 600.0)
    return opening + int(yearly * LIVE_YEARS) + 64, int(2.0 * yearly) + opening + 64


def opening_book(setup: Setup, quote: np.ndarray, promised: np.ndarray) -> tuple[Book, Pipeline]:
    """Contracts under way and lots on order at the start.

    A lab holds its share of each chip a provider has in service, in vintages up to 60 % into the longest built term, at today's cost price; of the provider's orders the presold part stands against contracts in the same shares.
    """
    contracts, projects = slots(setup)
    width = setup.width
    rows, lots = np.zeros((width, contracts), CONTRACT), np.zeros((width, projects), PROJECT)
    count, started = np.zeros(width, np.int64), np.zeros(width, np.int64)
    holdings, provider = setup.drawn.lab.holdings, setup.drawn.provider
    term = max(setup.scenario.trade.built_terms, default=1.0)
    for buyer, p in zip(*np.nonzero(holdings.max(axis=0) > 0.0), strict=True):
        for c in range(len(setup.chips)):
            chips = np.floor(holdings[:, buyer, p] * provider.fleet[:, p, c])
            _open_contracts(rows, count, buyer, p, c, chips, quote[:, p, c], term)
            chips = np.floor(holdings[:, buyer, p] * provider.presold[:, p] * provider.on_order[:, p, c])
            _open_lots(setup, rows, count, lots, started, buyer, p, c, chips, quote[:, p, c], promised[:, p, c], term)
    for p in range(len(setup.providers)):
        taken = np.minimum(1.0, holdings[:, :, p].sum(axis=1)) * provider.presold[:, p]
        for c in range(len(setup.chips)):
            chips = np.floor((1.0 - taken) * provider.on_order[:, p, c])
            _open_lots(setup, rows, count, lots, started, -1, p, c, chips, quote[:, p, c], promised[:, p, c], term)
    return Book(rows, count, count.copy()), Pipeline(lots, started)


def _open_contracts(rows, count, lab, provider, chip, chips, price, term):  # type: ignore[no-untyped-def]
    """Vintages of live contracts for one lab, provider and chip, where there are enough chips for them."""
    if chips.max() < 1.0:
        return
    for vintage in range(VINTAGES):
        part = np.floor(chips * (vintage + 1) / VINTAGES) - np.floor(chips * vintage / VINTAGES)
        ends = term * (1.0 - OLDEST * (VINTAGES - 1 - vintage) / (VINTAGES - 1))
        for r in np.flatnonzero(part >= 1.0):
            row = rows[r, count[r]]
            row["id"], row["lab"], row["provider"], row["chip"] = count[r], lab, provider, chip
            row["status"], row["chips"], row["price"], row["term"] = LIVE, part[r], price[r], term
            row["signed"] = row["promised"] = row["started"] = ends - term
            row["ends"], row["ended"], row["lot"] = ends, np.nan, part[r]
            count[r] += 1


def _open_lots(setup, rows, count, lots, started, lab, provider, chip, chips, price, promised, term):  # type: ignore[no-untyped-def]
    """One lot on order, and its pending contract when it belongs to a lab; half the site work is done."""
    for r in np.flatnonzero(chips >= 1.0):
        lot = lots[r, started[r]]
        lot["contract"] = count[r] if lab >= 0 else -1
        lot["provider"], lot["chip"], lot["chips"] = provider, chip, chips[r]
        lot["site_left"] = 0.5 * setup.drawn.provider.site_months[r, provider] / 12.0 * setup.luck.site[r, provider, 0]
        lot["bring_up_left"] = setup.drawn.delivery.bring_up[r]
        lot["ordered"], lot["promised"] = 0.0, promised[r]
        lot["rent"] = price[r] * chips[r] * 8766.0
        started[r] += 1
        if lab >= 0:
            row = rows[r, count[r]]
            row["id"], row["lab"], row["provider"], row["chip"] = count[r], lab, provider, chip
            row["status"], row["chips"], row["price"], row["term"] = PENDING, chips[r], price[r], term
            row["signed"], row["promised"], row["lot"] = 0.0, promised[r], chips[r]
            row["started"] = row["ends"] = row["ended"] = np.nan
            count[r] += 1


def opening_ledger(setup: Setup, stock: np.ndarray) -> Ledger:
    """Cash and debt as given; gear, sites and stock at book."""
    drawn, width = setup.drawn, setup.width
    vendors, providers, labs = len(setup.vendors), len(setup.providers), len(setup.labs)
    holders = vendors + providers + labs + len(HOLDERS_OUTSIDE)
    balance, real = np.zeros((width, len(INSTRUMENTS), holders)), np.zeros((width, len(ASSETS), holders))
    cash = np.concatenate([drawn.vendor.cash, drawn.provider.cash, drawn.lab.cash], axis=1)
    own = slice(vendors, vendors + providers)
    balance[:, DEPOSITS, : cash.shape[1]] = cash
    balance[:, LOANS, own] = -drawn.provider.debt
    lenders = holders - len(HOLDERS_OUTSIDE) + HOLDERS_OUTSIDE.index("lenders")
    balance[:, DEPOSITS, lenders] = -cash.sum(axis=1)
    balance[:, LOANS, lenders] = drawn.provider.debt.sum(axis=1)
    gear = drawn.provider.fleet * (drawn.chip.price + drawn.chip.server)[:, None, :]
    real[:, CHIPS, own] = BOOK_AGE * gear.sum(axis=2)
    real[:, SITES, own] = SITE_AGE * drawn.provider.power * drawn.providers.site_cost[:, None]
    real[:, STOCK, :vendors] = per_vendor(stock * drawn.chip.cost, setup)
    return Ledger(balance, real)


def open_market(
    setup: Setup, technology: Technology, list_price: np.ndarray, quote: np.ndarray, promised: np.ndarray
) -> Market:
    """The market at tick 0; what the book and the pipe add up to is filled in by the first tick."""
    width, labs, providers, chips = setup.width, len(setup.labs), len(setup.providers), len(setup.chips)
    paths = revenue_potential(setup)
    vendors = opening_vendors(setup, list_price)
    book, pipeline = opening_book(setup, quote, promised)
    by_lab, by_provider = np.zeros((width, labs)), np.zeros((width, providers))
    by_chip, grid = np.zeros((width, chips)), np.zeros((width, providers, chips))
    return Market(
        tick=0,
        now=0.0,
        technology=technology,
        labs=opening_labs(setup, paths),
        providers=opening_providers(setup, quote),
        vendors=vendors,
        fleet=Fleet(setup.drawn.provider.fleet.copy(), np.zeros((width, chips)), setup.drawn.provider.fleet.sum(axis=1)),
        book=book,
        holdings=Holdings(
            np.zeros((width, labs, chips)), grid, by_lab, by_lab, by_provider, by_provider,
            np.zeros((width, labs, providers)), by_lab, by_provider, by_chip, by_chip,
        ),
        pipeline=pipeline,
        pipe=Pipe(grid, grid, by_provider, by_provider),
        ledger=opening_ledger(setup, vendors.stock),
        shadow=np.zeros((width, len(setup.offers.pairs) + providers + len(setup.vendors))),
        potential=paths,
    )  # fmt: skip
