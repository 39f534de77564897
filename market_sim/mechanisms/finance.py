"""Money: double entry over all holders, borrowing, dividends, backing, default and takeover.

Every payment is a flow whose entries over holders sum to zero. A flow moves deposits (cash) or an instrument, and
either changes net worth or only swaps one claim for another. So, for every holder in every tick,

    change of all instruments = flows that touch net worth + write-offs,

and each instrument sums to zero over holders. Holders are vendors, providers, labs, then the four outside sectors.
"""

from dataclasses import dataclass

import numpy as np

from market_sim.numerics import exp, kernel, part
from market_sim.state.sectors import Sectors
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


@kernel
def _pay_sector(flows, deposits, cash, flow, many, one, amount, sign):
    for r in range(amount.shape[0]):
        total = 0.0
        for i in range(amount.shape[1]):
            paid = sign * amount[r, i]
            flows[r, flow, many + i] += paid
            deposits[r, many + i] += paid if cash else 0.0
            total += paid
        flows[r, flow, one] -= total
        deposits[r, one] -= total if cash else 0.0


class Journal:
    """The flows of one tick (replicate, flow, holder) in USD, filled one payment at a time, and the `deposits`
    (replicate, holder) that they leave of the opening ones."""

    def __init__(self, opening: np.ndarray) -> None:
        replicates, holders = opening.shape
        self.flows = np.zeros((replicates, len(KINDS), holders))
        self.deposits = opening.copy()

    def pay(self, kind: str, payer: slice, payee: slice, amount: np.ndarray) -> None:
        """Book `amount` from payers to payees: (replicate, payer, payee), or (replicate, n) where one is a sector."""
        flow, paid = FLOW[kind], np.ascontiguousarray(amount, np.float64)
        book = (self.flows, self.deposits, KINDS[flow].cash, flow)
        if paid.ndim == 3:
            _pay_pairs(*book, payer.start, payee.start, paid)
        elif payee.stop - payee.start == 1:
            _pay_sector(*book, payer.start, payee.start, paid, -1.0)
        else:
            _pay_sector(*book, payee.start, payer.start, paid, 1.0)

    def cash(self, holders: slice) -> np.ndarray:
        """Deposits after what has been booked so far (replicate, holder)."""
        return self.deposits[:, holders].copy()


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


def settle(ledger: Ledger, flows: np.ndarray, real: np.ndarray) -> Ledger:
    """Balances after the flows (replicate, flow, holder); `real` is the change of assets at book."""
    out = np.empty_like(ledger.balance)
    _settle(ledger.balance, flows, _CASH, _INSTRUMENT, _SIGN, out)
    return Ledger(out, ledger.real + real)


def net_worth(ledger: Ledger) -> np.ndarray:
    """All claims less all debts plus assets at book (replicate, holder)."""
    return ledger.balance.sum(axis=1) + ledger.real.sum(axis=1)


def debt_capacity(
    backlog: np.ndarray, debt_share: np.ndarray, book: np.ndarray, other_cash_flow: np.ndarray, corporate: np.ndarray
) -> np.ndarray:
    """USD that lenders will lend (replicate, provider).

    Contracted backlog counts for `debt_share`, at least half the book of chips and sites does; other businesses count
    for two and a half years of their free cash, or for what is owed on them already (`corporate`) if that is more.
    """
    return debt_share[:, None] * np.maximum(backlog, 0.5 * book) + np.maximum(2.5 * other_cash_flow, corporate)


def borrowing(
    cash: np.ndarray, debt: np.ndarray, corporate: np.ndarray, capacity: np.ndarray, buffer: np.ndarray,
    life: float, dt: float,
) -> np.ndarray:  # fmt: skip
    """Net new loans (replicate, provider), drawn to keep `buffer` USD within `capacity`.

    Debt on contracts is amortised over `life` years, `corporate` debt is rolled over.
    """
    repaid = np.maximum(0.0, debt - corporate) * (1.0 - exp(np.array(-dt / life)))
    room = np.maximum(0.0, capacity - (debt - repaid))
    drawn = np.minimum(room, np.maximum(0.0, buffer - (cash - repaid)))
    return drawn - repaid


