"""Memory that one tick frees serves the next.

The C library of most Linux systems hands arrays of megabytes back to the system as soon as they are freed, and gets
them anew a tick later as pages that the system has cleared: a thousand a tick, a tenth of a run's time and more. It
serves other threads than the first from small heaps of their own, which makes it worse; and Dask tells its workers to
hand back all they can.
"""

import contextlib
import ctypes
import functools

KEPT = 1 << 30  # bytes free at the top of the heap from which some are handed back
LARGEST, ALLOWED = (
    1 << 30,
    1 << 25,
)  # bytes from which an array is the system's at once; the most that older glibc takes
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # names of options of glibc's mallopt
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": KEPT, "MALLOC_MMAP_THRESHOLD_": LARGEST, "MALLOC_ARENA_MAX": 1}
"""The same for a process that is yet to start, and then for all its threads."""


def hand_back_freed_memory() -> None:
    """Give the system what is free now; for moments when the next to ask is not NumPy, which has memory kept for it."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def keep_freed_memory() -> bool:
    """Keep freed arrays for the next ones; whether this C library can."""
    try:
        choose = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return False
    large = choose(MMAP_THRESHOLD, LARGEST) or choose(MMAP_THRESHOLD, ALLOWED)
    return bool(choose(TRIM_THRESHOLD, KEPT) and choose(ARENA_MAX, 1) and large)
