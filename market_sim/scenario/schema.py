"""What a scenario is: common behaviour first, then the firms by name.

Plural sections (`labs`, `providers`, `vendors`) hold behaviour that all of a kind share and the dials of the
theses; singular tables (`lab.OpenAI`, `chip."H100-SXM"`) hold one firm or thing each.
"""

from market_sim.scenario.contracting import Delivery, Trade
from market_sim.scenario.declare import Section, month, named, number, text, whole
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
