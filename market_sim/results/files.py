"""All file access of results, in one place, on this machine and in object stores: whole files only.

On a disk a file is written beside its place and renamed into it; an object store puts whole objects by itself.
"""

import contextlib
import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from market_sim.results.errors import NoPlace, WriteFailed
from market_sim.results.objects import SCHEME, Address

TEMPORARY = ".tmp"
ELSEWHERE = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}([^/].*)?")  # a path drops one of the two slashes
Place = Path | Address


def place_of(place: str | Place) -> Place:
    """A folder of this machine, or an address in an object store. Raises NoPlace for any other address."""
    if isinstance(place, Address):
        return place
    if not (found := ELSEWHERE.fullmatch(str(place))):
        return Path(place)
    if f"{found[1]}://" != SCHEME or not (found[2] or "").strip("/"):
        raise NoPlace(f"{place}: wanted a folder of this machine, or {SCHEME}bucket/path")
    return Address(f"{SCHEME}{found[2].rstrip('/')}")


def write_whole(path: Place, content: bytes) -> None:
    """Put content at path so that, whatever happens, either all of it or nothing new stands there.

    Raises WriteFailed if the disk or the store refuses.
    """
    if isinstance(path, Address):
        path.write(content)
    else:
        _write_and_rename(path, content)


def _write_and_rename(path: Path, content: bytes) -> None:
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


def make_folder(folder: Place) -> None:
    """Make a folder and those above it, unless they stand; an object store needs none. Raises WriteFailed."""
    if isinstance(folder, Address):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refusal:
        raise WriteFailed(f"could not make the folder {folder}: {refusal.strerror or refusal}") from refusal


def contents(folder: Place) -> list[str]:
    """Sorted names of what lies in a folder; none if there is no such folder."""
    if isinstance(folder, Address):
        return list(folder.below())
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def is_file(path: Place) -> bool:
    """Whether a file stands there."""
    return path.exists() if isinstance(path, Address) else path.is_file()


def is_folder(place: Place) -> bool:
    """Whether a folder stands there; in an object store, whether anything stands below."""
    return bool(place.below()) if isinstance(place, Address) else place.is_dir()


def matching(pattern: Place) -> list[Place]:
    """What the wildcards of a path match, sorted."""
    if isinstance(pattern, Address):
        return list(pattern.matches())
    return [Path(match) for match in sorted(glob.glob(str(pattern)))]


def absolute(place: Place) -> str:
    """What to call a place in a process that may stand elsewhere."""
    return str(place if isinstance(place, Address) else place.absolute())


def read_whole(path: Place) -> bytes | None:
    """The bytes at path; None if nothing is there."""
    if isinstance(path, Address):
        return path.read()
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove(paths: Iterable[Place]) -> None:
    """Remove files; one that is gone already is no matter."""
    for path in paths:
        if isinstance(path, Address):
            path.remove()
        else:
            path.unlink(missing_ok=True)


def remove_folder(folder: Place) -> None:
    """Remove a folder and all that lies in it, as far as that can be done."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in contents(folder):
        remove_folder(folder / name)
        (folder / name).remove()


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()
