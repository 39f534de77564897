"""What lenders lend and ask, and what capital then costs.

Scalar rules of one firm, and the kernels that follow them over all providers.
"""

import numpy as np

from market_sim.numerics import kernel, kexp, part
from market_sim.state.tables import CHIPS, DEPOSITS, LOANS, SITES

BOOK_SHARE = 0.5  # of the book of chips and sites counts as backlog, at least
CASH_YEARS = 2.5  # of other businesses' free cash can be borrowed on
SMALL = 1e-12  # USD: a debt that is nothing but rounding is not covered
YEARLY_SHARE = 0.5  # of a year's free cash and new equity is at hand for building


@part
def debt_capacity(backlog, debt_share, book, other_cash_flow, corporate):
    """USD that lenders will lend.

    Contracted backlog counts for `debt_share`, at least half the book of chips and sites does; other businesses count
    for two and a half years of their free cash, or for what is owed on them already (`corporate`) if that is more.
    """
    return debt_share * max(backlog, BOOK_SHARE * book) + max(CASH_YEARS * other_cash_flow, corporate)


@part
def borrowing(cash, debt, corporate, capacity, buffer, due):
    """Net new loans, drawn to keep `buffer` USD within `capacity`.

    The part `due` of debt on contracts is paid back, `corporate` debt is rolled over.
    """
    repaid = max(0.0, debt - corporate) * due
    room = max(0.0, capacity - (debt - repaid))
    drawn = min(room, max(0.0, buffer - (cash - repaid)))
    return drawn - repaid


@part
def debt_spread(opening, seasoned, unlearned):
    """Points over base that lenders ask with nobody solid behind the contract.

    They learn what loans on chips are worth: the spread falls from `opening` to `seasoned` with what is left to learn
    (`unlearned`, 1 at the start); one that is lower already stays.
    """
    rest = min(opening, seasoned)
    return rest + (opening - rest) * unlearned


@part
def loan_rate(base, spread, saved, solid):
    """Yearly interest: base and spread, of which a customer or guarantor that is `solid` (0..1) behind the contract
    saves the part `saved`."""
    return base + spread * (1.0 - saved * solid)


@part
def cheaper_capital(wacc, base, was, debt_share, opening, spread, saved, solid, guaranteed):
    """Cost of capital: what it was at the start, less debt's part of what loans have become cheaper by, in their spread
    and in the `base` under it, which `was` another then, and of what a vendor's guarantees save on the part of the debt
    that they cover; at least `base`."""
    fallen = was - base + (opening - spread) * (1.0 - saved * solid) + spread * saved * guaranteed
    return max(min(wacc, base), wacc - debt_share * fallen)


@part
def guaranteed(guarantees, p, debt):
    """Part of a provider's debt that vendors guarantee; none without debt."""
    covered = 0.0
    for v in range(guarantees.shape[0]):
        covered += guarantees[v, p]
    return min(1.0, covered / max(debt, SMALL)) if debt > 0.0 else 0.0


@kernel
def _loan_terms(
    wacc, base, was, debt_share, opening, seasoned, time, now, saved, solid, guarantees, balance, first, rate, capital
):
    for r in range(rate.shape[0]):
        unlearned = kexp(-now / time[r])
        for p in range(rate.shape[1]):
            sure = guaranteed(guarantees[r], p, -balance[r, LOANS, first + p])
            spread = debt_spread(opening[r, p], seasoned[r], unlearned)
            rate[r, p] = loan_rate(base[r], spread, saved[r], max(solid[r, p], sure))
            capital[r, p] = cheaper_capital(
                wacc[r, p], base[r], was[r], debt_share[r], opening[r, p], spread, saved[r], solid[r, p], sure
            )


def loan_terms(
    wacc: np.ndarray, base: np.ndarray, was: np.ndarray, debt_share: np.ndarray, opening: np.ndarray,
    seasoned: np.ndarray, time: np.ndarray, now: float, saved: np.ndarray, solid: np.ndarray, guarantees: np.ndarray,
    balance: np.ndarray, first: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Yearly interest on loans and cost of capital, both (replicate, provider).

    `wacc` and the spread at the `opening`, and how `solid` customers are, by provider; the riskless rate is `base`, and
    `was` another at the start; lenders learn within `time` years; vendors' `guarantees` (replicate, vendor, provider)
    in USD on the loans in the `balance` (replicate, instrument, holder), where providers begin at `first`; the rest
    (replicate,).
    """
    rate, capital = np.empty((2, *wacc.shape))
    _loan_terms(
        wacc, base, was, debt_share, opening, seasoned, time, now, saved, solid, guarantees, balance, first, rate,
        capital,
    )  # fmt: skip
    return rate, capital


@kernel
def _credit(balance, real, first, backlog, debt_share, free_cash, corporate, raised, lent, means):
    for r in range(lent.shape[0]):
        for p in range(lent.shape[1]):
            h = first + p
            book = real[r, CHIPS, h] + real[r, SITES, h]
            lent[r, p] = debt_capacity(backlog[r, p], debt_share[r], book, free_cash[r, p], corporate[r, p])
            unused = max(0.0, lent[r, p] + balance[r, LOANS, h])
            means[r, p] = balance[r, DEPOSITS, h] + unused + YEARLY_SHARE * (free_cash[r, p] + raised[r, p])


def credit(
    balance: np.ndarray, real: np.ndarray, first: int, backlog: np.ndarray, debt_share: np.ndarray,
    free_cash: np.ndarray, corporate: np.ndarray, raised: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """USD that lenders will lend each provider, and USD that it can lay hands on, both (replicate, provider).

    Providers begin at `first` on the holder axis of `balance` (replicate, instrument, holder) and `real` (replicate,
    asset, holder); `free_cash` and equity `raised` in USD a year, `backlog` and `corporate` debt in USD.
    """
    lent, means = np.empty((2, *backlog.shape))
    _credit(balance, real, first, backlog, debt_share, free_cash, corporate, raised, lent, means)
    return lent, means
