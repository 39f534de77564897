"""Writes one run folder: Parquet parts and a manifest, atomic and resumable.

Order of events for a part: its file is put in place whole, then the manifest names it. So a part that the
manifest names is whole, and one that it does not name does not count.
"""

import io
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType

import polars as pl

from market_sim.results import files
from market_sim.results.columns import TABLES, table
from market_sim.results.errors import (
    ColumnMismatch,
    PartExists,
    ResultsError,
    RunExists,
    RunMismatch,
    TableNotRecorded,
)
from market_sim.results.files import Place, place_of
from market_sim.results.lock import LOCK, Lock, lock_on
from market_sim.results.manifest import MANIFEST, SCENARIO, Manifest, Part, RunInfo, now, read_manifest
from market_sim.results.names import Names

ROWS_PER_GROUP = 1 << 18  # fixed: left to polars, it follows the chunks that a frame happens to lie in
STATISTICS = {"min": False, "max": False, "distinct_count": False, "null_count": True}
PART_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def part_name(first: int, last: int) -> str:
    """The name of a part that holds the replicates first..last, such that names sort as replicates do."""
    return f"replicates-{first:07d}-{last:07d}"


def parquet_bytes(frame: pl.DataFrame) -> bytes:
    """Parquet, zstd level 1: the same bytes for the same content and polars version, in whatever chunks.

    Without least and largest values of row groups: each spans nearly all there are, and they take a third of the time.
    """
    buffer = io.BytesIO()
    frame.write_parquet(
        buffer, compression="zstd", compression_level=1, statistics=STATISTICS, row_group_size=ROWS_PER_GROUP
    )
    return buffer.getvalue()


def write_part(folder: Place | str, name: str, part: str, frame: pl.DataFrame, names: Names) -> Part:
    """Write one part's file and say what was written; a RunWriter still has to `add` it.

    For workers that write beside each other into the folder of one RunWriter. Raises ColumnMismatch,
    WriteFailed.
    """
    _check_frame(name, part, frame, names)
    content = parquet_bytes(frame)
    written = Part(name, part, frame.height, len(content), files.digest(content))
    path = place_of(folder) / written.path
    files.make_folder(path.parent)
    files.write_whole(path, content)
    return written


def _check_frame(name: str, part: str, frame: pl.DataFrame, names: Names) -> None:
    if not PART_NAME.fullmatch(part):
        raise ResultsError(f"part name {part!r} of {name!r} must be letters, digits, '-' and '_'")
    wanted = table(name).schema(names)
    if frame.schema != wanted:
        wrong = {column: str(kind) for column, kind in frame.schema.items() if wanted.get(column) != kind}
        lacking = [column for column in wanted if column not in frame.schema]
        raise ColumnMismatch(f"part {part!r} of {name!r} lacks {lacking}, has wrong or of another type {wrong}")


