"""How buyers of compute behave: their software, their customers, their choices and their models."""

from market_sim.scenario.declare import Number, Section, choice, number, series

# Packed by hand: a declaration of up to nine facts reads better filled than one fact a line.
# fmt: off


class Software(Section):
    """Kernel maturity, automation and porting."""

    automation: Number = number(
        1.0, unit="1", low=0.0, high=5.0, source="neutral", standing="illustrative",
        meaning="T3 dial: scales the share of kernel work that models do well (0 = none)",
    )
    automation_path: list[tuple[str, Number]] = series(
        [
            ["2022-01", 0.0], ["2024-05", 0.03], ["2025-02", 0.16], ["2025-05", 0.45], ["2026-01", 0.6],
            ["2028-01", 0.85], ["2036-01", 0.95],
        ], unit="1", low=0.0, high=1.0, source="kernels.csv to its date, a path after", standing="estimated",
        meaning="Share of kernel work that models do well on CUDA, by calendar year",
    )
    automation_rate: Number = number(
        0.6, unit="1/year", low=0.0, high=10.0, source="prototype", standing="illustrative",
        meaning="Rate of closing the maturity gap at full automation",
    )
    lab_effort: Number = number(
        0.1, unit="1/year", low=0.0, high=10.0, standing="estimated",
        source="fit_constants.csv: software_gain .033 a year, most of which CUDA's users are taken to do",
        meaning="Rate contributed by labs at full installed use of a stack",
    )
    catch_up: Number = number(
        1.09, unit="1/year", low=0.0, high=20.0,
        source="fit_constants.csv: maturity_time .918 years", standing="estimated",
        meaning="Rate at which a new chip generation takes over what its stack has reached on others",
    )
    generation_reset: Number = number(
        0.7, unit="1", low=0.05, high=1.0, source="model notes: about .7", standing="estimated",
        meaning="Maturity of a new chip generation relative to its stack's best",
    )
    engineer_cost: Number = number(
        40_000.0, unit="USD/engineer-month", low=0.0, high=1e7, source="salary surveys", standing="estimated",
        meaning="Cost of a kernel engineer",
    )
    port_years: Number = number(
        0.75, unit="year", low=0.01, high=10.0,
        source="economics.csv: porting anecdotes", standing="estimated",
        meaning="Time to finish a port",
    )
    port_payback: Number = number(
        1.5, unit="year", low=0.0, high=10.0, source="ordinary investment practice", standing="illustrative",
        meaning="A port starts when its gain repays it within this time",
    )
    unported_penalty: Number = number(
        1.2, unit="log", low=0.0, high=10.0, source="prototype", standing="illustrative",
        meaning="Log worth lost on a stack that the lab's software does not run on",
    )


class Demand(Section):
    """Revenue potential, regimes, capability and the ask."""

    horizon: Number = number(
        0.75, unit="year", low=0.0, high=5.0, source="prototype", standing="estimated",
        meaning="How far ahead labs plan compute",
    )
    wait_planned: Number = number(
        0.0, unit="1", low=0.0, high=3.0, source="neutral", standing="illustrative",
        meaning="Years that labs plan further ahead for each year that capacity takes longer than it does ordinarily",
    )
    ask_time: Number = number(
        0.25, unit="year", low=0.01, high=5.0, source="prototype", standing="estimated",
        meaning="Time constant of closing the planned gap",
    )
    belief_time: Number = number(
        0.75, unit="year", low=0.01, high=10.0, source="prototype", standing="estimated",
        meaning="Time constant of learning growth",
    )
    foresight: Number = number(
        1.0, unit="1", low=0.0, high=1.0, source="neutral", standing="illustrative",
        meaning="Part of their pool's own growth that labs expect at the start; the rest they have to learn",
    )
    belief_cap: Number = number(
        1.2, unit="1/year", low=0.0, high=5.0, source="judgement", standing="illustrative",
        meaning="Largest growth rate anybody plans on",
    )
    capability_elasticity: Number = number(
        0.35, unit="1", low=0.0, high=0.95, source="prototype", standing="estimated",
        meaning="Capability per log training compute",
    )
    capability_decay: Number = number(
        0.7, unit="1/year", low=0.0, high=10.0, source="prototype", standing="estimated",
        meaning="Decay of capability",
    )
    choice_intensity: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="Logit slope of market share in capability",
    )
    bridge_share: Number = number(
        0.15, unit="1", low=0.0, high=1.0, source="prototype", standing="estimated",
        meaning="Share of awaited capacity bridged with short contracts",
    )
    spill: Number = number(
        0.5, unit="1", low=0.0, high=1.0, source="judgement", standing="illustrative",
        meaning="Part of the demand that a lab cannot serve that goes to rivals with capacity to spare",
    )
    serve_slack: Number = number(
        1.25, unit="1", low=0.1, high=10.0, source="fleet utilisation in serving", standing="estimated",
        meaning="Revenue that inference capacity can serve over its cost-share value",
    )
    mature_share: Number = number(
        0.6, unit="1", low=0.0, high=5.0, source="model notes: compute per forward revenue .5-.8", standing="estimated",
        meaning="Compute per USD of forward revenue that labs which start higher grow down to",
    )
    maturing_time: Number = number(
        2.0, unit="year", low=0.1, high=50.0, source="judgement", standing="illustrative",
        meaning="Time constant in which young labs grow into what they earn",
    )
    runway: Number = number(
        1.5, unit="year", low=0.05, high=20.0, source="press", standing="estimated",
        meaning="Time over which a lab plans to spend its cash",
    )
    boom_rate: Number = number(
        0.25, unit="1/year", low=0.0, high=20.0, source="judgement", standing="illustrative",
        meaning="Hazard of normal turning to boom",
    )
    slump_rate: Number = number(
        0.15, unit="1/year", low=0.0, high=20.0,
        source="technology cycles since 1995", standing="illustrative",
        meaning="Hazard of normal turning to slump",
    )
    calm_rate: Number = number(
        0.7, unit="1/year", low=0.0, high=20.0, source="judgement", standing="illustrative",
        meaning="Hazard of leaving boom or slump",
    )
    boom: Number = number(
        1.15, unit="1", low=1.0, high=5.0, source="judgement", standing="illustrative",
        meaning="Revenue potential in a boom over normal",
    )
    slump: Number = number(
        0.72, unit="1", low=0.01, high=1.0, source="prototype", standing="estimated",
        meaning="Revenue potential in a slump over normal",
    )
    regime_time: Number = number(
        0.4, unit="year", low=0.01, high=5.0, source="judgement", standing="illustrative",
        meaning="Time constant with which a change of regime reaches revenue",
    )
    start_regime: str = choice("boom", "normal", "slump", default="boom", meaning="Regime at the start")