def debt_spread(opening: np.ndarray, seasoned: np.ndarray, time: np.ndarray, now: float) -> np.ndarray:
    """Points over base (replicate, provider) that lenders ask with nobody solid behind the contract.

    They learn what loans on chips are worth: the spread falls from `opening` (replicate, provider) to `seasoned` within
    `time` years; one that is lower already stays.
    """
    rest = np.minimum(opening, seasoned[:, None])
    return rest + (opening - rest) * exp(-now / time)[:, None]


def loan_rate(base: np.ndarray, spread: np.ndarray, saved: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """Yearly interest (replicate, provider): base and spread, of which a customer or guarantor that is `solid` (0..1)
    behind the contract saves the part `saved`."""
    return base[:, None] + spread * (1.0 - saved[:, None] * solid)


def cheaper_capital(
    wacc: np.ndarray, base: np.ndarray, debt_share: np.ndarray, opening: np.ndarray, spread: np.ndarray,
    saved: np.ndarray, solid: np.ndarray, guaranteed: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Cost of capital (replicate, provider): what it was at the start, less debt's part of what loans have become
    cheaper by, and of what a vendor's guarantees save on the part of the debt that they cover; at least `base`."""
    fallen = (opening - spread) * (1.0 - saved[:, None] * solid) + spread * saved[:, None] * guaranteed
    floor = np.minimum(wacc, base[:, None])
    return np.maximum(floor, wacc - debt_share[:, None] * fallen)


def dividends(cash: np.ndarray, need: np.ndarray, rate: np.ndarray, dt: float) -> np.ndarray:
    """USD returned to investors: cash above need, at `rate` a year."""
    return np.maximum(0.0, cash - need) * (1.0 - exp(-rate * dt))[:, None]


@dataclass(frozen=True)
class Restructured:
    """What failures did: who bought whom, and the ledger and holdings after."""

    buyer: np.ndarray  # (replicate, provider): index of the buyer, own index when restructured in place, -1 if sound
    ledger: Ledger
    in_service: np.ndarray
    power: np.ndarray
    active: np.ndarray
    flows: np.ndarray
    written_off: np.ndarray  # change of instruments by write-off (replicate, holder)
    stakes: np.ndarray
    leases: np.ndarray


@part
def _call_guarantees(guaranteed, p, loss, lenders, balance, flows, guarantee):
    """Vendors pay lenders what they guaranteed, up to the loss."""
    for v in range(guaranteed.shape[0]):
        paid = min(guaranteed[v, p], max(0.0, loss))
        balance[DEPOSITS, v] -= paid
        balance[DEPOSITS, lenders] += paid
        flows[guarantee, v] -= paid
        flows[guarantee, lenders] += paid
        loss -= paid


@part
def _write_off_owners(h, p, balance, written, claims, instrument, investors):
    """Equity or leases of a failed firm are lost to the vendors and investors who hold them."""
    amount = balance[instrument, h]
    balance[instrument, h] = 0.0
    written[h] -= amount
    for v in range(claims.shape[0]):
        balance[instrument, v] -= claims[v, p]
        written[v] -= claims[v, p]
        amount += claims[v, p]
        claims[v, p] = 0.0
    balance[instrument, investors] += amount
    written[investors] += amount


@part
def _write_off_lenders(h, keep, balance, written, lenders):
    """Overdrafts and loans above `keep` are lost to lenders."""
    for instrument in (DEPOSITS, LOANS):
        amount = balance[instrument, h]
        if instrument == LOANS:
            amount = min(0.0, amount + keep)
        balance[instrument, h] -= amount
        balance[instrument, lenders] += amount
        written[h] -= amount
        written[lenders] += amount


@part
def _hand_over(p, q, offset, price, recovery, lenders, balance, real, in_service, power, flows, written, takeover):
    """The business of provider p goes to q: price to the lenders, what is owed to tenants, gear, sites, fleet."""
    h, g = offset + p, offset + q
    balance[DEPOSITS, g] -= price
    balance[DEPOSITS, lenders] += price
    flows[takeover, g] -= price
    flows[takeover, lenders] += price
    for i in (PREPAYMENTS, CREDITS):
        written[g] += balance[i, h]
        written[h] -= balance[i, h]
        balance[i, g] += balance[i, h]
        balance[i, h] = 0.0
    for a in range(2):
        real[a, g] += recovery * real[a, h]
        real[a, h] = 0.0
    for c in range(in_service.shape[1]):
        in_service[q, c] += in_service[p, c]
        in_service[p, c] = 0.0
    power[q] += power[p]
    power[p] = 0.0


@kernel
def _fail_labs(failed, offset, first, investors, balance, written, stakes):
    for r in range(failed.shape[0]):
        for i in range(failed.shape[1]):
            if failed[r, i]:
                _write_off_owners(offset + i, first + i, balance[r], written[r], stakes[r], EQUITY, investors)


def fail_labs(
    failed: np.ndarray, ledger: Ledger, stakes: np.ndarray, sectors: Sectors
) -> tuple[Ledger, np.ndarray, np.ndarray]:
    """Owners lose their equity in failed labs (replicate, lab): ledger, stakes and write-offs (replicate, holder)."""
    written = np.zeros((len(failed), sectors.holders))
    if not failed.any():
        return ledger, stakes, written
    balance, held = ledger.balance.copy(), stakes.copy()
    _fail_labs(failed, sectors.lab.start, sectors.providers, sectors.investors.start, balance, written, held)
    return Ledger(balance, ledger.real), held, written


@kernel
def _restructure(
    failed, recovery, guaranteed, balance, real, in_service, power, active, flows, written, stakes, leases, buyer,
    offset, lenders, investors, takeover, guarantee,
):  # fmt: skip
    """Sell each failed provider whole to the one best able to pay, or let lenders take it over; in place."""
    for r in range(failed.shape[0]):
        for p in range(failed.shape[1]):
            if not failed[r, p]:
                continue
            h = offset + p
            price = recovery[r] * (real[r, 0, h] + real[r, 1, h])
            best, cash = -1, 2.0 * price
            for q in range(failed.shape[1]):
                if q != p and active[r, q] and not failed[r, q] and balance[r, DEPOSITS, offset + q] > cash:
                    best, cash = q, balance[r, DEPOSITS, offset + q]
            loss = -balance[r, LOANS, h] - price
            _call_guarantees(guaranteed[r], p, loss, lenders, balance[r], flows[r], guarantee)
            _write_off_owners(h, p, balance[r], written[r], stakes[r], EQUITY, investors)
            _write_off_owners(h, p, balance[r], written[r], leases[r], LEASES, investors)
            _write_off_lenders(h, price if best < 0 else 0.0, balance[r], written[r], lenders)
            buyer[r, p] = p if best < 0 else best
            if best >= 0:
                active[r, p] = False
                _hand_over(
                    p, best, offset, price, recovery[r], lenders, balance[r], real[r], in_service[r], power[r],
                    flows[r], written[r], takeover,
                )  # fmt: skip


def restructure(
    failed: np.ndarray, recovery: np.ndarray, guaranteed: np.ndarray, ledger: Ledger, in_service: np.ndarray,
    power: np.ndarray, active: np.ndarray, flows: np.ndarray, stakes: np.ndarray, leases: np.ndarray, sectors: Sectors,
) -> Restructured:  # fmt: skip
    """Resolve failed providers (replicate, provider).

    The whole business, contracts and all, goes to the soundest buyer at `recovery` of book, paid to the lenders; where
    no one can pay twice that, lenders write loans down to it and the firm goes on. Owners lose their equity; vendors
    pay guarantees (replicate, vendor, provider) on the lenders' loss. `stakes` (replicate, vendor, buyer)
    and `leases` (replicate, vendor, provider) are the vendors' claims. Nothing vanishes: chips, sites and
    contracts move with the business.
    """
    buyer, written = np.full(failed.shape, -1, np.int64), np.zeros((failed.shape[0], sectors.holders))
    if not failed.any():
        return Restructured(buyer, ledger, in_service, power, active, flows, written, stakes, leases)
    balance, real = ledger.balance.copy(), ledger.real.copy()
    fleet, site, alive, journal = in_service.copy(), power.copy(), active.copy(), flows.copy()
    held, claims = stakes.copy(), leases.copy()
    _restructure(
        failed, recovery, guaranteed, balance, real, fleet, site, alive, journal, written, held, claims,
        buyer, sectors.vendors, sectors.lenders.start, sectors.investors.start, FLOW["takeover"], FLOW["guarantee"],
    )  # fmt: skip
    return Restructured(buyer, Ledger(balance, real), fleet, site, alive, journal, written, held, claims)
