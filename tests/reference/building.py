"""A pipeline with one provider and one chip, for tests of building."""

import numpy as np

from market_sim.mechanisms import delivery
from market_sim.state.tables import PROJECT, Pipeline


def empty_pipeline(slots: int) -> Pipeline:
    """Room for some lots in one replicate."""
    return Pipeline(np.zeros((1, slots), PROJECT), np.zeros(1, np.int64))


def open_lots(
    pipeline: Pipeline, now: float, chips: float, site: float, bring_up: float, contract: int = -1
) -> Pipeline:
    """One more lot of `chips`, with `site` and `bring_up` years of work, promised in a year."""
    one = np.ones((1, 1), np.int64)
    return delivery.start(
        pipeline, np.full(1, contract), np.ones(1, np.int64), 0 * one, 0 * one, np.full((1, 1), chips), one > 0,
        np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)), np.full((1, 1), site), np.full(1, bring_up), now,
    )  # fmt: skip
