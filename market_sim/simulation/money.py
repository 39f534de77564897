"""Phase 9: every payment of the tick, borrowing, dividends, failures."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import lab, provider, vendor
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Shipments
from market_sim.mechanisms import contracts, credit, delivery, finance
from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.finance import FLOW, Journal, Sectors
from market_sim.numerics import exp
from market_sim.simulation.renting import book_rents
from market_sim.simulation.trading import Trade
from market_sim.state.grouping import grouped_product, rows, weighed
from market_sim.state.initial import per_vendor
from market_sim.state.market import Market
from market_sim.state.setup import Setup, once
from market_sim.state.tables import CHIPS, DEPOSITS, LOANS, SITES, STOCK, Ledger, replace

LOAN_YEARS = 4.0
LEASE_YEARS = 4.0
LEASE_SPREAD = 0.03  # over the riskless rate
SCRAP = 1e-6  # chips: a stock below this is what rounding left of none
ENTRY_HISTORY = -1e9  # an acquired firm does not come back


@dataclass(frozen=True)
class Settled:
    """What the tick did to the accounts."""

    flows: np.ndarray  # (R, flow, holder) USD
    written_off: np.ndarray  # (R, holder) USD
    bought: np.ndarray  # (R, vendor, provider) USD of chips
    profit: np.ndarray  # (R, vendor) USD of gross profit
    failed: np.ndarray  # (R, provider) bool
    failed_labs: np.ndarray  # (R, lab) bool
    lost: np.ndarray  # (R, provider) USD of loans written off


def sectors(setup: Setup) -> Sectors:
    """Who stands where on the holder axis."""
    return Sectors(len(setup.vendors), len(setup.providers), len(setup.labs))


def purchases(setup: Setup, offered: Offered, shipments: Shipments) -> np.ndarray:
    """USD of chips bought (R, provider, vendor), with the networking that their vendor sells beside them."""
    price = vendor.price_with_network(setup, offered.costs.purchase)
    return grouped_product(shipments.chips, price, setup.chip_vendor, len(setup.vendors))


@once
def due_on_leases(setup: Setup) -> float:
    """Part of lease claims that is paid back in a tick."""
    return 1.0 - float(exp(-setup.dt / LEASE_YEARS))


def pay_vendors(
    setup: Setup,
    market: Market,
    journal: Journal,
    at: Sectors,
    bought: np.ndarray,
    leased: np.ndarray,
    paid: np.ndarray,
) -> None:
    """Chips, partly against leases, and what is `paid` on leases, all (R, provider, vendor)."""
    rate = (setup.drawn.providers.debt_rate + LEASE_SPREAD) * setup.dt
    claims = np.swapaxes(market.vendors.leases, 1, 2)
    journal.pay("chips", at.provider, at.vendor, bought - leased)
    journal.pay("chips_leased", at.provider, at.vendor, leased)
    journal.pay("lease_payment", at.provider, at.vendor, paid)
    journal.pay("lease_interest", at.provider, at.vendor, claims * rate[:, None, None])


def run_providers(
    setup: Setup, market: Market, journal: Journal, at: Sectors, shipments: Shipments, begun_kw: np.ndarray
) -> None:
    """Servers, sites, operations, effort and the rest of a provider's business."""
    d, dt = setup.drawn, setup.dt
    kw = provider.running_kw(setup, market)
    x, grown = market.providers.speed, provider.other_growth(setup, market) * market.providers.active
    servers = d.chip.server - vendor.network_price(setup)
    journal.pay("servers", at.provider, at.suppliers, weighed(shipments.chips, servers))
    journal.pay("sites", at.provider, at.suppliers, begun_kw * provider.site_cost(setup))
    journal.pay("operations", at.provider, at.suppliers, kw * d.provider.opex * dt)
    journal.pay(
        "building_effort",
        at.provider,
        at.suppliers,
        d.delivery.effort_cost[:, None] * x * x * market.pipe.building_rent * dt,
    )
    journal.pay("other_business", at.customers, at.provider, d.provider.other_cash_flow * grown * dt)
    journal.pay("other_capex", at.provider, at.suppliers, d.provider.other_capex * grown * dt)


