"""Kernel maturity, automation and porting: what the moat is made of and how it erodes."""

import numpy as np

from market_sim.numerics import exp, log
from market_sim.state.grouping import rows


def matured(
    known: np.ndarray, ceiling: np.ndarray, vendor_effort: np.ndarray, lab_effort: np.ndarray, automated: np.ndarray,
    dt: float,
) -> np.ndarray:  # fmt: skip
    """d K = (k_max - K)(vendor effort + lab effort by use + automation) dt, exactly over the tick.

    K `known` (replicate, stack, work): what a stack's kernels do on hardware that they were written for long ago. The
    others (replicate, stack), rates per year.
    """
    rate = vendor_effort + lab_effort + automated
    gap = np.maximum(0.0, ceiling[:, :, None] - known)
    return known + gap * (1.0 - exp(-rate * dt))[:, :, None]


def taken_over(
    maturity: np.ndarray, before: np.ndarray, after: np.ndarray, catch_up: np.ndarray, dt: float
) -> np.ndarray:
    """kappa (replicate, family, work) after `dt`: d(1 - kappa/K) = -catch_up (1 - kappa/K) dt, exactly.

    A family takes over what its stack knows, K `before` and `after` the tick (replicate, family, work), at the rate
    `catch_up` (replicate,) per year, and shares in whatever the stack learns meanwhile.
    """
    behind = 1.0 - maturity / before
    return after * (1.0 - behind * exp(-catch_up * dt)[:, None, None])


def launched_maturity(
    maturity: np.ndarray, launched: np.ndarray, arrives: np.ndarray, family_stack: np.ndarray, known: np.ndarray,
    reset: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Give a family that reaches the market `reset` times what its stack knows; a first family keeps its own start.

    `known` (replicate, stack, work); the rest by family.
    """
    if not arrives.any():
        return maturity
    out = maturity
    for stack in np.unique(family_stack):
        of_stack = (family_stack == stack)[None, :]
        fresh = arrives & of_stack & (launched & of_stack).any(axis=1, keepdims=True)
        out = np.where(fresh[:, :, None], (reset[:, None] * known[:, stack])[:, None, :], out)
    return out


def port_cost(work: np.ndarray, automated: np.ndarray, engineer: np.ndarray, firms: np.ndarray) -> np.ndarray:
    """USD to port each lab's production stack (replicate, lab, stack): engineer-months, less what models do.

    `work` and `automated` (replicate, stack); each of a lab's `firms` (replicate, lab) ports for itself.
    """
    each = work * (1.0 - 0.9 * automated) * engineer[:, None]
    return each[:, None, :] * firms[:, :, None]


def ports_advanced(
    ported: np.ndarray, gain: np.ndarray, spend: np.ndarray, cost: np.ndarray, payback: np.ndarray,
    duration: np.ndarray, dt: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Ports after `dt` and the USD paid for them (replicate, lab).

    A port goes on while `gain` (log worth won on the lab's `spend`, USD/year) repays what is left of its cost within
    `payback` years, and is paid as it progresses. `cost` (replicate, lab, stack) USD.
    """
    left = 1.0 - ported
    worth = gain * spend[:, :, None] * payback[:, None, None]
    goes = (left > 0.0) & (worth > cost * left)
    step = np.where(goes, np.minimum(left, dt / duration[:, None, None]), 0.0)
    return ported + step, rows(step * cost)


def switching(ported: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Log worth lost on each stack (replicate, lab, stack) while the port is unfinished."""
    return penalty[:, None, None] * (1.0 - ported)


def gain_of_port(best: np.ndarray, ported: np.ndarray, penalty: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Log worth a lab would win by having each stack (replicate, lab, stack).

    `best` is the lab's best log worth per USD on each stack as if ported, -inf where nothing is offered. The inclusive
    value of the logit with the stack ported less that without.
    """
    finite = np.where(np.isfinite(best), best, -1e9)
    top = finite.max(axis=2, keepdims=True)
    s = sigma[:, None, None]
    with_all = exp((finite - top) / s)
    today = exp((finite - switching(ported, penalty) - top) / s)
    inside = rows(today)[:, :, None]
    return np.where(np.isfinite(best), s * log(1.0 + (with_all - today) / np.maximum(inside, 1e-300)), 0.0)
