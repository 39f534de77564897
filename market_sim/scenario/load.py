"""From a TOML file, its overlays and `--set` to a checked scenario; every failure is one `ScenarioError`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from market_sim.scenario.accept import nearest
from market_sim.scenario.declaration import Declaration, Refused
from market_sim.scenario.declare import Section
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.draws import KEY, take_draws
from market_sim.scenario.files import Layer, ScenarioError, find, layer_of, parse, refusal, shipped
from market_sim.scenario.files import layers as read_layers
from market_sim.scenario.keys import (
    Parts,
    key_parts,
    key_path,
    leaves,
    sections,
    split_assignment,
    toml_value,
)
from market_sim.scenario.overlay import assign, declaration_at, mark, merge, unknown_field
from market_sim.scenario.provenance import Provenance, check_sources

if TYPE_CHECKING:
    from market_sim.scenario.schema import Scenario

__all__ = ["ScenarioError", "load_scenario", "loads", "parse_override", "shipped", "with_overrides"]

REPORTED = 5
COMMAND_LINE, PYTHON = "--set", "overrides"  # where values come from that stand in no file
AnySection = TypeVar("AnySection", bound=Section)


def load_scenario(
    path: str | Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    said_by: str = PYTHON,
    schema: type[Section] | None = None,
) -> Scenario:
    """The scenario at `path` (a TOML file, or the name of a shipped one), its parents merged beneath it.

    `overrides` maps dotted key paths to values, as `--set key=value` does; a part `*` means every entry.
    `said_by` is what errors and provenance call them. Raises `ScenarioError`, with one message fit to show, for
    whatever is wrong with the input.
    """
    return _settle(read_layers(find(path)), overrides or {}, schema, said_by=said_by)


def loads(
    text: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    origin: str = "<text>",
    said_by: str = PYTHON,
    schema: type[Section] | None = None,
) -> Scenario:
    """The scenario that a TOML text holds; it may extend a shipped scenario by name.

    Raises `ScenarioError` as `load_scenario` does.
    """
    layer, parent = layer_of(parse(text, origin), origin)
    below: list[Layer] = []
    if parent:
        if (name := parent.removesuffix(".toml")) not in shipped():
            raise ScenarioError(f"{origin}: extends = {parent!r}: a text can only extend a shipped scenario")
        below = read_layers(shipped()[name])
    return _settle([*below, layer], overrides or {}, schema, said_by=said_by)


def with_overrides(scenario: AnySection, overrides: Mapping[str, Any]) -> AnySection:
    """The same scenario with some values set, checked again; raises `ScenarioError` as loading does."""
    from market_sim.scenario.canonical import as_tree

    before, tree = scenario._provenance, as_tree(scenario)
    below = before.layers if before else (Layer("<scenario>", tree),)
    return _settle(below, overrides, type(scenario), tree)


def parse_override(text: str) -> tuple[str, Any]:
    """Key path and value of a `--set key=value`; raises `ScenarioError` if there is no `=`."""
    try:
        key, value = split_assignment(text)
        key_parts(key)
    except ValueError as error:
        raise ScenarioError(f"{COMMAND_LINE} {error}") from None
    return key, toml_value(value)


def _settle(
    below: Sequence[Layer],
    overrides: Mapping[str, Any],
    schema: type[Section] | None,
    tree: dict[str, Any] | None = None,
    said_by: str = PYTHON,
) -> Any:
    """Merge layers, apply overrides, validate against the schema and check what spans several fields."""
    if schema is None:
        from market_sim.scenario.schema import Scenario as schema
    assert schema is not None
    overrides = dict(overrides)
    told = Layer(said_by, {}, draws=overrides.pop(KEY, None))
    merged, stack = _merged([*below, told], schema) if tree is None else _drawn_over(tree, list(below), told, schema)
    if overrides:
        stack.append(_override(merged, schema, overrides, said_by))
    scenario = _validate(merged, schema, stack)
    _raise(list(_across(scenario, stack)))
    check_sources(schema, stack)
    scenario._provenance = Provenance(tuple(stack))
    return scenario


def _merged(below: Sequence[Layer], schema: type[Section]) -> tuple[dict[str, Any], list[Layer]]:
    """The layers' trees over one another, with the draws that the last to name any names; and the layers left."""
    naming = max((at for at, layer in enumerate(below) if layer.draws is not None), default=-1)
    tree: dict[str, Any] = {}
    stack: list[Layer] = []
    for at, layer in enumerate(below):
        tree = merge(tree, layer.tree, layer.origin)
        if at == naming:
            tree = deepcopy(tree)
            layer = take_draws(layer, tree, schema)
        stack.append(layer)
    # overrides are written into the tree; the layers keep what their files said
    return deepcopy(tree), [layer for layer in stack if layer.tree or layer.origin not in (COMMAND_LINE, PYTHON)]


def _drawn_over(
    tree: dict[str, Any], stack: list[Layer], told: Layer, schema: type[Section]
) -> tuple[dict[str, Any], list[Layer]]:
    """A whole tree with the draws named on the command line, if any, in place of what it holds."""
    return (tree, [*stack, take_draws(told, tree, schema)]) if told.draws else (tree, stack)


def _override(tree: dict[str, Any], schema: type[Section], overrides: Mapping[str, Any], said_by: str) -> Layer:
    """Set the values in the tree, and give the layer that says which were set."""
    said: dict[str, Any] = {}
    for key, value in overrides.items():
        held = value.as_table() if isinstance(value, Distribution) else value
        try:
            parts = key_parts(key)
            for concrete in assign(tree, schema, parts, held, said_by):
                mark(said, concrete, held)
        except Refused as refused:
            raise ScenarioError(refusal(said_by, key, shown(value), refused)) from None
        except ScenarioError:
            raise
        except ValueError as error:
            raise ScenarioError(f"{said_by} {error}") from None
    return Layer(said_by, said)


