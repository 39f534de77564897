"""Where the numbers of a scenario come from: its `[sources]` tables, else the field's declaration.

    [sources]
    "providers.*.wacc" = {source = "economics.csv: cost_of_debt", standing = "estimated"}
    "providers.CoreWeave.*" = {source = "10-K 2024", standing = "sourced", note = "year end"}

The most specific pattern wins: the one that names more parts, then the one that names an earlier part (a firm
before a field), then the later file. A pattern speaks for values said in its own file or in one that it
extends, never for a value that a later file put in their place; it covers all that lies below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from market_sim.scenario.accept import nearest
from market_sim.scenario.declaration import NUMERIC_FORMS, STANDINGS
from market_sim.scenario.declare import Section
from market_sim.scenario.files import Layer, ScenarioError
from market_sim.scenario.keys import Parts, key_parts, key_path, leaves, patterns
from market_sim.scenario.overlay import declaration_at

ENTRY_FIELDS = ("source", "standing", "note")


@dataclass(frozen=True)
class Entry:
    """Source and standing of one value, and where it was said; `source` is empty where nobody gave one."""

    source: str
    standing: str
    note: str = ""
    origin: str = ""


@dataclass(frozen=True)
class _Said:
    """One line of a `[sources]` table: its pattern, the index of its layer and what it says."""

    pattern: Parts
    layer: int
    entry: Entry

    @property
    def rank(self) -> tuple[int, tuple[bool, ...], int]:
        named = tuple(part != "*" for part in self.pattern)
        return sum(named), named, self.layer


def _entry(origin: str, said: Mapping[str, str]) -> Entry:
    return Entry(said.get("source", ""), said.get("standing", "illustrative"), said.get("note", ""), origin)


@dataclass(frozen=True, eq=False)
class Provenance:
    """The layers a scenario was made of. Scenarios of equal values are equal whatever their files."""

    layers: tuple[Layer, ...]

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Provenance)

    def __hash__(self) -> int:
        return 0

    @cached_property
    def entries(self) -> dict[str, list[_Said]]:
        """The entries of all layers by the first part of their pattern."""
        found: dict[str, list[_Said]] = {}
        for at, layer in enumerate(self.layers):
            for key, said in layer.sources.items():
                one = _Said(key_parts(key), at, _entry(layer.origin, said))
                found.setdefault(one.pattern[0], []).append(one)
        return found


def provenance(scenario: Section, path: str) -> Entry:
    """The source of the value at a dotted key path; raises KeyError if the schema has no such field."""
    parts = key_parts(path)
    declaration, _ = declaration_at(type(scenario), parts)
    if declaration is None:
        raise KeyError(path)
    made: Provenance = scenario._provenance or Provenance(())
    said = last_said(made.layers, parts)
    if said is None:
        return Entry(declaration.source, declaration.standing, origin="default")
    entry = match(made, parts, said)
    if entry is None and _is_default(scenario, parts, declaration.default):
        return Entry(declaration.source, declaration.standing, origin="default")
    return entry or Entry("", "illustrative", origin=made.layers[said].origin)


def unsourced(scenario: Section) -> list[str]:
    """Key paths of the numbers that a file or `--set` gives without any source.

    The run's own clock (`ticks`, `tick_months`) is the user's choice and needs none.
    """
    return [key_path(path) for path in numeric_paths(scenario) if len(path) > 1 and _lacks(scenario, path)]


def numeric_paths(scenario: Section) -> Iterator[Parts]:
    """Key paths of every numeric value, one for each name of a mapping."""
    for path, declaration, value in leaves(scenario):
        if declaration.form == "mapping":
            yield from ((*path, name) for name in value)
        elif declaration.form in NUMERIC_FORMS:
            yield path


def _lacks(scenario: Section, path: Parts) -> bool:
    entry = provenance(scenario, key_path(path))
    return entry.origin != "default" and not entry.source


def last_said(stack: Sequence[Layer], path: Parts) -> int | None:
    """Index of the last layer that gives the value at a path (or anything within it); None for a default."""
    for at in range(len(stack) - 1, -1, -1):
        if _says(stack[at].tree, path):
            return at
    return None


def _says(tree: Any, path: Parts) -> bool:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def match(made: Provenance, path: Parts, said: int) -> Entry | None:
    """The most specific entry for a path among the `[sources]` of the layer that said it and later ones."""
    fitting = [
        one
        for one in [*made.entries.get(path[0], ()), *made.entries.get("*", ())]
        if one.layer >= said and covers(one.pattern, path)
    ]
    return max(fitting, key=lambda one: one.rank).entry if fitting else None


def covers(pattern: Parts, path: Parts) -> bool:
    """Whether a pattern speaks for a path or for something that holds it; a part `*` is any one part."""
    last = len(pattern) - 1
    if last >= len(path) or pattern[last] not in ("*", path[last]):  # where nearly all differ
        return False
    return all(want in ("*", part) for want, part in zip(pattern, path, strict=False))


def _is_default(scenario: Section, path: Parts, default: Any) -> bool:
    at: Any = scenario
    for part in path:
        at = at[part] if isinstance(at, Mapping) else getattr(at, part, None)
    return isinstance(default, int | float) and at == default


def check_sources(schema: type[Section], stack: Sequence[Layer]) -> None:
    """Raises `ScenarioError` for a malformed entry or a pattern that no field of the schema can match."""
    for at, layer in enumerate(stack):
        for key, said in layer.sources.items():
            _check_entry(layer.origin, key, said)
            parts = _parts(layer.origin, key)
            if not _leads(schema, parts):
                near = nearest(key, [key_path(path) for path, _ in patterns(schema)])
                raise ScenarioError(f"{layer.origin}: sources.{key!r}: no field has such a key path{_hint(near)}")
            _check_names(schema, parts, stack[: at + 1])


def _hint(near: str) -> str:
    return f"; did you mean {near!r}?" if near else ""


def _leads(schema: type[Section], pattern: Parts) -> bool:
    """Whether some field of the schema can be meant by a pattern."""
    plain = pattern[:-1] if len(pattern) > 1 and pattern[-1] == "*" else pattern
    declaration, inside = declaration_at(schema, plain)
    if declaration is not None:
        return len(inside) <= (declaration.form == "mapping")
    return any(_fits(pattern, path) for path, _ in patterns(schema))


def _check_names(schema: type[Section], pattern: Parts, stack: Sequence[Layer]) -> None:
    """Raises `ScenarioError` if a pattern names an entry that no file so far has."""
    for depth in range(1, len(pattern)):
        declaration, inside = declaration_at(schema, pattern[:depth])
        named = declaration is not None and declaration.form == "named" and not inside
        if named and "*" not in pattern[: depth + 1] and last_said(stack, pattern[: depth + 1]) is None:
            where = f"{stack[-1].origin}: sources.{key_path(pattern)!r}"
            raise ScenarioError(f"{where}: there is no {key_path(pattern[: depth + 1])}")


def _parts(origin: str, key: str) -> Parts:
    try:
        return key_parts(key)
    except ValueError as error:
        raise ScenarioError(f"{origin}: sources: {error}") from None


def _fits(pattern: Parts, field: Parts) -> bool:
    """Whether some value of a schema field (its `*` any name) could be matched by a pattern."""
    return len(pattern) <= len(field) and all(
        "*" in (want, part) or want == part for want, part in zip(pattern, field, strict=False)
    )


def _check_entry(origin: str, key: str, said: Any) -> None:
    where = f"{origin}: sources.{key!r} = {said!r}"
    if not isinstance(said, Mapping) or not all(isinstance(value, str) for value in said.values()):
        raise ScenarioError(f'{where}: wanted {{source = "...", standing = "..."}}')
    if unknown := [name for name in said if name not in ENTRY_FIELDS]:
        raise ScenarioError(f"{where}: has no {unknown[0]!r}; wanted {', '.join(ENTRY_FIELDS)}")
    if said.get("standing", STANDINGS[0]) not in STANDINGS:
        raise ScenarioError(f"{where}: wanted standing one of {', '.join(STANDINGS)}")
