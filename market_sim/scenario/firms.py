"""The firms and things of a scenario: stacks, chips, vendors, providers, labs and their pools of revenue.

Each field is declared once; validation, documentation, draws and sweeps all follow from the declaration.
"""

from market_sim.scenario.declare import (
    Number,
    Section,
    choice,
    flag,
    mapping,
    month,
    names,
    number,
    numbers,
    text,
)

# Packed by hand: a declaration of up to nine facts reads better filled than one fact a line.
# fmt: off


class Stack(Section):
    """A software stack: the kernels, compilers and libraries that make a family of chips usable."""

    automation_lag: Number = number(
        0.0, unit="year", low=0.0, high=10.0,
        source="kernels.csv: same benchmark families on AMD, TPU and Ascend", standing="estimated",
        meaning="How far kernel writing by models on this stack trails the same skill on CUDA",
    )
    vendor_effort: Number = number(
        0.05, unit="1/year", low=0.0, high=5.0, standing="estimated",
        source="fit_constants.csv: software_gain .033 a year of all stacks, new families' catching up apart",
        meaning="Rate at which the vendor's own engineers close the gap of kernel maturity to its ceiling",
    )
    ceiling: Number = number(
        1.15, unit="1", low=0.1, high=2.0, source="prototype", standing="illustrative",
        meaning="Kernel maturity that effort approaches, as a multiple of the calibrated reference "
        "efficiency",
    )
    port_cost: Number = number(
        24.0, unit="engineer-month", low=0.0, high=10_000.0,
        source="economics.csv: cuda_to_rocm_port_cost (judgement, 6-60)", standing="estimated",
        meaning="Work to bring a lab's production stack here from elsewhere, before automation",
    )


class Chip(Section):
    """An accelerator platform on some vendor's roadmap; physics come from the catalogue, money from here."""

    vendor: str = text(refers="vendor", required=True, meaning="Who makes it")
    stack: str = text(refers="stack", required=True, meaning="The software it runs on")
    catalog: str = text("", meaning="Its row in the chip catalogue, by default its own name")
    available: str = month("2020-01", meaning="First month it can be ordered for delivery")
    withdrawn: str = month("2099-12", meaning="Last month in which new orders are taken")
    price: Number = number(
        30_000.0, unit="USD/chip", low=0.0, high=1e8,
        source="chips.csv: est_system_price_usd_per_chip", standing="estimated",
        meaning="List price at the start (or at launch, when later)",
    )
    rent: Number = number(
        0.0, unit="USD/chip-hour", low=0.0, high=1e4, source="rental_prices.csv", standing="estimated",
        meaning="One-year market rent at the start; 0 derives it from what new capacity costs",
    )
    cost: Number = number(
        7_500.0, unit="USD/chip", low=1.0, high=1e8, source="prototype: 7.5k USD for an H100", standing="estimated",
        meaning="Cost to the vendor of making one, packaging and memory included",
    )
    server: Number = number(
        17_000.0, unit="USD/chip", low=0.0, high=1e8,
        source="economics.csv: h100_system_cost_per_gpu_with_infiniband less the chip", standing="estimated",
        meaning="Server, network and installation bought beside each chip",
    )
    network: Number = number(
        0.0, unit="1", low=0.0, high=1.0,
        source="economics.csv: capex_share|networking over capex_share|gpu", standing="estimated",
        meaning="Part of `server` that is networking of the chip's own vendor and counts among its sales",
    )
    power: float = number(
        1.4, unit="kW/chip", low=0.001, high=50.0,
        source="economics.csv: facility_power_per_h100_all_in", standing="estimated",
        meaning="Power drawn at the site per chip, host and network included",
    )
    packages: float = number(
        1.0, unit="package/chip", low=0.01, high=50.0, source="die counts", standing="estimated",
        meaning="How much of the vendor's scarce packaging one chip takes (H100 = 1)",
    )


