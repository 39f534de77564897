"""Phase 9: every payment of the tick, borrowing, dividends, failures."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents import lab, provider, vendor
from market_sim.agents.provider import Offered
from market_sim.agents.vendor import Shipments
from market_sim.mechanisms import contracts, credit, delivery, finance
from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.finance import Journal
from market_sim.numerics import exp
from market_sim.simulation.renting import book_rents
from market_sim.simulation.trading import Trade
from market_sim.state.grouping import grouped_product
from market_sim.state.market import Market
from market_sim.state.sectors import Sectors
from market_sim.state.setup import Setup, once
from market_sim.state.tables import DEPOSITS, LOANS, Ledger, replace

LEASE_YEARS = 4.0
LEASE_SPREAD = 0.03  # over the riskless rate
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
    rate = (setup.riskless[:, market.tick] + LEASE_SPREAD) * setup.dt
    claims = np.swapaxes(market.vendors.leases, 1, 2)
    journal.pay("chips", at.provider, at.vendor, bought - leased)
    journal.pay("chips_leased", at.provider, at.vendor, leased)
    journal.pay("lease_payment", at.provider, at.vendor, paid)
    journal.pay("lease_interest", at.provider, at.vendor, claims * rate[:, None, None])


def run_providers(
    setup: Setup, market: Market, journal: Journal, at: Sectors, shipments: Shipments, begun_kw: np.ndarray
) -> None:
    """Servers, sites, operations, effort and the rest of a provider's business."""
    d, p = setup.drawn, market.providers
    finance.run_providers(
        journal, at, shipments.chips, _bare_server(setup), begun_kw, provider.site_cost(setup),
        provider.running_kw(setup, market), d.provider.opex, p.speed, d.delivery.effort_cost, market.pipe.building_rent,
        d.provider.other_cash_flow, d.provider.other_capex, provider.other_growth(setup, market), p.active, setup.dt,
    )  # fmt: skip


@once
def _bare_server(setup: Setup) -> np.ndarray:
    """USD of a server (R, chip) without its chip and the networking that the chip's vendor sells."""
    return setup.drawn.chip.server - vendor.network_price(setup)


def run_labs(setup: Setup, market: Market, journal: Journal, at: Sectors, ports: np.ndarray) -> np.ndarray:
    """Labs' business and funding; returns labs (R, lab) that cannot go on."""
    labs = market.labs
    return finance.run_labs(
        journal, at, labs.revenue, setup.drawn.lab.other_cost, ports, labs.plan, lab.funding(setup, market),
        setup.lab_owner, market.providers.active, labs.active, setup.dt,
    )  # fmt: skip


def run_vendors(
    setup: Setup, market: Market, journal: Journal, at: Sectors, made_cost: np.ndarray, operating: np.ndarray
) -> None:
    """What vendors spend on chips and on themselves, and what is left for their owners."""
    d = setup.drawn
    finance.run_vendors(
        journal, at, made_cost, operating, market.vendors.supply, market.vendors.unit_cost, setup.packages,
        setup.chip_vendor, d.vendor.cash, d.providers.dividend_rate, setup.dt,
    )  # fmt: skip


def fund_providers(setup: Setup, market: Market, journal: Journal, at: Sectors) -> np.ndarray:
    """Interest, loans, equity and dividends of providers; returns those (R, provider) that fail."""
    d, p = setup.drawn, market.providers
    rate, _ = provider.loan_terms(setup, market)
    lent, _ = provider.credit(setup, market)
    return finance.fund_providers(
        journal, at, market.ledger.balance, rate, provider.running_kw(setup, market), d.provider.opex,
        provider.raised_yearly(setup, market), p.corporate_debt, lent, market.pipe.waiting, d.chip.server,
        vendor.purchase_price(setup, market), d.providers.dividend_rate, d.providers.default_liquidity, p.active,
        setup.dt,
    )  # fmt: skip


def stock_cost(setup: Setup, market: Market, shipments: Shipments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cost of what was made and of what was sold (R, vendor), networking with it, and average unit cost (R, chip).

    `market` is as before the tick's deliveries left stock.
    """
    v = market.vendors
    return finance.stock_cost(
        shipments.sent, shipments.made, v.stock, v.unit_cost, vendor.unit_cost(setup, market.now), _network_cost(setup),
        setup.chip_vendor, len(setup.vendors),
    )  # fmt: skip


@once
def _network_cost(setup: Setup) -> np.ndarray:
    """USD that the networking beside a chip costs its vendor (R, chip), who makes it to order."""
    return vendor.network_price(setup) * (1.0 - setup.drawn.vendors.network_margin)[:, None]


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
    profit, operating = revenue - sold_cost, setup.drawn.vendor.operating_cost * revenue
    stakes = vendor.back(setup, market, (profit - operating) / setup.dt, sold)
    journal.pay("backing", at.vendor, slice(at.provider.start, at.lab.stop), stakes)
    run_vendors(setup, market, journal, at, made_cost, operating)
    failed_labs = run_labs(setup, market, journal, at, ports)
    failed = fund_providers(setup, market, journal, at)
    real = finance.assets_after(
        journal, at, market.ledger.real, made_cost, sold_cost, retired, market.fleet.in_service,
        setup.drawn.providers.life, setup.drawn.providers.site_life, setup.dt,
    )  # fmt: skip
    ledger = finance.settle(market.ledger.balance, journal.flows, real)
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
    if not failed.any():
        return market, flows, np.zeros((setup.width, at.holders)), np.zeros(failed.shape)
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
