"""No rule may depend on the length of a tick: yearly concentration from month to half-month to quarter-month."""

import numpy as np
import pytest
from reference.concentration import hhi, shares
from reference.runs import shipped, ticks

from market_sim.simulation.prepare import prepare

YEARS, REPLICATES = 2, tuple(range(24))


def yearly(months):
    """Mean HHI of each market over each year, (market, year), over common luck."""
    scenario = shipped("baseline", ticks=round(YEARS * 12 / months), tick_months=months)
    setup, market = prepare(scenario, 0, REPLICATES)
    path = [[hhi(share).mean() for share in shares(setup, after).values()] for _, after, _ in ticks(setup, market)]
    return np.array(path).reshape(YEARS, -1, 3).mean(axis=1).T


@pytest.fixture(scope="module")
def refined():
    """Yearly HHIs at ticks of a month, a half and a quarter."""
    return [yearly(months) for months in (1.0, 0.5, 0.25)]


def test_halving_the_tick_moves_concentration_by_at_most_a_hundredth(refined):
    """Yearly HHI of vendors, providers and labs, on useful compute."""
    month, half, _ = refined
    assert np.abs(half - month).max() <= 0.01, half - month


def test_the_error_shrinks_as_the_tick_does(refined):
    """The second halving moves each HHI by about half of the first; a thousandth is luck of lots."""
    month, half, quarter = refined
    first, second = np.abs(half - month), np.abs(quarter - half)
    assert (second <= 0.75 * first + 0.002).all(), (first, second)
