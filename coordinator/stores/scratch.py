"""Arrays between two stages, or decoded: in memory while small, in a nameless file when large."""

from __future__ import annotations

import errno
import math
import mmap
import os
import shutil
import tempfile

import numpy as np

from coordinator.errors import StoreError
from tiling.dtypes import Array, Dtype

MEMORY_BYTES = 256 * 2**20
"""Up to here an intermediate array stays in memory."""


LEFT_SHARE = 0.9
"""Of what is free in the folder for temporary files, that one array may take: others need some."""


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
        if size > LEFT_SHARE * shutil.disk_usage(tempfile.gettempdir()).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(prefix="tilefan-") as file:
            os.posix_fallocate(file.fileno(), 0, size)
            data = mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise StoreError(
            f"{tempfile.gettempdir()}: no room for {size} bytes {what}: "
            f"{error.strerror}; set TMPDIR to a folder with more"
        ) from error
    return np.frombuffer(data, dtype).reshape(shape)
