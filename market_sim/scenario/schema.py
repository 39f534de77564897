"""What a scenario is: common behaviour first, then the firms by name.

Plural sections (`labs`, `providers`, `vendors`) hold behaviour that all of a kind share and the dials of the theses;
singular tables (`lab.OpenAI`, `chip."H100-SXM"`) hold one firm or thing each.
"""

from market_sim.scenario.declare import (
    Number,
    Section,
    choice,
    month,
    named,
    number,
    numbers,
    series,
    text,
    whole,
)
from market_sim.scenario.firms import Chip, Lab, Pool, Provider, Stack, Vendor


class Software(Section):
    """Kernel maturity, automation and porting."""

    automation: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=5.0,
        meaning="T3 dial: scales the share of kernel work that models do well (0 = none)",
        source="neutral",
        standing="illustrative",
    )
    automation_path: list[tuple[str, Number]] = series(
        [
            ["2022-01", 0.0],
            ["2024-05", 0.03],
            ["2025-02", 0.16],
            ["2025-05", 0.45],
            ["2026-01", 0.6],
            ["2028-01", 0.85],
            ["2036-01", 0.95],
        ],
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of kernel work that models do well on CUDA, by calendar year",
        source="kernels.csv to its date, a path after",
        standing="estimated",
    )
    automation_rate: Number = number(
        0.6,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Rate of closing the maturity gap at full automation",
        source="prototype",
        standing="illustrative",
    )
    lab_effort: Number = number(
        0.25,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Rate contributed by labs at full installed use of a stack",
        source="prototype",
        standing="illustrative",
    )
    generation_reset: Number = number(
        0.7,
        unit="1",
        low=0.05,
        high=1.0,
        meaning="Maturity of a new chip generation relative to its stack's best",
        source="model notes: about .7",
        standing="estimated",
    )
    engineer_cost: Number = number(
        40_000.0,
        unit="USD/engineer-month",
        low=0.0,
        meaning="Cost of a kernel engineer",
        source="salary surveys",
        standing="estimated",
    )
    port_years: Number = number(
        0.75,
        unit="year",
        low=0.01,
        high=10.0,
        meaning="Time to finish a port",
        source="economics.csv: porting anecdotes",
        standing="estimated",
    )
    port_payback: Number = number(
        1.5,
        unit="year",
        low=0.0,
        high=10.0,
        meaning="A port starts when its gain repays it within this time",
        source="ordinary investment practice",
        standing="illustrative",
    )
    unported_penalty: Number = number(
        1.2,
        unit="log",
        low=0.0,
        high=10.0,
        meaning="Log worth lost on a stack that the lab's software does not run on",
        source="prototype",
        standing="illustrative",
    )


class Demand(Section):
    """Revenue potential, regimes, capability and the ask."""

    horizon: Number = number(
        0.75,
        unit="year",
        low=0.0,
        high=5.0,
        meaning="How far ahead labs plan compute",
        source="prototype",
        standing="estimated",
    )
    ask_time: Number = number(
        0.25,
        unit="year",
        low=0.01,
        high=5.0,
        meaning="Time constant of closing the planned gap",
        source="prototype",
        standing="estimated",
    )
    belief_time: Number = number(
        0.75,
        unit="year",
        low=0.01,
        high=10.0,
        meaning="Time constant of learning growth",
        source="prototype",
        standing="estimated",
    )
    belief_cap: Number = number(
        1.2,
        unit="1/year",
        low=0.0,
        high=5.0,
        meaning="Largest growth rate anybody plans on",
        source="judgement",
        standing="illustrative",
    )
    capability_elasticity: Number = number(
        0.35,
        unit="1",
        low=0.0,
        high=0.95,
        meaning="Capability per log training compute",
        source="prototype",
        standing="estimated",
    )
    capability_decay: Number = number(
        0.7,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Decay of capability",
        source="prototype",
        standing="estimated",
    )
    choice_intensity: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="Logit slope of market share in capability",
        source="neutral",
        standing="illustrative",
    )
    bridge_share: Number = number(
        0.15,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of awaited capacity bridged with short contracts",
        source="prototype",
        standing="estimated",
    )
    serve_slack: Number = number(
        1.25,
        unit="1",
        low=0.1,
        high=10.0,
        meaning="Revenue that inference capacity can serve over its cost-share value",
        source="fleet utilisation in serving",
        standing="estimated",
    )
    runway: Number = number(
        1.5,
        unit="year",
        low=0.05,
        high=20.0,
        meaning="Time over which a lab plans to spend its cash",
        source="press",
        standing="estimated",
    )
    boom_rate: Number = number(
        0.25,
        unit="1/year",
        low=0.0,
        high=20.0,
        meaning="Hazard of normal turning to boom",
        source="judgement",
        standing="illustrative",
    )
    slump_rate: Number = number(
        0.15,
        unit="1/year",
        low=0.0,
        high=20.0,
        meaning="Hazard of normal turning to slump",
        source="technology cycles since 1995",
        standing="illustrative",
    )
    calm_rate: Number = number(
        0.7,
        unit="1/year",
        low=0.0,
        high=20.0,
        meaning="Hazard of leaving boom or slump",
        source="judgement",
        standing="illustrative",
    )
    boom: Number = number(
        1.15,
        unit="1",
        low=1.0,
        high=5.0,
        meaning="Revenue potential in a boom over normal",
        source="judgement",
        standing="illustrative",
    )
    slump: Number = number(
        0.72,
        unit="1",
        low=0.01,
        high=1.0,
        meaning="Revenue potential in a slump over normal",
        source="prototype",
        standing="estimated",
    )
    regime_time: Number = number(
        0.4,
        unit="year",
        low=0.01,
        high=5.0,
        meaning="Time constant with which a change of regime reaches revenue",
        source="judgement",
        standing="illustrative",
    )
    start_regime: str = choice("boom", "normal", "slump", default="boom", meaning="Regime at the start")


