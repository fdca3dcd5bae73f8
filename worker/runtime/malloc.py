"""How this process keeps its memory: what one tile frees, the next one takes.

A tile's blocks are some megabytes each. By default glibc asks the system for every one and hands it
back when it is freed, and the system clears each page before it gives it again: that costs about as
much as receiving the block. And the interpreter's collector walks through all that was imported,
over and over, to find nothing.
"""

from __future__ import annotations

import ctypes
import gc

MIB = 2**20

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of `mallopt`, from glibc's malloc.h."""

KEPT_BYTES = 128 * MIB
"""Free memory at the end of the heap beyond which it is handed back."""

MMAP_BYTES = 32 * MIB
"""Blocks beyond this are handed back at once: the most that glibc allows."""


def keep_freed_memory() -> None:
    """Let the allocator keep what is freed; systems with another allocator keep their ways."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def freeze_imports() -> None:
    """Take what is alive now, above all modules, out of the collector's sight."""
    gc.collect()
    gc.freeze()
