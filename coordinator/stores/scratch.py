"""Arrays between two stages, or decoded: in memory while small, in a nameless file when large."""

from __future__ import annotations

import errno
import math
import mmap
import os
import sys
import tempfile

import numpy as np

from coordinator.errors import StoreError
from tiling.dtypes import Array, Dtype

MEMORY_BYTES = 256 * 2**20
"""Up to here an intermediate array stays in memory."""


def scratch(
    shape: tuple[int, ...],
    dtype: Dtype,
    memory_bytes: int = MEMORY_BYTES,
    what: str = "between two stages",
) -> Array:
    """Make an array to write and read; its room on the disk is given back with the last view of it.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    memory_bytes : int
        Above this the array is a memory map of a temporary file.
    what : str
        What it is for, in an error.

    Raises
    ------
    StoreError
        If the folder for temporary files has no room; TMPDIR names another.
    """
    size = math.prod(shape) * dtype.itemsize
    if size <= memory_bytes:
        return np.empty(shape, dtype)
    try:
        if size > sys.maxsize:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        with tempfile.TemporaryFile(prefix="tilefan-") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            data = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise StoreError(
            f"{tempfile.gettempdir()}: no room for {size} bytes {what}: "
            f"{error.strerror}; set TMPDIR to a folder with more"
        ) from error
    return np.frombuffer(data, dtype).reshape(shape)
