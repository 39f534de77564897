"""What labs decide, over all of them at once: what to ask for, what each offer is worth, which ports to start."""

from dataclasses import dataclass

import numpy as np

from market_sim.agents.provider import Offered, being_built, delivered, log_fit, provider_slice
from market_sim.mechanisms import capacity, credit, demand, software, valuation
from market_sim.numerics import exp
from market_sim.state.grouping import grouped, rows
from market_sim.state.lately import lately
from market_sim.state.luck import GUMBEL_SD, SLUMP
from market_sim.state.market import Market
from market_sim.state.setup import Setup, once
from market_sim.state.tables import DEPOSITS
from market_sim.units import HOURS_PER_YEAR


@dataclass(frozen=True)
class Wishes:
    """What labs bring to the market."""

    ask: np.ndarray  # (R, lab) USD per hour of new run-rate
    plan: np.ndarray  # (R, lab) USD/year at the horizon
    worth: np.ndarray  # (R, lab, offer) log useful PFLOP-hours per USD
    outside: np.ndarray  # (R, lab) worth of waiting
    lot: np.ndarray  # (R, lab) chips


def lab_slice(setup: Setup) -> slice:
    """Where labs stand on the holder axis."""
    first = len(setup.vendors) + len(setup.providers)
    return slice(first, first + len(setup.labs))


def solid(setup: Setup, market: Market) -> np.ndarray:
    """How far a lab's promise to pay can be lent on (R, lab), 0..1: an owner behind it, or revenue over commitments."""
    owned = setup.lab_owner >= 0
    cover = market.labs.revenue / np.maximum(market.holdings.commitment, 1.0)
    return np.where(owned, 1.0, np.clip(0.5 * cover, 0.0, 1.0)) * market.labs.active


def paid_solid(setup: Setup, market: Market) -> np.ndarray:
    """How far what is owed to each provider can be lent on (R, lab, provider): by the lab, or by who rents for it."""
    return credit.vouched(rented_through(setup), market.providers.active, solid(setup, market))


def paid_by(setup: Setup, rent: np.ndarray) -> np.ndarray:
    """`rent` (R, lab, provider) by who pays it (R, provider, payer): a provider for what it rents for labs and for the
    labs that it owns, then labs; what a provider owes itself is left out."""
    return credit.paid_by(rent, _payers(setup), rent.shape[2] + rent.shape[1])


