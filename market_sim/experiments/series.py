"""The series on which the model is held against history: what each is, in which unit, and how ticks add up to quarters.

A new series is one entry here and one measure of the same name in `retrace.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from market_sim.experiments.errors import WrongRequest


@dataclass(frozen=True)
class Series:
    """One series. A flow is summed over a quarter; anything else is measured at its end or over its last year."""

    name: str
    label: str
    unit: str
    digits: int  # after the point, where it is printed
    flow: bool = False
    reported: bool = False  # every quarter, so that a missing one is a fault of the file


SERIES = {
    one.name: one
    for one in (
        Series("nvidia_revenue", "NVIDIA data-centre revenue", "billion USD", 1, flow=True, reported=True),
        Series("nvidia_margin", "NVIDIA gross margin", "%", 0, reported=True),
        Series("nvidia_share", "NVIDIA's share of accelerator sales, last year", "%", 0),
        Series("amd_revenue", "AMD accelerator revenue, last year", "billion USD", 1),
        Series("lead_time", "NVIDIA lead time", "weeks", 0),
        Series("h100_rent", "H100 one-year price", "USD per chip-hour", 2),
        Series("price_ratio", "hyperscaler over neocloud list price, H100", "1", 1),
        Series("capex", "capital spending of the big four", "billion USD", 0, flow=True, reported=True),
        Series("compute_stock", "world compute", "million H100-equivalents", 2),
        Series("top5_share", "five largest owners' share of compute", "%", 0),
        Series("coreweave_revenue", "CoreWeave revenue", "billion USD", 2, flow=True, reported=True),
        Series("coreweave_backlog", "CoreWeave backlog", "billion USD", 1, reported=True),
        Series("coreweave_power", "CoreWeave active power", "MW", 0, reported=True),
        Series("coreweave_customer", "CoreWeave's largest customer, last year", "%", 0),
        Series("coreweave_rate", "interest on CoreWeave's loans", "%", 1),
        Series("openai_revenue", "OpenAI annualised revenue", "billion USD per year", 1),
        Series("openai_power", "OpenAI compute in service", "GW", 2),
        Series("anthropic_revenue", "Anthropic annualised revenue", "billion USD per year", 2),
        Series("nvidia_compute", "NVIDIA's share of world compute", "%", 0),
        Series("lab_yield", "OpenAI revenue per compute in service", "billion USD per GW", 1),
        Series("build_slip", "wait for built capacity over what was promised, last year", "%", 0),
        Series("neocloud_share", "neoclouds' share of rent", "%", 1),
    )
}


def series_of(name: str, where: str) -> Series:
    """The series of that name. Raises WrongRequest, which `where` opens."""
    if name not in SERIES:
        near = get_close_matches(name, SERIES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise WrongRequest(f"{where}: there is no series {name!r}{hint} Wanted one of {', '.join(SERIES)}")
    return SERIES[name]
