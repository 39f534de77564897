"""Who stands behind whom: what vouches for a contract, who pays which rent, and the equity that vendors put up."""

import numpy as np

from market_sim.numerics import kernel


@kernel
def _vouched(through, active, solid, out):
    for r in range(out.shape[0]):
        for i in range(out.shape[1]):
            for p in range(out.shape[2]):
                between = through[r, i, p]
                out[r, i, p] = solid[r, i] if between < 0 else 1.0 if active[r, between] else 0.0


def vouched(through: np.ndarray, active: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """How far what is owed to each provider can be lent on (replicate, lab, provider), 0..1.

    By the lab as far as it is `solid` (replicate, lab), or wholly by the provider `through` whom it rents (replicate,
    lab, provider; -1 for none) while that is `active` (replicate, provider).
    """
    out = np.empty(through.shape)
    _vouched(through, active, solid, out)
    return out


@kernel
def _paid_by(rent, payer, out):
    for r in range(rent.shape[0]):
        for i in range(rent.shape[1]):
            for p in range(rent.shape[2]):
                if payer[r, i, p] != p:
                    out[r, p, payer[r, i, p]] += rent[r, i, p]


def paid_by(rent: np.ndarray, payer: np.ndarray, payers: int) -> np.ndarray:
    """Rent (replicate, lab, provider) by who pays it, `payer` (replicate, lab, provider): (replicate, provider, payer).

    Providers come first among payers; what one pays itself is left out.
    """
    out = np.zeros((len(rent), rent.shape[2], payers))
    _paid_by(np.ascontiguousarray(rent), payer, out)
    return out


@kernel
def _customers(rent, payer, firms, largest, total, owed):
    providers = rent.shape[2]
    for r in range(rent.shape[0]):
        through = False
        for i in range(rent.shape[1]):
            for p in range(providers):
                by = payer[r, i, p]
                if by < providers:
                    owed[p, by] += rent[r, i, p]
                    through = True
                else:  # a lab pays for itself alone
                    total[r, p] += rent[r, i, p]
                    largest[r, p] = max(largest[r, p], rent[r, i, p] / firms[r, i])
        for p in range(providers if through else 0):
            for q in range(providers):
                paid = owed[p, q] if q != p else 0.0
                total[r, p] += paid
                largest[r, p] = max(largest[r, p], paid)
                owed[p, q] = 0.0


def customers(rent: np.ndarray, payer: np.ndarray, firms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest customer's rent and that of all (replicate, provider); `rent` and `payer` as in `paid_by`, a lab that
    pays doing so for itself. One that stands for a number of `firms` (replicate, lab) is as many customers."""
    largest, total = np.zeros((2, len(rent), rent.shape[2]))
    _customers(rent, payer, firms, largest, total, np.zeros((rent.shape[2], rent.shape[2])))
    return largest, total


LABS = 0.3  # want of all labs together; a provider's own is 4/27 at most


def wants_backing(bought: np.ndarray, active: np.ndarray, independent: np.ndarray, plan: np.ndarray) -> np.ndarray:
    """How much a USD of equity helps each buyer of a vendor (replicate, vendor, provider then lab).

    `bought` (replicate, vendor, provider) USD of chips: those that are small beside the vendor's other buyers, in
    business and `independent` (provider,) of silicon of their own. Labs by what they `plan` to spend (replicate, lab),
    of those that may be backed. Nothing where the vendor sold nothing.
    """
    replicates, vendors, providers = bought.shape
    out = np.zeros((replicates, vendors, providers + plan.shape[1]))
    _wants_backing(bought, active, independent, plan, out)
    return out


@kernel
def _wants_backing(bought, active, independent, plan, out):
    providers = bought.shape[2]
    for r in range(out.shape[0]):
        planned = 0.0
        for i in range(plan.shape[1]):
            planned += plan[r, i]
        for v in range(out.shape[1]):
            total = 0.0
            for p in range(providers):
                total += bought[r, v, p]
            if total > 0.0:
                for p in range(providers):
                    part = bought[r, v, p] / total
                    rest = 1.0 - part
                    out[r, v, p] = part * (rest * rest) if independent[p] and active[r, p] else 0.0
                for i in range(plan.shape[1]):
                    out[r, v, providers + i] = LABS * plan[r, i] / max(planned, 1.0)


def backing(profit: np.ndarray, share: np.ndarray, want: np.ndarray, dt: float) -> np.ndarray:
    """Equity a vendor puts into customers (replicate, vendor, buyer): a share of yearly operating profit, by want.

    `want` (replicate, vendor, buyer) >= 0 is how much a USD there helps it; normalised here.
    """
    out = np.empty(want.shape)
    _backing(np.maximum(0.0, profit) * share * dt, want, out)
    return out


@kernel
def _backing(purse, want, out):
    for r in range(want.shape[0]):
        for v in range(want.shape[1]):
            total = 0.0
            for b in range(want.shape[2]):
                total += want[r, v, b]
            for b in range(want.shape[2]):
                out[r, v, b] = purse[r, v] * (want[r, v, b] / (total if total > 0.0 else 1.0))


LEASE_PART = 0.5  # of a backed buyer's chips, at most


def leases(
    bought: np.ndarray, stakes: np.ndarray, claims: np.ndarray, due: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chips taken on lease and what is paid on leases (replicate, provider, vendor), and claims after both (replicate,
    vendor, provider), all in USD.

    Half of what backed buyers buy goes on lease, as long as `claims` stay within the vendor's `stakes` (replicate,
    vendor, buyer); the part `due` of claims is paid back. `bought` (replicate, provider, vendor).
    """
    leased, paid, after = np.empty(bought.shape), np.empty(bought.shape), np.empty(claims.shape)
    _leases(bought, stakes, claims, due, leased, paid, after)
    return leased, paid, after


@kernel
def _leases(bought, stakes, claims, due, leased, paid, after):
    for r in range(bought.shape[0]):
        for p in range(bought.shape[1]):
            for v in range(bought.shape[2]):
                claim = claims[r, v, p]
                leased[r, p, v] = min(LEASE_PART * bought[r, p, v], max(0.0, stakes[r, v, p] - claim))
                paid[r, p, v] = claim * due
                after[r, v, p] = claim - paid[r, p, v] + leased[r, p, v]