def run_others(
    setup: Setup,
    market: Market,
    journal: Journal,
    at: Sectors,
    made_cost: np.ndarray,
    revenue: np.ndarray,
    ports: np.ndarray,
) -> None:
    """Vendors make chips and pay their own cost; customers pay labs, labs pay their own cost."""
    d, dt = setup.drawn, setup.dt
    journal.pay("production", at.vendor, at.suppliers, made_cost)
    journal.pay("vendor_operations", at.vendor, at.suppliers, d.vendor.operating_cost * revenue)
    journal.pay("model_revenue", at.customers, at.lab, market.labs.revenue * dt)
    journal.pay("lab_operations", at.lab, at.suppliers, d.lab.other_cost * market.labs.revenue * dt)
    journal.pay("ports", at.lab, at.suppliers, ports)


def fund_labs(setup: Setup, market: Market, journal: Journal, at: Sectors) -> np.ndarray:
    """Investors fund labs up to half a year of plans, owners cover what is then missing and take what is too much.

    Returns labs (R, lab) that cannot go on: cash, funding and the owner's cash are gone; investors make good the rest.
    """
    need = 0.5 * market.labs.plan
    raised = np.clip(need - journal.cash(at.lab), 0.0, lab.funding(setup, market) * setup.dt)
    journal.pay("equity", at.investors, at.lab, raised)
    for one in np.flatnonzero(setup.lab_owner >= 0):
        owner, own = _one(at.provider, setup.lab_owner[one]), _one(at.lab, int(one))
        alive = market.providers.active[:, setup.lab_owner[one], None]
        cash = journal.cash(own)
        purse = np.maximum(0.0, journal.cash(owner)) * alive
        spare = np.maximum(0.0, cash - need[:, one, None]) * (1.0 - exp(np.array(-2.0 * setup.dt))) * alive
        journal.pay("equity", owner, own, np.minimum(purse, np.maximum(0.0, -cash))[:, None])
        journal.pay("dividends", own, owner, spare[:, None])
    short = journal.cash(at.lab)
    failed = (short < -1.0) & market.labs.active
    journal.pay("equity", at.investors, at.lab, np.maximum(0.0, -short))
    return failed


def _one(group: slice, index: int) -> slice:
    return slice(group.start + int(index), group.start + int(index) + 1)


def yearly_production(setup: Setup, market: Market) -> np.ndarray:
    """USD a year (R, vendor) of making chips at full supply, at the mean cost of a package over a vendor's chips."""
    each = per_vendor(market.vendors.unit_cost / setup.packages, setup)
    chips = per_vendor(np.ones_like(market.vendors.unit_cost), setup)
    return market.vendors.supply * each / np.maximum(chips, 1.0)


