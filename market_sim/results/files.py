"""All file access of results, in one place: whole files only, put in place by renaming.

Another kind of storage needs these functions and nothing else.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from market_sim.results.errors import WriteFailed

TEMPORARY = ".tmp"


def write_whole(path: Path, content: bytes) -> None:
    """Put content at path so that, whatever happens, either all of it or nothing new stands there.

    Raises WriteFailed if the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        _write_through(temporary, content)
        os.replace(temporary, path)
        _settle(path.parent)
    except OSError as refusal:
        raise WriteFailed(f"could not write {path}: {refusal.strerror or refusal}") from refusal
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_through(path: Path, content: bytes) -> None:
    """Write and wait until the disk has it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Wait until the disk has the folder's list of names; a no-op where folders cannot be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they stand. Raises WriteFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refusal:
        raise WriteFailed(f"could not make the folder {folder}: {refusal.strerror or refusal}") from refusal


def contents(folder: Path) -> list[str]:
    """Sorted names of what lies in a folder; none if there is no such folder."""
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def read_whole(path: Path) -> bytes | None:
    """The bytes at path; None if nothing is there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove(paths: Iterable[Path]) -> None:
    """Remove files; one that is gone already is no matter."""
    for path in paths:
        path.unlink(missing_ok=True)


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
