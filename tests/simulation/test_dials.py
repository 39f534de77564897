"""Every dial of a thesis, turned, shows in the signal it is meant to move, whichever way it moves."""

import numpy as np
import pytest
from reference.concentration import hhi, shares
from reference.runs import last, shipped

from market_sim.agents.policies import NONE
from market_sim.mechanisms import architecture
from market_sim.simulation.prepare import prepare
from market_sim.simulation.technology import twin_throughput
from market_sim.simulation.tick import tick

TICKS = 18


def market(**dial):
    """The baseline after a year and a half, with one dial turned; `lab__template` sets every lab's."""
    return last("baseline", TICKS, **dial)


def useful_per_chip(setup, after):
    """Useful PFLOP/s of a chip in service, over all that are under contract."""
    return after.holdings.useful_lab.sum() / after.holdings.sold.sum()


def divergence(setup, after):
    return architecture.divergence(after.technology.drift, np.ones_like(after.labs.plan))[0]


def segregation(setup, after):
    use = after.holdings.live[:, :, :, None] * np.eye(len(setup.stacks))[setup.chip_stack]
    return architecture.segregation(use.sum(axis=2))[0]


def adapted(setup, after):
    return np.abs(np.log(after.technology.throughput / twin_throughput(setup, after))).max()


def maturity(setup, after):
    return after.technology.maturity.mean()


def provider_shares(setup, after):
    return shares(setup, after)["provider"][0]


def lab_shares(setup, after):
    return shares(setup, after)["lab"][0]


def speed(setup, after):
    return after.providers.speed.mean()


def buyers_of_the_leader(setup, after):
    """HHI of the leading vendor's chips over providers, in service or under way."""
    leader = after.vendors.supply[0].argmax()
    chips = (after.fleet.in_service + after.pipe.waiting + after.pipe.received)[0][:, setup.chip_vendor == leader]
    return hhi(chips.sum(axis=1) / chips.sum())


def staked(setup, after):
    return after.vendors.stakes.sum()


DIALS = {
    "T1 choice by spec sheet": ({"labs__choice": "spec_sheet"}, useful_per_chip),
    "T1 who wins": ({"labs__choice": "spec_sheet"}, lab_shares),
    "T2 divergence": ({"labs__divergence": 0.0}, divergence),
    "T2 codesign": ({"labs__codesign": 0.0}, adapted),
    "T2 segregation": ({"labs__divergence": 0.0, "labs__codesign": 0.0}, segregation),
    "T3 automation": ({"software__automation": 0.0}, maturity),
    "T4 template weight": ({"lab__*__template_weight": 2.0}, provider_shares),
    "T4 overhead": ({"providers__overhead": 0.0}, useful_per_chip),
    "T5 delay discount": ({"labs__delay_discount": 0.0}, speed),
    "T5 who wins": ({"labs__delay_discount": 0.0}, provider_shares),
    "T5 incentives": ({"provider__*__incentive": 0.0}, speed),
    "T6 multipolarity": ({"vendors__multipolarity": 0.0}, buyers_of_the_leader),
    "T6 backing": ({"vendors__backing": 0.0}, staked),
}


@pytest.mark.parametrize("dial", DIALS)
def test_a_dial_shows_in_its_signal(dial):
    """Turned off (or hard on), the signal is not what it was, by more than rounding."""
    turned, signal = DIALS[dial]
    before, after = (np.asarray(signal(*market(**one))) for one in ({}, turned))
    assert np.isfinite(before).all()
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-3 * max(1e-3, np.abs(before).max())


def test_without_a_discount_on_delay_and_without_prepayment_nobody_hurries():
    """No worth of speed, no effort, in the engine as in the rule."""
    _, after = market(labs__delay_discount=0.0, trade__prepaid=0.0)
    assert (after.providers.speed == 0.0).all()


def test_without_backing_vendors_hold_nothing_in_their_customers():
    """No stakes, no leases, no guarantees."""
    _, after = market(vendors__backing=0.0)
    for held in (after.vendors.stakes, after.vendors.leases, after.vendors.guarantees):
        assert (held == 0.0).all()


def test_without_divergence_ideals_stay_where_they_are():
    """And architectures move to them and to their chips only."""
    setup, _ = market(labs__divergence=0.0)
    np.testing.assert_array_equal(setup.ideal, np.broadcast_to(setup.ideal[..., :1], setup.ideal.shape))


def test_ports_cost_less_where_models_write_kernels():
    """Labs pay their engineers in full where automation is off, and less where it is on."""
    paid = []
    for automation in (1.0, 0.0):
        setup, market = prepare(shipped("baseline", ticks=1, software__automation=automation), 0, (0,))
        paid.append(tick(setup, market, NONE)[1].ports_paid.sum())
    assert 0.0 < paid[0] < 0.95 * paid[1]


def test_without_automation_models_do_no_kernel_work():
    """The path is flat at zero on every stack."""
    setup, _ = market(software__automation=0.0)
    assert (setup.automation == 0.0).all()
