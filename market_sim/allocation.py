"""Keeps freed memory in the process: a tick makes and drops thousands of arrays, and to ask the system for each
anew costs a quarter of a run.

glibc hands large blocks back at once, and those of other threads than the first from small arenas of their own;
Dask's workers are told to hand back all of them. Elsewhere than on glibc nothing is done.
"""

import contextlib
import ctypes

KEPT = 1 << 30  # bytes: blocks up to here come from the heap, and as much of it is kept when free
SETTINGS = {"MALLOC_MMAP_THRESHOLD_": KEPT, "MALLOC_TRIM_THRESHOLD_": KEPT, "MALLOC_ARENA_MAX": 1}
MALLOPT = {"MALLOC_MMAP_THRESHOLD_": -3, "MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_ARENA_MAX": -8}  # glibc's malloc.h


def keep_memory() -> None:
    """Set it for this process; `SETTINGS` in the environment does the same for one that is yet to start."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, value in SETTINGS.items():
            mallopt(MALLOPT[name], value)
