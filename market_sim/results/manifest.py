"""manifest.json: what a run is, and which parts of it are written."""

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral
from typing import Any

from market_sim.results.columns import TABLES, table
from market_sim.results.errors import FormatMismatch, ManifestUnreadable, ResultsError
from market_sim.results.files import Place, digest, read_whole
from market_sim.results.names import Names

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SCENARIO = "scenario.toml"
LIBRARIES = ("market-sim", "numpy", "numba", "polars", "mesa")


MOST_SEED = 2**63 - 1  # what a column of the results holds


def chosen_seed(seed: int) -> int:
    """The seed as a plain number. Raises ValueError unless it is a whole number that results can hold."""
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= MOST_SEED:
        raise ValueError(f"seed {seed!r}: wanted a whole number from 0 to {MOST_SEED}")
    return int(seed)


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1)
def installed_versions() -> dict[str, str]:
    """Versions of Python, the package and the libraries that shape its numbers."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


@dataclass(frozen=True)
class RunInfo:
    """What makes a run the run it is.

    `resolved`: the resolved scenario as plain JSON data; `text`: the same as TOML. `replicates` draws of
    luck are held, from `first_replicate` on. `tables`: what is recorded, and whether in the `light` form.
    Raises ResultsError where `resolved` is not JSON.
    """

    scenario: str
    resolved: Mapping[str, Any]
    text: str
    seed: int
    replicates: int
    names: Names
    first_replicate: int = 0
    command: str = ""
    tables: tuple[str, ...] = tuple(TABLES)
    light: bool = False
    started: str = field(default_factory=now)
    scenario_sha256: str = field(init=False)

    def __post_init__(self) -> None:
        for name in self.tables:
            table(name)
        object.__setattr__(self, "scenario_sha256", scenario_hash(self.resolved))

    @property
    def folder_name(self) -> str:
        """`<scenario>-<seed>-<first 8 of the scenario's hash>`."""
        return f"{self.scenario}-{self.seed}-{self.scenario_sha256[:8]}"


@dataclass(frozen=True, order=True)
class Part:
    """One Parquet file of a run, `<table>/<part>.parquet`, as it was when written."""

    table: str
    part: str
    rows: int
    bytes: int
    sha256: str

    @property
    def key(self) -> tuple[str, str]:
        """Table and part, which together name it."""
        return self.table, self.part

    @property
    def path(self) -> str:
        """Where it lies in the run folder."""
        return f"{self.table}/{self.part}.parquet"


@dataclass(frozen=True)
class Manifest:
    """A run, its parts in order of table and name, and whether it was brought to its end."""

    info: RunInfo
    parts: tuple[Part, ...] = ()
    versions: Mapping[str, str] = field(default_factory=installed_versions)
    finished: str | None = None
    complete: bool = False

    def with_parts(self, parts: Iterable[Part]) -> "Manifest":
        """The same with these parts too; one of the same table and name is replaced."""
        merged = {part.key: part for part in self.parts} | {part.key: part for part in parts}
        return replace(self, parts=tuple(sorted(merged.values())))

    def of_table(self, name: str) -> tuple[Part, ...]:
        """The parts of one table, in order."""
        return tuple(part for part in self.parts if part.table == name)

    def to_bytes(self) -> bytes:
        """The JSON text, the same for the same manifest."""
        info = self.info
        content = {
            "format_version": FORMAT_VERSION,
            "scenario": info.scenario,
            "scenario_sha256": info.scenario_sha256,
            "seed": info.seed,
            "replicates": info.replicates,
            "first_replicate": info.first_replicate,
            "command": info.command,
            "versions": dict(self.versions),
            "started": info.started,
            "finished": self.finished,
            "complete": self.complete,
            "tables": list(info.tables),
            "light": info.light,
            "parts": [vars(part) for part in self.parts],
            "names": {vocabulary: list(names) for vocabulary, names in info.names.items()},
            "resolved": info.resolved,
        }
        return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_manifest(folder: Place) -> Manifest:
    """The manifest of a run folder. Raises ManifestUnreadable or FormatMismatch, naming the folder."""
    path = folder / MANIFEST
    content = read_whole(path)
    if content is None:
        raise ManifestUnreadable(f"{folder} is no run folder: it has no {MANIFEST}")
    try:
        fields = json.loads(content)
        found = fields["format_version"]
    except (ValueError, KeyError, TypeError) as fault:
        raise ManifestUnreadable(f"{path} cannot be read as a manifest: {fault!r}") from None
    if found != FORMAT_VERSION:
        raise FormatMismatch(f"{folder} is of format version {found}: this package reads version {FORMAT_VERSION}")
    try:
        return _from_fields(fields, folder)
    except (KeyError, TypeError) as fault:
        raise ManifestUnreadable(f"{path} lacks a field, or has one too many: {fault}") from None


def _from_fields(fields: Mapping[str, Any], folder: Place) -> Manifest:
    same = ("scenario", "resolved", "seed", "replicates", "first_replicate", "command", "started")
    text = (read_whole(folder / SCENARIO) or b"").decode()
    info = RunInfo(
        **{name: fields[name] for name in same},
        text=text,
        names=Names(fields["names"]),
        tables=tuple(fields["tables"]),
        light=bool(fields.get("light", False)),  # runs recorded before it was written down
    )
    parts = tuple(Part(**part) for part in fields["parts"])
    return Manifest(info, parts, fields["versions"], fields["finished"], fields["complete"])


def scenario_hash(resolved: Mapping[str, Any]) -> str:
    """SHA-256 of the resolved scenario as canonical JSON. Raises ResultsError if it is not JSON.

    The order of keys counts, since named entries are rows in that order.
    """
    try:
        canonical = json.dumps(resolved, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as fault:
        raise ResultsError(f"the resolved scenario must be plain JSON data: {fault}") from None
    return digest(canonical.encode())
