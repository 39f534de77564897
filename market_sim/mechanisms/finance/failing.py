"""Default and takeover: who buys a failed provider, and who loses what."""

from dataclasses import dataclass

import numpy as np

from market_sim.mechanisms.finance.journal import FLOW
from market_sim.numerics import kernel, part
from market_sim.state.sectors import Sectors
from market_sim.state.tables import CREDITS, DEPOSITS, EQUITY, LEASES, LOANS, PREPAYMENTS, Ledger


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