class RunWriter:
    """The one writer of a run folder, which it locks.

    `resume=False`: the folder must be new or empty, else RunExists. `resume=True`: an unfinished folder of
    the same run is gone on with; parts that are whole stay (`has` tells), the others are dropped and await
    rewriting. `lock`: the folder's, where the caller holds it already; it passes to the writer. `beside`:
    names of files that the caller keeps there. As a context manager it finishes the run on leaving, but for an
    exception: then the folder stays incomplete.
    """

    def __init__(
        self,
        folder: Place | str,
        info: RunInfo,
        *,
        resume: bool = False,
        lock: Lock | None = None,
        beside: Container[str] = (),
    ) -> None:
        """Raises RunExists, RunLocked, RunMismatch, WriteFailed, NoPlace."""
        self.folder = place_of(folder)
        if lock is None:
            _refuse_occupied(self.folder, resume, beside)
            files.make_folder(self.folder)
        self._lock = lock or lock_on(self.folder)
        self._closed = False
        try:
            _refuse_occupied(self.folder, resume, beside)  # again: it may have been finished while we took the lock
            self.manifest = self._opened(info)
            self._put_manifest(self.manifest)
            files.write_whole(self.folder / SCENARIO, info.text.encode())
        except BaseException:
            self._lock.release()
            raise

    def _opened(self, info: RunInfo) -> Manifest:
        """The manifest to begin from: a new one, or the folder's with its whole parts."""
        if files.read_whole(self.folder / MANIFEST) is None:
            return Manifest(info)
        found = read_manifest(self.folder)
        _refuse_other_run(found, Manifest(info), self.folder)
        kept = replace(found, info=replace(found.info, text=info.text), parts=verify(self.folder).intact)
        self._sweep(kept)
        return kept

    def _sweep(self, kept: Manifest) -> None:
        """Remove what a broken-off write left behind, and damaged parts."""
        known = {part.path for part in kept.parts}
        lying = [f"{name}/{file}" for name in TABLES for file in files.contents(self.folder / name)]
        ours = (path for path in lying if path.endswith((".parquet", files.TEMPORARY)))
        files.remove(self.folder / path for path in ours if path not in known)
        debris = (file for file in files.contents(self.folder) if file.endswith(files.TEMPORARY))
        files.remove(self.folder / file for file in debris)

    def has(self, name: str, part: str) -> bool:
        """Whether that part of that table is written."""
        return any(written.key == (name, part) for written in self.manifest.parts)

    def write_part(self, name: str, part: str, frame: pl.DataFrame) -> Part:
        """Write one part and name it in the manifest. Raises PartExists, ColumnMismatch, WriteFailed."""
        return self.write_parts(part, {name: frame})[0]

    def write_parts(self, part: str, frames: Mapping[str, pl.DataFrame]) -> tuple[Part, ...]:
        """Write that part of several tables, then name all of them at once."""
        for name in frames:
            self._refuse_unfit(name, part)
        names = self.manifest.info.names
        written = tuple(write_part(self.folder, name, part, frame, names) for name, frame in frames.items())
        self._put_manifest(self.manifest.with_parts(written))
        return written

    def add(self, parts: Iterable[Part]) -> None:
        """Name parts that workers wrote by the function `write_part`. Raises PartExists."""
        written = tuple(parts)
        for part in written:
            self._refuse_unfit(part.table, part.part)
        self._put_manifest(self.manifest.with_parts(written))

    def _refuse_unfit(self, name: str, part: str) -> None:
        if self._closed:
            raise ResultsError(f"{self.folder} is closed: part {part!r} of {name!r} comes too late")
        recorded = self.manifest.info.tables
        if name not in recorded:
            raise TableNotRecorded(f"{self.folder} does not record {name!r}, only {', '.join(recorded)}")
        if self.has(name, part):
            raise PartExists(f"{self.folder} has part {part!r} of {name!r} already")

    def _put_manifest(self, manifest: Manifest) -> None:
        self._lock.assure()
        files.write_whole(self.folder / MANIFEST, manifest.to_bytes())
        self.manifest = manifest

    def finish(self) -> None:
        """Mark the run complete and let go of the folder."""
        self._put_manifest(replace(self.manifest, complete=True, finished=now()))
        self.close()

    def close(self) -> None:
        """Let go of the folder; without `finish` it stays incomplete, to be resumed."""
        self._closed = True
        self._lock.release()

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._closed:
            self.finish()
        self.close()


def _refuse_occupied(folder: Place, resume: bool, beside: Container[str]) -> None:
    """Raise RunExists unless the folder is free, or unfinished and to be resumed."""
    if files.is_file(folder):
        raise RunExists(f"{folder} is a file: wanted a folder to write a run into")
    lying = [file for file in lying_in(folder) if file not in beside]
    if not lying:
        return
    if MANIFEST not in lying:
        raise RunExists(f"{folder} holds {lying[0]!r} but no {MANIFEST}: wanted a new or an empty folder")
    if read_manifest(folder).complete:
        raise RunExists(f"{folder} holds a complete run: read it, move it away, or write to another folder")
    if not resume:
        raise RunExists(f"{folder} holds an unfinished run: resume it, remove it, or write to another folder")


def lying_in(folder: Place) -> list[str]:
    """What a folder holds, its lock and what a killed writer left half-written not counted."""
    return [name for name in files.contents(folder) if name != LOCK and not name.endswith(files.TEMPORARY)]


def _refuse_other_run(found: Manifest, wanted: Manifest, folder: Place) -> None:
    """Raise RunMismatch unless both are the same run by the same package."""
    for name in ("scenario_sha256", "seed", "replicates", "first_replicate", "tables", "names"):
        have, want = getattr(found.info, name), getattr(wanted.info, name)
        if have != want:
            raise RunMismatch(f"{folder} cannot be resumed: its {name} is {have!s:.80}, this run's is {want!s:.80}")
    have, want = found.versions["market-sim"], wanted.versions["market-sim"]
    if have != want:
        raise RunMismatch(f"{folder} cannot be resumed: market-sim {have} began it, this is {want}")


@dataclass(frozen=True)
class Verification:
    """The parts that a manifest names, by how they were found."""

    intact: tuple[Part, ...]
    missing: tuple[Part, ...]
    damaged: tuple[Part, ...]

    @property
    def ok(self) -> bool:
        """Whether every part is as it was written."""
        return not self.missing and not self.damaged


def verify(folder: Place | str) -> Verification:
    """Read every part and compare it with the manifest's SHA-256. Raises ManifestUnreadable."""
    place = place_of(folder)
    found: dict[str, list[Part]] = {"intact": [], "missing": [], "damaged": []}
    for part in read_manifest(place).parts:
        content = files.read_whole(place / part.path)
        whole = content is not None and files.digest(content) == part.sha256
        found["missing" if content is None else "intact" if whole else "damaged"].append(part)
    return Verification(*(tuple(parts) for parts in found.values()))
