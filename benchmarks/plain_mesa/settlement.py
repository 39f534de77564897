"""Phase 9: all payments of a tick, borrowing, dividends and backing."""

from math import exp
from typing import Any

from benchmarks.plain_mesa.accounts import move, pay
from benchmarks.plain_mesa.contracts import Due
from benchmarks.plain_mesa.failure import fail_labs, restructure

LOAN_YEARS = 4.0
LEASE_YEARS = 4.0
LEASE_SPREAD = 0.03
SPARE_RATE = 2.0  # per year, at which owners take what their labs do not need


def settle(model: Any) -> bool:
    """Book the tick, then resolve whoever cannot pay; whether a provider failed."""
    for vendor in model.vendors:
        vendor.sold = {p: bought(vendor, p) for p in model.providers}
        vendor.reserve = vendor.own.cash + 0.25 * vendor.yearly_production()
    for (lab, provider), due in model.due.items():
        pay_rent(lab, provider, due)
    leased = {(v, p): v.leased(p) for v in model.vendors for p in model.providers}
    for provider in model.providers:
        pay_for_chips(model, provider, leased)
        run_provider(model, provider)
    for vendor in model.vendors:
        run_vendor(model, vendor)
    for lab in model.labs:
        run_lab(model, lab)
    failed_labs = fund_labs(model)
    failed = [provider for provider in model.providers if finance_provider(model, provider)]
    for vendor in model.vendors:
        finance_vendor(model, vendor)
    for provider in model.providers:
        wear(model, provider)
    commit(model, leased)
    fail_labs(model, failed_labs)
    restructure(model, failed)
    return bool(failed)


def bought(vendor: Any, provider: Any) -> float:
    """USD of a vendor's chips that reached a provider this tick, and of the networking it sells with them."""
    return sum(provider.arriving[chip.place] * (provider.purchase[chip.place] + chip.network) for chip in vendor.chips)


def pay_rent(lab: Any, provider: Any, due: Due) -> None:
    """What a lab and a provider owe each other: in cash, out of prepayments and out of credits."""
    one, other = lab.account, provider.account
    pay(one, other, due.rent - due.prepaid_used - due.credit_used)
    move(one, other, due.prepaid_used + due.prepaid_lost, "prepayments")
    move(one, other, due.credit_used, "credits")
    pay(one, other, due.prepayment - due.refunded, "prepayments")
    move(other, one, due.credit_accrued, "credits")
    pay(other, one, due.credit_paid, "credits")


def pay_for_chips(model: Any, provider: Any, leased: dict[tuple[Any, Any], float]) -> None:
    """Chips, partly against leases, and what is due on leases."""
    gone = 1.0 - exp(-model.dt / LEASE_YEARS)
    rate = model.riskless[model.tick] + LEASE_SPREAD
    for vendor in model.vendors:
        owed = vendor.leases.get(provider, 0.0)
        pay(provider.account, vendor.account, vendor.sold[provider] - leased[vendor, provider])
        move(provider.account, vendor.account, leased[vendor, provider], "leases")
        pay(provider.account, vendor.account, owed * gone, "leases")
        pay(provider.account, vendor.account, owed * rate * model.dt)


def run_provider(model: Any, provider: Any) -> None:
    """Servers, sites, operations, effort and the rest of a provider's business."""
    own, dt, given, account = provider.own, model.dt, model.given, provider.account
    provider.servers = sum(provider.arriving[chip.place] * (chip.server - chip.network) for chip in model.chips)
    provider.sites_begun = (provider.begun_kw + provider.inventory_kw) * provider.site_kw
    effort = given.delivery.effort_cost * provider.speed**2 * provider.building_rent
    grown = model.other_growth * provider.active
    pay(account, model.suppliers, provider.servers + provider.sites_begun)
    pay(account, model.suppliers, (provider.running_kw * own.opex + effort + own.other_capex * grown) * dt)
    pay(model.customers, account, own.other_cash_flow * grown * dt)


def run_vendor(model: Any, vendor: Any) -> None:
    """A vendor makes chips, pays its own cost, and backs customers out of what it earns."""
    made_cost, sold_cost = vendor.move_stock()
    sales = sum(vendor.sold.values())
    pay(vendor.account, model.suppliers, made_cost + vendor.own.operating_cost * sales)
    vendor.account.stock += made_cost - sold_cost
    vendor.backed = vendor.backing((sales - sold_cost - vendor.own.operating_cost * sales) / model.dt)
    for customer, usd in vendor.backed.items():
        pay(vendor.account, customer.account, usd, "equity")


