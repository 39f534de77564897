"""Phases 1 and 2: launches, kernel maturity, model generations, and the compute fit that follows."""

import numpy as np

from market_sim.mechanisms import architecture, fit, software
from market_sim.state.grouping import grouped
from market_sim.state.market import Market
from market_sim.state.setup import Setup
from market_sim.state.tables import replace

FAR = 1e9


def family_start(setup: Setup) -> np.ndarray:
    """When each family's first chip can be bought (family,), years since the start."""
    first = np.full(len(setup.families), FAR)
    np.minimum.at(first, setup.chip_family, setup.chip_from)
    return first


def use_by_stack(setup: Setup, market: Market) -> np.ndarray:
    """Each stack's share of useful compute under contract (R, stack)."""
    out = grouped(market.holdings.useful_chip, setup.chip_stack, len(setup.stacks))
    return out / np.maximum(out.sum(axis=1), 1e-300)[:, None]


def mature(setup: Setup, market: Market) -> Market:
    """Launch families, let every stack's kernels improve, and families take over what their stacks know."""
    d, t, of = setup.drawn, market.technology, setup.family_stack
    on_sale = family_start(setup) <= market.now + 1e-9
    arrives = on_sale[None, :] & ~t.launched
    maturity = software.launched_maturity(t.maturity, t.launched, arrives, of, t.known, d.software.generation_reset)
    known = software.matured(
        t.known,
        d.stack.ceiling,
        d.stack.vendor_effort,
        d.software.lab_effort[:, None] * use_by_stack(setup, market),
        d.software.automation_rate[:, None] * setup.automation[:, :, market.tick],
        setup.dt,
    )
    before, after = (np.take(x, of, axis=1) for x in (t.known, known))
    maturity = software.taken_over(maturity, before, after, d.software.catch_up, setup.dt)
    maturity = np.where(on_sale[None, :, None], maturity, t.maturity)
    technology = replace(t, maturity=maturity, known=known, launched=t.launched | arrives)
    return replace(market, technology=technology)


def release_models(setup: Setup, market: Market) -> Market:
    """New model generations move towards each lab's ideal and, in the adapting world, towards its chips."""
    d, t = setup.drawn.labs, market.technology
    new = architecture.releases(market.now, setup.dt, setup.luck.release_phase, d.generation_years)
    if not new.any():
        return market
    ideal = setup.ideal_at(market.tick + 1)
    kappa, mix = by_chip(setup, t.maturity), setup.drawn.lab.training_share
    pull = fit.fit_gradient(setup.shortlist, t.drift, kappa, mix, market.holdings.live, new)
    nothing = np.zeros_like(d.codesign)
    moved = architecture.next_generation(t.drift, ideal, pull, new, d.adaptation, d.codesign, d.quality_loss)
    twin = architecture.next_generation(t.unadapted, ideal, pull, new, d.adaptation, nothing, d.quality_loss)
    technology = replace(
        t,
        drift=moved,
        unadapted=twin,
        seconds=fit.specialise(setup.shortlist, moved, kappa, mix, new, t.seconds),
        unadapted_seconds=fit.specialise(setup.shortlist, twin, kappa, mix, new, t.unadapted_seconds),
    )
    return replace(market, technology=technology)


def by_chip(setup: Setup, maturity: np.ndarray) -> np.ndarray:
    """Kernel maturity of every chip (R, chip, work) from that of its family (R, family, work)."""
    return np.ascontiguousarray(np.take(maturity, setup.chip_family, axis=1))


def specialised(setup: Setup, drift: np.ndarray, maturity: np.ndarray) -> np.ndarray:
    """Chip-seconds per useful PFLOP (R, lab, chip, work) under plans made for architectures (R, lab, direction)."""
    return fit.specialise(setup.shortlist, drift, by_chip(setup, maturity), setup.drawn.lab.training_share)


def weighed(setup: Setup, seconds: np.ndarray, maturity: np.ndarray) -> fit.Fit:
    """The compute fit at kernel maturity (R, family, work), off by the error that this run drew for each stack."""
    mix = setup.drawn.lab.training_share
    return fit.reweigh(setup.shortlist, seconds, by_chip(setup, maturity), mix, setup.fit_error)


def fit_chips(setup: Setup, market: Market) -> Market:
    """What every chip does for every lab."""
    t = market.technology
    answer = weighed(setup, t.seconds, t.maturity)
    return replace(market, technology=replace(t, throughput=answer.throughput, mfu=answer.mfu))


def twin_throughput(setup: Setup, market: Market) -> np.ndarray:
    """What every chip would do for a lab with the same luck that never adapted to its chips (R, lab, chip)."""
    return weighed(setup, market.technology.unadapted_seconds, market.technology.maturity).throughput
