"""The payments of contracts: rent in cash, out of prepayments and out of credits for lateness."""

import numpy as np

from market_sim.mechanisms.contracts import Events
from market_sim.mechanisms.contracts.carrying import ACCRUED, LOST, PAID, REDEEMED, REFUNDED, RENT, USED
from market_sim.mechanisms.finance import FLOW, Journal
from market_sim.numerics import kernel
from market_sim.state.sectors import Sectors

IN_CASH, FROM_PREPAID, FROM_CREDIT, AHEAD, LATE, RETURNED = (
    FLOW[kind] for kind in ("rent", "prepaid_use", "credit_use", "prepayment", "lateness_credit", "credit_paid")
)


def book_rents(journal: Journal, at: Sectors, events: Events, prepayment: np.ndarray) -> None:
    """Labs pay providers for what their contracts did over the tick, and the `prepayment` (R, lab, provider) of new
    ones."""
    _book_rents(events.money, prepayment, at.lab.start, at.provider.start, journal.flows, journal.deposits)


@kernel
def _book_rents(money, prepayment, first_lab, first_provider, flows, deposits):  # type: ignore[no-untyped-def]
    labs, providers = prepayment.shape[1:]
    for r in range(money.shape[0]):
        for i in range(labs):
            h = first_lab + i
            for p in range(providers):
                if prepayment[r, i, p] > 0.0:
                    flows[r, AHEAD, h] -= prepayment[r, i, p]
                    flows[r, AHEAD, first_provider + p] += prepayment[r, i, p]
        for one in range(labs + providers):
            h = first_lab + one if one < labs else first_provider + one - labs
            sign = -1.0 if one < labs else 1.0  # labs pay
            flows[r, IN_CASH, h] = sign * (money[r, RENT, one] - money[r, USED, one] - money[r, REDEEMED, one])
            flows[r, FROM_PREPAID, h] = sign * (money[r, USED, one] + money[r, LOST, one])
            flows[r, FROM_CREDIT, h] = sign * money[r, REDEEMED, one]
            flows[r, AHEAD, h] -= sign * money[r, REFUNDED, one]
            flows[r, LATE, h] = -sign * money[r, ACCRUED, one]
            flows[r, RETURNED, h] = -sign * money[r, PAID, one]
            deposits[r, h] += flows[r, IN_CASH, h] + flows[r, AHEAD, h] + flows[r, RETURNED, h]
