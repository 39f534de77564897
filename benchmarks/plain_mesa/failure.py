"""What becomes of labs and providers that cannot pay."""

from typing import Any

from benchmarks.plain_mesa.accounts import Account, move, pay

GONE = -1e9  # on the entry clock: a firm that was sold does not come back


def fail_labs(model: Any, failed: list[Any]) -> None:
    """A failed lab is out of business; its owners lose their equity."""
    for lab in failed:
        lab.active = False
        write_off_owners(model, lab, "equity")


def write_off_owners(model: Any, firm: Any, claim: str) -> None:
    """Vendors and investors lose their equity or leases in a firm."""
    for vendor in model.vendors:
        held = vendor.stakes if claim == "equity" else vendor.leases
        move(vendor.account, firm.account, held.get(firm, 0.0), claim)
        held[firm] = 0.0
    move(model.investors, firm.account, -getattr(firm.account, claim), claim)


def restructure(model: Any, failed: list[Any]) -> None:
    """Every failed provider is sold whole to the one with most cash, or written down and goes on."""
    sold: dict[Any, Any] = {}
    for firm in failed:
        price = model.given.providers.recovery * (firm.account.chips + firm.account.sites)
        sound = [p for p in model.providers if p.active and p not in failed and p.account.deposits > 2.0 * price]
        buyer = max(sound, key=lambda p: p.account.deposits, default=None)
        call_guarantees(model, firm, -firm.account.loans - price)
        write_off_owners(model, firm, "equity")
        write_off_owners(model, firm, "leases")
        write_off_loans(firm.account, model.lenders, price if buyer is None else 0.0)
        if buyer is not None:
            hand_over(model, firm, buyer, price)
            sold[firm] = buyer
    for lease in [*model.contracts, *model.lots]:
        lease.provider = sold.get(lease.provider, lease.provider)


def call_guarantees(model: Any, firm: Any, loss: float) -> None:
    """Vendors pay lenders what they guaranteed, up to the loss."""
    for vendor in model.vendors:
        paid = min(vendor.guarantees.get(firm, 0.0), max(0.0, loss))
        pay(vendor.account, model.lenders, paid)
        loss -= paid
        vendor.guarantees[firm] = 0.0


def write_off_loans(account: Account, lenders: Account, keep: float) -> None:
    """Overdrafts, and loans above what is kept, are lost to lenders."""
    move(account, lenders, account.deposits, "deposits")
    move(account, lenders, min(0.0, account.loans + keep), "loans")


def hand_over(model: Any, firm: Any, buyer: Any, price: float) -> None:
    """The business goes over: price to the lenders, what is owed to tenants, gear, sites, fleet."""
    old, new = firm.account, buyer.account
    pay(new, model.lenders, price)
    for claim in ("prepayments", "credits"):
        move(old, new, getattr(old, claim), claim)
    new.chips += model.given.providers.recovery * old.chips
    new.sites += model.given.providers.recovery * old.sites
    old.chips = old.sites = 0.0
    buyer.fleet = [own + more for own, more in zip(buyer.fleet, firm.fleet, strict=True)]
    firm.fleet = [0.0] * len(firm.fleet)
    buyer.power += firm.power
    firm.power, firm.active, firm.entry_clock = 0.0, False, GONE
