"""One writer per run folder: a lock that the system frees even when its holder is killed."""

import os
from pathlib import Path

from market_sim.results.errors import RunLocked, WriteFailed

LOCK = ".lock"

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

    def release(self) -> None:
        """Let go and leave no trace; a second call does nothing."""
        if self._handle is None:
            return
        if os.name != "nt":
            self.path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None
