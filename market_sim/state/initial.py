"""Scenario and luck -> the market at tick 0: fleets in service, contracts under way, orders in the queue, balances."""

import numpy as np

from market_sim.numerics import kernel, log, part
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
from market_sim.streams import kbits, kmixed, name_key
from market_sim.units import HOURS_PER_YEAR

VINTAGES = 3  # opening contracts of a lab for a provider's chip
OLDEST = 0.6  # of its term has run for the oldest; fleets that double yearly are young
BOOK_AGE = 0.5  # opening gear stands at half its price in the books
SITE_AGE = 0.7


def opening_technology(
    setup: Setup, maturity: np.ndarray, known: np.ndarray, seconds: np.ndarray, throughput: np.ndarray, mfu: np.ndarray
) -> Technology:
    """`maturity` (R, family, work) and `known` (R, stack, work) at the start, `seconds` (R, lab, chip, work) that
    models need, and what follows."""
    labs = setup.scenario.lab.values()
    ported = np.array([[float(stack in lab.ports) for stack in setup.stacks] for lab in labs])
    drift = setup.drawn.lab.ideal.copy()
    first = np.full(len(setup.families), np.inf)
    np.minimum.at(first, setup.chip_family, setup.chip_from)
    return Technology(
        maturity=maturity,
        known=known,
        launched=np.broadcast_to(first <= 0.0, (setup.width, len(first))).copy(),
        ported=np.broadcast_to(ported, (setup.width, *ported.shape)).copy(),
        drift=drift,
        unadapted=drift.copy(),
        seconds=seconds,
        unadapted_seconds=seconds,
        throughput=throughput,
        mfu=mfu,
    )


def revenue_potential(setup: Setup) -> np.ndarray:
    """Potential of every pool of revenue (R, pool, tick + 1), known to the luck of the run alone."""
    drawn = setup.drawn
    level = np.ones((setup.width, 3))
    level[:, BOOM], level[:, SLUMP], level[:, NORMAL] = drawn.demand.boom, drawn.demand.slump, 1.0
    pool = drawn.pool
    return potential(
        pool.start / (1.0 - pool.unserved), pool.ceiling, pool.rate, pool.volatility, setup.luck.pool_shock,
        setup.luck.in_regime, level,
        drawn.demand.regime_time, setup.dt,
    )  # fmt: skip


def opening_labs(setup: Setup, paths: np.ndarray) -> Labs:
    """Labs share their pool at the start as their revenues say; of its growth they expect what they foresee."""
    lab = setup.drawn.lab
    growth = log(np.maximum(paths[:, :, 1], 1.0) / np.maximum(paths[:, :, 0], 1.0)) / setup.dt
    growth = growth * setup.drawn.demand.foresight[:, None]
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
        bookings_rate=opening_bookings(setup),
        order_carry=np.zeros((setup.width, len(setup.providers), len(setup.chips))),
        corporate_debt=zeros,
        entry_clock=zeros,
    )


def opening_bookings(setup: Setup) -> np.ndarray:
    """kW a year that a provider has been signing (R, provider): what is on order over the time that an order takes to
    service (Little 1961)."""
    provider, delivery = setup.drawn.provider, setup.drawn.delivery
    under_way = (provider.on_order * setup.power).sum(axis=2)
    return under_way / (provider.site_months / 12.0 + delivery.bring_up[:, None])


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
        order_rate=vendor.supply * vendor.utilisation,
        order_growth=np.zeros_like(vendor.supply),
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
    """Share of chip spending by vendor (R, vendor): opening orders and fleets at list price."""
    price = setup.drawn.chip.price
    spending = per_vendor((ordered / setup.packages + fleets) * price, setup)
    return spending / np.maximum(spending.sum(axis=1), 1e-300)[:, None]


def per_vendor(by_chip: np.ndarray, setup: Setup) -> np.ndarray:
    """Sum of (R, chip) over each vendor's chips."""
    return grouped(by_chip, setup.chip_vendor, len(setup.vendors))


