"""The whole list of runs of a batch, with everything that decides their results, before anything runs."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from market_sim.experiments.errors import WrongRequest
from market_sim.results import files
from market_sim.results.columns import TABLES
from market_sim.results.columns import table as table_named
from market_sim.results.errors import FormatMismatch, ManifestUnreadable
from market_sim.results.files import Place
from market_sim.results.manifest import chosen_seed, installed_versions, scenario_hash
from market_sim.scenario.canonical import as_tree, resolved_toml
from market_sim.scenario.load import load_scenario, loads, with_overrides
from market_sim.scenario.schema import Scenario

DESIGN, DESIGN_TABLE = "design.json", "design.parquet"
FORMAT_VERSION = 2
CHUNK = 64  # replicates in a task, and in a part
DEFAULT_TABLES = ("concentration", "shares", "signals")
MOST_REPLICATES = 9_999_999  # what the names of parts can count
HERE = "."  # the run that lies in the batch's own folder


@dataclass(frozen=True)
class Cell:
    """One run of a design: its folder within the batch's, and how its scenario follows from a base."""

    run: str
    base: int
    parameters: Mapping[str, Any]
    scenario: str
    sha256: str


@dataclass(frozen=True)
class Design:
    """Runs, each of `replicates` draws of luck under `seed`, in parts of `chunk`.

    `bases`: scenarios as TOML. `tables` are recorded; `light`: tell of single firms and chips at
    the ends of years only, and round numbers (`market_sim.results.light`).
    """

    cells: tuple[Cell, ...]
    bases: tuple[str, ...]
    replicates: int
    seed: int = 0
    chunk: int = CHUNK
    tables: tuple[str, ...] = DEFAULT_TABLES
    light: bool = True
    command: str = ""

    @cached_property
    def _loaded(self) -> tuple[Scenario, ...]:
        return tuple(loads(text, origin=f"the design's scenario {at}") for at, text in enumerate(self.bases))

    def scenario(self, cell: Cell) -> Scenario:
        """The scenario of a run. Raises WrongRequest if it is not what the design was written with."""
        base = self._loaded[cell.base]
        made = with_overrides(base, cell.parameters) if cell.parameters else base
        if hash_of(made) != cell.sha256:
            raise WrongRequest(f"the scenario of {cell.run} is no longer the one that the batch began with")
        return made

    @property
    def lone(self) -> bool:
        """Whether there is one run only, which then lies in the batch's own folder."""
        return len(self.cells) == 1 and self.cells[0].run == HERE

    @property
    def name(self) -> str:
        """What the batch's folder is called unless told otherwise."""
        if self.lone:
            return f"{self.cells[0].scenario}-{self.seed}-{self.cells[0].sha256[:8]}-n{self.replicates}"
        together = files.digest("".join(cell.sha256 for cell in self.cells).encode())[:8]
        kind = "sweep" if any(cell.parameters for cell in self.cells) else "batch"
        return f"{kind}-{self.seed}-{together}-n{self.replicates}"

    def as_json(self) -> dict[str, Any]:
        """What `design.json` holds."""
        plain = ("seed", "replicates", "chunk", "command")
        return {
            "format_version": FORMAT_VERSION,
            "made_by": installed_versions()["market-sim"],
            **{name: getattr(self, name) for name in plain},
            "tables": list(self.tables),
            "light": self.light,
            "runs": [{**vars(cell), "parameters": dict(cell.parameters)} for cell in self.cells],
            "bases": list(self.bases),
        }

    def write(self, folder: Place) -> None:
        """Write `design.json`, and the parameters as `design.parquet` where there are any. Raises WriteFailed."""
        files.write_whole(folder / DESIGN, (json.dumps(self.as_json(), indent=1) + "\n").encode())
        if any(cell.parameters for cell in self.cells):
            buffer = io.BytesIO()
            self.frame().write_parquet(buffer)
            files.write_whole(folder / DESIGN_TABLE, buffer.getvalue())

    def frame(self) -> pl.DataFrame:
        """One row per run: its name, its scenario, and a column per parameter that is varied."""
        keys = dict.fromkeys(key for cell in self.cells for key in cell.parameters)
        columns: dict[str, list[Any]] = {
            "run": [cell.run for cell in self.cells],
            "scenario": [cell.scenario for cell in self.cells],
        }
        for key in keys:
            columns[key] = _of_one_type([cell.parameters.get(key) for cell in self.cells])
        return pl.DataFrame(columns, strict=False)


