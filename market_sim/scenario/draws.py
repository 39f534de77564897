"""Draws from a file in place of priors: `parameters_from = "posteriors/2023-2024.parquet"`.

The file has a column per parameter, named by its key path, and a row per draw; replicate k takes row k, beginning
again after the last, so what belongs together in a row stays together. A table says which columns to take:

    parameters_from = {file = "posteriors/2023-2024.parquet", keys = ["trade.*", "demand.horizon"]}

What is read becomes part of the scenario, which therefore stands for itself wherever it is written. An overlay that
names another file, or "" for none, speaks for the file that it extends as well.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from market_sim.scenario.accept import nearest
from market_sim.scenario.declaration import Declaration, Refused
from market_sim.scenario.declare import Section
from market_sim.scenario.distributions import Draws
from market_sim.scenario.files import Layer, ScenarioError, shipped_folder
from market_sim.scenario.keys import Parts, key_parts, key_path, patterns
from market_sim.scenario.overlay import assign, declaration_at, expand, mark
from market_sim.scenario.provenance import covers

KEY = "parameters_from"
NOTED = "drawn_from"
WANTED = 'the name of a file of draws, or {file = "name", keys = ["key.path", ..]}'


@dataclass(frozen=True)
class DrawsFile:
    """Columns of draws by key path, and the hash of the file they stand in."""

    path: Path
    columns: Mapping[str, tuple[float, ...]]
    sha256: str

    @property
    def rows(self) -> int:
        """How many draws it holds."""
        return len(next(iter(self.columns.values())))


def take_draws(layer: Layer, tree: dict[str, Any], schema: type[Section]) -> Layer:
    """The layer with the draws that it names written into it, and into the merged tree.

    Raises `ScenarioError` for a file that is not there or cannot be read, a column that is no parameter of the
    scenario, and a draw out of bounds.
    """
    name, keys = _asked(layer)
    if not name:
        return layer
    held = read_draws(_found(name, layer.origin))
    said, sources = deepcopy(dict(layer.tree)), dict(layer.sources)
    source = f"draws of {held.path.name}: {held.rows} rows, sha256 {held.sha256[:16]}"
    for key in _chosen(held, keys, layer.origin):
        parts, table = _checked(held, key, tree, schema)
        for one in assign(tree, schema, parts, table, layer.origin):
            mark(said, one, table)
        sources[key_path(parts)] = {"source": source, "standing": "estimated"}
    note = f"{held.path.name} sha256 {held.sha256}"
    if NOTED in schema.declarations:
        tree[NOTED] = said[NOTED] = note
    return Layer(layer.origin, said, sources)


def _asked(layer: Layer) -> tuple[str, tuple[str, ...]]:
    """File name and patterns of the columns wanted; none for all of them."""
    asked = layer.draws
    if isinstance(asked, str):
        return asked, ()
    proper = isinstance(asked, Mapping) and set(asked) <= {"file", "keys"} and isinstance(asked.get("file"), str)
    keys = asked.get("keys", []) if proper else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ScenarioError(f"{layer.origin}: {KEY} = {asked!r}: wanted {WANTED}")
    return asked["file"], tuple(keys)


def _found(name: str, origin: str) -> Path:
    """The file, looked for beside the one that names it, then among what is shipped."""
    folders = [Path(origin).parent if Path(origin).is_file() else Path(), *filter(None, [shipped_folder()])]
    for folder in folders:
        if (path := folder / name).is_file():
            return path
    looked = " nor in ".join(str(folder) for folder in folders)
    raise ScenarioError(f"{origin}: {KEY} = {name!r}: no such file in {looked}")


def read_draws(path: Path) -> DrawsFile:
    """The draws of a Parquet or CSV file. Raises `ScenarioError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from None
    return _parsed(path, content)


@lru_cache(maxsize=8)  # many scenarios extend one that names the same file
def _parsed(path: Path, content: bytes) -> DrawsFile:
    columns = _csv(path, content) if path.suffix == ".csv" else _parquet(path, content)
    if not columns or not next(iter(columns.values())):
        raise ScenarioError(f"{path}: holds no draws; wanted a column per parameter and a row per draw")
    held = {
        key: tuple(_number(path, key, at, one) for at, one in enumerate(column, 1)) for key, column in columns.items()
    }
    return DrawsFile(path, held, hashlib.sha256(content).hexdigest())


def _csv(path: Path, content: bytes) -> dict[str, list[Any]]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path}: cannot be read as CSV ({error})") from None
    head, *body = rows or [[]]
    for at, row in enumerate(body, 1):
        if len(row) != len(head):
            raise ScenarioError(f"{path}: row {at} has {len(row)} values; wanted {len(head)}, one per column")
    return {key: [row[at] for row in body] for at, key in enumerate(head)}


def _parquet(path: Path, content: bytes) -> dict[str, list[Any]]:
    import polars as pl

    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise ScenarioError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    return frame.to_dict(as_series=False)


def _number(path: Path, key: str, row: int, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ScenarioError(f"{path}: column {key!r}, row {row}: {value!r}; wanted a finite number")
    return number


def _chosen(held: DrawsFile, keys: Sequence[str], origin: str) -> list[str]:
    """The columns that some pattern covers; each pattern must cover one."""
    if not keys:
        return list(held.columns)
    of = {key: _parts(held.path, key) for key in held.columns}
    chosen: dict[str, None] = {}
    for pattern in keys:
        fitting = [key for key, parts in of.items() if covers(key_parts(pattern), parts)]
        if not fitting:
            near = nearest(pattern, list(held.columns))
            hint = f"; did you mean {near!r}?" if near else ""
            raise ScenarioError(f"{origin}: {KEY}: {held.path} has no column for {pattern!r}{hint}")
        chosen.update(dict.fromkeys(fitting))
    return [key for key in held.columns if key in chosen]


def _parts(path: Path, key: str) -> Parts:
    try:
        return key_parts(key)
    except ValueError as error:
        raise ScenarioError(f"{path}: column {error}; wanted the key path of a parameter") from None


def _checked(held: DrawsFile, key: str, tree: Mapping[str, Any], schema: type[Section]) -> tuple[Parts, dict[str, Any]]:
    """The key's parts and its draws as a scenario's table, held to the parameter's declaration."""
    parts, where = _parts(held.path, key), f"{held.path}: column {key!r}"
    try:
        list(expand(tree, schema, parts))
    except Refused as refused:
        hint = f"; did you mean {refused.nearest!r}?" if refused.nearest else ""
        raise ScenarioError(f"{where}: {refused.wanted}{hint}") from None
    declaration, _ = declaration_at(schema, parts)
    if declaration is None or not declaration.drawable:
        known = [key_path(at) for at, one in patterns(schema) if one.drawable]
        near = nearest(key, known)
        raise ScenarioError(
            f"{where}: wanted a parameter that may differ between replicates, such as {near or known[0]!r}"
        )
    _refuse_outside(held, key, declaration)
    return parts, Draws(held.columns[key]).as_table()


def _refuse_outside(held: DrawsFile, key: str, declaration: Declaration) -> None:
    for at, value in enumerate(held.columns[key], 1):
        if not declaration.admits(value):
            wanted = f"wanted {declaration.bounds} ({declaration.unit})"
            raise ScenarioError(f"{held.path}: column {key!r}, row {at}: {value:g}; {wanted}")
