"""How vendors and providers behave: prices, allocation, quotes, money, entry."""

from market_sim.scenario.declare import Number, Section, number, series

# Packed by hand: a declaration of up to nine facts reads better filled than one fact a line.
# fmt: off


class Vendors(Section):
    """Behaviour that vendors share."""

    sigma: Number = number(
        0.6, unit="log", low=0.05, high=5.0, source="prototype", standing="estimated",
        meaning="Dispersion of demand over vendors",
    )
    elasticity_floor: Number = number(
        1.28, unit="1", low=1.01, high=20.0, source="prototype; NVIDIA margin .70-.78", standing="estimated",
        meaning="Least elasticity a vendor prices against (margin 1/eps)",
    )
    price_speed: Number = number(
        0.6, unit="1/year", low=0.0, high=20.0, source="prototype", standing="estimated",
        meaning="Speed of list prices to the Lerner rule",
    )
    inertia: Number = number(
        0.5, unit="1", low=0.0001, high=100.0, source="prototype", standing="illustrative",
        meaning="k: cost of leaving the pro-rata allocation, in units of mean margin",
    )
    multipolarity: Number = number(
        1.0, unit="1", low=0.0, high=100.0, source="neutral", standing="illustrative",
        meaning="T6 dial: scales every vendor's aversion to concentrated buyers",
    )
    backing: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="T6 dial: scales every vendor's backing",
    )
    rival_discount: Number = number(
        0.3, unit="1", low=0.0, high=1.0, source="judgement", standing="illustrative",
        meaning="Worth of a sale lost when the buyer has silicon of its own",
    )
    supply_lag: Number = number(
        0.5, unit="year", low=0.02, high=5.0, source="prototype", standing="estimated",
        meaning="Lag of supply behind its target",
    )
    supply_response: Number = number(
        1.0, unit="1/year", low=0.0, high=10.0, source="prototype", standing="estimated",
        meaning="Growth of supply per log lead over target",
    )
    supply_follows: Number = number(
        1.0, unit="1", low=0.0, high=2.0,
        source="market_history.csv: NVIDIA's supply commitments doubled in 2024 while lead times fell to 10 weeks",
        standing="estimated",
        meaning="Part of the growth of its orders that a vendor plans its supply by, whatever the lead time",
    )
    foundry_room: Number = number(
        0.05, unit="1", low=0.0, high=1.0,
        source="market_history.csv: AMD's accelerators went from .4bn USD in 2023-Q4 to 5bn in 2024, which no doubling "
        "of its own packaging allows", standing="estimated",
        meaning="Part of all vendors' supply by which a vendor may grow a year beyond its own, per unit of its cap",
    )
    target_lead: Number = number(
        0.2, unit="year", low=0.01, high=3.0, source="delivery.csv: 8-12 weeks", standing="sourced",
        meaning="Lead time vendors steer to",
    )
    longest_lead: Number = number(
        1.6, unit="year", low=0.1, high=10.0, source="judgement", standing="illustrative",
        meaning="Order book beyond which orders are refused",
    )
    duplicate_orders: Number = number(
        0.4, unit="1", low=0.0, high=5.0, source="prototype", standing="estimated",
        meaning="Duplicate orders per unit of lead over 1.5x target, as a share of backlog",
    )
    duplicate_cap: Number = number(
        2.0, unit="1", low=0.0, high=10.0, source="prototype", standing="estimated",
        meaning="Most duplicates as a share of backlog",
    )
    cancel_time: Number = number(
        0.12, unit="year", low=0.01, high=2.0, source="prototype", standing="estimated",
        meaning="Time in which duplicates are cancelled when leads shorten",
    )
    cost_decline: Number = number(
        0.10, unit="1/year", low=0.0, high=1.0,
        source="learning in packaging and memory", standing="illustrative",
        meaning="Yearly fall of a chip's unit cost",
    )
    network_margin: Number = number(
        0.65, unit="1", low=0.0, high=1.0, source="Mellanox's gross margin before 2020, recalled", standing="estimated",
        meaning="Gross margin on the networking that a vendor sells with its chips",
    )
    transfer_margin: Number = number(
        0.15, unit="1", low=0.0, high=0.9, source="judgement", standing="estimated",
        meaning="Margin in the transfer price of own silicon",
    )