def _of_one_type(values: list[Any]) -> list[Any]:
    """Numbers or truth values as they are; anything else, or a mixture, as JSON text."""
    for kinds in (bool, str, (int, float)):
        if all(value is None or (isinstance(value, kinds) and type(value) is not bool) for value in values):
            return values
        if kinds is bool and all(value is None or isinstance(value, bool) for value in values):
            return values
    return [None if value is None else json.dumps(value) for value in values]


def hash_of(scenario: Scenario) -> str:
    """The hash that the manifest of a run of it gives."""
    return scenario_hash(as_tree(scenario))


Scenarios = Scenario | str | Path | Iterable[Scenario | str | Path]


def design(
    scenarios: Scenarios,
    replicates: int,
    *,
    seed: int = 0,
    chunk: int = CHUNK,
    record: str | Iterable[str] | None = None,
    points: Sequence[Mapping[str, Any]] = ({},),
    command: str = "",
) -> Design:
    """Every scenario with the values of every point set.

    `scenarios`: one or several, each a Scenario, a file or a shipped name. `record`: "all" or names of tables;
    by default concentration and signals at every tick, and shares at year ends. Raises WrongRequest,
    ScenarioError, TableNotRecorded.
    """
    given = [scenarios] if isinstance(scenarios, Scenario | str | Path) else list(scenarios)
    loaded = [one if isinstance(one, Scenario) else load_scenario(one) for one in given]
    if not loaded or not points:
        raise WrongRequest("a batch needs at least one scenario")
    _refuse_count("replicates", replicates, MOST_REPLICATES)
    _refuse_count("replicates in a chunk", chunk, MOST_REPLICATES)
    tables, light = recorded(record)
    seed = _seed(seed)
    cells = _cells(loaded, points, seed)
    bases = tuple(resolved_toml(one) for one in loaded)
    return Design(cells, bases, replicates, seed, chunk, tables, light, command)


def _seed(seed: int) -> int:
    try:
        return chosen_seed(seed)
    except ValueError as error:
        raise WrongRequest(str(error)) from None


def _refuse_count(what: str, count: int, most: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise WrongRequest(f"{what}: {count!r}; wanted a whole number from 1 to {most}")


def recorded(record: str | Iterable[str] | None) -> tuple[tuple[str, ...], bool]:
    """The tables to record, and whether lightly: so where none is asked for by name. Raises TableNotRecorded."""
    if record is None:
        return DEFAULT_TABLES, True
    if record == "all":
        return tuple(TABLES), False
    asked = {table_named(name).name for name in ([record] if isinstance(record, str) else record)}
    if not asked:
        raise WrongRequest(f"nothing to record; tables: {', '.join(TABLES)}")
    return tuple(name for name in TABLES if name in asked), False


def _cells(scenarios: Sequence[Scenario], points: Sequence[Mapping[str, Any]], seed: int) -> tuple[Cell, ...]:
    """One per scenario and point, each under a name of its own."""
    cells: list[Cell] = []
    taken: set[str] = set()
    alone = len(scenarios) == len(points) == 1 and not points[0]
    for (base, scenario), (at, point) in itertools.product(enumerate(scenarios), enumerate(points)):
        made = with_overrides(scenario, point) if point else scenario
        sha256 = hash_of(made)
        label = f"{at:04d}" if point else f"{seed}-{sha256[:8]}"
        run = HERE if alone else _free(f"{made.name}-{label}", taken)
        cells.append(Cell(run, base, dict(point), made.name, sha256))
        taken.add(run)
    return tuple(cells)


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where two runs would share it."""
    numbered = (name if at == 1 else f"{name}-{at}" for at in itertools.count(1))
    return next(one for one in numbered if one not in taken)


def read_design(folder: Place) -> Design:
    """The design of a batch folder. Raises WrongRequest where there is none, ManifestUnreadable, FormatMismatch."""
    path = folder / DESIGN
    content = files.read_whole(path)
    if content is None:
        raise WrongRequest(f"{folder} holds no batch to resume (it has no {DESIGN})")
    try:
        held = json.loads(content)
        if held["format_version"] != FORMAT_VERSION:
            raise FormatMismatch(
                f"{path} is of format version {held['format_version']}: this package reads version {FORMAT_VERSION}"
            )
        return _from_json(held)
    except (ValueError, KeyError, TypeError) as fault:
        raise ManifestUnreadable(f"{path} cannot be read as a design: {fault!r}") from None


def _from_json(held: Mapping[str, Any]) -> Design:
    same = {name: held[name] for name in ("seed", "replicates", "chunk", "command")}
    return Design(
        cells=tuple(Cell(**cell) for cell in held["runs"]),
        bases=tuple(held["bases"]),
        tables=tuple(held["tables"]),
        light=bool(held["light"]),
        **same,
    )