def finance_firms(setup: Setup, market: Market, journal: Journal, at: Sectors) -> np.ndarray:
    """Interest, loans, equity and dividends of providers and vendors; returns providers (R, provider) that fail."""
    d, dt = setup.drawn, setup.dt
    debt = -market.ledger.balance[:, LOANS, at.provider]
    rate = finance.loan_rate(
        d.providers.debt_rate,
        provider.debt_spread(setup, market.now),
        d.providers.credit_saving,
        np.maximum(market.holdings.solid, provider.guaranteed(setup, market)),
    )
    journal.pay("interest", at.provider, at.lenders, debt * rate * dt)
    yearly = provider.running_kw(setup, market) * d.provider.opex + debt * rate
    buffer = 0.25 * yearly
    cash = journal.cash(at.provider)
    raised = np.clip(2.0 * buffer - cash, 0.0, provider.raised_yearly(setup, market) * dt)
    journal.pay("equity", at.investors, at.provider, raised)
    corporate = market.providers.corporate_debt
    drawn = finance.borrowing(cash + raised, debt, corporate, provider.credit(setup, market), buffer, LOAN_YEARS, dt)
    journal.pay("loans", at.lenders, at.provider, drawn)
    cash = journal.cash(at.provider)
    plans = 2.0 * buffer + weighed(market.pipe.waiting, d.chip.server)
    plans = plans + weighed(market.pipe.waiting, vendor.purchase_price(setup, market))
    journal.pay("dividends", at.provider, at.investors, finance.dividends(cash, plans, d.providers.dividend_rate, dt))
    spare = journal.cash(at.vendor)
    journal.pay("equity", at.investors, at.vendor, np.maximum(0.0, -spare))
    keep = d.vendor.cash + 0.25 * yearly_production(setup, market)
    journal.pay("dividends", at.vendor, at.investors, finance.dividends(spare, keep, d.providers.dividend_rate, dt))
    limit = -d.providers.default_liquidity[:, None] * yearly
    return (journal.cash(at.provider) < limit - 1.0) & market.providers.active


def share_retired(market: Market, retired: np.ndarray) -> np.ndarray:
    """Share of each provider's chips switched off in the tick (R, provider); `market` is as after that."""
    off = rows(retired)
    fleet = rows(market.fleet.in_service) + off
    return np.where(fleet > 0.0, off / np.where(fleet > 0.0, fleet, 1.0), 0.0)


def asset_changes(
    setup: Setup,
    market: Market,
    journal: Journal,
    at: Sectors,
    made_cost: np.ndarray,
    sold_cost: np.ndarray,
    off: np.ndarray,
) -> np.ndarray:
    """Change of chips, sites and stock at book (R, asset, holder): bought, worn out, switched off, sold.

    `off` is the share of each provider's chips that was switched off (R, provider).
    """
    d, real = setup.drawn, market.ledger.real
    change = np.zeros_like(real)
    gear, site = real[:, CHIPS, at.provider], real[:, SITES, at.provider]
    wear = 1.0 - exp(-setup.dt * 2.0 / d.providers.life)[:, None]
    decay = 1.0 - exp(-setup.dt * 2.0 / d.providers.site_life)[:, None]
    bought = -sum(journal.flows[:, FLOW[k], at.provider] for k in ("chips", "chips_leased", "servers"))
    change[:, CHIPS, at.provider] = bought - gear * (wear + off - wear * off)
    change[:, SITES, at.provider] = -journal.flows[:, FLOW["sites"], at.provider] - site * decay
    change[:, STOCK, at.vendor] = made_cost - sold_cost
    return change


