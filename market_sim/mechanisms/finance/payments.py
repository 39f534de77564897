"""What firms pay and are paid in a tick beside rents and chips, and how they are funded: one pass over each kind.

Each rule books a firm's payments one after another, so that what it raises or pays out follows from the cash that it
has by then. USD throughout; `dt` is the tick in years.
"""

import numpy as np

from market_sim.mechanisms.finance.journal import FLOW, Journal, pay
from market_sim.mechanisms.finance.lending import borrowing
from market_sim.numerics import kernel, kexp, part
from market_sim.state.sectors import Sectors
from market_sim.state.tables import LOANS

SERVERS, SITES, OPERATIONS, EFFORT = (FLOW[kind] for kind in ("servers", "sites", "operations", "building_effort"))
OTHER_BUSINESS, OTHER_CAPEX, PRODUCTION = (FLOW[kind] for kind in ("other_business", "other_capex", "production"))
VENDOR_COST, LAB_COST, REVENUE = (FLOW[kind] for kind in ("vendor_operations", "lab_operations", "model_revenue"))
PORTS, INTEREST, LENT, EQUITY, PAID_OUT = (FLOW[kind] for kind in ("ports", "interest", "loans", "equity", "dividends"))

LOAN_YEARS = 4.0
BUFFER = 0.25  # years of a provider's running cost and interest that it keeps in cash, or borrows
KEPT = 0.25  # years of production that a vendor keeps in cash
PLANNED = 0.5  # years of its plan that a lab keeps in cash
SPARE_RATE = 2.0  # per year, with which an owner takes what its lab has beyond that
OVERDRAWN = -1.0  # USD: a firm with less has failed, and not by rounding
SCRAP = 1e-6  # chips: a stock below this is what rounding left of none


@part
def _cost_of(chips, price):
    """USD of chips (chip,) at a price each."""
    total = 0.0
    for c in range(chips.shape[0]):
        total += chips[c] * price[c]
    return total


@part
def dividends(cash, need, part):
    """USD returned to investors: a `part` of cash above need."""
    return max(0.0, cash - need) * part


@kernel
def _run_providers(
    flows, deposits, first, customers, suppliers, shipped, server, begun_kw, site_cost, kw, opex, speed, effort_cost,
    building_rent, other_flow, other_capex, grown, active, dt,
):  # fmt: skip
    for r in range(kw.shape[0]):
        book, cash = flows[r], deposits[r]
        for p in range(kw.shape[1]):
            h, x = first + p, speed[r, p]
            pay(book, cash, SERVERS, h, suppliers, _cost_of(shipped[r, p], server[r]))
            pay(book, cash, SITES, h, suppliers, begun_kw[r, p] * site_cost[r, p])
            pay(book, cash, OPERATIONS, h, suppliers, kw[r, p] * opex[r, p] * dt)
            pay(book, cash, EFFORT, h, suppliers, effort_cost[r] * x * x * building_rent[r, p] * dt)
            if active[r, p]:
                pay(book, cash, OTHER_BUSINESS, customers, h, other_flow[r, p] * grown[r] * dt)
                pay(book, cash, OTHER_CAPEX, h, suppliers, other_capex[r, p] * grown[r] * dt)


def run_providers(
    journal: Journal, at: Sectors, shipped: np.ndarray, server: np.ndarray, begun_kw: np.ndarray, site_cost: np.ndarray,
    kw: np.ndarray, opex: np.ndarray, speed: np.ndarray, effort_cost: np.ndarray, building_rent: np.ndarray,
    other_flow: np.ndarray, other_capex: np.ndarray, grown: np.ndarray, active: np.ndarray, dt: float,
) -> None:  # fmt: skip
    """Servers for the chips `shipped` (replicate, provider, chip), sites begun, operations of what runs (`kw`), effort
    c x^2 on the rent that waits for sites, x being the chosen log speed-up, and other businesses.

    `server` USD (replicate, chip); `site_cost` USD per kW, `opex` USD per kW and year and what others bring and spend
    in USD a year (replicate, provider); c and how far others have `grown` (replicate,).
    """
    _run_providers(
        journal.flows, journal.deposits, at.provider.start, at.customers.start, at.suppliers.start, shipped, server,
        begun_kw, site_cost, kw, opex, speed, effort_cost, building_rent, other_flow, other_capex, grown, active, dt,
    )  # fmt: skip