class Vendor(Section):
    """A maker of chips: supply, prices, allocation, software and backing."""

    owner: str = text("", refers="provider", meaning="The provider it belongs to, if any")
    sells: str = choice("merchant", "captive", "both", default="merchant", meaning="Who may buy its chips")
    supply: Number = number(
        750_000.0, unit="package/year", low=0.0, high=1e10, source="prototype: NVIDIA 2023-01", standing="estimated",
        meaning="Packages made a year at the start",
    )
    utilisation: Number = number(
        1.0, unit="1", low=0.0, high=1.0, source="neutral", standing="illustrative",
        meaning="Part of its supply that orders took just before the start",
    )
    inventory: Number = number(
        0.0, unit="year", low=0.0, high=5.0, source="supplier filings", standing="estimated",
        meaning="Finished chips in stock at the start, in years of supply",
    )
    growth_committed: Number = number(
        0.5, unit="1/year", low=0.0, high=10.0, source="prototype: 2.5 for NVIDIA 2023", standing="estimated",
        meaning="Growth of supply already committed for the first year",
    )
    growth_cap: Number = number(
        0.8, unit="1/year", low=0.0, high=10.0, source="delivery.csv: cowos_capacity", standing="estimated",
        meaning="Fastest growth of supply after that (foundry, packaging, memory)",
    )
    cash: Number = number(
        10e9, unit="USD", low=0.0, high=1e15, source="filings", standing="estimated",
        meaning="Cash at the start",
    )
    allocation: str = choice(
        "pro_rata", "highest_margin", "strategic", default="strategic",
        meaning="How scarce chips are shared over orders",
    )
    multipolarity: Number = number(
        1.0, unit="1", low=0.0, high=100.0, source="prototype", standing="illustrative",
        meaning="Theta: aversion to concentrated buyers in strategic allocation, in units of mean margin",
    )
    backing: Number = number(
        0.0, unit="1", low=0.0, high=1.0,
        source="market_history.csv: vendor deals of 2025", standing="illustrative",
        meaning="Share of operating profit offered as equity, leases and guarantees to customers",
    )
    margin_target: Number = number(
        0.5, unit="1", low=0.0, high=0.95,
        source="economics.csv: asic_vendor_gross_margin", standing="estimated",
        meaning="Gross margin below which list prices never fall",
    )
    operating_cost: Number = number(
        0.12, unit="1", low=0.0, high=0.9, source="filings", standing="estimated",
        meaning="Research, software and selling cost as a share of revenue",
    )


