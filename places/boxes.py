"""Boxes of an array that is stored in chunks, wherever these are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Any, Protocol

import numpy as np

from places.chunks import Chunked
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.geometry.edges import segments


class ChunkCache:
    """Decoded chunks, the latest used of them: neighbouring tiles read the chunks between them.

    Parameters
    ----------
    most_bytes : int
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._chunks: OrderedDict[tuple[str, tuple[int, ...]], Array] = OrderedDict()
        self._bytes = 0

    def get(self, place: str, index: tuple[int, ...]) -> Array | None:
        """Return a chunk of a place, if it is here."""
        with self._lock:
            if (chunk := self._chunks.get((place, index))) is not None:
                self._chunks.move_to_end((place, index))
            return chunk

    def put(self, place: str, index: tuple[int, ...], chunk: Array) -> None:
        """Keep a chunk, as long as there is room."""
        with self._lock:
            if (place, index) not in self._chunks:
                self._bytes += chunk.nbytes
            self._chunks[place, index] = chunk
            while self._bytes > self._most_bytes:
                self._bytes -= self._chunks.popitem(last=False)[1].nbytes

    def forget(self, place: str) -> None:
        """Drop the chunks of a place."""
        with self._lock:
            for key in [key for key in self._chunks if key[0] == place]:
                self._bytes -= self._chunks.pop(key).nbytes


class Chunks(Protocol):
    """The chunks of an array, as they are stored."""

    @property
    def array(self) -> Chunked:
        """Of which array."""

    def read_part(self, index: tuple[int, ...], box: Box, into: Array) -> bool:
        """Read a part of a chunk that is not encoded; return whether that could be done.

        Raises
        ------
        PlaceError
            If it must not be read.
        OSError
            If the system does not let it be read, or a link is on the way.
        """

    def read_all(self, indices: Sequence[tuple[int, ...]]) -> Iterable[bytes | None]:
        """Yield the bytes of chunks, in this order; None of those that are not there.

        Raises
        ------
        PlaceError, OSError
            As above; also if there are more bytes than a chunk takes.
        """


def read_box(chunks: Chunks, box: Box, cache: ChunkCache, place: str) -> Array:
    """Return the block of a box that may reach round the edges, in native byte order.

    Parameters
    ----------
    chunks : Chunks
    box : Box
    cache : ChunkCache
    place : str
        What the cache calls the array.

    Raises
    ------
    PlaceError
        If a chunk is damaged.
    OSError
        If the system does not let it be read, or a link is on the way.
    """
    array = chunks.array
    block: Array = np.empty(box.shape, array.dtype.newbyteorder("="))
    for there, here in segments(box, array.shape):
        left: list[tuple[tuple[int, ...], Box, Any, Any]] = []
        for index, has in array.chunks_of(there):
            start = tuple(map(max, there.start, has.start))
            part = Box(start, tuple(map(min, there.stop, has.stop)))
            inside = part.inside(has)
            to: Any = (*part.inside(there).shift(here.start).slices, ...)
            of: Any = (*inside.slices, ...)
            if array.is_plain and chunks.read_part(index, inside, block[to]):
                continue
            if (chunk := cache.get(place, index)) is not None:
                block[to] = chunk[of]
            else:
                left.append((index, has, to, of))
        stored = chunks.read_all([index for index, *_ in left])
        for (index, has, to, of), data in zip(left, stored, strict=True):
            chunk = array.decode(data, index, has)
            cache.put(place, index, chunk)
            block[to] = chunk[of]
    return block