class Labs(Section):
    """How buyers value offers and how their architectures move."""

    choice: str = choice(
        "fit", "spec_sheet", default="fit", meaning="T1 dial: choose by fit or by peak FLOP/s"
    )
    sigma: Number = number(
        0.45,
        unit="log",
        low=0.02,
        high=5.0,
        meaning="Dispersion of the choice among offers",
        source="prototype",
        standing="estimated",
    )
    taste_share: Number = number(
        0.3,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of the dispersion's variance that is persistent lab-provider and lab-chip taste",
        source="judgement",
        standing="illustrative",
    )
    discount: Number = number(
        0.12,
        unit="1/year",
        low=0.0,
        high=1.0,
        meaning="Cost of capital of a lab",
        source="prototype",
        standing="estimated",
    )
    obsolescence: Number = number(
        0.45,
        unit="1/year",
        low=0.0,
        high=3.0,
        meaning="Rate at which capacity loses worth as better chips come",
        source="prototype",
        standing="estimated",
    )
    slump_obsolescence: Number = number(
        1.5,
        unit="1",
        low=0.1,
        high=5.0,
        meaning="Obsolescence in a boom or slump over normal",
        source="prototype",
        standing="estimated",
    )
    delay_discount: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="T5 dial: scales obsolescence in the wait for late capacity",
        source="neutral",
        standing="illustrative",
    )
    planning_quantile: Number = number(
        0.7,
        unit="1",
        low=0.5,
        high=0.99,
        meaning="Quantile of the believed delay on which a lab plans",
        source="judgement",
        standing="illustrative",
    )
    record_time: Number = number(
        0.75,
        unit="year",
        low=0.05,
        high=10.0,
        meaning="Memory of a provider's record of lateness",
        source="judgement",
        standing="illustrative",
    )
    divergence: Number = number(
        0.12,
        unit="log/sqrt(year)",
        low=0.0,
        high=2.0,
        meaning="T2 dial: how fast the labs' ideal architectures drift apart",
        source="architectures.csv: spread by release year",
        standing="estimated",
    )
    codesign: Number = number(
        0.25,
        unit="1",
        low=0.0,
        high=5.0,
        meaning="T2 dial: pull of the installed chips on each new architecture",
        source="judgement",
        standing="illustrative",
    )
    adaptation: Number = number(
        0.6,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Part of the way to its ideal that a new model generation goes",
        source="judgement",
        standing="illustrative",
    )
    quality_loss: Number = number(
        1.0,
        unit="1/log^2",
        low=0.0,
        high=50.0,
        meaning="Curvature of the capability lost by leaving the ideal architecture",
        source="judgement",
        standing="illustrative",
    )
    volatility: Number = number(
        0.1,
        unit="1/sqrt(year)",
        low=0.0,
        high=2.0,
        meaning="Standard deviation of a lab's own fortune with customers",
        source="judgement",
        standing="illustrative",
    )
    generation_years: Number = number(
        0.9,
        unit="year",
        low=0.1,
        high=10.0,
        meaning="Time between model generations",
        source="architectures.csv: release dates",
        standing="estimated",
    )