def slots(setup: Setup) -> tuple[int, int]:
    """Rows for contracts and for lots that the opening takes in the fullest replicate, at most; both grow by need."""
    provider = setup.drawn.provider
    tenants = (setup.drawn.lab.holdings > 0.0).sum(axis=1)
    fleets, orders = ((held > 0.0).sum(axis=2) for held in (provider.fleet, provider.on_order))
    contracts = (tenants * (VINTAGES * fleets + orders)).sum(axis=1)
    return int(contracts.max()) + 1, int(((tenants + 1) * orders).sum(axis=1).max()) + 1


def opening_book(setup: Setup, quote: np.ndarray, promised: np.ndarray) -> tuple[Book, Pipeline]:
    """Contracts under way and lots on order at the start.

    A lab holds its share of each chip a provider has in service, in vintages up to 60 % into the longest built term, at
    today's price; of the provider's orders the presold part stands against contracts in the same shares, the rest is
    inventory.
    """
    contracts, projects = slots(setup)
    width, provider = setup.width, setup.drawn.provider
    rows, lots = np.zeros((width, contracts), CONTRACT), np.zeros((width, projects), PROJECT)
    count, started = np.zeros(width, np.int64), np.zeros(width, np.int64)
    _open_book(
        setup.drawn.lab.holdings, provider.fleet, provider.on_order, provider.presold, quote, promised,
        max(setup.scenario.trade.built_terms, default=1.0), provider.site_months / 12.0,
        np.ascontiguousarray(setup.luck.site[:, :, 0]), setup.drawn.delivery.bring_up, fleet_keys(setup),
        np.ascontiguousarray(setup.luck.renewal[:, :, 0]), rows, count, lots, started,
    )  # fmt: skip
    return Book(rows, count, count.copy()), Pipeline(lots, started)


def fleet_keys(setup: Setup) -> np.ndarray:
    """What the luck of opening contracts hangs on (provider, chip), by names."""
    names = [[name_key("opening", provider, chip) for chip in setup.chips] for provider in setup.providers]
    return np.array(names, np.uint64).reshape(len(setup.providers), len(setup.chips))


@kernel
def _open_book(
    holdings, fleet, on_order, presold, quote, promised, term, site, luck, bring_up, keys, renewal, rows, count, lots,
    started,
):  # fmt: skip
    """Provider by provider and chip by chip, each lab's contracts and lots, then the provider's own lots."""
    for r in range(fleet.shape[0]):
        for p in range(fleet.shape[1]):
            for c in range(fleet.shape[2]):
                own = 1.0
                for lab in range(holdings.shape[1]):
                    share = holdings[r, lab, p]
                    chips = np.floor(share * fleet[r, p, c])
                    own_luck = kbits(renewal[r, lab])
                    count[r] = _open_contracts(
                        rows[r], count[r], lab, p, c, chips, quote[r, p, c], term, keys[p, c], own_luck
                    )
                    chips = np.floor(share * presold[r, p] * on_order[r, p, c])
                    own -= share * presold[r, p]
                    if chips >= 1.0:
                        lot = lots[r, started[r]]
                        _open_lot(lot, count[r], p, c, chips, quote[r, p, c], promised[r, p, c])
                        lot["site_left"], lot["bring_up_left"] = 0.5 * site[r, p] * luck[r, p], bring_up[r]
                        _open_pending(
                            rows[r, count[r]], count[r], lab, p, c, chips, quote[r, p, c], lot["promised"], term
                        )
                        rows[r, count[r]]["key"] = kmixed(kmixed(keys[p, c], VINTAGES), own_luck)
                        started[r] += 1
                        count[r] += 1
                chips = np.floor(max(0.0, own) * on_order[r, p, c])
                if chips >= 1.0:
                    lot = lots[r, started[r]]
                    _open_lot(lot, -1, p, c, chips, quote[r, p, c], promised[r, p, c])
                    lot["site_left"], lot["bring_up_left"] = 0.5 * site[r, p] * luck[r, p], bring_up[r]
                    started[r] += 1