@kernel
def _fund_providers(
    flows, deposits, first, lenders, investors, balance, rate, kw, opex, offered, corporate, credit, waiting, server,
    price, dividend_rate, liquidity, active, dt, failed,
):  # fmt: skip
    due = 1.0 - kexp(-dt / LOAN_YEARS)
    for r in range(failed.shape[0]):
        book, cash, part_paid = flows[r], deposits[r], 1.0 - kexp(-dividend_rate[r] * dt)
        for p in range(failed.shape[1]):
            h = first + p
            debt = -balance[r, LOANS, h]
            yearly = kw[r, p] * opex[r, p] + debt * rate[r, p]
            buffer = BUFFER * yearly
            pay(book, cash, INTEREST, h, lenders, debt * rate[r, p] * dt)
            pay(book, cash, EQUITY, investors, h, min(max(2.0 * buffer - cash[h], 0.0), offered[r, p] * dt))
            drawn = borrowing(cash[h], debt, corporate[r, p], credit[r, p], buffer, due)
            pay(book, cash, LENT, lenders, h, drawn)
            orders = _cost_of(waiting[r, p], server[r]) + _cost_of(waiting[r, p], price[r, p])
            pay(book, cash, PAID_OUT, h, investors, dividends(cash[h], 2.0 * buffer + orders, part_paid))
            failed[r, p] = active[r, p] and cash[h] < OVERDRAWN - liquidity[r] * yearly


def fund_providers(
    journal: Journal, at: Sectors, balance: np.ndarray, rate: np.ndarray, kw: np.ndarray, opex: np.ndarray,
    offered: np.ndarray, corporate: np.ndarray, credit: np.ndarray, waiting: np.ndarray, server: np.ndarray,
    price: np.ndarray, dividend_rate: np.ndarray, liquidity: np.ndarray, active: np.ndarray, dt: float,
) -> np.ndarray:  # fmt: skip
    """Interest at `rate` on the loans in the opening `balance`, equity as `offered` (USD a year) up to half a year's
    cost, loans within `credit` up to a quarter's, and dividends of what half a year's cost and orders leave.

    All (replicate, provider) but for `waiting` chips and their `price` (replicate, provider, chip), what a `server`
    costs (replicate, chip), and `dividend_rate` and `liquidity` (replicate,). Returns the providers that fail: those
    that owe more than that part of a year's cost (replicate, provider).
    """
    failed = np.empty(rate.shape, np.bool_)
    _fund_providers(
        journal.flows, journal.deposits, at.provider.start, at.lenders.start, at.investors.start, balance, rate, kw,
        opex, offered, corporate, credit, waiting, server, price, dividend_rate, liquidity, active, dt, failed,
    )  # fmt: skip
    return failed


@kernel
def _stock_cost(sent, made, stock, unit_cost, today, beside, vendor_of, made_cost, sold_cost, average):
    for r in range(average.shape[0]):
        for c in range(average.shape[1]):
            before = max(0.0, stock[r, c])
            total = before + made[r, c]
            spent = before * unit_cost[r, c] + made[r, c] * today[r, c]
            average[r, c] = spent / total if total > SCRAP else today[r, c]
            made_cost[r, vendor_of[c]] += made[r, c] * today[r, c] + sent[r, c] * beside[r, c]
            sold_cost[r, vendor_of[c]] += sent[r, c] * (average[r, c] + beside[r, c])


