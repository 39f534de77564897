"""The firms and things of a scenario: stacks, chips, vendors, providers, labs and the pools of revenue they live on.

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


class Stack(Section):
    """A software stack: the kernels, compilers and libraries that make a family of chips usable."""

    automation_lag: Number = number(
        0.0,
        unit="year",
        low=0.0,
        high=10.0,
        meaning="How far kernel writing by models on this stack trails the same skill on CUDA",
        source="kernels.csv: same benchmark families on AMD, TPU and Ascend",
        standing="estimated",
    )
    vendor_effort: Number = number(
        0.35,
        unit="1/year",
        low=0.0,
        high=5.0,
        meaning="Rate at which the vendor's own engineers close the gap of kernel maturity to its ceiling",
        source="mfu.csv: software gain of about .13 a year on NVIDIA",
        standing="estimated",
    )
    ceiling: Number = number(
        1.15,
        unit="1",
        low=0.1,
        high=2.0,
        meaning="Kernel maturity that effort approaches, as a multiple of the calibrated reference efficiency",
        source="prototype",
        standing="illustrative",
    )
    port_cost: Number = number(
        24.0,
        unit="engineer-month",
        low=0.0,
        high=10_000.0,
        meaning="Work to bring a lab's production stack here from elsewhere, before automation",
        source="economics.csv: cuda_to_rocm_port_cost (judgement, 6-60)",
        standing="estimated",
    )


class Chip(Section):
    """An accelerator platform on some vendor's roadmap; physics come from the catalogue, money from here."""

    vendor: str = text(refers="vendor", required=True, meaning="Who makes it")
    stack: str = text(refers="stack", required=True, meaning="The software it runs on")
    catalog: str = text("", meaning="Its row in the chip catalogue, by default its own name")
    available: str = month("2020-01", meaning="First month it can be ordered for delivery")
    withdrawn: str = month("2099-12", meaning="Last month in which new orders are taken")
    price: Number = number(
        30_000.0,
        unit="USD/chip",
        low=0.0,
        meaning="List price at the start (or at launch, when later)",
        source="chips.csv: est_system_price_usd_per_chip",
        standing="estimated",
    )
    cost: Number = number(
        7_500.0,
        unit="USD/chip",
        low=1.0,
        meaning="Cost to the vendor of making one, packaging and memory included",
        source="prototype: 7.5k USD for an H100",
        standing="estimated",
    )
    server: Number = number(
        17_000.0,
        unit="USD/chip",
        low=0.0,
        meaning="Server, network and installation bought beside each chip",
        source="economics.csv: h100_system_cost_per_gpu_with_infiniband less the chip",
        standing="estimated",
    )
    power: float = number(
        1.4,
        unit="kW/chip",
        low=0.001,
        high=50.0,
        meaning="Power drawn at the site per chip, host and network included",
        source="economics.csv: facility_power_per_h100_all_in",
        standing="estimated",
    )
    packages: float = number(
        1.0,
        unit="package/chip",
        low=0.01,
        high=50.0,
        meaning="How much of the vendor's scarce packaging one chip takes (H100 = 1)",
        source="die counts",
        standing="estimated",
    )


class Vendor(Section):
    """A maker of chips: supply, prices, allocation, software and backing."""

    owner: str = text("", refers="provider", meaning="The provider it belongs to, if any")
    sells: str = choice("merchant", "captive", "both", default="merchant", meaning="Who may buy its chips")
    supply: Number = number(
        750_000.0,
        unit="package/year",
        low=0.0,
        meaning="Packages made a year at the start",
        source="prototype: NVIDIA 2023-01",
        standing="estimated",
    )
    inventory: Number = number(
        0.0,
        unit="year",
        low=0.0,
        high=5.0,
        meaning="Finished chips in stock at the start, in years of supply",
        source="supplier filings",
        standing="estimated",
    )
    growth_committed: Number = number(
        0.5,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Growth of supply already committed for the first year",
        source="prototype: 2.5 for NVIDIA 2023",
        standing="estimated",
    )
    growth_cap: Number = number(
        0.8,
        unit="1/year",
        low=0.0,
        high=10.0,
        meaning="Fastest growth of supply after that (foundry, packaging, memory)",
        source="delivery.csv: cowos_capacity",
        standing="estimated",
    )
    cash: Number = number(
        10e9, unit="USD", low=0.0, meaning="Cash at the start", source="filings", standing="estimated"
    )
    allocation: str = choice(
        "pro_rata",
        "highest_margin",
        "strategic",
        default="strategic",
        meaning="How scarce chips are shared over orders",
    )
    multipolarity: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=100.0,
        meaning="Theta: aversion to concentrated buyers in strategic allocation, in units of mean margin",
        source="prototype",
        standing="illustrative",
    )
    backing: Number = number(
        0.0,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of operating profit offered as equity, leases and guarantees to customers",
        source="market_history.csv: vendor deals of 2025",
        standing="illustrative",
    )
    margin_target: Number = number(
        0.5,
        unit="1",
        low=0.0,
        high=0.95,
        meaning="Gross margin below which list prices never fall",
        source="economics.csv: asic_vendor_gross_margin",
        standing="estimated",
    )
    operating_cost: Number = number(
        0.12,
        unit="1",
        low=0.0,
        high=0.9,
        meaning="Research, software and selling cost as a share of revenue",
        source="filings",
        standing="estimated",
    )


