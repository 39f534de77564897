"""One writer per folder of an object store, which knows no locks: each writer's own object, renewed while it lives.

Whoever wants the folder first puts its own object and then looks for those of others. Of two that come at once, the
one that puts last is sure to see the other, so never do both hold the folder; at worst both step back. Ages are told
by the store's clock alone. A holder that no longer renews, or was a process of this machine that is gone, is dead.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from datetime import datetime
from pathlib import Path
from uuid import getnode, uuid4

from market_sim.results.errors import RunLocked, StorageFailed
from market_sim.results.objects import Address

RENEWAL, LEASE = 20.0, 90.0  # seconds between renewals, and after which a holder that did not renew is dead


class Lease:
    """Held from its making until `release`. Raises RunLocked if another writer holds it, or WriteFailed."""

    def __init__(self, lock: Address) -> None:
        self.lock, self.own = lock, lock / uuid4().hex
        self._turn, self._over = threading.Lock(), threading.Event()
        self._renew()
        try:
            self._refuse_others()
        except BaseException:
            self.release()
            raise
        threading.Thread(target=self._keep, daemon=True).start()

    def _renew(self) -> None:
        holder = {"host": socket.gethostname(), "machine": machine(), "process": os.getpid()}
        began = time.time()
        self.own.write(json.dumps(holder).encode())
        self.renewed = began

    def _keep(self) -> None:
        """Renew until released or too late; a store that is away for a moment is asked again at the next turn."""
        while not self._over.wait(RENEWAL):
            with self._turn, contextlib.suppress(StorageFailed):
                if self._over.is_set() or self._late():
                    return
                self._renew()

    def _late(self) -> bool:
        """Whether others may take this holder for dead, this process having stood still."""
        return time.time() - self.renewed > LEASE

    def _refuse_others(self) -> None:
        put = self.lock.below()
        now = put.get(self.own.name)
        for name, then in put.items():
            if name != self.own.name and not self._removed(self.lock / name, _age(then, now)):
                raise RunLocked(
                    f"{self.lock.parent} is being written by {_holder(self.lock / name)}: wait, or name another "
                    f"(a writer that is gone is forgotten after {LEASE:.0f} s)"
                )

    def _removed(self, other: Address, age: float) -> bool:
        """Whether the other's holder is dead, and so its object removed."""
        content = other.read()
        if content is not None and age <= LEASE and not _gone(content):
            return False
        other.remove()
        return True

    def assure(self) -> None:
        """Raise RunLocked if another has taken over, or may have."""
        if self._late() or not self.own.exists():
            raise RunLocked(f"{self.lock.parent} may have been taken over by another process: this one stood still")

    def release(self) -> None:
        """Let go and leave no trace; a second call does nothing."""
        if not self._over.is_set():
            self._over.set()
            with self._turn:
                self.own.remove()


def _age(then: datetime | None, now: datetime | None) -> float:
    """Seconds; nought where the store does not say."""
    return (now - then).total_seconds() if then and now else 0.0


def _gone(content: bytes) -> bool:
    """Whether the holder was a process of this machine that runs no more."""
    held = json.loads(content)
    if os.name == "nt" or held["machine"] != machine():
        return False
    try:
        os.kill(held["process"], 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is another user's
        return False
    return False


def machine() -> str:
    """What tells the processes here from those of any other machine, of a container or of an earlier boot."""
    told = [socket.gethostname(), str(getnode())]
    with contextlib.suppress(OSError):
        told += [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.readlink("/proc/self/ns/pid")]
    return " ".join(told)


def _holder(lock: Address) -> str:
    held = json.loads(lock.read() or b"{}")
    return f"process {held.get('process', 'unknown')} on {held.get('host', 'another machine')}"