class Provider(Section):
    """A seller of capacity. Hyperscaler, neocloud and other differ in numbers only; no rule asks which."""

    kind: str = choice(
        "hyperscaler", "neocloud", "other", default="neocloud",
        meaning="Label used in the results",
    )
    active: bool = flag(
        True,
        meaning="In business at the start (otherwise it may enter while margins stay high)",
    )
    chips: list[str] = names(of="chip", meaning="Chips it deploys or may deploy once they are available")
    fleet: dict[str, Number] = mapping(
        0.0, over="chip", unit="chip", low=0.0, high=1e10,
        source="market_history.csv: compute stocks", standing="estimated",
        meaning="Chips in service at the start",
    )
    on_order: dict[str, Number] = mapping(
        0.0, over="chip", unit="chip", low=0.0, high=1e10,
        source="vendor backlog split over buyers", standing="estimated",
        meaning="Chips ordered and not delivered at the start",
    )
    presold: Number = number(
        0.8, unit="1", low=0.0, high=1.0, source="contracts.csv: committed share", standing="estimated",
        meaning="Share of its starting orders that stand against signed contracts",
    )
    cash: Number = number(
        1e9, unit="USD", low=0.0, high=1e15, source="filings", standing="estimated",
        meaning="Cash at the start",
    )
    debt: Number = number(
        0.0, unit="USD", low=0.0, high=1e15, source="filings", standing="estimated",
        meaning="Loans at the start",
    )
    wacc: Number = number(
        0.14, unit="1/year", low=0.0, high=1.0,
        source="economics.csv: cost_of_debt_effective", standing="estimated",
        meaning="Cost of capital at the start",
    )
    debt_spread: Number = number(
        0.08, unit="1/year", low=0.0, high=1.0,
        source="economics.csv: debt_spread_over_sofr of CoreWeave's loans without an investment-grade customer, .13 in "
        "2024 and .045 in 2026", standing="estimated",
        meaning="Spread that lenders ask at the start with nobody solid behind the contract",
    )
    power: Number = number(
        100.0, unit="MW", low=0.0, high=1e8, source="market_history.csv: active_power", standing="estimated",
        meaning="Powered sites at the start",
    )
    power_growth: Number = number(
        100.0, unit="MW/year", low=0.0, high=1e8, source="market_history.csv: contracted_power", standing="estimated",
        meaning="Site power it can bring into development a year, in the first year",
    )
    site_months: Number = number(
        8.0, unit="month", low=0.1, high=120.0,
        source="delivery.csv: datacenter_build_months", standing="estimated",
        meaning="Mean time to ready a site for a lot at ordinary effort",
    )
    incentive: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="Dial on the incentive to be fast, which is itself derived from the business that speed "
        "would win",
    )
    template: Number = number(
        0.0, unit="1", low=0.0, high=1.0, source="price gaps", standing="estimated",
        meaning="How complete its cloud is (isolation, storage, security, regions)",
    )
    overhead: Number = number(
        0.04, unit="1", low=0.0, high=0.9,
        source="economics.csv: virtualisation_overhead, goodput", standing="sourced",
        meaning="Delivered performance lost to virtualisation and operations",
    )
    owned_sites: Number = number(
        1.0, unit="1", low=0.0, high=1.0, source="contracts.csv: campus and hosting leases; 1 where nothing is known",
        standing="estimated",
        meaning="Part of its sites that it builds itself; the rest it leases, which its running cost has to hold",
    )
    opex: Number = number(
        1_500.0, unit="USD/kW/year", low=0.0, high=1e6,
        source="economics.csv: electricity_price, and as much for staff and upkeep; the site is paid by site_cost",
        standing="estimated",
        meaning="Power, staff and upkeep",
    )
    enterprise_markup: Number = number(
        1.25, unit="1", low=0.1, high=10.0,
        source="rental_prices.csv: hyperscaler against neocloud list", standing="estimated",
        meaning="Its list price to enterprises over the price to large labs",
    )
    on_demand_premium: Number = number(
        1.0, unit="1", low=0.1, high=10.0,
        source="contracts.csv: a year is cheaper than on demand by 31 % at neoclouds, 41 % at hyperscalers",
        standing="estimated",
        meaning="Its price on demand over one year, over what is usual",
    )
    scarcity_pass: Number = number(
        0.3, unit="1", low=0.0, high=1.0,
        source="rental_prices.csv, delivery.csv: list prices of 2023 against queues of 39 weeks", standing="estimated",
        meaning="Phi: part of scarcity (the shadow price, the worth of not waiting) that goes into prices; the rest is "
        "queueing",
    )
    other_cash_flow: Number = number(
        0.0, unit="USD/year", low=0.0, high=1e15, source="filings", standing="estimated",
        meaning="Free cash from its other businesses before capital spending",
    )
    other_capex: Number = number(
        0.0, unit="USD/year", low=0.0, high=1e15, source="market_history.csv: capex", standing="estimated",
        meaning="Capital spending outside AI",
    )
    rents_from: list[str] = names(
        of="provider",
        meaning="Providers whose capacity it takes in its own name for its own labs and those that are its partners",
    )
    equity_raise: Number = number(
        0.0, unit="USD/year", low=0.0, high=1e15, source="filings", standing="estimated",
        meaning="Equity that investors put in a year while it grows",
    )