class Trade(Section):
    """Clearing and contract terms."""

    omega: Number = number(
        0.5,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Attraction exponent in capacity offered: 0 counts firms, 1 counts chips",
        source="undetermined; every thesis is reported at 0, .5 and 1",
        standing="illustrative",
    )
    outside: Number = number(
        4.0,
        unit="1",
        low=1.0,
        high=100.0,
        meaning="Price of the outside option over replacement cost",
        source="prototype",
        standing="illustrative",
    )
    tolerance: float = number(
        1e-4,
        unit="1",
        low=1e-13,
        high=1e-2,
        meaning="Relative excess demand left by clearing",
        source="numerics",
        standing="illustrative",
    )
    lot: Number = number(
        0.02,
        unit="1",
        low=0.0005,
        high=1.0,
        meaning="Smallest contract as a share of a lab's plan",
        source="prototype",
        standing="illustrative",
    )
    deals_per_tick: int = whole(
        48, low=1, high=4096, meaning="Most contracts signed in a tick; the rest wait"
    )
    ready_terms: list[float] = numbers(
        [0.25, 1.0],
        unit="year",
        low=0.02,
        high=15.0,
        meaning="Terms offered on capacity in service; the shortest is on demand",
        source="contracts.csv",
        standing="sourced",
    )
    built_terms: list[float] = numbers(
        [4.0],
        unit="year",
        low=0.25,
        high=15.0,
        meaning="Terms offered on capacity built to order",
        source="contracts.csv",
        standing="sourced",
    )
    on_demand_factor: Number = number(
        1.45,
        unit="1",
        low=0.1,
        high=10.0,
        meaning="Price on demand over one year",
        source="contracts.csv: discount_vs_on_demand",
        standing="sourced",
    )
    term_slope: Number = number(
        0.06,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Log price discount per log year of term beyond one year",
        source="prototype: 1.15 / 1 / .95",
        standing="estimated",
    )
    built_markup: Number = number(
        1.22,
        unit="1",
        low=0.5,
        high=10.0,
        meaning="Price of built-to-order over cost",
        source="prototype",
        standing="estimated",
    )
    prepaid: Number = number(
        0.1,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of a built contract paid at signing",
        source="contracts.csv: prepay_pct 15-25, not everywhere",
        standing="estimated",
    )
    take_or_pay: Number = number(
        0.97,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of rent due whether used or not",
        source="market_history.csv: CoreWeave",
        standing="sourced",
    )
    late_credit: Number = number(
        0.1,
        unit="1",
        low=0.0,
        high=2.0,
        meaning="Credit for late capacity, as a share of its rent while late",
        source="ordinary service contracts",
        standing="illustrative",
    )
    long_stop: Number = number(
        0.75,
        unit="year",
        low=0.02,
        high=10.0,
        meaning="Lateness after which the lab may walk away",
        source="ordinary contracts",
        standing="illustrative",
    )
    walk_margin: Number = number(
        0.15,
        unit="log",
        low=0.0,
        high=5.0,
        meaning="How much better the market must be for a lab to walk or not renew",
        source="judgement",
        standing="illustrative",
    )
    renewal: Number = number(
        0.6,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Chance that an expiring contract is renewed at the quote when the lab still needs it",
        source="judgement",
        standing="illustrative",
    )


class Delivery(Section):
    """From an order to capacity in service."""

    site_shape: Number = number(
        6.0,
        unit="1",
        low=1.0,
        high=100.0,
        meaning="Gamma shape of site durations",
        source="prototype",
        standing="estimated",
    )
    bring_up: Number = number(
        0.1,
        unit="year",
        low=0.001,
        high=2.0,
        meaning="Mean time from racks to service",
        source="delivery.csv: xAI 19 days; prototype .1",
        standing="estimated",
    )
    congestion: Number = number(
        0.5,
        unit="1",
        low=0.0,
        high=1.2,
        meaning="Slowing of an organisation per doubling of what it builds against its size",
        source="prototype",
        standing="illustrative",
    )
    effort_cost: Number = number(
        0.35,
        unit="1",
        low=0.001,
        high=100.0,
        meaning="Cost of speed: share of a lot's yearly rent per squared log speed-up",
        source="prototype",
        standing="illustrative",
    )
    effort_cap: Number = number(
        3.0,
        unit="1",
        low=1.0,
        high=20.0,
        meaning="Largest speed-up over ordinary building",
        source="delivery.csv: xAI 122 days against 12-18 months",
        standing="estimated",
    )
    optimism: Number = number(
        0.25,
        unit="1",
        low=0.0,
        high=0.9,
        meaning="How far promises undercut own experience (builds slip by 30-50 % of plan)",
        source="pattern 9",
        standing="estimated",
    )
    sigma: Number = number(
        0.25,
        unit="log",
        low=0.0,
        high=2.0,
        meaning="Dispersion of believed delays around the record",
        source="judgement",
        standing="illustrative",
    )


