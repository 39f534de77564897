"""A resolved scenario as one canonical text, and the hash that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from market_sim.scenario.declare import Section
from market_sim.scenario.distributions import Distribution
from market_sim.scenario.keys import Parts, key_path, quoted, toml_text
from market_sim.scenario.provenance import Entry, numeric_paths, provenance


def as_tree(section: Section) -> dict[str, Any]:
    """Every field as TOML would hold it: nested dicts, lists and plain values, unset fields left out."""
    held = {name: _plain(getattr(section, name)) for name in section.declarations}
    return {name: value for name, value in held.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return as_tree(value)
    if isinstance(value, Distribution):
        return value.as_table()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def scenario_hash(scenario: Section) -> str:
    """SHA-256 of the scenario's values as canonical JSON, in hexadecimal; where they come from is left out.

    The order of named entries counts, since it is the order of the rows in every table.
    """
    text = json.dumps(as_tree(scenario), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def resolved_toml(scenario: Section) -> str:
    """The whole scenario as TOML: every field, distributions kept, and the source of every number.

    Loading the text gives an equal scenario.
    """
    lines = list(_table_lines(as_tree(scenario), ()))
    entries = list(_source_lines(scenario))
    return "\n".join([*lines, *(["", "[sources]", *entries] if entries else [])]).lstrip("\n") + "\n"


def _table_lines(tree: Mapping[str, Any], at: Parts) -> Iterator[str]:
    """Plain values first, then the tables below, as TOML's order demands."""
    if at:
        yield f"\n[{key_path_quoted(at)}]"
    below = {key: value for key, value in tree.items() if _is_table(value)}
    for key, value in tree.items():
        if key not in below:
            yield f"{quoted(key)} = {toml_of(value)}"
    for key, value in below.items():
        yield from _table_lines(value, (*at, key))


def key_path_quoted(parts: Parts) -> str:
    """A key path with even a lone `*` quoted, as a TOML header needs."""
    return ".".join(quoted(part) for part in parts)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and "dist" not in value


def toml_of(value: Any) -> str:
    """A plain value, list or inline table as TOML writes it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(key)} = {toml_of(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_of(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return toml_text(value) if isinstance(value, str) else repr(value)


def _source_lines(scenario: Section) -> Iterator[str]:
    """One entry for each number whose source a file gave."""
    for path in numeric_paths(scenario):
        entry = provenance(scenario, key := key_path(path))
        if entry.source and entry.origin != "default":
            yield f"{toml_text(key)} = {toml_of(_said(entry))}"


def _said(entry: Entry) -> dict[str, str]:
    note = {"note": entry.note} if entry.note else {}
    return {"source": entry.source, "standing": entry.standing} | note
