"""The dials that the page shows: the theses' own, and the choices that matter most beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from market_sim.scenario.declaration import Declaration
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.keys import key_parts
from market_sim.scenario.overlay import declaration_at
from market_sim.scenario.schema import Scenario

STEPS = 40  # of a slider, from end to end


@dataclass(frozen=True)
class Dial:
    """One parameter to move: the thesis it turns on and off, its key path, and what a reader calls it."""

    thesis: str
    key: str
    label: str


DIALS = (
    Dial("T1 performance is a property of systems", "labs.choice", "Labs choose by"),
    Dial("T2 architectures drift apart", "labs.divergence", "Divergence of architectures"),
    Dial("T2 architectures drift apart", "labs.codesign", "Co-design with the chips owned"),
    Dial("T3 models write kernels", "software.automation", "Automation of kernel work"),
    Dial("T4 cloud features count for little", "providers.overhead", "Performance lost to cloud layers"),
    Dial("T5 speed is worth money", "labs.delay_discount", "Discount on late capacity"),
    Dial("T6 a vendor shapes its buyers", "vendors.multipolarity", "Aversion to concentrated buyers"),
    Dial("T6 a vendor shapes its buyers", "vendors.backing", "Backing of customers"),
    Dial("Undetermined", "trade.omega", "Attraction by capacity offered"),
    Dial("Undetermined", "labs.sigma", "Dispersion of the labs' choices"),
)


def theses() -> tuple[str, ...]:
    """The headings under which the dials stand, in order."""
    return tuple(dict.fromkeys(dial.thesis for dial in DIALS))


def model_params(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Key path -> an input as mesa's SolaraViz describes one, set to what the scenario says.

    A slider runs over the declared bounds, but no farther than twice the scenario's value or 1.
    """
    return {dial.key: _input(dial, scenario) for dial in DIALS}


def moved(scenario: Scenario, dials: Mapping[str, Any]) -> dict[str, Any]:
    """The dials that differ from what the scenario says: key path -> value.

    A slider rests on its steps, so that less than half a step away is not moved.
    """
    inputs = model_params(scenario)
    return {key: value for key, value in dials.items() if _differs(inputs[key], value)}


def _differs(held: Mapping[str, Any], value: Any) -> bool:
    if "step" not in held:
        return bool(value != held["value"])
    return bool(abs(value - held["value"]) >= held["step"] / 2)


def _input(dial: Dial, scenario: Scenario) -> dict[str, Any]:
    declaration, _ = declaration_at(Scenario, key_parts(dial.key))
    assert declaration is not None
    value = value_at(scenario, dial.key)
    shown = {"label": dial.label, "value": value}
    if declaration.options:
        return {"type": "Select", "values": list(declaration.options)} | shown
    low, high = _range(declaration, value)
    return {"type": "SliderFloat", "min": low, "max": high, "step": (high - low) / STEPS} | shown


def _range(declaration: Declaration, value: float) -> tuple[float, float]:
    return declaration.low, min(declaration.high, max(2.0 * value, 1.0))


def value_at(scenario: Scenario, key: str) -> Any:
    """What a scenario holds at a key path; of a distribution, its median."""
    held: Any = scenario
    for part in key_parts(key):
        held = held[part] if isinstance(held, Mapping) else getattr(held, part)
    return float(held.quantile(np.array(0.5))) if isinstance(held, Distribution) else held
