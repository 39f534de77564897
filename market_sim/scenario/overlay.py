"""Overlays: a scenario says only what differs from the one it extends, and `--set` differs once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeGuard

from market_sim.scenario.accept import nearest
from market_sim.scenario.declaration import Declaration, Refused
from market_sim.scenario.declare import Section
from market_sim.scenario.files import ScenarioError
from market_sim.scenario.keys import Parts, key_path, patterns


def merge(parent: Mapping[str, Any], child: Mapping[str, Any], origin: str, at: Parts = ()) -> dict[str, Any]:
    """The parent's tables with the child's values over them, table by table.

    A table `{remove = true}` takes an entry of the parent away. A distribution replaces what was there whole.
    Raises `ScenarioError` if `remove` names something the parent does not have.
    """
    merged = dict(parent)
    for key, value in child.items():
        path = (*at, key)
        if removes(value, origin, path):
            _remove(merged, key, origin, path)
        elif _is_table(value):
            before = merged.get(key)
            merged[key] = merge(before if _is_table(before) else {}, value, origin, path)
        else:
            merged[key] = value
    return merged


def removes(value: Any, origin: str, path: Parts) -> bool:
    """Whether a value is the order to remove an entry."""
    if not isinstance(value, Mapping) or "remove" not in value:
        return False
    if value["remove"] is not True or len(value) > 1:
        raise ScenarioError(
            f"{origin}: {key_path(path)}.remove = {value['remove']!r}: wanted remove = true, with nothing beside it"
        )
    return True


def _remove(merged: MutableMapping[str, Any], key: str, origin: str, path: Parts) -> None:
    if key not in merged:
        near = nearest(key, list(merged))
        hint = f"; did you mean {key_path((*path[:-1], near))!r}?" if near else ""
        raise ScenarioError(f"{origin}: {key_path(path)} = {{remove = true}}: there is no such entry{hint}")
    del merged[key]


def _is_table(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping) and "dist" not in value


def assign(tree: MutableMapping[str, Any], schema: type[Section], path: Parts, value: Any, said_by: str) -> list[Parts]:
    """Set one value in the tree and give the key paths set; `*` stands for every entry of a named table.

    Raises `Refused`, with the nearest valid key path, if the schema or the scenario has no such key.
    """
    concrete = list(expand(tree, schema, path))
    for one in concrete:
        _place(tree, schema, one, value, said_by)
    return concrete


def mark(said: dict[str, Any], path: Parts, value: Any) -> None:
    """Note in a layer's tree that it says a value at a concrete path."""
    at = said
    for part in path[:-1]:
        inner = at.get(part)
        at[part] = dict(inner) if isinstance(inner, Mapping) else {}
        at = at[part]
    at[path[-1]] = value


def expand(tree: Mapping[str, Any], schema: type[Section], path: Parts) -> Iterator[Parts]:
    """The key paths that a path with `*` parts stands for in this tree.

    Raises `Refused` if a part is no field, or names an entry that does not exist.
    """
    yield from _expand(tree, schema, path, (), schema)


def _expand(tree: Any, section: type[Section], path: Parts, done: Parts, root: type[Section]) -> Iterator[Parts]:
    name, rest = path[0], path[1:]
    if name not in section.declarations:
        raise unknown_field(root, section, (*done, name))
    declaration, at = section.declarations[name], (*done, name)
    inner = tree.get(name, {}) if isinstance(tree, Mapping) else {}
    if declaration.form == "named" and rest:
        for entry in _entries(inner, declaration, at, rest):
            if rest[1:]:
                yield from _expand(inner.get(entry, {}), declaration.section, rest[1:], (*at, entry), root)
            else:
                yield (*at, entry)
    elif declaration.form == "table" and rest:
        yield from _expand(inner, declaration.section, rest, at, root)
    else:
        yield (*at, *rest)


def _entries(inner: Mapping[str, Any], declaration: Declaration, at: Parts, rest: Parts) -> list[str]:
    if rest[0] == "*":
        return list(inner)
    if rest[0] in inner:
        return [rest[0]]
    if rest[0] in declaration.section.declarations:
        raise Refused(f"wanted a name in {key_path(at)}, or * for all, before {rest[0]!r}", key_path((*at, "*", *rest)))
    if len(rest) == 1:
        return [rest[0]]
    near = nearest(rest[0], list(inner))
    raise Refused(f"wanted a name in {key_path(at)}", key_path((*at, near, *rest[1:])) if near else "")


def unknown_field(root: type[Section], section: type[Section], path: Parts) -> Refused:
    """Refuse a key that is no field: the nearest name in its section, else the same name elsewhere."""
    known = list(section.declarations)
    if near := nearest(path[-1], known):
        return Refused("no such field here", key_path((*path[:-1], near)))
    elsewhere = [key_path(at) for at, _ in patterns(root) if at[-1] == path[-1]]
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return Refused(f"no such field here; there are {listed}", elsewhere[0] if elsewhere else "")


def declaration_at(schema: type[Section], path: Parts) -> tuple[Declaration | None, Parts]:
    """The declaration that a key path leads to and the parts left over; None where there is no such field."""
    section, at = schema, 0
    while at < len(path):
        declaration = section.declarations.get(path[at])
        if declaration is None:
            return None, path[at:]
        at += 2 if declaration.form == "named" else 1
        if declaration.form not in ("named", "table") or at >= len(path):
            return declaration, path[at:]
        section = declaration.section
    return None, ()


def _place(tree: MutableMapping[str, Any], schema: type[Section], path: Parts, value: Any, said_by: str) -> None:
    """Write a value at a concrete path, making tables on the way; the last parts may index a list."""
    declaration, inside = declaration_at(schema, path)
    depth = len(path) - len(inside)
    at: Any = tree
    for part in path[: depth - 1]:
        at = at.setdefault(part, {})
        if not isinstance(at, MutableMapping):
            raise Refused(f"{part!r} to be a table")
    key = path[depth - 1]
    if inside:
        at[key] = _within(declaration, at.get(key), inside, value)
    else:
        merged = merge(at, {key: value}, said_by, path[: depth - 1])
        at.clear()
        at.update(merged)


def _within(declaration: Declaration | None, held: Any, inside: Parts, value: Any) -> Any:
    """A list, mapping or distribution with one of its parts replaced."""
    if held is None and declaration is not None:
        held = {} if declaration.form == "mapping" else declaration.default
    if isinstance(held, list | tuple):
        position = int(inside[0]) if inside[0].isdigit() else -1
        if not 0 <= position < len(held):
            raise Refused(f"a position from 0 to {len(held) - 1} after the name of the list")
        return [_inner(one, inside, value) if at == position else one for at, one in enumerate(held)]
    if isinstance(held, Mapping):
        return {**held, inside[0]: _inner(held.get(inside[0]), inside, value)}
    raise Refused("no further part after this key: it holds a single value")


def _inner(held: Any, inside: Parts, value: Any) -> Any:
    return _within(None, held, inside[1:], value) if len(inside) > 1 else value