@part
def _open_contracts(rows, count, lab, provider, chip, chips, price, term, key, luck):
    """Vintages of live contracts for one lab, provider and chip, where there are chips enough; the new count."""
    for vintage in range(VINTAGES):
        part = np.floor(chips * (vintage + 1) / VINTAGES) - np.floor(chips * vintage / VINTAGES)
        if part < 1.0:
            continue
        row = rows[count]
        ends = term * (1.0 - OLDEST * (VINTAGES - 1 - vintage) / (VINTAGES - 1))
        row["id"], row["lab"], row["provider"], row["chip"] = count, lab, provider, chip
        row["key"] = kmixed(kmixed(key, vintage), luck)
        row["status"], row["chips"], row["price"], row["term"] = LIVE, part, price, term
        row["signed"], row["promised"], row["started"] = ends - term, ends - term, ends - term
        row["ends"], row["ended"], row["lot"] = ends, np.nan, part
        count += 1
    return count


@part
def _open_pending(row, number, lab, provider, chip, chips, price, promised, term):
    """The contract of a lot on order."""
    row["id"], row["lab"], row["provider"], row["chip"] = number, lab, provider, chip
    row["status"], row["chips"], row["price"], row["term"] = PENDING, chips, price, term
    row["signed"], row["promised"], row["lot"] = 0.0, promised, chips
    row["started"], row["ends"], row["ended"] = np.nan, np.nan, np.nan


@part
def _open_lot(lot, contract, provider, chip, chips, price, promised):
    """A lot on order; half its site work is done."""
    lot["contract"], lot["provider"], lot["chip"], lot["chips"] = contract, provider, chip, chips
    lot["ordered"], lot["promised"] = 0.0, promised
    lot["rent"] = price * chips * HOURS_PER_YEAR


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
    built = drawn.provider.power * drawn.provider.owned_sites
    real[:, SITES, own] = SITE_AGE * built * drawn.providers.site_cost[:, None]
    real[:, STOCK, :vendors] = per_vendor(stock * drawn.chip.cost, setup)
    return Ledger(balance, real)


def open_market(
    setup: Setup, technology: Technology, list_price: np.ndarray, quote: np.ndarray, promised: np.ndarray
) -> Market:
    """The market at tick 0; what the book and the pipe add up to is filled in by the first tick."""
    width, labs, providers, chips = setup.width, len(setup.labs), len(setup.providers), len(setup.chips)
    fleet = setup.drawn.provider.fleet
    paths = revenue_potential(setup)
    vendors = opening_vendors(setup, list_price)
    book, pipeline = opening_book(setup, quote, promised)
    by_lab, by_provider = np.zeros((width, labs)), np.zeros((width, providers))
    grid = np.zeros((width, providers, chips))
    return Market(
        tick=0,
        now=0.0,
        technology=technology,
        labs=opening_labs(setup, paths),
        providers=opening_providers(setup, quote),
        vendors=vendors,
        fleet=Fleet(fleet.copy(), np.zeros((width, chips)), fleet.sum(axis=1)),
        book=book,
        holdings=Holdings(
            np.zeros((width, labs, chips)), np.zeros((width, labs, chips)), grid, by_lab, by_lab,
            np.zeros((width, labs, providers)), by_provider, by_provider, np.zeros((width, labs, providers)),
            by_lab, by_provider, np.zeros((width, chips)), np.zeros((width, providers, len(setup.vendors))),
        ),
        pipeline=pipeline,
        pipe=Pipe(grid, grid, by_provider, by_provider),
        ledger=opening_ledger(setup, vendors.stock),
        shadow=np.zeros((width, len(setup.offers.pairs) + providers + len(setup.vendors))),
        potential=paths,
    )  # fmt: skip
