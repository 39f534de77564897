"""What a scenario is: common behaviour first, then the firms by name.

Plural sections (`labs`, `providers`, `vendors`) hold behaviour that all of a kind share and the dials of the
theses; singular tables (`lab.OpenAI`, `chip."H100-SXM"`) hold one firm or thing each.
"""

import re
from collections.abc import Iterator

from market_sim.scenario.accept import nearest
from market_sim.scenario.catalog import architecture_names, chip_names
from market_sim.scenario.contracting import Delivery, Trade
from market_sim.scenario.declare import Section, month, named, number, numbers, text, whole
from market_sim.scenario.demand_side import Demand, Labs, Software
from market_sim.scenario.firms import Chip, Lab, Pool, Provider, Stack, Vendor
from market_sim.scenario.supply_side import Providers, Vendors

__all__ = [
    "Chip",
    "Delivery",
    "Demand",
    "Lab",
    "Labs",
    "Pool",
    "Provider",
    "Providers",
    "Scenario",
    "Software",
    "Stack",
    "Trade",
    "Vendor",
    "Vendors",
]

SHORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

# Packed by hand: a declaration of up to nine facts reads better filled than one fact a line.
# fmt: off


class Scenario(Section):
    """One market: when it starts, how long it runs, who is there and how they behave."""

    name: str = text("scenario", meaning="Short name, used for the run folder")
    about: str = text("", meaning="What this scenario asks, in a sentence or two")
    start: str = month("2026-01", meaning="First month")
    ticks: int = whole(120, low=1, high=4800, meaning="How many ticks to run")
    tick_months: float = number(
        1.0, unit="month", low=0.05, high=12.0, source="definition", standing="illustrative",
        meaning="Length of a tick",
    )
    luck: list[float] = numbers(
        [], unit="index", low=0.0, high=2.0**31 - 1.0, source="definition", standing="illustrative",
        meaning="Draw of luck of each replicate, beginning again after the last; its own number where empty",
    )
    drawn_from: str = text("", meaning="File that `parameters_from` named, and its hash; written when it is read")
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
        Lab, least=1,
        meaning="Model labs, enterprise kinds and the rest of the world",
    )
    # fmt: on

    def problems(self) -> Iterator[tuple[str | tuple[str, ...], str]]:
        """The name can name a folder; every chip and architecture stands in the catalogue."""
        if not SHORT_NAME.fullmatch(self.name):
            yield "name", "a short name of letters, digits, '-', '_' and '.', since it names the run folder"
        if any(not number.is_integer() for number in self.luck):
            yield "luck", "whole numbers"
        yield from self._uncatalogued()

    def _uncatalogued(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Physics come from the catalogue, so a name that is not in it leads nowhere."""
        for name, chip in self.chip.items():
            if (used := chip.catalog or name) not in chip_names():
                yield ("chip", name, "catalog"), _catalogued("a chip", used, chip_names())
        for name, lab in self.lab.items():
            if lab.architecture not in architecture_names():
                wanted = _catalogued("an architecture", lab.architecture, architecture_names())
                yield ("lab", name, "architecture"), wanted


def _catalogued(what: str, name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    hint = f"; did you mean {near!r}?" if near else f", such as {known[0]!r} or {known[-1]!r}"
    return f"{what} of the catalogue, where there is no {name!r}{hint}"
