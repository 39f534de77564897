"""Double entry: what every holder owns and owes, and the two ways in which something is paid."""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Account:
    """USD; liabilities are negative. Chips, sites and stock stand at book."""

    deposits: float = 0.0
    loans: float = 0.0
    prepayments: float = 0.0
    credits: float = 0.0
    equity: float = 0.0
    leases: float = 0.0
    chips: float = 0.0
    sites: float = 0.0
    stock: float = 0.0


def pay(payer: Account, payee: Account, usd: float, against: str = "") -> None:
    """Cash goes over; where it is paid against a claim, the payer gets the claim and the payee owes it."""
    payer.deposits -= usd
    payee.deposits += usd
    if against:
        move(payee, payer, usd, against)


def move(giver: Account, taker: Account, usd: float, claim: str) -> None:
    """A claim goes from one to the other, without cash."""
    setattr(giver, claim, getattr(giver, claim) - usd)
    setattr(taker, claim, getattr(taker, claim) + usd)
