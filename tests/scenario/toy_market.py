"""A small market schema, enough to exercise every form of declaration."""

from collections.abc import Iterator

from market_sim.scenario.declare import (
    Number,
    Section,
    choice,
    flag,
    mapping,
    month,
    named,
    names,
    number,
    numbers,
    series,
    text,
    whole,
)


class Chip(Section):
    """An accelerator."""

    vendor: str = text("", refers="vendor", meaning="Who makes it")
    power: Number = number(0.7, unit="kW", above=0.0, meaning="Power drawn", source="datasheet", standing="sourced")
    launch: str = month("2024-01", meaning="First deliveries")


class Vendor(Section):
    """A maker of chips."""

    supply: Number = number(1e6, unit="chips/year", low=0.0, meaning="Chips made in a year")


class Quote(Section):
    """How a provider quotes."""

    markup: Number = number(1.2, unit="1", low=1.0, meaning="Price over cost")


class Provider(Section):
    """A seller of compute."""

    kind: str = choice("hyperscaler", "neocloud", default="neocloud", meaning="Label")
    active: bool = flag(True, meaning="In business at the start")
    sites: int = whole(1, unit="sites", low=0, meaning="Sites running")
    wacc: Number = number(0.14, unit="1/year", low=0.0, high=1.0, meaning="Cost of capital", standing="estimated")
    power: Number = number(required=True, unit="MW", low=0.0, meaning="Power it may draw")
    limit: Number | None = number(unit="MW", low=0.0, meaning="Power cap, if any")
    chips: list[str] = names(of="chip", meaning="Chips it deploys")
    fleet: dict[str, Number] = mapping(2.0, over="chip", unit="chips", low=0.0, meaning="Chips in service")
    terms: list[Number] = numbers([1.4, 1.0], count=2, unit="1", low=0.0, meaning="Term factors")
    quote: Quote = Quote()


class Software(Section):
    """What makes chips usable."""

    path: list[tuple[str, Number]] = series(
        [["2024-01", 0.0], ["2026-01", 0.5]], unit="1", low=0.0, high=1.0, meaning="Share automated"
    )
    floor: Number = number(0.1, unit="1", low=0.0, high=1.0, meaning="Least maturity")
    ceiling: Number = number(0.9, unit="1", low=0.0, high=1.0, meaning="Greatest maturity")
    factors: list[Number] = numbers([1.0, 2.0], unit="1", low=0.0, meaning="Factors")

    def problems(self) -> Iterator[tuple[str, str]]:
        """The ceiling lies above the floor."""
        if isinstance(self.floor, float) and isinstance(self.ceiling, float) and self.floor > self.ceiling:
            yield "ceiling", "at least the floor"


class Market(Section):
    """A toy market."""

    name: str = text("toy", meaning="Short name")
    start: str = month("2025-01", meaning="First month")
    ticks: int = whole(24, low=1, high=1000, meaning="Ticks to run")
    tick_months: float = number(1.0, unit="month", low=0.1, high=12.0, meaning="Length of a tick")
    term: Number = number(1.0, unit="year", low=0.0, within_run=True, meaning="Contract term")
    software: Software = Software()
    lots: list[float] = numbers([0.5, 1.0], unit="1", meaning="Sizes of lots")
    chip: dict[str, Chip] = named(Chip)
    vendor: dict[str, Vendor] = named(Vendor, least=1)
    provider: dict[str, Provider] = named(Provider, least=1)


BASE = """
name = "base"
[vendor.NVIDIA]
supply = 2e6
[chip.H100]
vendor = "NVIDIA"
[chip."TPU v5.e"]
power = {dist = "triangular", low = 0.2, mode = 0.3, high = 0.5}
[provider.CoreWeave]
power = 500.0
chips = ["H100"]
fleet = {H100 = {dist = "lognormal", median = 1000.0, sigma = 0.2}}
terms = [1.5, {dist = "uniform", low = 0.8, high = 1.0}]
[provider."Lambda Labs"]
power = {dist = "uniform", low = 10.0, high = 20.0}
wacc = 0.2
[sources]
"provider.*.power" = {source = "filings", standing = "sourced"}
"provider.CoreWeave" = {source = "10-K", standing = "sourced", note = "year end"}
"vendor.*.*" = {source = "a guess", standing = "illustrative"}
"chip.*.power" = {source = "datasheet", standing = "sourced"}
"""
