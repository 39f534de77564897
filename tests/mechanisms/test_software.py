"""Kernel maturity and ports, by hand and in the limit of small ticks."""

import numpy as np
import pytest
from reference.runs import last

from market_sim.mechanisms import fit, software
from market_sim.scenario.catalog import chip_table

ONE = np.ones(1)
FAMILIES = ("H100", "MI250X", "MI300X", "TPU v5p", "Trainium1")


def test_maturity_closes_its_gap_at_the_sum_of_three_rates():
    """d kappa = (k_max - kappa)(vendor + labs + automation) dt, the same for any tick."""
    for dt in (1.0, 1 / 12, 1 / 48):
        kappa = np.array([[[0.6, 0.9]]])
        for _ in range(round(1.0 / dt)):
            kappa = software.matured(kappa, np.full((1, 1), 1.1), *(np.full((1, 1), r) for r in (0.3, 0.1, 0.2)), dt)
        np.testing.assert_allclose(kappa[0, 0], 1.1 - np.array([0.5, 0.2]) * np.exp(-0.6), rtol=1e-12)


def test_maturity_above_its_ceiling_is_not_lost():
    """A lower ceiling stops growth; it takes nothing away."""
    kappa = software.matured(
        np.full((1, 1, 1), 1.2), np.full((1, 1), 1.0), *(np.full((1, 1), 1.0) for _ in range(3)), 1.0
    )
    assert kappa[0, 0, 0] == 1.2


def test_a_new_generation_starts_below_what_its_stack_knows_and_a_first_family_as_calibrated():
    """Seven tenths of what is known of each kind of work on its own stack, nobody else's."""
    maturity = np.array([[[1.0, 0.8], [0.9, 0.9], [0.5, 0.5], [0.4, 0.4]]])
    launched, arrives = np.array([[True, True, False, False]]), np.array([[False, False, True, True]])
    known = np.array([[[1.0, 0.9], [2.0, 2.0]]])
    got = software.launched_maturity(maturity, launched, arrives, np.array([0, 0, 0, 1]), known, 0.7 * ONE)[0]
    np.testing.assert_allclose(got, [[1.0, 0.8], [0.9, 0.9], [0.7, 0.63], [0.4, 0.4]])


@pytest.mark.parametrize("dt", [1.0, 1 / 12, 1 / 48])
def test_a_generation_catches_up_with_its_stack_and_shares_in_what_it_learns(dt):
    """Three tenths behind at launch, .3/e in a year at a rate of one, of a stack that learns a tenth meanwhile."""
    kappa, steps = np.full((1, 1, 1), 0.7), round(1.0 / dt)
    for step in range(steps):
        before, after = (np.full((1, 1, 1), 1.1 ** (at / steps)) for at in (step, step + 1))
        kappa = software.taken_over(kappa, before, after, ONE, dt)
    assert kappa[0, 0, 0] == pytest.approx(1.1 * (1.0 - 0.3 * np.exp(-1.0)), rel=1e-12)


def test_stacks_mature_at_the_pace_that_was_measured():
    """Two years after the start no stack's kernels are more than a tenth off those that the fit's rows show by then:
    a ceiling far above what was reached is approached at the pace that was seen, not at that of a new chip."""
    setup, after = last("history_2023", 24)
    chips = chip_table({name: {"catalog": chip.catalog} for name, chip in setup.scenario.chip.items()})
    seen = np.take(fit.starting_maturity(chips, 2025.0), [setup.chips.index(name) for name in FAMILIES], axis=0)
    run = after.technology.maturity[0, [setup.chip_family[setup.chips.index(name)] for name in FAMILIES]]
    np.testing.assert_allclose(run, seen, rtol=0.1)


def test_ports_get_cheaper_as_models_write_kernels():
    """Engineer-months in full without automation, a tenth of them when models do it all; every firm pays its own."""
    work, automated, firms = np.array([[24.0, 24.0]]), np.array([[0.0, 1.0]]), np.array([[1.0, 300.0]])
    cost = software.port_cost(work, automated, 40_000.0 * ONE, firms)
    np.testing.assert_allclose(cost, [[[960_000.0, 96_000.0], [288e6, 28.8e6]]])


def ported(dt, gain, years=1.0, spend=1e6):
    """Progress of one port and what was paid for it; it costs a million and takes three quarters of a year."""
    done, paid = np.zeros((1, 1, 1)), 0.0
    for _ in range(round(years / dt)):
        done, bill = software.ports_advanced(
            done, np.full((1, 1, 1), gain), np.full((1, 1), spend), np.full((1, 1, 1), 1e6), 1.5 * ONE, 0.75 * ONE, dt
        )
        paid += bill.sum()
    return done[0, 0, 0], paid


@pytest.mark.parametrize("dt", [0.25, 1 / 12, 1 / 24])
def test_a_port_that_repays_is_done_in_its_time_and_paid_once(dt):
    """After a year it is whole and has cost exactly its price; after half of its time, half."""
    assert ported(dt, 1.0) == pytest.approx((1.0, 1e6))
    assert ported(1 / 24, 1.0, 0.375) == pytest.approx((0.5, 5e5))


def test_a_port_that_does_not_repay_is_not_started():
    """Gain times spend over the payback must exceed what is left of the cost."""
    assert ported(1 / 12, 0.66) == (0.0, 0.0)
    assert ported(1 / 12, 0.67)[0] == pytest.approx(1.0)


def test_a_port_wins_most_where_the_stack_is_best_and_nothing_once_done():
    """Gains by the inclusive value: none on a finished port, none where nothing is offered."""
    best, done = np.array([[[1.0, 0.0, -np.inf, 1.0]]]), np.array([[[0.0, 0.0, 0.0, 1.0]]])
    gain = software.gain_of_port(best, done, 1.2 * ONE, 0.45 * ONE)[0, 0]
    assert gain[0] > gain[1] > 0.0
    assert gain[2] == gain[3] == 0.0
