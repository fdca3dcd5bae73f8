"""Blocks cut into pieces of whole chunks, of which few are read or written at a time.

Of a block that is asked for as one, tensorstore would read all chunks at once; those that are not
decoded yet would pile up in memory.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from coordinator.machine import usable_cores
from tiling.dtypes import Dtype
from tiling.geometry.box import Box

if TYPE_CHECKING:
    import tensorstore as ts

UNIT_BYTES = 2**23
"""Of small chunks that are read together: each read takes a tenth of a millisecond besides."""

CHUNK_BYTES = 2**12
"""Of memory that a chunk takes at least while it is read or written: 3 KB were measured."""

IN_FLIGHT_BYTES = 2**25
"""Of pieces that are read or written at a time, by all threads together."""


def whole_chunks(
    chunk: tuple[int, ...], shape: tuple[int, ...], dtype: Dtype, most_bytes: int
) -> tuple[int, ...]:
    """Return a box of whole chunks along the last axes: of so many bytes at most, or of one.

    Examples
    --------
    >>> import numpy as np
    >>> whole_chunks((50, 100), (250, 250), np.dtype("u1"), 30_000)
    (100, 250)
    """
    piece, size = list(chunk), taken_bytes(chunk, dtype)
    for axis in reversed(range(len(piece))):
        count = max(1, min(most_bytes // size, -(-shape[axis] // chunk[axis])))
        piece[axis] = max(chunk[axis], min(chunk[axis] * count, shape[axis]))
        size *= count
    return tuple(piece)


def taken_bytes(chunk: tuple[int, ...], dtype: Dtype) -> int:
    """Return the bytes of memory that a chunk takes, however small it is."""
    return max(CHUNK_BYTES, math.prod(chunk) * dtype.itemsize)


def unit_of(
    chunk: tuple[int, ...], shape: tuple[int, ...], dtype: Dtype
) -> tuple[tuple[int, ...], int]:
    """Return the box of chunks that are read or written together, and the bytes that they take."""
    unit = whole_chunks(chunk, shape, dtype, UNIT_BYTES)
    count = math.prod(-(-n // size) for n, size in zip(unit, chunk, strict=True))
    return unit, count * taken_bytes(chunk, dtype)


def window_bytes(chunk: tuple[int, ...], shape: tuple[int, ...], dtype: Dtype) -> int:
    """Return the bytes of pieces that may be in flight: each core has one in hand."""
    _, unit_bytes = unit_of(chunk, shape, dtype)
    return max(IN_FLIGHT_BYTES, usable_cores() * unit_bytes)


class Pieces:
    """Pieces of blocks of an array, some in flight.

    Parameters
    ----------
    chunk : tuple of int
        That is read or written at once.
    shape : tuple of int
        Of the array.
    dtype : numpy.dtype
    """

    def __init__(self, chunk: tuple[int, ...], shape: tuple[int, ...], dtype: Dtype) -> None:
        self._unit, self._unit_bytes = unit_of(chunk, shape, dtype)
        self.bound(window_bytes(chunk, shape, dtype))

    def bound(self, most_bytes: int) -> int:
        """Let no more than so many bytes be in flight, or one piece; return how many."""
        count = max(1, most_bytes // self._unit_bytes)
        self._room = threading.Semaphore(count)
        self.window_bytes = count * self._unit_bytes
        return self.window_bytes

    def each(self, box: Box, begin: Callable[[Box, Box], ts.Future[Any]]) -> None:
        """Begin something with each piece of a box when there is room, and wait until all is done.

        Parameters
        ----------
        box : Box
        begin : callable
            Takes a piece, and where it is in the block of the box.
        """
        futures = [self._begun(begin, piece, piece.inside(box)) for piece in self._cut(box)]
        for future in futures:
            future.result()

    def _begun(
        self, begin: Callable[[Box, Box], ts.Future[Any]], piece: Box, here: Box
    ) -> ts.Future[Any]:
        room = self._room
        room.acquire()
        try:
            future = begin(piece, here)
        except BaseException:
            room.release()
            raise
        future.add_done_callback(lambda _: room.release())
        return future

    def _cut(self, box: Box) -> Iterator[Box]:
        sides = zip(box.start, box.stop, self._unit, strict=True)
        spans = [
            [(max(start, at), min(stop, at + n)) for at in range(start // n * n, stop, n)]
            for start, stop, n in sides
        ]
        for span in itertools.product(*spans):
            yield Box(tuple(low for low, _ in span), tuple(high for _, high in span))