class Pool(Section):
    """A pool of end-customer revenue that labs compete for (or that one buyer kind owns)."""

    start: Number = number(
        36e9, unit="USD/year", low=0.0, high=1e15, source="prototype", standing="estimated",
        meaning="Revenue potential that labs serve at the start",
    )
    unserved: Number = number(
        0.0, unit="1", low=0.0, high=0.99, source="neutral", standing="illustrative",
        meaning="Part of the revenue potential at the start that nobody serves yet",
    )
    ceiling: Number = number(
        1_900e9, unit="USD/year", low=0.0, high=1e15, source="prototype", standing="illustrative",
        meaning="Revenue potential it saturates at",
    )
    rate: Number = number(
        0.75, unit="1/year", low=0.0, high=5.0, source="prototype", standing="estimated",
        meaning="Logistic growth rate",
    )
    volatility: Number = number(
        0.10, unit="1/sqrt(year)", low=0.0, high=2.0,
        source="quarterly cloud revenue", standing="illustrative",
        meaning="Standard deviation of the pool's own growth shocks",
    )


class Lab(Section):
    """A buyer of capacity: a model lab, an enterprise kind that rents, or the rest of the world's buyers."""

    kind: str = choice(
        "model_lab", "enterprise", "other", default="model_lab",
        meaning="Label used in the results",
    )
    segment: str = choice(
        "frontier", "enterprise", default="frontier",
        meaning="Which price list it buys from",
    )
    pool: str = text(refers="pool", required=True, meaning="The pool of revenue it draws on")
    owner: str = text("", refers="provider", meaning="The provider it belongs to, if any")
    partner: str = text(
        "", refers="provider", meaning="The provider that rents from others for it, by default its owner"
    )
    firms: Number = number(
        1.0, unit="count", low=1.0, high=1e6, source="one, unless it stands for a kind of buyer",
        standing="illustrative",
        meaning="Firms that it stands for: each ports its own software, and their fortunes even out",
    )
    architecture: str = text("Llama 3.1 70B", meaning="Base model architecture, a row of the catalogue")
    training_share: Number = number(
        0.5, unit="1", low=0.0, high=1.0, source="disclosures of compute spend", standing="estimated",
        meaning="Share of its chip-hours spent on training",
    )
    revenue: Number = number(
        1e9, unit="USD/year", low=0.0, high=1e15, source="market_history.csv: revenue", standing="estimated",
        meaning="Revenue from models at the start",
    )
    cash: Number = number(
        1e9, unit="USD", low=0.0, high=1e15, source="filings and press", standing="estimated",
        meaning="Cash at the start",
    )
    funding: Number = number(
        0.0, unit="USD/year", low=0.0, high=1e15, source="market_history.csv: funding", standing="estimated",
        meaning="Equity that investors put in a year at the start; grows with the pool",
    )
    compute_share: Number = number(
        0.65, unit="1", low=0.0, high=5.0, source="prototype: .5-.8", standing="estimated",
        meaning="Compute wanted per USD of forward revenue",
    )
    ambition: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="Fastest growth that it plans on, over demand.belief_cap",
    )
    other_cost: Number = number(
        0.25, unit="1", low=0.0, high=2.0, source="press", standing="estimated",
        meaning="Other cost as a share of revenue",
    )
    template_weight: Number = number(
        0.1, unit="1", low=0.0, high=5.0, source="rental_prices.csv: price gaps", standing="estimated",
        meaning="Log worth of a complete cloud over bare racks",
    )
    affinity: dict[str, Number] = mapping(
        0.0, over="provider", unit="log", low=-5.0, high=5.0, source="deals", standing="estimated",
        meaning="Fixed log preference for a provider (own cloud, partnership)",
    )
    holdings: dict[str, Number] = mapping(
        0.0, over="provider", unit="1", low=0.0, high=1.0,
        source="market_history.csv: deals and customer shares", standing="estimated",
        meaning="Share of a provider's starting fleet that it has under contract",
    )
    ports: list[str] = names(of="stack", meaning="Stacks its software already runs on at the start")
    ideal: list[Number] = numbers(
        [0.0, 0.0, 0.0, 0.0], unit="log", count=4, low=-2.0, high=2.0,
        source="neutral", standing="illustrative",
        meaning="Starting offset of its ideal architecture from the base along sparsity, width, "
        "attention, context",
    )