class Vendors(Section):
    """Behaviour that vendors share."""

    sigma: Number = number(
        0.6,
        unit="log",
        low=0.05,
        high=5.0,
        meaning="Dispersion of demand over vendors",
        source="prototype",
        standing="estimated",
    )
    elasticity_floor: Number = number(
        1.28,
        unit="1",
        low=1.01,
        high=20.0,
        meaning="Least elasticity a vendor prices against (margin 1/eps)",
        source="prototype; NVIDIA margin .70-.78",
        standing="estimated",
    )
    price_speed: Number = number(
        0.6,
        unit="1/year",
        low=0.0,
        high=20.0,
        meaning="Speed of list prices to the Lerner rule",
        source="prototype",
        standing="estimated",
    )
    inertia: Number = number(
        0.5,
        unit="1",
        low=0.0001,
        high=100.0,
        meaning="k: cost of leaving the pro-rata allocation, in units of mean margin",
        source="prototype",
        standing="illustrative",
    )
    multipolarity: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=100.0,
        meaning="T6 dial: scales every vendor's aversion to concentrated buyers",
        source="neutral",
        standing="illustrative",
    )
    backing: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="T6 dial: scales every vendor's backing",
        source="neutral",
        standing="illustrative",
    )
    rival_discount: Number = number(
        0.3,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Worth of a sale lost when the buyer has silicon of its own",
        source="judgement",
        standing="illustrative",
    )
    supply_lag: Number = number(
        0.5,
        unit="year",
        low=0.02,
        high=5.0,
        meaning="Lag of supply behind its target",
        source="prototype",
        standing="estimated",
    )
    supply_response: Number = number(
        1.0,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Growth of supply per log lead over target",
        source="prototype",
        standing="estimated",
    )
    target_lead: Number = number(
        0.2,
        unit="year",
        low=0.01,
        high=3.0,
        meaning="Lead time vendors steer to",
        source="delivery.csv: 8-12 weeks",
        standing="sourced",
    )
    longest_lead: Number = number(
        1.6,
        unit="year",
        low=0.1,
        high=10.0,
        meaning="Order book beyond which orders are refused",
        source="judgement",
        standing="illustrative",
    )
    duplicate_orders: Number = number(
        0.4,
        unit="1",
        low=0.0,
        high=5.0,
        meaning="Duplicate orders per unit of lead over 1.5x target, as a share of backlog",
        source="prototype",
        standing="estimated",
    )
    duplicate_cap: Number = number(
        2.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="Most duplicates as a share of backlog",
        source="prototype",
        standing="estimated",
    )
    cancel_time: Number = number(
        0.12,
        unit="year",
        low=0.01,
        high=2.0,
        meaning="Time in which duplicates are cancelled when leads shorten",
        source="prototype",
        standing="estimated",
    )
    cost_decline: Number = number(
        0.10,
        unit="1/year",
        low=0.0,
        high=1.0,
        meaning="Yearly fall of a chip's unit cost",
        source="learning in packaging and memory",
        standing="illustrative",
    )
    transfer_margin: Number = number(
        0.15,
        unit="1",
        low=0.0,
        high=0.9,
        meaning="Margin in the transfer price of own silicon",
        source="judgement",
        standing="estimated",
    )


