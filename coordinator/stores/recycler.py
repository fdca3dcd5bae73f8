"""Memory of results that nobody has any more, for the results to come.

The system clears every page that it gives to a process, and a page that is new to a virtual machine
must be found first: to write into fresh memory takes a quarter of the time of filtering, or more.
Who filters frame after frame drops one result for the next, so its memory serves again.
"""

from __future__ import annotations

import math
import sys
import threading
from collections import deque

import numpy as np

from tiling.dtypes import Array, Dtype

LEAST_BYTES = 2**25
"""Of a result whose memory is kept: what is smaller glibc keeps by itself."""

KEPT_BYTES = 2**27
"""Of all memory that is kept while nobody has a result."""

ALONE = 2
"""What `sys.getrefcount` says of an array in a deque that nothing else refers to."""


class Leftovers:
    """Memory that is shared with results, and given to the next when they are gone.

    Every view of an array refers to the array that owns the memory, and so does everything that
    NumPy exports; so an owner that only this object refers to is free.

    Parameters
    ----------
    kept_bytes : int
        At most so much is kept; larger results never are.

    Examples
    --------
    >>> leftovers = Leftovers()
    >>> first = leftovers.empty((4096, 4096), np.dtype(np.float32))
    >>> address = first.ctypes.data
    >>> leftovers.empty((4096, 4096), np.dtype(np.float32)).ctypes.data == address
    False
    >>> del first
    >>> leftovers.empty((2048, 4096), np.dtype(np.float64)).ctypes.data == address
    True
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._owners: deque[Array] = deque()

    def empty(self, shape: tuple[int, ...], dtype: Dtype) -> Array:
        """Return an array of any bytes, as `numpy.empty` does."""
        size = dtype.itemsize * math.prod(shape)
        if not LEAST_BYTES <= size <= self._kept_bytes:
            return np.empty(shape, dtype)
        with self._lock:
            owner = self._free(size)
            if owner is None:
                owner = np.empty(size, np.uint8)
                self._owners.append(owner)
                self._forget()
            return np.ndarray(shape, dtype, owner)

    def _free(self, size: int) -> Array | None:
        """Return memory of this size that nobody has."""
        for at in range(len(self._owners)):  # without a name for it, which would refer to it too
            if len(self._owners[at]) == size and sys.getrefcount(self._owners[at]) == ALONE:
                return self._owners[at]
        return None

    def _forget(self) -> None:
        """Leave the oldest to whoever has them, or to nobody."""
        while sum(map(len, self._owners)) > self._kept_bytes:
            self._owners.popleft()


LEFTOVERS = Leftovers()