def run_lab(model: Any, lab: Any) -> None:
    """Customers pay a lab, which pays its own cost and its ports."""
    pay(model.customers, lab.account, lab.revenue * model.dt)
    pay(lab.account, model.suppliers, lab.own.other_cost * lab.revenue * model.dt + lab.ports_paid)


def fund_labs(model: Any) -> list[Any]:
    """Investors fund labs, owners cover what is missing and take what is too much; the labs that cannot go on."""
    for lab in model.labs:
        raised = min(max(0.5 * lab.plan - lab.account.deposits, 0.0), lab.funding() * model.dt)
        pay(model.investors, lab.account, raised, "equity")
    for lab in model.labs:
        if lab.owner is not None:
            share_with_owner(lab, lab.owner, 1.0 - exp(-SPARE_RATE * model.dt))
    failed = [lab for lab in model.labs if lab.active and lab.account.deposits < -1.0]
    for lab in model.labs:
        pay(model.investors, lab.account, max(0.0, -lab.account.deposits), "equity")
    return failed


def share_with_owner(lab: Any, owner: Any, taken: float) -> None:
    """The owner's cash is there for the lab, and the lab's spare cash for the owner."""
    cash = lab.account.deposits
    purse = max(0.0, owner.account.deposits) * owner.active
    spare = max(0.0, cash - 0.5 * lab.plan) * taken * owner.active
    pay(owner.account, lab.account, min(purse, max(0.0, -cash)), "equity")
    pay(lab.account, owner.account, spare)


def finance_provider(model: Any, provider: Any) -> bool:
    """Interest, equity, loans and dividends; True if the provider fails."""
    given, dt, account, debt = model.given.providers, model.dt, provider.account, provider.debt
    interest = debt * loan_rate(given, provider)
    pay(account, model.lenders, interest * dt)
    yearly = provider.running_kw * provider.own.opex + interest
    buffer = 0.25 * yearly
    raised = min(max(2.0 * buffer - account.deposits, 0.0), provider.raised_yearly() * dt)
    pay(model.investors, account, raised, "equity")
    repaid = max(0.0, debt - provider.corporate_debt) * (1.0 - exp(-dt / LOAN_YEARS))
    room = max(0.0, provider.credit() - (debt - repaid))
    drawn = min(room, max(0.0, buffer - (account.deposits - repaid)))
    pay(model.lenders, account, drawn - repaid, "loans")
    need = 2.0 * buffer + sum(
        provider.waiting[chip.place] * (chip.server + chip.vendor.price_to(provider, chip)) for chip in model.chips
    )
    pay(account, model.investors, dividend(account.deposits - need, given.dividend_rate, dt))
    return provider.active and account.deposits < -given.default_liquidity * yearly - 1.0


def loan_rate(given: Any, provider: Any) -> float:
    """Interest a year: base and what lenders ask today, less what solid customers or guarantees save."""
    saved = given.credit_saving * max(provider.solid, provider.covered)
    return provider.model.riskless[provider.model.tick] + provider.debt_spread() * (1.0 - saved)


def dividend(spare: float, rate: float, dt: float) -> float:
    return max(0.0, spare) * (1.0 - exp(-rate * dt))


def finance_vendor(model: Any, vendor: Any) -> None:
    """Investors make good what is missing and get what is beyond the vendor's reserve."""
    cash = vendor.account.deposits
    pay(model.investors, vendor.account, max(0.0, -cash), "equity")
    pay(vendor.account, model.investors, dividend(cash - vendor.reserve, model.given.providers.dividend_rate, model.dt))


def wear(model: Any, provider: Any) -> None:
    """Gear and sites at book: bought, worn out, switched off."""
    given, account, off = model.given.providers, provider.account, provider.switched_off
    worn = 1.0 - exp(-model.dt * 2.0 / given.life)
    decay = 1.0 - exp(-model.dt * 2.0 / given.site_life)
    paid = sum(vendor.sold[provider] for vendor in model.vendors) + provider.servers
    account.chips += paid - account.chips * (worn + off - worn * off)
    account.sites += provider.sites_begun - account.sites * decay


def commit(model: Any, leased: dict[tuple[Any, Any], float]) -> None:
    """Vendors' claims after the tick; guarantees equal stakes in providers."""
    left = exp(-model.dt / LEASE_YEARS)
    for vendor in model.vendors:
        for customer, usd in vendor.backed.items():
            vendor.stakes[customer] = vendor.stakes.get(customer, 0.0) + usd
        for provider in model.providers:
            vendor.leases[provider] = vendor.leases.get(provider, 0.0) * left + leased[vendor, provider]
            vendor.guarantees[provider] = vendor.stakes.get(provider, 0.0)