class Providers(Section):
    """Behaviour that providers share."""

    overhead: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="T4 dial: scales every provider's loss of delivered performance",
        source="neutral",
        standing="illustrative",
    )
    quote_speed: Number = number(
        2.0,
        unit="1/year",
        low=0.0,
        high=50.0,
        meaning="k_r: pull of quotes to replacement cost",
        source="prototype",
        standing="estimated",
    )
    vacancy_response: Number = number(
        2.8,
        unit="1/year",
        low=0.0,
        high=50.0,
        meaning="k_u: fall of quotes with vacancy",
        source="prototype",
        standing="estimated",
    )
    scarcity_response: Number = number(
        0.2,
        unit="1/year",
        low=0.0,
        high=50.0,
        meaning="k_lambda: rise of quotes with the shadow price",
        source="prototype",
        standing="estimated",
    )
    vacancy_target: Number = number(
        0.08,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Vacancy at which quotes rest",
        source="prototype",
        standing="estimated",
    )
    life: Number = number(
        5.0,
        unit="year",
        low=1.0,
        high=20.0,
        meaning="Useful life of chips and servers",
        source="economics.csv: gpu_useful_life_years",
        standing="sourced",
    )
    site_life: Number = number(
        15.0,
        unit="year",
        low=1.0,
        high=60.0,
        meaning="Useful life of sites",
        source="filings",
        standing="estimated",
    )
    site_cost: Number = number(
        11e6,
        unit="USD/MW",
        low=0.0,
        meaning="Shell, power and cooling",
        source="economics.csv: datacentre_shell_and_MEP_cost_per_MW",
        standing="sourced",
    )
    debt_share: Number = number(
        0.6,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Debt up to this share of contracted backlog",
        source="prototype",
        standing="estimated",
    )
    debt_rate: Number = number(
        0.05,
        unit="1/year",
        low=0.0,
        high=1.0,
        meaning="Riskless rate under every loan",
        source="economics.csv: hyperscaler investment-grade bonds",
        standing="sourced",
    )
    credit_saving: Number = number(
        0.05,
        unit="1/year",
        low=0.0,
        high=0.5,
        meaning="Points saved with a solid customer behind the contract",
        source="pattern 12: 2-7 points",
        standing="sourced",
    )
    inventory_response: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=20.0,
        meaning="Lots ordered ahead of contracts per unit of expected excess return",
        source="judgement",
        standing="illustrative",
    )
    power_growth_rate: Number = number(
        0.25,
        unit="1/year",
        low=-0.5,
        high=2.0,
        meaning="Growth of the site power that can be brought into development",
        source="market_history.csv: contracted power",
        standing="estimated",
    )
    power_limit: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="Scales the site power that can be brought into development",
        source="neutral",
        standing="illustrative",
    )
    default_liquidity: Number = number(
        0.0,
        unit="1",
        low=-1.0,
        high=1.0,
        meaning="Cash below this share of yearly cost cannot be borrowed away: default",
        source="definition",
        standing="illustrative",
    )
    recovery: Number = number(
        0.6,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Price of a failed firm's fleet over its book",
        source="distressed sales",
        standing="estimated",
    )
    entry_rate: Number = number(
        0.5,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Hazard of entry per unit of excess margin",
        source="judgement",
        standing="illustrative",
    )
    dividend_rate: Number = number(
        0.5,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Rate at which cash above need is returned to investors",
        source="filings",
        standing="estimated",
    )


class Scenario(Section):
    """One market: when it starts, how long it runs, who is there and how they behave."""

    name: str = text("scenario", meaning="Short name, used for the run folder")
    about: str = text("", meaning="What this scenario asks, in a sentence or two")
    start: str = month("2026-01", meaning="First month")
    ticks: int = whole(120, low=1, high=4800, meaning="How many ticks to run")
    tick_months: float = number(
        1.0,
        unit="month",
        low=0.05,
        high=12.0,
        meaning="Length of a tick",
        source="definition",
        standing="illustrative",
    )
    software: Software = Software()
    demand: Demand = Demand()
    labs: Labs = Labs()
    trade: Trade = Trade()
    delivery: Delivery = Delivery()
    vendors: Vendors = Vendors()
    providers: Providers = Providers()
    stack: dict[str, Stack] = named(Stack, least=1, meaning="Software stacks")
    chip: dict[str, Chip] = named(Chip, least=1, meaning="Chips, including announced ones")
    vendor: dict[str, Vendor] = named(Vendor, least=1, meaning="Chip vendors")
    provider: dict[str, Provider] = named(Provider, least=1, meaning="Hyperscalers, neoclouds and others")
    pool: dict[str, Pool] = named(Pool, least=1, meaning="Pools of end-customer revenue")
    lab: dict[str, Lab] = named(
        Lab, least=1, meaning="Model labs, enterprise kinds and the rest of the world"
    )
