"""The CUDA premium: how spending would move if software set no stack apart.

Every stack's kernels are made as mature as the best of CUDA's, as a part of what each could reach, every port is
free, and the market of the tick is cleared again: at the old scarcity prices the answer would be far too high, since
chips that nobody can have would seem to win what they cannot serve. The premium is the share of spending that changes
stack, half the sum of absolute differences of the stacks' shares.
"""

import numpy as np

from market_sim.agents import lab
from market_sim.agents.provider import Offered
from market_sim.mechanisms import pricing, software
from market_sim.mechanisms.clearing import Cleared
from market_sim.mechanisms.concentration import merged
from market_sim.numerics import exp, log
from market_sim.simulation import trading
from market_sim.simulation.seen import Seen, ratio
from market_sim.simulation.technology import weighed
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace

REFERENCE = "CUDA"
TINY = 1e-300


def reference_stack(setup: Setup) -> int:
    """Place of the stack that others are measured against; the first where there is no CUDA."""
    return setup.stacks.index(REFERENCE) if REFERENCE in setup.stacks else 0


def equal_software(setup: Setup, market: Market) -> Market:
    """The market with all families as mature as the reference stack's best, by kind of work, and all ports done.

    Equally mature is the same part of the way to the stack's own ceiling: what its hardware can give.
    """
    t = market.technology
    ceiling = np.take(setup.drawn.stack.ceiling, setup.family_stack, axis=1)[:, :, None]
    known = (setup.family_stack == reference_stack(setup)) & t.launched
    best = np.where(known[:, :, None], t.maturity / ceiling, 0.0).max(axis=1, keepdims=True)
    maturity = np.where(best > 0.0, best * ceiling, t.maturity)
    answer = weighed(setup, t.seconds, maturity)
    technology = replace(
        t, maturity=maturity, throughput=answer.throughput, mfu=answer.mfu, ported=np.ones_like(t.ported)
    )
    return replace(market, technology=technology)


def spending(setup: Setup, offered: Offered, cleared: Cleared) -> np.ndarray:
    """Each stack's share of spending, queueing included (R, stack); NaN where nothing was bought."""
    by_offer = pricing.by_offer(cleared.chips, offered.price, offered.listed) * exp(cleared.scarcity)
    stack = np.take(setup.chip_stack, setup.offers.chip)
    by_stack = merged(by_offer, stack, len(setup.stacks))
    return ratio(by_stack, by_stack.sum(axis=1, keepdims=True))


def gain(setup: Setup, before: Market, after: Market) -> np.ndarray:
    """Rise of every chip's worth to every lab (R, lab, chip): throughput as labs judge it, and no switching
    cost.
    """
    old, new = (np.maximum(lab.judged_fit(setup, market), TINY) for market in (before, after))
    penalty = setup.drawn.software.unported_penalty
    paid, free = (software.switching(market.technology.ported, penalty) for market in (before, after))
    return log(new / old) + np.take(paid - free, setup.chip_stack, axis=2)


def cuda_premium(seen: Seen) -> np.ndarray:
    """Share of spending that would move between stacks (R,); NaN where nothing was bought."""
    setup, day = seen.setup, seen.day
    level = replace(equal_software(setup, day.before), shadow=day.trade.cleared.shadow)
    rise = np.take(gain(setup, day.before, level), setup.offers.chip, axis=2)
    again = trading.clear(setup, level, day.offered, replace(day.wishes, worth=day.wishes.worth + rise))
    moved = spending(setup, day.offered, again) - spending(setup, day.offered, day.trade.cleared)
    return 0.5 * np.abs(moved).sum(axis=1)
