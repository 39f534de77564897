"""Scenario files: found, read with care and unfolded along `extends` into layers, parent first."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market_sim.scenario.accept import nearest
from market_sim.scenario.declaration import Refused

MOST_BYTES = 10_000_000
HERE = Path(__file__).parent


class ScenarioError(ValueError):
    """A scenario cannot be used; the message says where, what was there, what was wanted, and a near name."""


@dataclass(frozen=True)
class Layer:
    """What one file (or the command line) says: its tree of values, without `extends`, `sources` and the like."""

    origin: str
    tree: Mapping[str, Any]
    sources: Mapping[str, Any] = field(default_factory=dict)
    draws: Any = None  # what it says of `parameters_from`


def shipped() -> dict[str, Path]:
    """The scenarios that come with the package, by name; a name in a folder reads `folder/name`."""
    folder = shipped_folder()
    found = sorted(folder.rglob("*.toml")) if folder else []
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in found if folder}


def shipped_folder() -> Path | None:
    """Where shipped files lie: inside an installed wheel, or beside the package in a checkout."""
    checkout = HERE.parent.parent
    if (installed := HERE / "shipped").is_dir():
        return installed
    folder = checkout / "scenarios"
    return folder if folder.is_dir() and (checkout / "pyproject.toml").is_file() else None


def find(path: str | Path) -> Path:
    """The file at `path`, or the shipped scenario of that name.

    Raises `ScenarioError` naming the nearest file or shipped scenario if there is neither.
    """
    given = Path(path)
    if given.is_dir():
        raise ScenarioError(f"{path}: this is a folder; wanted a scenario file, such as {_example(given)}")
    if given.exists() or given.is_symlink():
        return given
    name = str(path).removesuffix(".toml")
    if name in (known := shipped()):
        return known[name]
    raise ScenarioError(f"{path}: no such file" + _near_file(given, list(known)))


def _example(folder: Path) -> str:
    return str(next(iter(sorted(folder.glob("*.toml"))), folder / "name.toml"))


def _near_file(given: Path, known: list[str]) -> str:
    """A hint at a file beside the missing one, else at a shipped scenario."""
    beside = sorted(one.name for one in given.parent.glob("*.toml")) if given.parent.is_dir() else []
    if near := nearest(given.name, beside):
        return f"; did you mean {given.parent / near}?"
    if near := nearest(given.stem, known):
        return f"; did you mean the shipped scenario {near!r}?"
    return f"; shipped scenarios are {', '.join(known)}" if known else ""


def read(path: Path) -> dict[str, Any]:
    """The tables of one TOML file.

    Raises `ScenarioError` if it is not a regular file, is over 10 MB, is not UTF-8 text or is not TOML.
    """
    try:
        if not path.is_file():
            raise ScenarioError(f"{path}: not a regular file; wanted a TOML file")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise ScenarioError(f"{path}: {size / 1e6:.0f} MB; a scenario has at most {MOST_BYTES / 1e6:.0f} MB")
        content = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from None
    return parse(_decoded(content, path), str(path))


def _decoded(content: bytes, path: Path) -> str:
    if b"\0" in content:
        raise ScenarioError(f"{path}: a binary file; wanted TOML text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{path}: line {line} is not UTF-8; wanted TOML text in UTF-8") from None


def parse(text: str, origin: str) -> dict[str, Any]:
    """The tables of a TOML text; raises `ScenarioError` with the line number if it is not TOML."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ScenarioError(f"{origin}: tables or lists are nested too deep") from None
    except ValueError as error:
        raise ScenarioError(f"{origin}: {_syntax(str(error), text)}") from None


def _syntax(message: str, text: str) -> str:
    """Why a text is not TOML; a name given twice is said in those words."""
    at = re.search(r"at line (\d+)", message)
    line = int(at[1]) if at else text.count("\n") + 1
    where = f"line {line}"
    if "twice" in message or "overwrite" in message or "mutable" in message:
        shown = text.splitlines()[line - 1].strip() if line <= len(text.splitlines()) else ""
        return f"{where}: {shown!r} gives a name a second time; each table and key may stand once"
    return f"{where} is not TOML: {message}"


def layers(path: Path) -> list[Layer]:
    """The file and everything it extends, the furthest parent first.

    Raises `ScenarioError` if `extends` runs in a loop, is absolute, leaves the folder of the scenario that
    names it first, or leads to no file.
    """
    found: list[Layer] = []
    seen: list[Path] = []
    root, at = path.resolve().parent, path
    while True:
        if at.resolve() in seen:
            chain = " -> ".join(one.name for one in [*seen, at])
            raise ScenarioError(f"{at}: extends itself in a loop: {chain}")
        seen.append(at.resolve())
        layer, parent = layer_of(read(at), str(at))
        found.insert(0, layer)
        if not parent:
            return found
        root, at = _parent(at, parent, root)


def layer_of(tree: dict[str, Any], origin: str) -> tuple[Layer, str]:
    """A file's layer, and the name of the one it extends (empty if none)."""
    parent, sources = tree.pop("extends", ""), tree.pop("sources", {})
    if not isinstance(parent, str):
        raise ScenarioError(f"{origin}: extends = {parent!r}: wanted the name of one scenario file, in quotes")
    if not isinstance(sources, dict):
        raise ScenarioError(f"{origin}: sources = {sources!r}: wanted a table")
    return Layer(origin, tree, sources, tree.pop("parameters_from", None)), parent


def _parent(child: Path, parent: str, root: Path) -> tuple[Path, Path]:
    """Root folder and path of the file that `child` extends: in its own tree first, else a shipped one."""
    here = f"{child}: extends = {parent!r}"
    if Path(parent).is_absolute() or re.match(r"[A-Za-z]:|~|\\", parent):
        raise ScenarioError(f"{here}: wanted a path relative to this file, or a shipped scenario's name")
    for name in (parent, f"{parent}.toml"):
        at = child.parent / name
        if not at.resolve().is_relative_to(root):
            raise ScenarioError(f"{here}: leads out of the scenario's folder {root}")
        if at.is_file():
            return root, at
    known = shipped()
    if (name := parent.removesuffix(".toml")) in known and (folder := shipped_folder()):
        return folder.resolve(), known[name]
    raise ScenarioError(f"{here}: no such file" + _near_file(child.parent / parent, list(known)))


def refusal(origin: str, where: str, value: str, refused: Refused) -> str:
    """One line: file, key path, the value it had, what was wanted, and the nearest valid name."""
    held = f" = {value}" if value else ""
    near = f"; did you mean {refused.nearest!r}?" if refused.nearest else ""
    return f"{origin}: {where}{held}: {refused.wanted}{near}"
