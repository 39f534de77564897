"""Lots under construction, by hand: who gets chips, who is late, what labs learn of it."""

import numpy as np
import pytest
from reference.building import empty_pipeline, open_lots

from market_sim.mechanisms import delivery

ONE = np.ones((1, 1))


def test_the_first_lot_ordered_gets_the_first_chips():
    """Fifteen chips for two lots of ten: the first is complete, the second half."""
    pipeline = open_lots(open_lots(empty_pipeline(4), 0.0, 10.0, 1.0, 0.1), 0.0, 10.0, 1.0, 0.1)
    step = delivery.advance(pipeline, np.full((1, 1, 1), 15.0), ONE, np.ones(1), 0.0, 0.1)
    np.testing.assert_allclose(step.pipeline.rows["received"][0, :2], [10.0, 5.0])


def test_a_lot_waits_for_the_later_of_site_and_chips():
    """A ready site without chips brings nothing up, and chips without a site neither."""
    pipeline = open_lots(empty_pipeline(4), 0.0, 10.0, 0.1, 0.05)
    step = delivery.advance(pipeline, np.zeros((1, 1, 1)), ONE, np.ones(1), 0.0, 1.0)
    assert step.finished_count[0] == 0
    assert step.pipeline.rows["bring_up_left"][0, 0] == 0.05
    step = delivery.advance(step.pipeline, np.full((1, 1, 1), 10.0), ONE, np.ones(1), 1.0, 1.0)
    assert step.finished_at[0, 0] == pytest.approx(1.05)


def test_lateness_is_the_log_of_actual_over_promised():
    """Promised in a year and done in two: log 2 for each kW; inventory lots count as such."""
    pipeline = open_lots(empty_pipeline(4), 0.0, 10.0, 1.9, 0.1)
    step = delivery.advance(pipeline, np.full((1, 1, 1), 10.0), ONE, np.array([1.4]), 0.0, 3.0)
    assert step.lateness[0, 0] / step.completed[0, 0] == pytest.approx(np.log(2.0))
    assert step.completed[0, 0] == pytest.approx(14.0)
    assert step.for_inventory[0, 0, 0] == 10.0


def test_congestion_slows_and_effort_speeds():
    """Building as much as one has halves the speed at c = 1; a log speed-up of log 2 doubles it."""
    speed = delivery.building_speed(
        np.array([[0.0, np.log(2.0)]]), np.ones(1), np.full((1, 2), 50.0), np.full((1, 2), 50.0)
    )
    np.testing.assert_allclose(speed, [[0.5, 1.0]])


def test_records_move_to_what_is_seen_by_what_was_completed():
    """Nothing completed, nothing learned; much completed, all learned."""
    for kw, learned in ((0.0, 0.1), (1e9, 0.7)):
        got = delivery.learned_record(0.1 * ONE, 0.7 * kw * ONE, kw * ONE, 1000.0 * ONE)
        assert got[0, 0] == pytest.approx(learned)


def test_lots_of_a_sold_provider_and_of_a_gone_contract_change_hands():
    """The buyer gets the lot; without its contract it is inventory."""
    pipeline = open_lots(empty_pipeline(4), 0.0, 10.0, 1.0, 0.1, contract=7)
    moved = delivery.reassign(pipeline, np.array([[7]]), np.ones(1, np.int64), np.array([[3]]))
    assert moved.rows["contract"][0, 0] == -1
    assert moved.rows["provider"][0, 0] == 3