class Provider(Section):
    """A seller of capacity. Hyperscaler, neocloud and other differ in numbers only; no rule asks which."""

    kind: str = choice(
        "hyperscaler", "neocloud", "other", default="neocloud", meaning="Label used in the results"
    )
    active: bool = flag(
        True, meaning="In business at the start (otherwise it may enter while margins stay high)"
    )
    chips: list[str] = names(of="chip", meaning="Chips it deploys or may deploy once they are available")
    fleet: dict[str, Number] = mapping(
        0.0,
        over="chip",
        unit="chip",
        low=0.0,
        meaning="Chips in service at the start",
        source="market_history.csv: compute stocks",
        standing="estimated",
    )
    on_order: dict[str, Number] = mapping(
        0.0,
        over="chip",
        unit="chip",
        low=0.0,
        meaning="Chips ordered and not delivered at the start",
        source="vendor backlog split over buyers",
        standing="estimated",
    )
    presold: Number = number(
        0.8,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of its starting orders that stand against signed contracts",
        source="contracts.csv: committed share",
        standing="estimated",
    )
    cash: Number = number(
        1e9, unit="USD", low=0.0, meaning="Cash at the start", source="filings", standing="estimated"
    )
    debt: Number = number(
        0.0, unit="USD", low=0.0, meaning="Loans at the start", source="filings", standing="estimated"
    )
    wacc: Number = number(
        0.14,
        unit="1/year",
        low=0.0,
        high=1.0,
        meaning="Cost of capital",
        source="economics.csv: cost_of_debt_effective",
        standing="estimated",
    )
    power: Number = number(
        100.0,
        unit="MW",
        low=0.0,
        meaning="Powered sites at the start",
        source="market_history.csv: active_power",
        standing="estimated",
    )
    power_growth: Number = number(
        100.0,
        unit="MW/year",
        low=0.0,
        meaning="Site power it can bring into development a year, in the first year",
        source="market_history.csv: contracted_power",
        standing="estimated",
    )
    site_months: Number = number(
        8.0,
        unit="month",
        low=0.1,
        high=120.0,
        meaning="Mean time to ready a site for a lot at ordinary effort",
        source="delivery.csv: datacenter_build_months",
        standing="estimated",
    )
    incentive: Number = number(
        1.0,
        unit="1",
        low=0.0,
        high=10.0,
        meaning="Dial on the incentive to be fast, which is itself derived from the business that speed would win",
        source="neutral",
        standing="illustrative",
    )
    template: Number = number(
        0.0,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="How complete its cloud is (isolation, storage, security, regions)",
        source="price gaps",
        standing="estimated",
    )
    overhead: Number = number(
        0.04,
        unit="1",
        low=0.0,
        high=0.9,
        meaning="Delivered performance lost to virtualisation and operations",
        source="economics.csv: virtualisation_overhead, goodput",
        standing="sourced",
    )
    opex: Number = number(
        2_900.0,
        unit="USD/kW/year",
        low=0.0,
        meaning="Power, space and staff",
        source="economics.csv: colocation_price",
        standing="estimated",
    )
    enterprise_markup: Number = number(
        1.25,
        unit="1",
        low=0.1,
        high=10.0,
        meaning="Its list price to enterprises over the price to large labs",
        source="rental_prices.csv: hyperscaler against neocloud list",
        standing="estimated",
    )
    scarcity_pass: Number = number(
        0.8,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Phi: part of the shadow price that goes into the contract price",
        source="prototype: .3 hyperscaler, .8 neocloud",
        standing="illustrative",
    )
    other_cash_flow: Number = number(
        0.0,
        unit="USD/year",
        low=0.0,
        meaning="Free cash from its other businesses before capital spending",
        source="filings",
        standing="estimated",
    )
    other_capex: Number = number(
        0.0,
        unit="USD/year",
        low=0.0,
        meaning="Capital spending outside AI",
        source="market_history.csv: capex",
        standing="estimated",
    )
    equity_raise: Number = number(
        0.0,
        unit="USD/year",
        low=0.0,
        meaning="Equity that investors put in a year while it grows",
        source="filings",
        standing="estimated",
    )


