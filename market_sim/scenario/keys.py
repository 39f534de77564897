"""Key paths, `providers."Lambda Labs".wacc`: text to parts and back, as TOML writes dotted keys."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from market_sim.scenario.declare import Declaration, Section

BARE = re.compile(r"[A-Za-z0-9_-]+")
PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^."'=]+?))\s*(?:\.|$)""")

Parts = tuple[str, ...]


def key_path(parts: Parts) -> str:
    """The dotted text of a key path, quoting the parts that TOML would not take bare (`*` stays as it is)."""
    return ".".join(part if part == "*" else quoted(part) for part in parts)


def quoted(part: str) -> str:
    """One part of a key as TOML writes it."""
    return part if BARE.fullmatch(part) else toml_text(part)


@lru_cache(maxsize=8192)  # a scenario writes the same few sources a thousand times
def toml_text(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's too, save for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@lru_cache(maxsize=8192)  # and reads the same keys again for every value they speak for
def key_parts(text: str) -> Parts:
    """The parts of a dotted key path; raises ValueError if it is empty or a quote stays open."""
    at, parts = 0, []
    while at < len(text):
        if not (match := PART.match(text, at)):
            raise ValueError(f"{text!r} is not a dotted key path")
        double, single, bare = match.groups()
        parts.append(tomllib.loads(f'key = "{double}"')["key"] if double is not None else single or bare or "")
        at = match.end()
    if not parts or text.rstrip().endswith("."):
        raise ValueError(f"{text!r} is not a dotted key path")
    return tuple(parts)


def split_assignment(text: str) -> tuple[str, str]:
    """The key and the value of `key=value`; an `=` within quotes belongs to the key."""
    inside = ""
    for at, character in enumerate(text):
        if character == "=" and not inside:
            return text[:at].strip(), text[at + 1 :].strip()
        if character in "\"'" and inside in ("", character):
            inside = "" if inside else character
    raise ValueError(f"{text!r} has no '=': wanted key=value")


def toml_value(text: str) -> Any:
    """A value as TOML reads it; what TOML cannot read is plain text."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if list(read) == ["value"] else text


def leaves(section: Section, at: Parts = ()) -> Iterator[tuple[Parts, Declaration, Any]]:
    """Every field that holds a value, depth first in order of declaration: key path, declaration, value."""
    for name, declaration in section.declarations.items():
        value, path = getattr(section, name), (*at, name)
        if declaration.form == "table":
            yield from leaves(value, path)
        elif declaration.form == "named":
            for key, entry in value.items():
                yield from leaves(entry, (*path, key))
        else:
            yield path, declaration, value


def sections(section: Section, at: Parts = ()) -> Iterator[tuple[Parts, Section]]:
    """Every section of a scenario, itself first."""
    yield at, section
    for name, declaration in section.declarations.items():
        if declaration.form == "table":
            yield from sections(getattr(section, name), (*at, name))
        elif declaration.form == "named":
            for key, entry in getattr(section, name).items():
                yield from sections(entry, (*at, name, key))


def patterns(section: type[Section], at: Parts = ()) -> Iterator[tuple[Parts, Declaration]]:
    """Every field a schema declares, tables included; `*` stands for the name of an entry."""
    for name, declaration in section.declarations.items():
        path = (*at, name)
        yield path, declaration
        if declaration.form == "table":
            yield from patterns(declaration.section, path)
        elif declaration.form == "named":
            yield from patterns(declaration.section, (*path, "*"))
