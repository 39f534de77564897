"""How much hangs on which chip runs whose model: the fixed stock of chips shared anew, and ranks of chips (T1)."""

import numpy as np

from market_sim.agents import lab, provider
from market_sim.mechanisms import clearing, software
from market_sim.numerics import kernel, log, part
from market_sim.simulation.seen import Seen, ratio
from market_sim.state.grouping import summed_product

TINY = 1e-12
NEVER = -1e3  # log worth of going without: all chips find a lab
MONEY = 100.0  # USD a chip-hour in all purses together, so that every chip is scarce


def fit_gain(seen: Seen) -> np.ndarray:
    """Useful compute of the chips in service, shared as labs judge chips, over shared by spec sheet, less 1 (R,).

    Labs bid for chips with what they plan to spend and nothing else on offer, so only who holds which chip differs:
    the stock is the same, and so is the work that each chip does for each lab. Zero where labs judge by spec sheet.
    """
    market = seen.market
    fit = np.maximum(market.technology.throughput, TINY)
    peak = np.ascontiguousarray(np.broadcast_to(np.maximum(seen.setup.peak, TINY), fit.shape))
    judged = np.maximum(lab.judged_fit(seen.setup, market), TINY)
    work = [summed_product(shared(seen, one), fit).sum(axis=1) for one in (judged, peak)]
    return (ratio(work[0], work[1]) - 1.0)[:, None]


def shared(seen: Seen, judged: np.ndarray) -> np.ndarray:
    """Chips (R, lab, chip) that labs get of all in service when they judge them so (R, lab, chip)."""
    setup, market = seen.setup, seen.market
    stock = (market.fleet.in_service * provider.delivered(setup)[:, :, None]).sum(axis=1)
    switching = software.switching(market.technology.ported, setup.drawn.software.unported_penalty)
    worth = log(judged) - np.take(switching, setup.chip_stack, axis=2)
    plan = market.labs.plan * market.labs.active
    purse = ratio(plan, plan.sum(axis=1, keepdims=True)) * stock.sum(axis=1, keepdims=True) * MONEY
    chips, nobody = len(setup.chips), np.zeros_like(stock)
    pool = np.stack([np.arange(chips), np.full(chips, -1)], axis=1)
    cleared = clearing.clear(
        worth, np.full_like(plan, NEVER), np.nan_to_num(purse), np.ones_like(worth), pool, np.ones((chips, 2)), stock,
        nobody, lab.spread(setup), nobody, setup.scenario.trade.tolerance,
    )  # fmt: skip
    return cleared.chips


def rank_changes(seen: Seen) -> np.ndarray:
    """Share of pairs of chips on sale that labs rank otherwise than peak FLOP/s does, per USD (R,), by plans."""
    setup, market = seen.setup, seen.market
    sold = np.flatnonzero(
        (setup.chip_from <= seen.now + TINY) & (setup.chip_until >= seen.now) & setup.deploys.any(axis=0)
    )
    price = market.vendors.list_price + setup.drawn.chip.server
    plan = market.labs.plan * market.labs.active
    out = np.empty(len(plan))
    _rank_changes(lab.judged_fit(setup, market), setup.peak, price, sold, plan, out)
    return out[:, None]


@kernel
def _rank_changes(fit, peak, price, sold, plan, out):  # type: ignore[no-untyped-def]
    by_fit, by_peak = np.empty(sold.shape[0]), np.empty(sold.shape[0])
    for r in range(out.shape[0]):
        turned, whole = 0.0, 0.0
        for i in range(plan.shape[1]):
            for j in range(sold.shape[0]):
                by_fit[j] = max(fit[r, i, sold[j]], TINY) / price[r, sold[j]]
                by_peak[j] = max(peak[i, sold[j]], TINY) / price[r, sold[j]]
            turned += plan[r, i] * _turned(by_fit, by_peak)
            whole += plan[r, i]
        out[r] = turned / whole if whole > 0.0 else np.nan


@part
def _turned(one, other):  # type: ignore[no-untyped-def]
    """Share of pairs that two scores rank otherwise."""
    turned = 0
    for j in range(one.shape[0]):
        for k in range(j):
            turned += (one[j] - one[k]) * (other[j] - other[k]) < 0.0
    return 2.0 * turned / max(1, one.shape[0] * (one.shape[0] - 1))


def list_price(seen: Seen) -> np.ndarray:
    """USD that providers ask enterprises for a useful PFLOP-hour, one-year terms (R, group), by chips in service."""
    return seen.ratio_by_kind(seen.fleets.asked, seen.fleets.useful)