class Pool(Section):
    """A pool of end-customer revenue that labs compete for (or that one buyer kind owns)."""

    start: Number = number(
        36e9,
        unit="USD/year",
        low=0.0,
        meaning="Revenue potential at the start",
        source="prototype",
        standing="estimated",
    )
    ceiling: Number = number(
        1_900e9,
        unit="USD/year",
        low=0.0,
        meaning="Revenue potential it saturates at",
        source="prototype",
        standing="illustrative",
    )
    rate: Number = number(
        0.75,
        unit="1/year",
        low=0.0,
        high=5.0,
        meaning="Logistic growth rate",
        source="prototype",
        standing="estimated",
    )
    volatility: Number = number(
        0.10,
        unit="1/sqrt(year)",
        low=0.0,
        high=2.0,
        meaning="Standard deviation of the pool's own growth shocks",
        source="quarterly cloud revenue",
        standing="illustrative",
    )


class Lab(Section):
    """A buyer of capacity: a model lab, an enterprise kind that rents, or the rest of the world's buyers."""

    kind: str = choice(
        "model_lab", "enterprise", "other", default="model_lab", meaning="Label used in the results"
    )
    segment: str = choice(
        "frontier", "enterprise", default="frontier", meaning="Which price list it buys from"
    )
    pool: str = text(refers="pool", required=True, meaning="The pool of revenue it draws on")
    owner: str = text("", refers="provider", meaning="The provider it belongs to, if any")
    architecture: str = text("Llama 3.1 70B", meaning="Base model architecture, a row of the catalogue")
    training_share: Number = number(
        0.5,
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of its chip-hours spent on training",
        source="disclosures of compute spend",
        standing="estimated",
    )
    revenue: Number = number(
        1e9,
        unit="USD/year",
        low=0.0,
        meaning="Revenue from models at the start",
        source="market_history.csv: revenue",
        standing="estimated",
    )
    cash: Number = number(
        1e9,
        unit="USD",
        low=0.0,
        meaning="Cash at the start",
        source="filings and press",
        standing="estimated",
    )
    funding: Number = number(
        0.0,
        unit="USD/year",
        low=0.0,
        meaning="Equity that investors put in a year at the start; grows with the pool",
        source="market_history.csv: funding",
        standing="estimated",
    )
    compute_share: Number = number(
        0.65,
        unit="1",
        low=0.0,
        high=5.0,
        meaning="Compute wanted per USD of forward revenue",
        source="prototype: .5-.8",
        standing="estimated",
    )
    other_cost: Number = number(
        0.25,
        unit="1",
        low=0.0,
        high=2.0,
        meaning="Other cost as a share of revenue",
        source="press",
        standing="estimated",
    )
    template_weight: Number = number(
        0.1,
        unit="1",
        low=0.0,
        high=5.0,
        meaning="Log worth of a complete cloud over bare racks",
        source="rental_prices.csv: price gaps",
        standing="estimated",
    )
    affinity: dict[str, Number] = mapping(
        0.0,
        over="provider",
        unit="log",
        low=-5.0,
        high=5.0,
        meaning="Fixed log preference for a provider (own cloud, partnership)",
        source="deals",
        standing="estimated",
    )
    holdings: dict[str, Number] = mapping(
        0.0,
        over="provider",
        unit="1",
        low=0.0,
        high=1.0,
        meaning="Share of a provider's starting fleet that it has under contract",
        source="market_history.csv: deals and customer shares",
        standing="estimated",
    )
    ports: list[str] = names(of="stack", meaning="Stacks its software already runs on at the start")
    ideal: list[Number] = numbers(
        [0.0, 0.0, 0.0, 0.0],
        unit="log",
        count=4,
        low=-2.0,
        high=2.0,
        meaning="Starting offset of its ideal architecture from the base along sparsity, width, attention, context",
        source="neutral",
        standing="illustrative",
    )