def stock_cost(
    sent: np.ndarray, made: np.ndarray, stock: np.ndarray, unit_cost: np.ndarray, today: np.ndarray,
    beside: np.ndarray, vendor_of: np.ndarray, vendors: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Cost of what was made and of what was sold (replicate, vendor), and the average cost of a chip in stock
    (replicate, chip).

    `stock` chips before those `made` came and those `sent` left it, at their `unit_cost`; what a chip costs to make
    `today`, and what is made `beside` each that is sent, all (replicate, chip).
    """
    made_cost, sold_cost = np.zeros((2, len(sent), vendors))
    average = np.empty(sent.shape)
    _stock_cost(sent, made, stock, unit_cost, today, beside, vendor_of, made_cost, sold_cost, average)
    return made_cost, sold_cost, average


@kernel
def _run_vendors(
    flows, deposits, first, investors, suppliers, made_cost, operating, supply, unit_cost, packages, vendor_of, reserve,
    dividend_rate, dt,
):  # fmt: skip
    each, chips = np.empty(made_cost.shape[1]), np.empty(made_cost.shape[1])
    for r in range(made_cost.shape[0]):
        book, cash, part_paid = flows[r], deposits[r], 1.0 - kexp(-dividend_rate[r] * dt)
        each[:], chips[:] = 0.0, 0.0
        for c in range(vendor_of.shape[0]):
            each[vendor_of[c]] += unit_cost[r, c] / packages[c]
            chips[vendor_of[c]] += 1.0
        for v in range(made_cost.shape[1]):
            h = first + v
            pay(book, cash, PRODUCTION, h, suppliers, made_cost[r, v])
            pay(book, cash, VENDOR_COST, h, suppliers, operating[r, v])
            yearly = supply[r, v] * each[v] / max(chips[v], 1.0)
            spare = dividends(cash[h], reserve[r, v] + KEPT * yearly, part_paid)
            pay(book, cash, EQUITY, investors, h, max(0.0, -cash[h]))
            pay(book, cash, PAID_OUT, h, investors, spare)


def run_vendors(
    journal: Journal, at: Sectors, made_cost: np.ndarray, operating: np.ndarray, supply: np.ndarray,
    unit_cost: np.ndarray, packages: np.ndarray, vendor_of: np.ndarray, reserve: np.ndarray, dividend_rate: np.ndarray,
    dt: float,
) -> None:  # fmt: skip
    """What vendors spent on chips (`made_cost`) and on themselves (`operating`), both (replicate, vendor); investors
    make good what is missing and get what a vendor's `reserve` and a quarter's production leave.

    A year's production is `supply` in packages at the mean cost of one over a vendor's chips, `unit_cost` USD a chip
    (replicate, chip) of so many `packages` (chip,).
    """
    _run_vendors(
        journal.flows, journal.deposits, at.vendor.start, at.investors.start, at.suppliers.start, made_cost, operating,
        supply, unit_cost, packages, vendor_of, reserve, dividend_rate, dt,
    )  # fmt: skip


@kernel
def _run_labs(
    flows, deposits, first, first_provider, customers, investors, suppliers, revenue, other_cost, ports, plan, offered,
    owner, owner_active, active, dt, failed,
):  # fmt: skip
    taken = 1.0 - kexp(-SPARE_RATE * dt)
    for r in range(failed.shape[0]):
        book, cash = flows[r], deposits[r]
        for i in range(failed.shape[1]):
            h = first + i
            pay(book, cash, REVENUE, customers, h, revenue[r, i] * dt)
            pay(book, cash, LAB_COST, h, suppliers, other_cost[r, i] * revenue[r, i] * dt)
            pay(book, cash, PORTS, h, suppliers, ports[r, i])
            pay(book, cash, EQUITY, investors, h, min(max(PLANNED * plan[r, i] - cash[h], 0.0), offered[r, i] * dt))
        for i in range(failed.shape[1]):
            h, g = first + i, first_provider + owner[i]
            if owner[i] >= 0 and owner_active[r, owner[i]]:
                missing, spare = max(0.0, -cash[h]), max(0.0, cash[h] - PLANNED * plan[r, i])
                pay(book, cash, EQUITY, g, h, min(max(0.0, cash[g]), missing))
                pay(book, cash, PAID_OUT, h, g, spare * taken)
            failed[r, i] = active[r, i] and cash[h] < OVERDRAWN
            pay(book, cash, EQUITY, investors, h, max(0.0, -cash[h]))


def run_labs(
    journal: Journal, at: Sectors, revenue: np.ndarray, other_cost: np.ndarray, ports: np.ndarray, plan: np.ndarray,
    offered: np.ndarray, owner: np.ndarray, owner_active: np.ndarray, active: np.ndarray, dt: float,
) -> np.ndarray:  # fmt: skip
    """Labs earn their `revenue` (USD a year), pay the share `other_cost` of it and their `ports`. Investors fund them
    up to half a year of the `plan` as far as equity is `offered`, owners (lab,) cover what is then missing and take
    what is too much. All (replicate, lab).

    Returns labs that cannot go on: cash, funding and the owner's cash are gone; investors make good the rest.
    """
    failed = np.empty(revenue.shape, np.bool_)
    _run_labs(
        journal.flows, journal.deposits, at.lab.start, at.provider.start, at.customers.start, at.investors.start,
        at.suppliers.start, revenue, other_cost, ports, plan, offered, owner, owner_active, active, dt, failed,
    )  # fmt: skip
    return failed