def stock_cost(setup: Setup, market: Market, shipments: Shipments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cost of what was made and of what was sold (R, vendor), networking with it, and average unit cost (R, chip).

    `market` is as before the tick's deliveries left stock.
    """
    today = vendor.unit_cost(setup, market.now)
    sent = shipments.chips.sum(axis=1)
    before = np.maximum(0.0, market.vendors.stock)
    total = before + shipments.made
    average = np.where(
        total > SCRAP,
        (before * market.vendors.unit_cost + shipments.made * today) / np.where(total > SCRAP, total, 1.0),
        today,
    )
    beside = vendor.network_price(setup) * (1.0 - setup.drawn.vendors.network_margin)[:, None]  # made to order
    made = per_vendor(shipments.made * today + sent * beside, setup)
    return made, per_vendor(sent * (average + beside), setup), average


def settle(
    setup: Setup, before: Market, market: Market, offered: Offered, trade: Trade, events: Events, shipments: Shipments,
    begun_kw: np.ndarray, ports: np.ndarray, retired: np.ndarray,
) -> tuple[Market, Settled]:  # fmt: skip
    """Book the tick. `before` is the market before deliveries (for stock at cost), `market` after contract events."""
    at = sectors(setup)
    journal = Journal(market.ledger.balance[:, DEPOSITS])
    bought = purchases(setup, offered, shipments)
    leased, paid, leases = credit.leases(bought, market.vendors.stakes, market.vendors.leases, due_on_leases(setup))
    made_cost, sold_cost, average = stock_cost(setup, before, shipments)
    book_rents(journal, at, events, trade.signed.prepayment)
    pay_vendors(setup, market, journal, at, bought, leased, paid)
    run_providers(setup, market, journal, at, shipments, begun_kw)
    revenue, sold = bought.sum(axis=1), np.ascontiguousarray(np.swapaxes(bought, 1, 2))
    run_others(setup, market, journal, at, made_cost, revenue, ports)
    profit = revenue - sold_cost
    stakes = vendor.back(setup, market, (profit - setup.drawn.vendor.operating_cost * revenue) / setup.dt, sold)
    journal.pay("backing", at.vendor, slice(at.provider.start, at.lab.stop), stakes)
    failed_labs = fund_labs(setup, market, journal, at)
    failed = finance_firms(setup, market, journal, at)
    change = asset_changes(setup, before, journal, at, made_cost, sold_cost, share_retired(market, retired))
    ledger = finance.settle(market.ledger, journal.flows, change)
    market = _commit(setup, market, ledger, average, stakes, leases, failed_labs)
    ledger, stakes, lost_equity = finance.fail_labs(failed_labs, market.ledger, market.vendors.stakes, at)
    market = replace(market, ledger=ledger, vendors=replace(market.vendors, stakes=stakes))
    market, flows, written, lost = resolve(setup, market, journal.flows, failed, at)
    return market, Settled(flows, written + lost_equity, sold, profit, failed, failed_labs, lost)


def _commit(setup, market, ledger: Ledger, average, stakes, leases, failed_labs) -> Market:  # type: ignore[no-untyped-def]
    held = market.vendors.stakes + stakes
    vendors = replace(
        market.vendors, unit_cost=average, stakes=held, leases=leases,
        guarantees=held[:, :, : len(setup.providers)].copy(),
    )  # fmt: skip
    labs = replace(market.labs, active=market.labs.active & ~failed_labs)
    return replace(market, ledger=ledger, vendors=vendors, labs=labs)


def resolve(
    setup: Setup, market: Market, flows: np.ndarray, failed: np.ndarray, at: Sectors
) -> tuple[Market, np.ndarray, np.ndarray, np.ndarray]:
    """Restructure failed providers; contracts, lots, sites and fleets go to the buyer."""
    v = market.vendors
    debt = -market.ledger.balance[:, LOANS, at.provider]
    after = finance.restructure(
        failed, setup.drawn.providers.recovery, v.guarantees, market.ledger, market.fleet.in_service,
        market.providers.power, market.providers.active, flows, v.stakes, v.leases, at,
    )  # fmt: skip
    sold = (after.buyer >= 0) & (after.buyer != np.arange(failed.shape[1]))
    buyer = np.where(sold, after.buyer, -1)
    none = np.zeros(setup.width, np.int64)
    market = replace(
        market,
        ledger=after.ledger,
        fleet=replace(market.fleet, in_service=after.in_service),
        providers=replace(
            market.providers, power=after.power, active=after.active,
            entry_clock=np.where(sold, ENTRY_HISTORY, market.providers.entry_clock),
        ),
        vendors=replace(
            v, stakes=after.stakes, leases=after.leases,
            guarantees=np.where(failed[:, None, :], 0.0, v.guarantees),
        ),
        book=contracts.move(market.book, buyer),
        pipeline=delivery.reassign(market.pipeline, np.zeros((setup.width, 1), np.int64), none, buyer),
    )  # fmt: skip
    lost = np.where(failed, np.maximum(0.0, debt + market.ledger.balance[:, LOANS, at.provider]), 0.0)
    return market, after.flows, after.written_off, lost