class Providers(Section):
    """Behaviour that providers share."""

    overhead: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="T4 dial: scales every provider's loss of delivered performance",
    )
    resale_loss: Number = number(
        0.3, unit="log", low=0.0, high=10.0, source="judgement: a second operator and a second network",
        standing="illustrative",
        meaning="Worth that a provider's cloud loses on capacity that it rents from another",
    )
    quote_speed: Number = number(
        2.0, unit="1/year", low=0.0, high=50.0, source="prototype", standing="estimated",
        meaning="k_r: pull of quotes to replacement cost",
    )
    vacancy_response: Number = number(
        2.8, unit="1/year", low=0.0, high=50.0, source="prototype", standing="estimated",
        meaning="k_u: fall of quotes with vacancy",
    )
    scarcity_response: Number = number(
        0.2, unit="1/year", low=0.0, high=50.0, source="prototype", standing="estimated",
        meaning="k_lambda: rise of quotes with the shadow price",
    )
    vacancy_target: Number = number(
        0.08, unit="1", low=0.0, high=1.0, source="prototype", standing="estimated",
        meaning="Vacancy at which quotes rest",
    )
    life: Number = number(
        5.0, unit="year", low=1.0, high=20.0,
        source="economics.csv: gpu_useful_life_years", standing="sourced",
        meaning="Useful life of chips and servers",
    )
    site_life: Number = number(
        15.0, unit="year", low=1.0, high=60.0, source="filings", standing="estimated",
        meaning="Useful life of sites",
    )
    site_cost: Number = number(
        11e6, unit="USD/MW", low=0.0, high=1e10,
        source="economics.csv: datacentre_shell_and_MEP_cost_per_MW", standing="sourced",
        meaning="Shell, power and cooling",
    )
    debt_share: Number = number(
        0.6, unit="1", low=0.0, high=1.0, source="prototype", standing="estimated",
        meaning="Debt up to this share of contracted backlog",
    )
    debt_rate: Number = number(
        0.05, unit="1/year", low=0.0, high=1.0,
        source="economics.csv: hyperscaler investment-grade bonds", standing="sourced",
        meaning="Riskless rate under every loan",
    )
    riskless_change: list[tuple[str, Number]] = series(
        [["2023-01", 0.0]], unit="1/year", low=-0.1, high=0.3, source="neutral", standing="illustrative",
        meaning="How far the riskless rate stands above debt_rate, by date",
    )
    credit_saving: Number = number(
        0.5, unit="1", low=0.0, high=1.0,
        source="economics.csv: debt_spread_over_sofr of CoreWeave's loan of 2024, .0625 with an investment-grade "
        "customer and .13 without", standing="sourced",
        meaning="Part of the spread that a solid customer behind the contract saves",
    )
    seasoned_spread: Number = number(
        0.02, unit="1/year", low=0.0, high=1.0, source="economics.csv: debt_spread_over_sofr, towards ordinary loans",
        standing="estimated",
        meaning="Spread that lenders ask once they know loans on chips, with nobody solid behind the contract",
    )
    lender_time: Number = number(
        2.0, unit="year", low=0.05, high=50.0,
        source="economics.csv: cost_of_debt_effective of CoreWeave's loans, .15 in 2023 and .11 in 2024",
        standing="estimated",
        meaning="Time in which lenders learn what loans on chips are worth",
    )
    inventory_response: Number = number(
        1.0, unit="1", low=0.0, high=20.0, source="judgement", standing="illustrative",
        meaning="Lots ordered ahead of contracts per unit of expected excess return",
    )
    power_growth_rate: Number = number(
        0.25, unit="1/year", low=-0.5, high=2.0,
        source="market_history.csv: contracted power", standing="estimated",
        meaning="Growth of the site power that can be brought into development, and of the equity on offer for it",
    )
    other_growth: Number = number(
        0.08, unit="1/year", low=-0.5, high=1.0,
        source="market_history.csv: capital spending outside AI and cloud growth", standing="illustrative",
        meaning="Growth of providers' other businesses, cash flow and capital spending alike",
    )
    power_limit: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="Scales the site power that can be brought into development",
    )
    default_liquidity: Number = number(
        0.25, unit="1", low=0.0, high=2.0, source="ordinary revolving credit lines", standing="illustrative",
        meaning="Overdraft, as a share of yearly operating and interest cost, beyond which a provider defaults",
    )
    recovery: Number = number(
        0.6, unit="1", low=0.0, high=1.0, source="distressed sales", standing="estimated",
        meaning="Price of a failed firm's fleet over its book",
    )
    entry_rate: Number = number(
        0.5, unit="1/year", low=0.0, high=10.0, source="judgement", standing="illustrative",
        meaning="Hazard of entry per unit of excess margin",
    )
    dividend_rate: Number = number(
        0.5, unit="1/year", low=0.0, high=10.0, source="filings", standing="estimated",
        meaning="Rate at which cash above need is returned to investors",
    )
