"""Memory that one tick frees serves the next.

The C library of most Linux systems hands arrays of megabytes back to the system as soon as they are freed, and gets
them anew a tick later as pages that the system has cleared: a thousand a tick, one twelfth of a run's time.
"""

import ctypes
import functools

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # names of options of glibc's mallopt
KEPT = 1 << 28  # bytes free at the top of the heap from which some are handed back
LARGEST = 1 << 25  # bytes from which an array is the system's at once: the most that glibc allows


@functools.cache
def keep_freed_memory() -> bool:
    """Keep freed arrays for the next ones; whether this C library can."""
    try:
        choose = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc
        return False
    return bool(choose(TRIM_THRESHOLD, KEPT) and choose(MMAP_THRESHOLD, LARGEST))
