"""What went into a run: what its scenario says over its parent, and every number with its source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from market_sim.results.manifest import RunInfo
from market_sim.results.read import Runs
from market_sim.scenario.canonical import as_tree
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.files import ScenarioError
from market_sim.scenario.keys import key_path, leaves
from market_sim.scenario.load import load_scenario, loads, shipped
from market_sim.scenario.overlay import declaration_at
from market_sim.scenario.provenance import Entry, provenance
from market_sim.scenario.schema import Scenario

MOST_CHANGES = 60  # that are listed
SIZE = ("name", "about")  # keys that say who a scenario is and not what
EMPTY: tuple[Any, ...] = (None, "", [], {})  # values that say nothing, as a key that is not there


@dataclass(frozen=True)
class Change:
    """One key whose value differs from the parent's, both as texts; empty where it is not there."""

    key: str
    before: str
    after: str
    unit: str
    standing: str
    source: str


@dataclass(frozen=True)
class Number:
    """One value of a scenario with its unit, standing and source."""

    key: str
    value: str
    unit: str
    standing: str
    source: str


def scenario_of(info: RunInfo) -> Scenario | None:
    """The scenario that a run holds as text; None where this version cannot read it."""
    try:
        return loads(info.text, origin=f"scenario of {info.scenario}")
    except ScenarioError:
        return None


def parent_of(info: RunInfo, runs: Runs) -> tuple[str, Mapping[str, Any]] | None:
    """Name and values of what a run's scenario is told against: its parent, as one of the runs held it or as shipped.

    A shipped scenario that was changed is told against its own file. None where there is nothing to tell.
    """
    files = shipped()
    if info.scenario not in files:
        return ("baseline", as_tree(load_scenario("baseline"))) if "baseline" in files else None
    own = load_scenario(info.scenario)
    above = [layer.origin for layer in own._provenance.layers[:-1]]
    name = next((name for name, path in files.items() if above and above[-1].endswith(path.name)), "")
    if name:
        held = next((one.info for one in runs.manifests.values() if one.info.scenario == name), None)
        return name, held.resolved if held else as_tree(load_scenario(name))
    tree = as_tree(own)
    return None if _flat(tree) == _flat(info.resolved) else (f"{info.scenario} as shipped", tree)


def changes(info: RunInfo, parent: Mapping[str, Any], scenario: Scenario | None) -> list[Change]:
    """Every key that differs from the parent's, in order of the scenario."""
    now, before = _flat(info.resolved), _flat(parent)
    keys = [key for key in dict.fromkeys((*now, *before)) if now.get(key) != before.get(key) and key[0] not in SIZE]
    return [_change(key, before.get(key, ""), now.get(key, ""), scenario) for key in keys]


def _change(key: tuple[str, ...], before: str, after: str, scenario: Scenario | None) -> Change:
    unit, entry = _origin(scenario, key)
    return Change(key_path(key), before, after, unit, entry.standing, entry.source)


def _flat(tree: Mapping[str, Any], at: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Key path -> value as text; lists and distributions are values."""
    found: dict[tuple[str, ...], str] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping) and "dist" not in value:
            found |= _flat(value, (*at, name))
        elif value not in EMPTY:
            found[(*at, name)] = text_of(value)
    return found


def text_of(value: Any) -> str:
    """A value as a reader would write it."""
    if isinstance(value, Distribution):
        return text_of(value.as_table())
    if isinstance(value, Mapping):
        parts = ", ".join(f"{name} {text_of(part)}" for name, part in value.items() if name != "dist")
        return f"{value['dist']}: {parts}" if "dist" in value else parts
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _origin(scenario: Scenario | None, key: tuple[str, ...]) -> tuple[str, Entry]:
    """Unit and source of the value at a key; blank where there is none."""
    blank = Entry("", "")
    if scenario is None:
        return "", blank
    try:
        declaration, _ = declaration_at(type(scenario), key)
        entry = provenance(scenario, key_path(key))
    except (KeyError, ScenarioError, ValueError):
        return "", blank
    unit = "" if declaration is None or declaration.unit == "1" else declaration.unit
    return unit, entry


def numbers(scenario: Scenario) -> dict[str, list[Number]]:
    """First part of the key path -> every number below it, with unit, standing and source."""
    found: dict[str, list[Number]] = {}
    for path, value, unit in _numeric(scenario):
        entry = provenance(scenario, key_path(path))
        row = Number(key_path(path), text_of(value), unit, entry.standing, entry.source)
        found.setdefault(path[0], []).append(row)
    return found


def _numeric(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for path, declaration, value in leaves(scenario):
        if declaration.unit and len(path) > 1:
            unit = "" if declaration.unit == "1" else declaration.unit
            if declaration.form == "mapping":
                yield from (((*path, name), one, unit) for name, one in value.items())
            elif value is not None:
                yield path, value, unit