def customers(setup: Setup, rent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What its largest customer and what all pay each provider of `rent` (R, lab, provider): two of (R, provider), what
    it owes itself left out."""
    return credit.customers(rent, _payers(setup), setup.drawn.lab.firms)


@once
def _payers(setup: Setup) -> np.ndarray:
    """Who pays for what each lab has of each provider (R, lab, provider): providers are counted first, then labs."""
    providers, labs = len(setup.providers), len(setup.labs)
    itself = np.where(setup.lab_owner >= 0, setup.lab_owner, providers + np.arange(labs))
    through = rented_through(setup)
    return np.where(through >= 0, through, itself[:, None])


def relative_training(setup: Setup, market: Market) -> np.ndarray:
    """Useful training compute in service over the mean of those who share a pool of revenue (R, lab)."""
    compute = market.holdings.useful_lab * setup.drawn.lab.training_share
    return demand.beside_rivals(compute, setup.lab_pool, len(setup.pools), market.labs.active, 1e-4)


def obsolescence(setup: Setup, tick: int) -> np.ndarray:
    """o (R,) per year, higher in a slump, when nobody knows what capacity will be worth."""
    d, slump = setup.drawn.labs, setup.luck.in_regime[:, tick, SLUMP]
    return d.obsolescence * (1.0 + slump * (d.slump_obsolescence - 1.0))


@lately("tick", "potential", "labs.active")
def funding(setup: Setup, market: Market) -> np.ndarray:
    """USD/year of equity on offer to labs (R, lab): follows the potential of their pool."""
    paths = market.potential
    grown = paths[:, :, market.tick] / np.maximum(paths[:, :, 0], 1.0)
    return setup.drawn.lab.funding * np.take(grown, setup.lab_pool, axis=1) * market.labs.active


@lately("ledger.balance", "providers.active")
def purse(setup: Setup, market: Market) -> np.ndarray:
    """USD that a lab can lay hands on (R, lab): its cash, and its part of its owner's."""
    cash = np.maximum(0.0, market.ledger.balance[:, DEPOSITS, lab_slice(setup)])
    kept = np.maximum(0.0, market.ledger.balance[:, DEPOSITS, provider_slice(setup)]) * market.providers.active
    return cash + np.take(kept, np.maximum(setup.lab_owner, 0), axis=1) / _siblings(setup)


@once
def _siblings(setup: Setup) -> np.ndarray:
    """Among how many labs an owner's cash is shared (lab,); without end where there is no owner."""
    number = np.maximum(1, (setup.lab_owner[:, None] == setup.lab_owner[None, :]).sum(axis=1))
    return np.where(setup.lab_owner >= 0, number, np.inf)


def industry_cost(setup: Setup, market: Market) -> np.ndarray:
    """USD that a useful PFLOP-hour costs on average those who share a pool of revenue (R, lab).

    What customers pay for the same work follows it: the price of a service moves with its industry's cost, which falls
    as fleets renew, not with the cost of the newest chip alone.
    """
    rent, use = rows(market.holdings.rent_rate), market.holdings.useful_lab
    spent, had = (grouped(x, setup.lab_pool, len(setup.pools)) for x in (rent, use))
    cost = np.where(had > 0.0, spent / np.where(had > 0.0, had * HOURS_PER_YEAR, 1.0), 0.0)
    mine = np.take(cost, setup.lab_pool, axis=1)
    return np.where(mine > 0.0, mine, market.labs.cost_index)


@lately()
def compute_share(setup: Setup, now: float) -> np.ndarray:
    """Compute wanted per USD of forward revenue (R, lab): young labs that spend more than they earn grow out of it."""
    d = setup.drawn
    start, rest = d.lab.compute_share, np.minimum(d.lab.compute_share, d.demand.mature_share[:, None])
    return rest + (start - rest) * exp(-now / d.demand.maturing_time)[:, None]


def service_yield(setup: Setup, market: Market) -> np.ndarray:
    """Revenue per USD of serving compute at its industry's cost (R, lab): rises as the compute that revenue takes
    falls, or labs that grow into what they earn would plan too little to serve it."""
    return market.labs.revenue_yield * setup.drawn.lab.compute_share / compute_share(setup, market.now)


def horizon(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """How far ahead labs plan (R,), years: further where what is being built takes longer than it does ordinarily."""
    d = setup.drawn
    longer = capacity.mean_excess(being_built(setup, market), offered.delay, _ordinary_delay(setup))
    return d.demand.horizon + d.demand.wait_planned * longer


@once
def _ordinary_delay(setup: Setup) -> np.ndarray:
    """Years from order to service where chips do not have to be waited for (R, provider)."""
    return setup.drawn.provider.site_months / 12.0 + setup.drawn.delivery.bring_up[:, None]


@once
def boldest(setup: Setup) -> np.ndarray:
    """Fastest growth that each lab plans on (R, lab), 1/year."""
    return setup.drawn.demand.belief_cap[:, None] * setup.drawn.lab.ambition


def plan(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """W (R, lab): USD/year of compute wanted at the horizon."""
    d = setup.drawn
    wanted = demand.planned_spend(
        market.labs.demand, market.labs.revenue, market.labs.growth, purse(setup, market), funding(setup, market),
        compute_share(setup, market.now), d.lab.other_cost, market.holdings.pending,
        horizon(setup, market, offered), boldest(setup), d.demand.runway, d.demand.bridge_share,
    )  # fmt: skip
    return wanted * market.labs.active


def ask(setup: Setup, market: Market, wanted: np.ndarray) -> np.ndarray:
    """B (R, lab): USD per hour of new run-rate asked this tick, no more than it could prepay for."""
    d = setup.drawn
    asked = demand.ask(wanted, market.holdings.commitment, market.labs.carry, d.demand.ask_time, setup.dt)
    term = max(setup.scenario.trade.built_terms, default=1.0)
    ahead = d.trade.prepaid[:, None] * term * HOURS_PER_YEAR
    spent = 1.0 - exp(-setup.dt / d.demand.runway)
    means = purse(setup, market) * spent[:, None] + funding(setup, market) * setup.dt
    return np.where(ahead > 0.0, np.minimum(asked, means / np.where(ahead > 0.0, ahead, 1.0)), asked)


@once
def spread(setup: Setup) -> np.ndarray:
    """Logit sigma (R,) that is left when persistent tastes take their share of the variance."""
    d = setup.drawn.labs
    return d.sigma * np.sqrt(np.maximum(1e-6, 1.0 - d.taste_share))


@once
def tastes(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Persistent log tastes (R, lab, provider) and (R, lab, chip): half of taste's variance each.

    Where somebody rents for the lab, and it likes that better, it has the cloud of who rents on the chips of who lets.
    """
    direct, scale = _own_tastes(setup)
    return np.maximum(direct, _resold(setup, direct)), scale * setup.luck.chip_taste


@once
def rented_through(setup: Setup) -> np.ndarray:
    """Who rents from each provider for each lab (R, lab, provider): -1 where the lab does so itself."""
    direct, _ = _own_tastes(setup)
    return np.where(_resold(setup, direct) > direct, setup.through, -1)


def _own_tastes(setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Tastes for providers (R, lab, provider) without anybody between, and the scale of tastes (R, 1, 1)."""
    d = setup.drawn.labs
    scale = (d.sigma * GUMBEL_SD * np.sqrt(0.5 * d.taste_share))[:, None, None]
    return setup.drawn.lab.affinity + scale * setup.luck.provider_taste, scale


def _resold(setup: Setup, direct: np.ndarray) -> np.ndarray:
    """Tastes for each provider's chips in the cloud of who may rent them for the lab; -inf where nobody may."""
    d = setup.drawn
    service = d.lab.template_weight[:, :, None] * d.provider.template[:, None, :]
    between = np.broadcast_to(np.maximum(setup.through, 0), direct.shape)
    cloud = np.take_along_axis(direct + service, between, axis=2) - d.providers.resale_loss[:, None, None]
    return np.where(setup.through >= 0, cloud - service, -np.inf)


def judged_fit(setup: Setup, market: Market) -> np.ndarray:
    """The throughput labs go by (R, lab, chip): the compute fit, or peak FLOP/s from the spec sheet."""
    if setup.scenario.labs.choice == "spec_sheet":
        return _on_paper(setup)
    return market.technology.throughput


@once
def _on_paper(setup: Setup) -> np.ndarray:
    """Peak FLOP/s of the spec sheet for every replicate (R, lab, chip)."""
    return np.ascontiguousarray(np.broadcast_to(setup.peak, (setup.width, *setup.peak.shape)))


@once
def _prepaid(setup: Setup) -> np.ndarray:
    """Share of the rent paid on signing (R, offer): of what is built to order."""
    return np.where(setup.offers.built, setup.drawn.trade.prepaid[:, None], 0.0)


def value(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """U (R, lab, offer) of everything on offer."""
    d, o = setup.drawn, setup.offers
    by_provider, by_chip = tastes(setup)
    penalty = software.switching(market.technology.ported, d.software.unported_penalty)
    return valuation.worth(
        judged_fit(setup, market), delivered(setup), offered.price, offered.believed, d.provider.template,
        d.lab.template_weight, by_provider, by_chip, penalty, d.labs.discount, obsolescence(setup, market.tick),
        d.labs.delay_discount, o.provider, o.chip, o.term, _prepaid(setup), setup.chip_stack, offered.live,
        offered.listed,
    )  # fmt: skip


def wish(setup: Setup, market: Market, offered: Offered) -> Wishes:
    """Asks, worths and lots of the tick."""
    wanted = plan(setup, market, offered)
    price = np.take(valuation.mean_price(offered.price, offered.live), offered.listed, axis=1)
    yearly = HOURS_PER_YEAR * np.where(price > 0.0, price, 1.0)
    lot = np.maximum(1.0, np.floor(setup.drawn.trade.lot[:, None] * wanted / yearly))
    reserve = setup.drawn.trade.outside[:, None] * market.labs.cost_index
    return Wishes(
        ask(setup, market, wanted), wanted, value(setup, market, offered), valuation.outside_worth(reserve), lot
    )


def best_by_stack(setup: Setup, market: Market, offered: Offered) -> np.ndarray:
    """Best log useful compute per USD on each stack, as if ported (R, lab, stack); -inf where nothing is offered."""
    return valuation.best_by_stack(
        market.technology.throughput,
        offered.price,
        offered.live,
        setup.offers.chip,
        setup.chip_stack,
        len(setup.stacks),
        offered.listed,
    )


def port(setup: Setup, market: Market, offered: Offered) -> tuple[np.ndarray, np.ndarray]:
    """Ports after the tick (R, lab, stack) and USD paid for them (R, lab)."""
    d = setup.drawn
    automated = setup.automation[:, :, market.tick]
    cost = software.port_cost(d.stack.port_cost, automated, d.software.engineer_cost, d.lab.firms)
    best = best_by_stack(setup, market, offered)
    gain = software.gain_of_port(best, market.technology.ported, d.software.unported_penalty, spread(setup))
    return software.ports_advanced(
        market.technology.ported, gain, market.labs.plan, cost, d.software.port_payback, d.software.port_years, setup.dt
    )


def replacement_cost(setup: Setup, market: Market, built: np.ndarray) -> np.ndarray:
    """USD per useful PFLOP-hour of new capacity (R, lab): the built-to-order price over its own fit, by what is built.

    `built` (R, provider, chip) in USD per chip-hour.
    """
    cost = capacity.replacement_cost(being_built(setup, market), built, delivered(setup), log_fit(market))
    return np.where(cost > 0.0, cost, market.labs.cost_index)