def _validate(tree: Mapping[str, Any], schema: type[Section], stack: Sequence[Layer]) -> Section:
    try:
        return schema.model_validate(tree)
    except ValidationError as error:
        found = error.errors(include_url=False)
    _raise([_line(one, tree, schema, stack) for one in found])
    raise AssertionError("a validation error without details")


def _raise(lines: Sequence[str]) -> None:
    if lines:
        more = len(lines) - REPORTED
        shown_lines = [*lines[:REPORTED], *([f"and {more} more"] if more > 0 else [])]
        raise ScenarioError("\n".join(shown_lines))


def _line(error: Any, tree: Mapping[str, Any], schema: type[Section], stack: Sequence[Layer]) -> str:
    """One validation error as one line."""
    path = tuple(str(part) for part in error["loc"])
    origin, where = origin_of(stack, path), key_path(path)
    if error["type"] == "missing":
        return refusal(origin, where, "", _missing(path, tree, schema))
    if error["type"] == "extra_forbidden":
        refused = unknown_field(schema, _section_at(schema, path[:-1]), path)
        return refusal(origin, where, shown(error["input"]), refused)
    if error["type"] == "model_type":
        return refusal(origin, where, shown(error["input"]), Refused("wanted a table of fields"))
    context = error.get("ctx", {})
    refused = Refused(f"wanted {context.get('wanted', error['msg'])}", context.get("nearest", ""))
    return refusal(origin, where, shown(error["input"]), refused)


def _missing(path: Parts, tree: Mapping[str, Any], schema: type[Section]) -> Refused:
    """Refuse a gap; an entry that stands in an overlay alone may be a misspelt name."""
    declaration, _ = declaration_at(schema, path)
    if declaration is None:
        return Refused("is missing")
    if declaration.form == "named":
        return Refused("is missing: the market would be empty without it; wanted at least one named entry")
    unit = f" ({declaration.unit})" if declaration.unit else ""
    wanted = f"is missing and has no default; wanted {declaration.form}{unit}: {declaration.meaning}"
    holder: Any = tree
    for part in path[:-2]:
        holder = holder.get(part, {}) if isinstance(holder, Mapping) else {}
    others = [name for name in holder if name != path[-2]] if len(path) > 2 else []
    return Refused(wanted, nearest(path[-2], others) if others else "")


def _section_at(schema: type[Section], path: Parts) -> type[Section]:
    declaration, _ = declaration_at(schema, path)
    return declaration.section if declaration and declaration.section else schema


def shown(value: Any) -> str:
    """A value as an error shows it: short, on one line."""
    try:
        full = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        full = repr(value)
    return full if len(full) <= 60 else full[:57] + "..."


def origin_of(stack: Sequence[Layer], path: Parts) -> str:
    """The file that said the value at a key path: the last layer reaching deepest along it."""
    best = max(range(len(stack)), key=lambda at: (_reach(stack[at].tree, path), at))
    return stack[best].origin


def _reach(tree: Any, path: Parts) -> int:
    depth = 0
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            break
        tree, depth = tree[part], depth + 1
    return depth


def _across(scenario: Section, stack: Sequence[Layer]) -> Iterator[str]:
    """What no field can check alone: undefined names, times past the end, a section's own rules."""
    known: dict[str, tuple[str, ...]] = {}
    end = scenario.run_years()
    for path, declaration, value in leaves(scenario):
        if declaration.refers and value:
            kind = declaration.refers
            if kind not in known:
                known[kind] = scenario.names_of(kind)
            yield from _undefined(path, declaration, value, known[kind], stack)
        if declaration.within_run and value is not None and _outlasts(declaration, value, end):
            wanted = f"wanted at most {end:g} years, the length of the run"
            yield refusal(origin_of(stack, path), key_path(path), f"{_latest(value):g}", Refused(wanted))
    for at, section in sections(scenario):
        for field, wanted in section.problems():
            path = (*at, *((field,) if isinstance(field, str) else field))
            held = shown(_held(scenario, path))
            yield refusal(origin_of(stack, path), key_path(path), held, Refused(f"wanted {wanted}"))


def _outlasts(declaration: Declaration, value: Any, end: float) -> bool:
    """Whether a time is longer than the run, and than the default, which a short run may keep."""
    default = 0.0 if declaration.default is None else _latest(declaration.default)
    return _latest(value) > max(end, default) + 1e-9


def _held(scenario: Section, path: Parts) -> Any:
    """The value at a key path of a checked scenario."""
    at: Any = scenario
    for part in path:
        at = at[part] if isinstance(at, Mapping) else getattr(at, part, None)
    return at


def _undefined(
    path: Parts, declaration: Declaration, value: Any, known: tuple[str, ...], stack: Sequence[Layer]
) -> Iterator[str]:
    used = [value] if isinstance(value, str) else list(value)
    for name in used:
        if name not in known:
            kind = declaration.refers.replace("|", " or ")
            refused = Refused(f"{name!r} is not defined as a {kind}", nearest(name, known))
            yield refusal(origin_of(stack, path), key_path(path), shown(value), refused)


def _latest(value: Any) -> float:
    if isinstance(value, list):
        return max(map(_latest, value), default=0.0)
    return value.support[1] if isinstance(value, Distribution) else float(value)
