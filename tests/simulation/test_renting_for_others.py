"""Providers that rent from others for their labs: who stands for what, and that nobody does where nobody may."""

import numpy as np
import pytest
from reference.varied import varied

from market_sim.agents import lab
from market_sim.agents.policies import NONE
from market_sim.simulation.prepare import prepare, weights
from market_sim.simulation.run import Run
from market_sim.simulation.tick import tick

LOVED = {"providers__resale_loss": 0.0, "labs__taste_share": 0.0, "lab__template_weight": 0.5}


def opened(**changes):
    """Setup and market of the small market, where Cloud rents from Swift and Thrift for Parent and Open."""
    return prepare(varied(4, **(LOVED | changes)), 0, (0, 1))


def places(setup):
    return tuple(setup.providers.index(name) for name in ("Cloud", "Swift", "Thrift", "Depot"))


def test_a_lab_likes_rented_chips_as_it_likes_the_cloud_of_who_rents_them():
    """With nothing lost, Open values Swift through Cloud as Cloud: affinity, taste and service."""
    setup, _ = opened()
    cloud, swift, _, depot = places(setup)
    open_lab = setup.labs.index("Open")
    taste, _ = lab.tastes(setup)
    service = setup.drawn.lab.template_weight[:, open_lab, None] * setup.drawn.provider.template
    assert taste[0, open_lab, swift] + service[0, swift] == pytest.approx(taste[0, open_lab, cloud] + service[0, cloud])
    through = lab.rented_through(setup)
    assert (through[:, open_lab, swift] == cloud).all()
    assert (through[:, open_lab, depot] == -1).all()
    assert (through[:, setup.labs.index("First")] == -1).all()


def test_what_is_lost_on_the_way_can_make_labs_rent_themselves():
    """At a large enough loss everybody rents directly, and tastes are as if nobody could do otherwise."""
    setup, _ = opened(providers__resale_loss=9.0)
    assert (lab.rented_through(setup) == -1).all()
    alone, _ = opened(provider__rents_from=[])
    np.testing.assert_array_equal(lab.tastes(setup)[0], lab.tastes(alone)[0])


def test_who_rents_stands_for_the_debt():
    """Open's promise at Swift is as good as Cloud's, at Depot as its own; a Cloud that is gone stands for none."""
    setup, market = opened()
    cloud, swift, _, depot = places(setup)
    open_lab = setup.labs.index("Open")
    trust, own = weights(setup, market).solid, lab.solid(setup, market)
    assert (trust[:, open_lab, swift] == 1.0).all()
    np.testing.assert_array_equal(trust[:, open_lab, depot], own[:, open_lab])
    market.providers.active[:, cloud] = False
    assert (lab.paid_solid(setup, market)[:, open_lab, swift] == 0.0).all()


def test_rent_is_paid_by_who_rents():
    """By hand: Parent is Cloud's own, Open rents through Cloud at Swift; Cloud owes itself nothing."""
    setup, _ = opened()
    cloud, swift, thrift, depot = places(setup)
    rent = np.zeros((2, len(setup.labs), len(setup.providers)))
    who = {name: setup.labs.index(name) for name in ("Parent", "Open", "First")}
    rent[:, who["Parent"], cloud] = 7.0
    rent[:, who["Parent"], depot] = 5.0
    rent[:, who["Open"], swift] = 3.0
    rent[:, who["Open"], depot] = 2.0
    rent[:, who["First"], thrift] = 1.0
    paid = lab.paid_by(setup, rent)
    own = len(setup.providers)
    assert paid[0, depot, cloud] == 5.0
    assert paid[0, swift, cloud] == 3.0
    assert paid[0, depot, own + who["Open"]] == 2.0
    assert paid[0, thrift, own + who["First"]] == 1.0
    assert paid[0].sum() == 11.0


def test_the_tape_and_the_signal_tell():
    """Open's contracts at Swift name Cloud, those of others nobody; the largest customer's share lies in 0..1."""
    run = Run(varied(15, **LOVED), seed=1, replicates=(0,), record=("contracts", "signals"))
    while not run.done:
        run.step()
    frames = run.frames()
    tape = frames["contracts"].cast({"lab": str, "provider": str, "through": str})
    named = {(row["lab"], row["provider"]): row["through"] for row in tape.iter_rows(named=True)}
    assert named["Open", "Swift"] == "Cloud"
    assert named["First", "Swift"] is None
    signals = frames["signals"].cast({"signal": str, "group": str})
    share = signals.filter((signals["signal"] == "largest_customer") & (signals["group"] == "neocloud"))["value"]
    assert len(share) == 15
    assert ((share > 0.0) & (share <= 1.0)).all()


def test_a_lab_rents_more_where_its_cloud_rents_for_it():
    """Open signs more at Swift and Thrift when Cloud rents there than when nobody does, under the same luck."""
    signed = []
    for names in (["Swift", "Thrift"], []):
        setup, market = prepare(varied(12, **LOVED, provider__rents_from=names), 0, tuple(range(8)))
        _, swift, thrift, _ = places(setup)
        booked = np.zeros(8)
        for _ in range(12):
            market, day = tick(setup, market, NONE)
            booked += day.trade.signed.booked[:, setup.labs.index("Open")][:, [swift, thrift]].sum(axis=1)
        signed.append(booked.mean())
    assert signed[0] > 1.2 * signed[1]
