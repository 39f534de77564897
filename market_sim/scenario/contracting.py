"""How capacity is traded and built: clearing, the terms of contracts, and delivery."""

from market_sim.scenario.declare import Number, Section, number, numbers, whole

# Packed by hand: a declaration of up to nine facts reads better filled than one fact a line.
# fmt: off


class Trade(Section):
    """Clearing and contract terms."""

    omega: Number = number(
        0.5, unit="1", low=0.0, high=1.0,
        source="undetermined; every thesis is reported at 0, .5 and 1", standing="illustrative",
        meaning="Attraction exponent in capacity offered: 0 counts firms, 1 counts chips",
    )
    outside: Number = number(
        4.0, unit="1", low=1.0, high=100.0, source="prototype", standing="illustrative",
        meaning="Price of the outside option over replacement cost",
    )
    tolerance: float = number(
        1e-4, unit="1", low=1e-13, high=1e-2, source="numerics", standing="illustrative",
        meaning="Relative excess demand left by clearing",
    )
    lot: Number = number(
        0.06, unit="1", low=0.0005, high=1.0,
        source="sized so that a month signs some 30 contracts", standing="illustrative",
        meaning="Smallest contract as a share of a lab's plan",
    )
    deals_per_tick: int = whole(
        256, low=1, high=4096, source="far above what a month signs, so that it never binds", standing="illustrative",
        meaning="Most contracts signed in a tick; the rest wait",
    )
    ready_terms: list[float] = numbers(
        [0.25, 1.0], unit="year", low=0.02, high=15.0, within_run=True,
        source="contracts.csv", standing="sourced",
        meaning="Terms offered on capacity in service; the shortest is on demand",
    )
    built_terms: list[float] = numbers(
        [4.0], unit="year", low=0.25, high=15.0, within_run=True,
        source="contracts.csv", standing="sourced",
        meaning="Terms offered on capacity built to order",
    )
    on_demand_factor: Number = number(
        1.45, unit="1", low=0.1, high=10.0, source="contracts.csv: discount_vs_on_demand", standing="sourced",
        meaning="Price on demand over one year",
    )
    term_slope: Number = number(
        0.06, unit="1", low=0.0, high=1.0, source="prototype: 1.15 / 1 / .95", standing="estimated",
        meaning="Log price discount per log year of term beyond one year",
    )
    built_markup: Number = number(
        1.08, unit="1", low=0.5, high=10.0,
        source="economics.csv: neocloud_5y_h100_contract_IRR_fixed_price .124 at most, below the cost of capital that "
        "the cost holds already", standing="estimated",
        meaning="Price of built-to-order over cost",
    )
    prepaid: Number = number(
        0.1, unit="1", low=0.0, high=1.0,
        source="contracts.csv: prepay_pct 15-25, not everywhere", standing="estimated",
        meaning="Share of a built contract paid at signing",
    )
    take_or_pay: Number = number(
        0.97, unit="1", low=0.0, high=1.0, source="market_history.csv: CoreWeave", standing="sourced",
        meaning="Share of rent due whether used or not",
    )
    late_credit: Number = number(
        0.1, unit="1", low=0.0, high=2.0, source="ordinary service contracts", standing="illustrative",
        meaning="Credit for late capacity, as a share of its rent while late",
    )
    long_stop: Number = number(
        0.75, unit="year", low=0.02, high=10.0, source="ordinary contracts", standing="illustrative",
        meaning="Lateness after which the lab may walk away",
    )
    walk_margin: Number = number(
        0.15, unit="1", low=0.0, high=5.0, source="judgement", standing="illustrative",
        meaning="How much dearer than the market a late contract must be for the lab to walk away",
    )
    renewal: Number = number(
        0.6, unit="1", low=0.0, high=1.0, source="judgement", standing="illustrative",
        meaning="Chance that an expiring contract is renewed at the quote when the lab still needs it",
    )


class Delivery(Section):
    """From an order to capacity in service."""

    site_shape: Number = number(
        6.0, unit="1", low=1.0, high=100.0, source="prototype", standing="estimated",
        meaning="Gamma shape of site durations",
    )
    bring_up: Number = number(
        0.1, unit="year", low=0.001, high=2.0,
        source="delivery.csv: xAI 19 days; prototype .1", standing="estimated",
        meaning="Mean time from racks to service",
    )
    congestion: Number = number(
        0.5, unit="1", low=0.0, high=1.2, source="prototype", standing="illustrative",
        meaning="Slowing of an organisation per doubling of what it builds against its size",
    )
    effort_cost: Number = number(
        0.35, unit="1", low=0.001, high=100.0, source="prototype", standing="illustrative",
        meaning="Cost of speed: share of a lot's yearly rent per squared log speed-up",
    )
    effort_cap: Number = number(
        3.0, unit="1", low=1.0, high=20.0,
        source="delivery.csv: xAI 122 days against 12-18 months", standing="estimated",
        meaning="Largest speed-up over ordinary building",
    )
    optimism: Number = number(
        0.25, unit="1", low=0.0, high=0.9, source="pattern 9", standing="estimated",
        meaning="How far promises undercut own experience (builds slip by 30-50 % of plan)",
    )
    sigma: Number = number(
        0.25, unit="log", low=0.0, high=2.0, source="judgement", standing="illustrative",
        meaning="Dispersion of believed delays around the record",
    )
