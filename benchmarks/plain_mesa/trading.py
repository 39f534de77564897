"""Phases 4 and 5: what is on offer, what labs ask, the market cleared, flows made into contracts and lots."""

from math import exp, expm1, log
from typing import Any

from benchmarks.plain_mesa.building import Lot
from benchmarks.plain_mesa.catalogue import HOURS, Chip
from benchmarks.plain_mesa.clearing import Buyer, Clearing
from benchmarks.plain_mesa.contracts import LIVE, PENDING, Contract, Due
from benchmarks.plain_mesa.lots import Deal, drawn, signed
from benchmarks.plain_mesa.luck import bits, mixed
from benchmarks.plain_mesa.sums import add_lots, count

ON_DEMAND = 0.25  # years of the term on demand


def term_factor(model: Any, term: float, premium: float = 1.0) -> float:
    """Price over that of one year: dearer on demand, and that by the provider's `premium`; cheaper beyond a year."""
    given = model.given.trade
    short = min(1.0, max(0.0, log(term) / log(ON_DEMAND)))
    return exp(short * log(given.on_demand_factor * premium) - given.term_slope * max(0.0, log(term)))


def open_offers(model: Any) -> None:
    """Prices, promises and capacity of everything on offer."""
    for vendor in model.vendors:
        vendor.book_orders()
        model.market.order_books[vendor].size = vendor.order_book_left()
    for provider in model.providers:
        provider.reckon()
        model.market.sites[provider].size = provider.headroom()
    for (provider, chip), pool in model.market.ready.items():
        pool.size = float((provider.vacant(chip) + 1e-9) // 1.0)
    honesty = 1.0 - model.given.delivery.optimism
    margin = model.belief_z * model.given.delivery.sigma
    belief = {provider: exp(provider.record + margin) for provider in model.providers}
    for offer in model.market.offers:
        p, c = offer.provider, offer.chip.place
        price = p.built[c] if offer.built else p.quote[c]
        offer.open(model.now, price, p.delay[c] * honesty, belief[p])


def obsolescence(model: Any) -> float:
    """Per year; higher in a slump."""
    given = model.given.labs
    return given.obsolescence * (1.0 + model.slump[model.tick] * (given.slump_obsolescence - 1.0))


def trade(model: Any) -> None:
    """Labs ask, the market clears, flows become contracts and lots to build."""
    live = [offer for offer in model.market.offers if offer.live]
    model.horizon = model.given.demand.horizon + model.given.demand.wait_planned * model.longer_wait()
    for lab in model.labs:
        prices = [offer.price[lab.enterprise] for offer in live]
        lab.wish(sum(prices) / len(prices) if prices else 0.0)
    flows = clear(model)
    deals = [deal for lab, bought in flows.items() for deal in drawn(lab, bought)]
    for provider in model.providers:
        provider.begun_kw = 0.0
    booked = dict.fromkeys(model.labs, 0.0)
    for deal in signed(deals, model.deals_per_tick):
        booked[deal.lab] += sign(model, deal)
    model.spend = {p: dict.fromkeys(model.labs, 0.0) for p in model.providers}
    for lab, bought in flows.items():
        for offer, chips in bought:
            model.spend[offer.provider][lab] += chips * contract_price(model, offer, lab)
    model.spent = {lab: sum(model.spend[p][lab] for p in model.providers) for lab in model.labs}
    for lab in model.labs:
        lab.carry = max(0.0, model.spent[lab] - booked[lab] / HOURS)
    count(model, model.signed)
    add_lots(model)


def clear(model: Any) -> dict[Any, list[tuple[Any, float]]]:
    """Chips that each lab gets of each offer, at scarcity prices that keep every pool within capacity."""
    model.market.notice(model.given.trade.omega, tuple(sorted({int(lab.enterprise) for lab in model.labs})))
    offers = [offer for offer in model.market.offers if offer.stocked()]
    labs = [lab for lab in model.labs if lab.ask > 0.0]
    timing = [worth_of_time(model, offer) for offer in offers]
    for offer in model.market.offers:
        offer.scarcity = 0.0
    flows: dict[Any, list[tuple[Any, float]]] = {}
    pools: set[Any] = set()
    if offers and labs:
        buyers = [
            Buyer(lab.ask, lab.outside(), lab.worth(offers, timing), [o.price[lab.enterprise] for o in offers])
            for lab in labs
        ]
        clearing = Clearing(buyers, offers, model.sigma, model.tolerance)
        chips, pools = clearing.run(), set(clearing.pools)
        model.sweeps = clearing.sweeps
        flows = {lab: list(zip(offers, row, strict=True)) for lab, row in zip(labs, chips, strict=True)}
    for pool in model.market.capacities:
        pool.shadow = pool.shadow if pool in pools else 0.0
    return flows


def worth_of_time(model: Any, offer: Any) -> float:
    """log G - log kappa_pay of an offer: what its wait and its term do to its worth."""
    r, o = model.given.labs.discount, obsolescence(model)
    prepaid = model.given.trade.prepaid if offer.built else 0.0
    due = exp(-r * offer.believed) * mean_over(r * offer.term)
    life = mean_over((r + o) * offer.term)
    wait = (r + model.given.labs.delay_discount * o) * offer.believed
    return log(life / (prepaid + (1.0 - prepaid) * due)) - wait


def contract_price(model: Any, offer: Any, lab: Any) -> float:
    """USD per chip-hour, with the part of scarcity that the provider passes on."""
    return offer.price[lab.enterprise] * exp(offer.provider.own.scarcity_pass * offer.scarcity)


def sign(model: Any, deal: Deal) -> float:
    """Enter a deal in the book, and open a lot if it is to be built; USD a year."""
    offer, lab, now = deal.offer, deal.lab, model.now
    price = contract_price(model, offer, lab)
    contract = Contract(
        model.next_number, mixed(offer.key, bits(lab.renewal_luck)), lab, offer.provider, offer.chip, PENDING,
        deal.chips, price, price - offer.price[lab.enterprise], offer.term, now, now + offer.promised,
    )  # fmt: skip
    model.next_number += 1
    if offer.built:
        contract.prepaid = model.given.trade.prepaid * contract.yearly * contract.term
        model.due.setdefault((lab, offer.provider), Due()).prepayment += contract.prepaid
        open_lot(model, contract.number, offer.provider, offer.chip, deal.chips, offer.promised, contract.yearly)
        offer.provider.begun_kw += deal.chips * offer.chip.power
        chips = model.ordered.get((offer.provider, offer.chip), 0.0)
        model.ordered[offer.provider, offer.chip] = chips + deal.chips
    else:
        contract.status, contract.started, contract.ends = LIVE, now, now + contract.term
    model.contracts.append(contract)
    model.signed.append(contract)
    return contract.yearly


def open_lot(
    model: Any, contract: int, provider: Any, chip: Chip, chips: float, promised: float, rent: float
) -> None:  # fmt: skip
    """Start building for a contract or for inventory."""
    site = provider.site_years * provider.site_luck[model.tick]
    bring_up = model.given.delivery.bring_up
    model.lots.append(
        Lot(contract, provider, chip, chips, 0.0, site, bring_up, model.now, model.now + promised, rent)
    )  # fmt: skip


def mean_over(x: float) -> float:
    """(1 - e^-x)/x, 1 at 0: the mean of e^-t over 0..x."""
    return -expm1(-x) / x if x != 0.0 else 1.0
