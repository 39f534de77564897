"""What must balance, in markets of any shape: generated ones, and the corners a generator seldom meets."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from reference.generated import built, trees
from reference.runs import complaints, ticks

from market_sim.simulation.prepare import prepare


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(trees(), st.integers(0, 2**31))
def test_identities_hold_in_any_market(tree, seed):
    """Random sizes, kinds, ticks and numbers: finite state, and everything balances every tick."""
    assert complaints(built(tree), (0, 1), seed) == []


CORNERS = {
    "zero supply": {"vendor__supply": 0.0, "vendor__inventory": 0.0},
    "labs with no money": {"lab__cash": 0.0, "lab__funding": 0.0, "lab__revenue": 0.0},
    "demand gone to zero": {"pool__start": 0.0, "pool__ceiling": 0.0},
    "all vendors captive": {"vendor__sells": "captive"},
    "nobody in business": {"provider__active": False},
    "no fleets": {"provider__fleet": {}, "provider__on_order": {}},
    "no contracts at the start": {"lab__holdings": {}},
    "no site power": {"provider__power": 0.0, "provider__power_growth": 0.0},
    "no power growth": {"provider__power_growth": 0.0},
    "no neocloud": {"provider__kind": "hyperscaler"},
    "one tick": {"ticks": 1},
    "quarter-month ticks": {"tick_months": 0.25},
    "yearly ticks": {"tick_months": 12.0},
    "debt beyond reason": {"provider__debt": 1e12, "provider__equity_raise": 0.0, "provider__cash": 0.0},
    "training only": {"lab__training_share": 1.0},
    "no dispersion to speak of": {"labs__sigma": 0.02, "labs__taste_share": 1.0},
    "dispersion without bound": {"labs__sigma": 5.0},
    "nothing prepaid, everything late": {"trade__prepaid": 0.0, "delivery__optimism": 0.9},
    "everything prepaid": {"trade__prepaid": 1.0, "trade__late_credit": 2.0, "trade__long_stop": 0.02},
}


def small(**changes):
    """A market of two of everything, with changes."""
    chips = ("H100-SXM", "MI300X")
    vendors = {
        "V0": {"supply": 4e5, "backing": 0.2, "inventory": 0.1},
        "V1": {"owner": "P1", "sells": "both", "supply": 5e4},
    }
    provider = {
        "chips": list(chips),
        "fleet": {"H100-SXM": 20_000.0, "MI300X": 3_000.0},
        "on_order": {"H100-SXM": 9_000.0},
    }
    lab = {
        "pool": "one",
        "holdings": {"P0": 0.4, "P1": 0.3},
        "revenue": 3e9,
        "funding": 2e9,
        "ports": ["CUDA"],
    }
    tree = {
        "ticks": 18, "trade": {}, "delivery": {}, "labs": {},
        "stack": {"CUDA": {}, "ROCm": {}},
        "chip": {
            "H100-SXM": {"vendor": "V0", "stack": "CUDA"},
            "MI300X": {"vendor": "V1", "stack": "ROCm", "price": 20_000.0},
        },
        "vendor": vendors,
        "provider": {name: {**provider, "power": 60.0, "debt": 1e8, "equity_raise": 1e9} for name in ("P0", "P1")},
        "pool": {"one": {"start": 8e9, "ceiling": 2e11}},
        "lab": {"L0": dict(lab), "L1": {**lab, "owner": "P1"}},
    }  # fmt: skip
    return built(tree, **changes)


@pytest.mark.parametrize("corner", CORNERS)
def test_identities_hold_in_a_corner(corner):
    """Nothing divides by what is not there, and nothing that is there vanishes."""
    assert complaints(small(**CORNERS[corner]), (0, 1, 2)) == []


def test_one_lab_has_all_of_its_market():
    """One lab alone: its share of demand is 1 and identities hold."""
    scenario = small()
    alone = scenario.model_copy(update={"lab": {"L0": scenario.lab["L0"]}})
    assert complaints(alone) == []
    setup, market = prepare(alone, 0, (0,))
    after = [m for _, m, _ in ticks(setup, market)][-1]
    assert after.labs.demand[0, 0] == pytest.approx(after.potential[0, 0, after.tick - 1], rel=1e-12)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(trees())
@example(tree=None)
def test_concentration_lies_in_its_bounds(tree):
    """1/N <= HHI <= 1 for stocks of useful compute, by provider and by lab, wherever there is any."""
    setup, market = prepare(small() if tree is None else built(tree), 0, (0, 1))
    for _, after, _ in ticks(setup, market):
        for useful in (after.holdings.useful_provider, after.holdings.useful_lab):
            total = useful.sum(axis=1)
            share = useful[total > 0.0] / total[total > 0.0, None]
            hhi = (share * share).sum(axis=1)
            assert (hhi >= 1.0 / useful.shape[1] - 1e-12).all()
            assert (hhi <= 1.0 + 1e-12).all()
            assert np.isfinite(hhi).all()