class Labs(Section):
    """How buyers value offers and how their architectures move."""

    choice: str = choice(
        "fit", "spec_sheet", default="fit",
        meaning="T1 dial: choose by fit or by peak FLOP/s",
    )
    sigma: Number = number(
        0.45, unit="log", low=0.02, high=5.0, source="prototype", standing="estimated",
        meaning="Dispersion of the choice among offers",
    )
    taste_share: Number = number(
        0.3, unit="1", low=0.0, high=1.0, source="judgement", standing="illustrative",
        meaning="Share of the dispersion's variance that is persistent lab-provider and lab-chip taste",
    )
    discount: Number = number(
        0.12, unit="1/year", low=0.0, high=1.0, source="prototype", standing="estimated",
        meaning="Cost of capital of a lab",
    )
    obsolescence: Number = number(
        0.45, unit="1/year", low=0.0, high=3.0, source="prototype", standing="estimated",
        meaning="Rate at which capacity loses worth as better chips come",
    )
    slump_obsolescence: Number = number(
        1.5, unit="1", low=0.1, high=5.0, source="prototype", standing="estimated",
        meaning="Obsolescence in a slump over normal",
    )
    fit_error: Number = number(
        1.0, unit="1", low=0.0, high=5.0, source="mfu.csv: spread of measured efficiencies about the fit",
        standing="estimated", meaning="Scales the error of the compute fit, drawn once a run for every stack",
    )
    delay_discount: Number = number(
        1.0, unit="1", low=0.0, high=10.0, source="neutral", standing="illustrative",
        meaning="T5 dial: scales obsolescence in the wait for late capacity",
    )
    planning_quantile: Number = number(
        0.7, unit="1", low=0.5, high=0.99, source="judgement", standing="illustrative",
        meaning="Quantile of the believed delay on which a lab plans",
    )
    record_time: Number = number(
        0.75, unit="year", low=0.05, high=10.0, source="judgement", standing="illustrative",
        meaning="Memory of a provider's record of lateness",
    )
    divergence: Number = number(
        0.12, unit="log/sqrt(year)", low=0.0, high=2.0,
        source="architectures.csv: spread by release year", standing="estimated",
        meaning="T2 dial: how fast the labs' ideal architectures drift apart",
    )
    codesign: Number = number(
        0.25, unit="1", low=0.0, high=5.0, source="judgement", standing="illustrative",
        meaning="T2 dial: pull of the installed chips on each new architecture",
    )
    adaptation: Number = number(
        0.6, unit="1", low=0.0, high=1.0, source="judgement", standing="illustrative",
        meaning="Part of the way to its ideal that a new model generation goes",
    )
    quality_loss: Number = number(
        1.0, unit="1/log^2", low=0.0, high=50.0, source="judgement", standing="illustrative",
        meaning="Curvature of the capability lost by leaving the ideal architecture",
    )
    volatility: Number = number(
        0.1, unit="1/sqrt(year)", low=0.0, high=2.0, source="judgement", standing="illustrative",
        meaning="Standard deviation of a lab's own fortune with customers",
    )
    generation_years: Number = number(
        0.9, unit="year", low=0.1, high=10.0, source="architectures.csv: release dates", standing="estimated",
        meaning="Time between model generations",
    )
