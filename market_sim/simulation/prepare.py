"""Scenario, seed and replicates -> everything fixed for the run, and the market at its start."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from market_sim.agents import lab, provider
from market_sim.mechanisms import contracts, delivery, demand, fit, pricing
from market_sim.mechanisms.contracts import Weights
from market_sim.numerics import log
from market_sim.scenario.catalog import ChipTable, architecture_table, chip_table
from market_sim.scenario.realise import lucky, realise
from market_sim.scenario.schema import Scenario
from market_sim.simulation.technology import specialised, weighed
from market_sim.state.initial import OLDEST, open_market, opening_technology
from market_sim.state.lately import lately
from market_sim.state.luck import draw_luck
from market_sim.state.market import Market
from market_sim.state.setup import Setup, lay_out
from market_sim.state.tables import Book, Pipe, Pipeline, replace
from market_sim.units import decimal_year


def prepare(scenario: Scenario, seed: int, replicates: tuple[int, ...]) -> tuple[Setup, Market]:
    """Draw all luck, search all plans once, and open the market."""
    drawn = realise(scenario, seed, replicates)
    luck = draw_luck(scenario, drawn, seed, lucky(scenario, replicates))
    plans = search_plans(
        tuple((name, chip.catalog or name) for name, chip in scenario.chip.items()),
        tuple(one.architecture for one in scenario.lab.values()),
    )
    setup = lay_out(
        scenario, drawn, luck, seed, replicates, plans.chips.families, plans.shortlist, plans.peak, plans.band
    )
    return setup, _open(setup, *_maturity(setup, plans.chips))


@dataclass(frozen=True)
class Plans:
    """What the compute fit knows of a scenario's chips and architectures before any luck is drawn."""

    chips: ChipTable
    shortlist: fit.ShortList
    peak: np.ndarray  # (lab, chip) PFLOP/s of the spec sheet
    band: np.ndarray  # (chip,) standard deviation of the log error


@cache
def search_plans(chips: tuple[tuple[str, str], ...], architectures: tuple[str, ...]) -> Plans:
    """The plans of chips (name, name in the catalogue) and of labs' architectures: searched once for all chunks."""
    table = chip_table({name: {"catalog": listed} for name, listed in chips})
    models = architecture_table(list(architectures))
    jobs = fit.default_jobs(models)
    return Plans(table, fit.prepare(models, table, jobs), fit.spec_sheet(table, jobs), fit.error_band(table))


def _maturity(setup: Setup, chips) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """Kernel maturity at the start: that of each family's first chip (R, family, work), and what each stack's kernels
    do on hardware long in use (R, stack, work)."""
    today = decimal_year(setup.scenario.start[:7])
    families = fit.starting_maturity(chips, today)[_first(setup.chip_family, len(setup.families))]
    stacks = fit.settled_maturity(chips, today)[_first(setup.chip_stack, len(setup.stacks))]
    families, stacks = (np.broadcast_to(one, (setup.width, *one.shape)).copy() for one in (families, stacks))
    return families, stacks


def _first(of: np.ndarray, count: int) -> list[int]:
    """The first chip of each group by what chips are `of`; any where a group has none."""
    return [int(np.argmax(of == one)) for one in range(count)]


def _open(setup: Setup, maturity: np.ndarray, known: np.ndarray) -> Market:
    """Open with cost prices, then let the opening book tell capabilities and cost indices."""
    drawn = setup.drawn
    seconds = specialised(setup, drawn.lab.ideal, maturity)
    answer = weighed(setup, seconds, maturity)
    technology = opening_technology(setup, maturity, known, seconds, answer.throughput, answer.mfu)
    price = drawn.chip.price.copy()
    purchase = np.where(
        setup.own_silicon,
        (drawn.chip.cost / (1.0 - drawn.vendors.transfer_margin)[:, None])[:, None, :],
        price[:, None, :],
    )
    cost = pricing.chip_hour_cost(
        purchase, drawn.chip.server, setup.power, drawn.provider.wacc, drawn.provider.opex,
        provider.site_cost(setup), drawn.providers.life, drawn.providers.site_life,
    )  # fmt: skip
    built = cost * drawn.trade.built_markup[:, None, None]
    site = (drawn.provider.site_months / 12.0)[:, :, None] + drawn.delivery.bring_up[:, None, None]
    promised = np.broadcast_to(site * (1.0 - drawn.delivery.optimism)[:, None, None], built.shape)
    bare = open_market(setup, technology, price, built, promised)
    quote = opening_quote(setup, bare, built)
    market = open_market(setup, technology, price, quote, promised)
    return _with_beliefs(setup, add_up(setup, market), built)


