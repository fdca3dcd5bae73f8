"""Memory for answers, used again and again.

The system clears each page that it gives to a process, which costs about as much as receiving what
goes into it; so a buffer whose answer is stored serves the next one. There are never more of them
than there were answers in hand together.
"""

from __future__ import annotations

import numpy as np

from tiling.dtypes import Array


class Buffers:
    """Buffers for bodies, of whatever size was asked for when there was none to spare.

    Examples
    --------
    >>> buffers = Buffers()
    >>> buffer = buffers.take(10)
    >>> buffers.give(buffer)
    >>> buffers.take(4).obj is buffer.obj
    True
    """

    def __init__(self) -> None:
        self._spare: list[Array] = []

    def take(self, size: int) -> memoryview:
        """Return a buffer of this size, with any bytes in it; the latest given is in the cache."""
        whole = self._spare.pop() if self._spare else np.empty(size, np.uint8)
        return (whole if len(whole) >= size else np.empty(size, np.uint8)).data[:size]

    def give(self, buffer: memoryview) -> None:
        """Take back a buffer that nobody uses any more."""
        self._spare.append(np.asarray(buffer.obj))
