"""Settings of the allocator and the garbage collector for a process that filters tiles.

A tile's blocks are some megabytes each. By default glibc maps memory for each of them and unmaps it
when it is freed, and the system clears every page that it maps: that costs about as much as
receiving the block. And the collector would traverse all imported modules again and again.
"""

from __future__ import annotations

import ctypes
import gc

MIB = 2**20

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, from glibc's malloc.h."""

KEPT_BYTES = 128 * MIB
"""Free bytes at the end of the heap above which they are returned to the system."""

MMAP_BYTES = 32 * MIB
"""Bytes of a block above which it is mapped by itself: the most that glibc allows."""


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next tile; other allocators are left as they are."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def freeze_imports() -> None:
    """Exclude all objects alive now, above all modules, from garbage collection."""
    gc.collect()
    gc.freeze()
