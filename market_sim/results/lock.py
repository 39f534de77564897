"""One writer per run folder: a lock that the system frees even when its holder is killed.

An object store has no such locks; there, `results/lease.py` keeps writers apart.
"""

import os
from pathlib import Path
from typing import Protocol

from market_sim.results.errors import RunLocked, WriteFailed
from market_sim.results.files import Place
from market_sim.results.lease import Lease

LOCK = ".lock"


class Lock(Protocol):
    """What keeps other writers off a folder."""

    def assure(self) -> None:
        """Raise RunLocked if another has taken over."""

    def release(self) -> None:
        """Let go and leave no trace; a second call does nothing."""


def lock_on(folder: Place) -> "Lock":
    """Hold a folder until `release`. Raises RunLocked if another writer holds it, or WriteFailed."""
    return FolderLock(folder) if isinstance(folder, Path) else Lease(folder / LOCK)


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _take(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """Held from its making until `release`. Raises RunLocked if another writer holds it, or WriteFailed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self._handle: int | None = self._acquire()

    def _acquire(self) -> int:
        while True:
            handle = self._opened()
            try:
                _take(handle)
                if self._still_there(handle):
                    return handle
            except OSError:
                os.close(handle)
                raise RunLocked(
                    f"{self.path.parent} is being written by another process: wait, or name another"
                ) from None
            os.close(handle)

    def _opened(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as refusal:
            raise WriteFailed(f"could not write into {self.path.parent}: {refusal.strerror}") from refusal

    def _still_there(self, handle: int) -> bool:
        """False if the last holder removed the file between our opening and our locking it."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self.path))
        except FileNotFoundError:
            return False

    def assure(self) -> None:
        """The system lets nobody take over."""

    def release(self) -> None:
        """Let go and leave no trace; a second call does nothing."""
        if self._handle is None:
            return
        if os.name != "nt":
            self.path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None
