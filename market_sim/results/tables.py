"""`Results`: the tables of a run in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from market_sim.results.columns import table
from market_sim.results.errors import TableNotRecorded
from market_sim.results.files import Place, place_of
from market_sim.results.manifest import RunInfo
from market_sim.results.names import Names
from market_sim.results.store import RunWriter, part_name


@dataclass(frozen=True, repr=False)
class Results(Mapping[str, pl.DataFrame]):
    """Table name -> polars DataFrame, and what run they belong to."""

    tables: Mapping[str, pl.DataFrame]
    info: RunInfo

    @classmethod
    def join(cls, chunks: Sequence[Mapping[str, pl.DataFrame]], info: RunInfo) -> "Results":
        """The results of a run whose replicates were simulated chunk by chunk."""
        return cls({name: joined(name, [chunk[name] for chunk in chunks]) for name in chunks[0]}, info)

    @property
    def scenario(self) -> str:
        """Name of the scenario."""
        return self.info.scenario

    @property
    def seed(self) -> int:
        """Seed that all luck derives from."""
        return self.info.seed

    @property
    def replicates(self) -> int:
        """How many draws of luck are held."""
        return self.info.replicates

    @property
    def names(self) -> Names:
        """Vocabulary -> names, whose places are the enums' codes."""
        return self.info.names

    def __getitem__(self, name: str) -> pl.DataFrame:
        """The table of that name. Raises TableNotRecorded."""
        if name not in self.tables:
            raise TableNotRecorded(f"{name!r} was not recorded: these results hold {', '.join(self.tables)}")
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        heights = ", ".join(f"{name}: {frame.height}" for name, frame in self.tables.items())
        return f"Results({self.scenario!r}, seed={self.seed}, replicates={self.replicates}, rows={{{heights}}})"

    def write(self, folder: Place | str | None = None) -> Place:
        """Write a complete run folder, `runs/<scenario>-<seed>-<hash8>` by default; its path.

        Raises RunExists, RunLocked, WriteFailed.
        """
        recorded = replace(self.info, tables=tuple(self.tables))
        path = place_of(Path("runs", self.info.folder_name) if folder is None else folder)
        last = self.info.first_replicate + self.replicates - 1
        with RunWriter(path, recorded) as writer:
            writer.write_parts(part_name(self.info.first_replicate, last), self.tables)
        return path


def joined(name: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Frames one under another, sorted again."""
    if len(frames) == 1:
        return frames[0]
    return pl.concat(frames).sort(table(name).key, maintain_order=True)
