"""List prices and cash cost, by hand."""

import numpy as np
import pytest

from market_sim.mechanisms import pricing

ONE = np.ones(1)


@pytest.mark.parametrize("dt", [1.0, 1 / 12, 1 / 48])
def test_list_prices_move_in_logs_at_their_own_speed(dt):
    """From 100 towards 400 at .6 a year: the same after a year in any tick."""
    price = np.full((1, 1), 100.0)
    for _ in range(round(1.0 / dt)):
        price = pricing.listed(price, np.full((1, 1), 400.0), 0.6 * ONE, dt)
    assert price[0, 0] == pytest.approx(400.0 * 4.0 ** -np.exp(-0.6), rel=1e-12)


def test_cash_cost_is_power_times_what_a_kilowatt_costs_a_year():
    """1.4 kW at 2,900 USD a year, by the hour."""
    cost = pricing.avoidable_cost(np.array([1.4]), np.full((1, 1), 2_900.0))
    assert cost[0, 0, 0] == pytest.approx(1.4 * 2900 / 8766)


def test_dearer_money_dearer_sites_and_hungrier_chips_make_dearer_hours():
    """Full cost rises with each of its parts."""

    def cost(wacc=0.1, site=11_000.0, power=1.4, price=3e4):
        return pricing.chip_hour_cost(
            np.full((1, 1, 1), price), np.full((1, 1), 1.7e4), np.array([power]), np.full((1, 1), wacc),
            np.full((1, 1), 2e3), np.full((1, 1), site), 5.0 * ONE, 15.0 * ONE,
        )[0, 0, 0]  # fmt: skip

    for dearer in ({"wacc": 0.15}, {"site": 2e4}, {"power": 2.0}, {"price": 4e4}):
        assert cost(**dearer) > cost()
