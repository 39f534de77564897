"""Shares and HHI of a market at one moment, computed apart from what runs record."""

import numpy as np

from market_sim.state.market import Market
from market_sim.state.setup import Setup


def shares(setup: Setup, market: Market) -> dict[str, np.ndarray]:
    """Shares of useful compute under contract, (replicate, firm), by vendor, provider and lab."""
    held = market.holdings
    vendor = np.zeros((setup.width, len(setup.vendors)))
    np.add.at(vendor, (slice(None), setup.chip_vendor), held.useful_chip)
    of = {"vendor": vendor, "provider": held.useful_provider, "lab": held.useful_lab}
    return {name: value / np.maximum(value.sum(axis=1, keepdims=True), 1e-300) for name, value in of.items()}


def hhi(share: np.ndarray) -> np.ndarray:
    """Herfindahl-Hirschman index over the last axis."""
    return (share * share).sum(axis=-1)
