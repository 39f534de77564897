"""Chips, sites and stock at book: bought, worn out, switched off, sold."""

import numpy as np

from market_sim.mechanisms.finance.journal import FLOW, Journal
from market_sim.numerics import kernel, kexp, part
from market_sim.state.sectors import Sectors
from market_sim.state.tables import CHIPS, SITES, STOCK

PAID, LEASED, SERVERS, BUILT = (FLOW[kind] for kind in ("chips", "chips_leased", "servers", "sites"))
DECLINE = 2.0  # over its life, per year: double declining balance


@part
def _share_of(gone, left):
    """Share of chips (chip,) that are gone in those there were."""
    off, whole = 0.0, 0.0
    for c in range(gone.shape[0]):
        off += gone[c]
        whole += left[c]
    return off / (whole + off) if whole + off > 0.0 else 0.0


@kernel
def _assets_after(
    real, flows, first_vendor, first_provider, made_cost, sold_cost, retired, in_service, life, site_life, dt, out
):
    for r in range(out.shape[0]):
        wear, decay = 1.0 - kexp(-dt * DECLINE / life[r]), 1.0 - kexp(-dt * DECLINE / site_life[r])
        for p in range(in_service.shape[1]):
            h, off = first_provider + p, _share_of(retired[r, p], in_service[r, p])
            bought = -(flows[r, PAID, h] + flows[r, LEASED, h] + flows[r, SERVERS, h])
            out[r, CHIPS, h] += bought - real[r, CHIPS, h] * (wear + off - wear * off)
            out[r, SITES, h] += -flows[r, BUILT, h] - real[r, SITES, h] * decay
        for v in range(made_cost.shape[1]):
            out[r, STOCK, first_vendor + v] += made_cost[r, v] - sold_cost[r, v]


def assets_after(
    journal: Journal, at: Sectors, real: np.ndarray, made_cost: np.ndarray, sold_cost: np.ndarray, retired: np.ndarray,
    in_service: np.ndarray, life: np.ndarray, site_life: np.ndarray, dt: float,
) -> np.ndarray:  # fmt: skip
    """Assets at book (replicate, asset, holder) after a tick of `dt` years that began with `real`.

    Providers add what they paid for chips, servers and sites and write it off by double declining balance over its
    `life` or `site_life` (replicate,) in years, and the chips that were `retired`, beside which the others are left
    `in_service` (replicate, provider, chip), at once. Vendors add what they made and take off what they sold, at cost
    (replicate, vendor).
    """
    out = real.copy()
    _assets_after(
        real, journal.flows, at.vendor.start, at.provider.start, made_cost, sold_cost, retired, in_service, life,
        site_life, dt, out,
    )  # fmt: skip
    return out
