"""Double entry over all holders: kinds of payments, the journal of a tick, and the balances after it.

Every payment is a flow whose entries over holders sum to zero. A flow moves deposits (cash) or an instrument, and
either changes net worth or only swaps one claim for another. So, for every holder in every tick,

    change of all instruments = flows that touch net worth + write-offs,

and each instrument sums to zero over holders. Holders are vendors, providers, labs, then the four outside sectors.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import kernel, part
from market_sim.state.tables import CREDITS, DEPOSITS, EQUITY, LEASES, LOANS, PREPAYMENTS, Ledger

NO_INSTRUMENT = -1


@dataclass(frozen=True)
class Kind:
    """What a flow does: cash or not, which instrument it adds to (sign), and whether net worth changes."""

    name: str
    cash: bool = True
    instrument: int = NO_INSTRUMENT
    sign: float = 0.0

    @property
    def changes_worth(self) -> bool:
        """A flow that moves cash one way and a claim the other only swaps them."""
        return not (self.cash and self.instrument != NO_INSTRUMENT)


KINDS = (
    Kind("model_revenue"),  # customers -> labs
    Kind("rent"),  # labs -> providers, the part paid in cash
    Kind("prepaid_use", False, PREPAYMENTS, 1.0),  # labs -> providers, out of prepayments
    Kind("credit_use", False, CREDITS, 1.0),  # labs -> providers, out of lateness credits
    Kind("lateness_credit", False, CREDITS, 1.0),  # providers -> labs, accrued
    Kind("prepayment", True, PREPAYMENTS, -1.0),  # labs -> providers, refunds negative
    Kind("credit_paid", True, CREDITS, -1.0),  # providers -> labs
    Kind("chips"),  # providers -> vendors, paid in cash
    Kind("chips_leased", False, LEASES, 1.0),  # providers -> vendors, against a lease claim
    Kind("lease_payment", True, LEASES, -1.0),  # providers -> vendors, principal
    Kind("lease_interest"),  # providers -> vendors
    Kind("servers"),  # providers -> suppliers
    Kind("sites"),  # providers -> suppliers
    Kind("operations"),  # providers -> suppliers
    Kind("building_effort"),  # providers -> suppliers
    Kind("other_business"),  # customers -> providers
    Kind("other_capex"),  # providers -> suppliers
    Kind("production"),  # vendors -> suppliers
    Kind("vendor_operations"),  # vendors -> suppliers
    Kind("lab_operations"),  # labs -> suppliers
    Kind("ports"),  # labs -> suppliers
    Kind("interest"),  # providers -> lenders
    Kind("loans", True, LOANS, -1.0),  # lenders -> providers, repayment negative
    Kind("equity", True, EQUITY, -1.0),  # investors -> firms
    Kind("backing", True, EQUITY, -1.0),  # vendors -> customers
    Kind("dividends"),  # firms -> investors
    Kind("takeover"),  # buyers -> lenders of the failed firm
    Kind("guarantee"),  # vendors -> lenders of the failed firm
)
FLOW = {kind.name: index for index, kind in enumerate(KINDS)}
_CASH = np.array([kind.cash for kind in KINDS])
_INSTRUMENT = np.array([kind.instrument for kind in KINDS])
_SIGN = np.array([kind.sign for kind in KINDS])
WORTH = np.array([kind.changes_worth for kind in KINDS])


@part
def pay(flows, deposits, flow, payer, payee, amount):
    """Book one payment of a replicate in its flows (flow, holder) and deposits (holder,)."""
    flows[flow, payer] -= amount
    flows[flow, payee] += amount
    if _CASH[flow]:
        deposits[payer] -= amount
        deposits[payee] += amount


@kernel
def _pay_pairs(flows, deposits, cash, flow, payer, payee, amount):
    for r in range(amount.shape[0]):
        for i in range(amount.shape[1]):
            paid = 0.0
            for j in range(amount.shape[2]):
                paid += amount[r, i, j]
                flows[r, flow, payee + j] += amount[r, i, j]
                deposits[r, payee + j] += amount[r, i, j] if cash else 0.0
            flows[r, flow, payer + i] -= paid
            deposits[r, payer + i] -= paid if cash else 0.0


class Journal:
    """The flows of one tick (replicate, flow, holder) in USD, filled one payment at a time, and the `deposits`
    (replicate, holder) that they leave of the opening ones."""

    def __init__(self, opening: np.ndarray) -> None:
        replicates, holders = opening.shape
        self.flows = np.zeros((replicates, len(KINDS), holders))
        self.deposits = opening.copy()

    def pay(self, kind: str, payer: slice, payee: slice, amount: np.ndarray) -> None:
        """Book `amount` (replicate, payer, payee) from payers to payees."""
        flow = FLOW[kind]
        paid = np.ascontiguousarray(amount)
        _pay_pairs(self.flows, self.deposits, KINDS[flow].cash, flow, payer.start, payee.start, paid)


@kernel
def _settle(balance, flows, cash, instrument, sign, out):
    for r in range(balance.shape[0]):
        for i in range(balance.shape[1]):
            for h in range(balance.shape[2]):
                out[r, i, h] = balance[r, i, h]
        for f in range(flows.shape[1]):
            i = instrument[f]
            for h in range(flows.shape[2]):
                amount = flows[r, f, h]
                if cash[f]:
                    out[r, DEPOSITS, h] += amount
                if i >= 0:
                    out[r, i, h] += sign[f] * amount


def settle(balance: np.ndarray, flows: np.ndarray, real: np.ndarray) -> Ledger:
    """Balances after the flows (replicate, flow, holder), beside the assets at book as they then stand, `real`."""
    out = np.empty_like(balance)
    _settle(balance, flows, _CASH, _INSTRUMENT, _SIGN, out)
    return Ledger(out, real)


def net_worth(ledger: Ledger) -> np.ndarray:
    """All claims less all debts plus assets at book (replicate, holder)."""
    return ledger.balance.sum(axis=1) + ledger.real.sum(axis=1)
