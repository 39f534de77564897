"""The six theses as data: what is claimed, which dial turns its mechanism off, what is measured, and what would count.

Every line was written before it was run. `sign` says which way a measure moves where the claim holds; `matters` is the
smallest effect of interest, in the measure's unit, so that a claim fails by an effect the other way and by one too
small to care about alike. Measures of sign 0 are told beside the verdict and have no say in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HORIZONS = (2, 5, 10)  # years
DECISIVE = 5  # the horizon that verdicts are taken at
OMEGAS = (0.0, 0.5, 1.0)
MIDDLE = 0.5  # where variants are run
OMEGA = "trade.omega"
DISCOUNT = 0.10  # a year, of a vendor's profit


@dataclass(frozen=True)
class Measure:
    """One number per replicate and horizon, with the mechanism on and off.

    `by`: `mean` of the year before the horizon, `total` of all ticks so far, `present` value of a yearly rate so far,
    `ratio` or `gap` of the means of two metrics. `how` the effect is told: the `difference` on less off, or that
    `relative` to the mean off.
    """

    name: str
    of: tuple[str, ...]
    unit: str
    sign: int = 0
    matters: float = 0.0
    by: str = "mean"
    how: str = "difference"


@dataclass(frozen=True)
class Variant:
    """Another way to turn the mechanism off, in whole or in part, told beside the verdict."""

    name: str
    off: Mapping[str, Any]


@dataclass(frozen=True)
class Thesis:
    """A claim, the values that turn its mechanism off, and its measures."""

    name: str
    title: str
    claim: str
    mechanism: str
    off: Mapping[str, Any]
    measures: tuple[Measure, ...]
    variants: tuple[Variant, ...] = field(default=())

    @property
    def decisive(self) -> tuple[Measure, ...]:
        """The measures that have a say in the verdict."""
        return tuple(one for one in self.measures if one.sign)


def relative(name: str, *of: str, sign: int = 0, matters: float = 0.0, by: str = "mean") -> Measure:
    """A measure told as a part of its mean with the mechanism off."""
    return Measure(name, of, "of its mean when off", sign, matters, by, "relative")


NVIDIA_SHARE = Measure("NVIDIA's share of compute", ("vendor/stock/share/NVIDIA",), "1")
PROVIDERS = Measure("concentration of providers", ("provider/stock/hhi",), "HHI")
VENDORS = Measure("concentration of vendors", ("vendor/stock/hhi",), "HHI")
LABS = Measure("concentration of labs", ("lab/stock/hhi",), "HHI")
COMPUTE = relative("useful compute in service", "useful_compute")
NEOCLOUDS = Measure("neoclouds' share of rent", ("neocloud_share",), "1")

THESES = (
    Thesis(
        "T1",
        "Performance belongs to the system",
        "AI performance is a property of model, kernels and network together, not of the chip's spec sheet.",
        "labs judge chips by how fast they run the lab's own models; off, by peak FLOP/s",
        {"labs.choice": "spec_sheet"},
        (
            Measure("gain from sharing the same chips by fit", ("fit_gain",), "1", 1, 0.05),
            Measure("pairs of chips ranked otherwise", ("rank_changes",), "1", 1, 0.10),
            relative("useful compute per MW", "useful_compute", "power", sign=1, matters=0.03, by="ratio"),
            COMPUTE, NVIDIA_SHARE, VENDORS, PROVIDERS, LABS,
        ),
    ),
    Thesis(
        "T2",
        "Architectures split demand over platforms",
        "The right accelerator depends on the model's architecture, so demand fragments over platforms.",
        "labs' ideal architectures drift apart and adapt to the chips they own; off, neither",
        {"labs.divergence": 0.0, "labs.codesign": 0.0},
        (
            Measure("segregation of labs over platforms", ("segregation",), "Theil's H", 1, 0.02),
            Measure("lock-in", ("lock_in",), "log", 1, 0.02),
            Measure("concentration of platforms", ("platform/stock/hhi",), "HHI", -1, 0.01),
            VENDORS, NVIDIA_SHARE, COMPUTE, LABS,
        ),
        (
            Variant("no divergence", {"labs.divergence": 0.0}),
            Variant("no co-design", {"labs.codesign": 0.0}),
        ),
    ),
    Thesis(
        "T3",
        "The CUDA moat weakens",
        "Models write kernels and few large labs need compatibility, so CUDA protects NVIDIA less.",
        "models take over kernel work, later off CUDA than on it; off, they never do",
        {"software.automation": 0.0},
        (
            Measure("CUDA premium, cleared again", ("cuda_premium",), "of spending", -1, 0.02),
            Measure("NVIDIA's share of chip revenue", ("vendor/revenue/share/NVIDIA",), "1", -1, 0.02),
            relative("NVIDIA's discounted profit", "vendor_profit/NVIDIA", sign=-1, matters=0.03, by="present"),
            Measure("ports finished", ("ports_finished/ROCm", "ports_finished/XLA", "ports_finished/Neuron"), "count",
                    by="total"),
            Measure("ports started", ("ports_started/ROCm", "ports_started/XLA", "ports_started/Neuron"), "count",
                    by="total"),
            VENDORS, COMPUTE,
        ),
    ),
    Thesis(
        "T4",
        "An AI cloud is not a CPU cloud",
        "Whole racks on long contracts make isolation, hypervisor, storage and security count for little.",
        "tenants weigh a complete cloud as price gaps show; off, as much as tenants of CPU clouds do",
        {"lab.*.template_weight": 1.4},
        (
            Measure("neoclouds' share of rent", ("neocloud_share",), "1", 1, 0.02),
            relative("list price, hyperscalers over neoclouds", "list_price/hyperscaler", "list_price/neocloud",
                     sign=-1, matters=0.05, by="ratio"),
            relative("price signed, hyperscalers over neoclouds", "useful_price/hyperscaler", "useful_price/neocloud",
                     by="ratio"),
            Measure("hyperscalers' margin", ("provider_margin/hyperscaler",), "1"),
            Measure("neoclouds' margin", ("provider_margin/neocloud",), "1"),
            PROVIDERS,
        ),
        (
            Variant("price discrimination alone", {"lab.*.template_weight": 0.0, "providers.overhead": 0.0}),
            Variant("no overhead", {"providers.overhead": 0.0}),
        ),
    ),
    Thesis(
        "T5",
        "Speed to capacity pays",
        "Speed to capacity has real value; neoclouds are paid to be fast, incumbents are not.",
        "labs discount late capacity by how fast it loses worth; off, waiting costs them only interest",
        {"labs.delay_discount": 0.0},
        (
            Measure("speed premium", ("speed_premium",), "log price per year", 1, 0.05),
            Measure("wait at neoclouds less at hyperscalers",
                    ("time_to_capacity/neocloud", "time_to_capacity/hyperscaler"), "years", -1, 0.02, by="gap"),
            Measure("neoclouds' share of rent", ("neocloud_share",), "1", 1, 0.01),
            Measure("time to capacity", ("time_to_capacity",), "years"),
            Measure("time to capacity, neoclouds", ("time_to_capacity/neocloud",), "years"),
            Measure("time to capacity, hyperscalers", ("time_to_capacity/hyperscaler",), "years"),
            COMPUTE, PROVIDERS,
        ),
        (Variant("nobody has reason to be fast", {"provider.*.incentive": 0.0}),),
    ),
    Thesis(
        "T6",
        "NVIDIA gains from many buyers and shapes them",
        "NVIDIA gains from a multipolar customer base and shapes it by allocation and backing.",
        "vendors spread scarce chips over buyers and back some of them; off, neither",
        {"vendors.multipolarity": 0.0, "vendors.backing": 0.0},
        (
            relative("NVIDIA's discounted profit", "vendor_profit/NVIDIA", sign=1, matters=0.01, by="present"),
            Measure("concentration of providers", ("provider/stock/hhi",), "HHI", -1, 0.003),
            Measure("NVIDIA's margin", ("vendor_margin/NVIDIA",), "1"),
            Measure("concentration of NVIDIA's buyers", ("buyers of NVIDIA/bookings/hhi",), "HHI"),
            LABS, NEOCLOUDS,
            Measure("defaults of providers", ("defaults/neocloud", "defaults/hyperscaler"), "count", by="total"),
            Measure("NVIDIA's exposure to what it backs", ("backing_exposure/NVIDIA",), "USD"),
        ),
        (
            Variant("no spreading of scarce chips", {"vendors.multipolarity": 0.0}),
            Variant("no backing", {"vendors.backing": 0.0}),
        ),
    ),
)  # fmt: skip
