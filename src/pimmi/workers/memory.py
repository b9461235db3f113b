"""What becomes of memory that is freed."""

import ctypes
import sys
from functools import lru_cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt, in malloc.h."""
LARGEST_KEPT = 1 << 30
MOST_KEPT = (1 << 31) - 1


@lru_cache
def keep_freed_memory() -> None:
    """Have the C library, where it is glibc, keep what this process frees for what it asks for next.

    Arrays of many megabytes are else given back to the system one by one, and each page that comes again is cleared
    first: a tenth of the time of matching.
    """
    if sys.platform == "win32":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
