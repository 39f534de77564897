"""Reads one or many run folders, lazily."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from glob import has_magic
from pathlib import Path
from typing import Any

import polars as pl

from market_sim.results.columns import Table, table
from market_sim.results.errors import NoRuns, TableNotRecorded
from market_sim.results.files import Place, contents, is_file, is_folder, matching, place_of
from market_sim.results.manifest import MANIFEST, Manifest, read_manifest
from market_sim.results.objects import Address, scan_options
from market_sim.results.tables import Results

__all__ = ["Results", "Runs", "read_runs"]

Places = str | Place | Iterable[str | Place]


@dataclass(frozen=True, repr=False)
class Runs(Mapping[str, pl.LazyFrame]):
    """Table name -> polars LazyFrame over all run folders, with `scenario`, `seed` and `run` in front.

    `folders` and `manifests` go by the run's name: its folder's name, or its path where two share a name.
    """

    folders: Mapping[str, Place]
    manifests: Mapping[str, Manifest]

    @property
    def incomplete(self) -> tuple[str, ...]:
        """Runs that were not brought to their end; what they hold is whole, but there is less of it."""
        return tuple(run for run, manifest in self.manifests.items() if not manifest.complete)

    def __getitem__(self, name: str) -> pl.LazyFrame:
        """The table across all runs, in order of run and part. Raises TableNotRecorded, naming a run."""
        declared = table(name)
        for run, manifest in self.manifests.items():
            if name not in manifest.info.tables:
                recorded = ", ".join(manifest.info.tables)
                raise TableNotRecorded(
                    f"{name!r} was not recorded in {self.folders[run]}: it holds {recorded} (--record adds)"
                )
        return pl.concat([self._of_run(declared, run) for run in self.manifests])

    def __iter__(self) -> Iterator[str]:
        """The tables that every run records."""
        first = next(iter(self.manifests.values())).info.tables
        everywhere = (set(manifest.info.tables) for manifest in self.manifests.values())
        common = reduce(set.intersection, everywhere)
        return (name for name in first if name in common)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        unfinished = f", {len(self.incomplete)} of them incomplete" if self.incomplete else ""
        return f"Runs({len(self.manifests)} runs{unfinished}: {', '.join(self.manifests)})"

    def _of_run(self, declared: Table, run: str) -> pl.LazyFrame:
        """One run's table, its enums widened to the names of all runs, so that runs can be put together."""
        info = self.manifests[run].info
        wanted = declared.schema(self._names(declared))
        scenarios = pl.Enum(_joined((manifest.info.scenario,) for manifest in self.manifests.values()))
        own = declared.schema(info.names)
        return self._scan(declared, run).select(
            pl.lit(info.scenario, dtype=scenarios).alias("scenario"),
            pl.lit(info.seed, dtype=pl.Int64).alias("seed"),
            pl.lit(run, dtype=pl.Enum(list(self.manifests))).alias("run"),
            *(pl.col(name) if own[name] == kind else pl.col(name).cast(kind) for name, kind in wanted.items()),
        )

    def _scan(self, declared: Table, run: str) -> pl.LazyFrame:
        """The parts that the manifest names, and no other file."""
        manifest = self.manifests[run]
        paths = [self.folders[run] / part.path for part in manifest.of_table(declared.name)]
        if not paths:
            return pl.LazyFrame(schema=declared.schema(manifest.info.names))
        return pl.scan_parquet([str(path) for path in paths], glob=False, **_access(self.folders[run]))

    def _names(self, declared: Table) -> dict[str, tuple[str, ...]]:
        """The vocabularies of a table, joined over all runs in order of first appearance."""
        used = {column.vocabulary for column in declared.columns if column.vocabulary}
        lists = [manifest.info.names for manifest in self.manifests.values()]
        return {vocabulary: _joined(names[vocabulary] for names in lists) for vocabulary in used}


def _access(place: Place) -> dict[str, Any]:
    """How polars gets at a place."""
    return scan_options() if isinstance(place, Address) else {}


def read_runs(places: Places) -> Runs:
    """Open run folders: a folder, that of a batch of several runs, a glob such as "runs/*", or several of these.

    Each may lie in an object store, as "s3://bucket/runs/*" does. What a glob finds besides run folders and batches of
    some is passed over; a folder named outright must be one, or hold some. Reads manifests only. Raises NoRuns,
    NoPlace, StorageFailed, ManifestUnreadable, FormatMismatch.
    """
    named = [places] if isinstance(places, str | Path | Address) else list(places)
    found = {folder for place in named for folder in _run_folders(place_of(place))}
    if not found:
        raise NoRuns(f"no run folder (one with a {MANIFEST}) matches {', '.join(map(str, named)) or 'an empty list'}")
    folders = _by_name(sorted(found, key=str))
    return Runs(folders, {run: read_manifest(folder) for run, folder in folders.items()})


def _run_folders(place: Place) -> list[Place]:
    if has_magic(str(place)) and not is_folder(place):
        return [found.parent for depth in (place, place / "*") for found in matching(depth / MANIFEST)]
    found = _with_manifest([place]) or _with_manifest(place / name for name in contents(place))
    if not found:
        raise NoRuns(f"{place} is no run folder: wanted one with a {MANIFEST}, or a glob such as 'runs/*'")
    return found


def _with_manifest(folders: Iterable[Place]) -> list[Place]:
    return [folder for folder in folders if is_file(folder / MANIFEST)]


def _by_name(folders: list[Place]) -> dict[str, Place]:
    names = [(folder.resolve() if isinstance(folder, Path) else folder).name for folder in folders]
    return {str(folder) if names.count(name) > 1 else name: folder for name, folder in zip(names, folders, strict=True)}


def _joined(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names))