def opening_quote(setup: Setup, market: Market, built: np.ndarray) -> np.ndarray:
    """Opening one-year price (R, provider, chip): what the scenario says chips rent for, else the price of the same
    useful work on what is being built, at most the chip's own built-to-order price, at least its power."""
    useful = provider.useful_chip(market)[:, None, :] * provider.delivered(setup)[:, :, None]
    value = provider.useful_price(setup, market, built)[:, None, None] * useful
    given = setup.drawn.chip.rent[:, None, :]
    floor = pricing.avoidable_cost(setup.power, setup.drawn.provider.opex)
    return np.maximum(floor, np.where(given > 0.0, given, np.minimum(built, value)))


def add_up(setup: Setup, market: Market) -> Market:
    """What the book and the pipeline come to now."""
    held = contracts.add_up(market.book, weights(setup, market), market.now)
    return add_lots(setup, replace(market, holdings=held))


def weights(setup: Setup, market: Market) -> Weights:
    """What contracts are weighed by now."""
    return Weights(
        market.technology.throughput, provider.delivered(setup), lab.paid_solid(setup, market), setup.chip_vendor,
        len(setup.vendors),
    )  # fmt: skip


def add_lots(setup: Setup, market: Market) -> Market:
    """What the pipeline comes to now."""
    return replace(market, pipe=_lots(setup, market.pipeline))


@lately()
def _lots(setup: Setup, pipeline: Pipeline) -> Pipe:
    """Sums over the lots under way: a pipeline that no rule touched since is not walked again."""
    return delivery.add_up(pipeline, setup.power, len(setup.providers))


def add_deals(setup: Setup, market: Market, before: Book) -> Market:
    """What the book comes to with the contracts signed since `before`, and the pipeline."""
    held = contracts.add_deals(market.holdings, market.book, before.count, weights(setup, market), market.now)
    return add_lots(setup, replace(market, holdings=held))


def add_useful(setup: Setup, market: Market) -> Market:
    """What the chips under contract do at today's throughput."""
    return replace(market, holdings=contracts.add_useful(market.holdings, market.technology.throughput))


def hand_over(setup: Setup, market: Market, failed: np.ndarray) -> Market:
    """What the book and the pipeline come to with providers `failed` (R, provider), whose contracts and lots may have
    a new owner."""
    moved = np.any(failed, axis=1)
    if not moved.any():
        return market
    held = contracts.add_up_where(moved, market.holdings, market.book, weights(setup, market), market.now)
    return add_lots(setup, replace(market, holdings=held))


def close(setup: Setup, market: Market) -> Market:
    """What the book and the pipeline come to when the tick is over."""
    held = contracts.later(market.holdings, setup.dt, weights(setup, market))
    return add_lots(setup, replace(market, holdings=held))


def _with_beliefs(setup: Setup, market: Market, built: np.ndarray) -> Market:
    """Capabilities at rest under the opening training fleets, brands and yields that explain opening revenues."""
    d, use = setup.drawn, market.holdings.useful_lab
    capability = d.demand.capability_elasticity[:, None] * log(lab.relative_training(setup, market))
    brand = log(np.maximum(d.lab.revenue, 1.0)) - d.demand.choice_intensity[:, None] * capability
    index = lab.replacement_cost(setup, market, built)
    serving = demand.inference(use, d.lab.training_share)
    share = d.lab.compute_share * np.maximum(0.1, 1.0 - d.lab.training_share)
    cost = lab.industry_cost(setup, replace(market, labs=replace(market.labs, cost_index=index)))
    earned = demand.opening_yield(d.lab.revenue, serving, cost, share)
    labs = replace(market.labs, capability=capability, brand=brand, cost_index=index, revenue_yield=earned)
    backed = d.providers.debt_share[:, None] * live_backlog(setup, market)
    providers = replace(market.providers, corporate_debt=np.maximum(0.0, d.provider.debt - backed))
    return replace(market, labs=labs, providers=providers)


def live_backlog(setup: Setup, market: Market) -> np.ndarray:
    """USD of rent still to come under contracts in service (R, provider): what opening debt can stand on."""
    rate = market.holdings.rent_rate.sum(axis=1)
    term = max(setup.scenario.trade.built_terms, default=1.0)
    return rate * term * (1.0 - 0.5 * OLDEST)
