"""Boxes of an array that is stored in chunks, each a file of its own below a folder.

The files are opened, read and named here, so none is reached through a link, and each appears
whole: under a hidden name first, which is then renamed.
"""

from __future__ import annotations

import math
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

import numpy as np

from places.below import folder_below, regular_file
from places.chunks import Chunked
from places.errors import PlaceError
from places.flat import Flat
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.geometry.edges import segments

HIDDEN = ".__lock"
"""How names end of files that are not written whole; tensorstore ends its own so too."""


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


def read_box(
    array: Chunked,
    home: int,
    box: Box,
    cache: ChunkCache,
    place: str,
    check: Callable[[int], None],
) -> Array:
    """Return the block of a box that may reach round the edges, in native byte order.

    Parameters
    ----------
    array : Chunked
    home : int
        Descriptor of the array's folder.
    box : Box
    cache : ChunkCache
    place : str
        What the cache calls the array.
    check : callable
        Raises PlaceError of an open file that must not be read.

    Raises
    ------
    PlaceError
        If a chunk is damaged.
    OSError
        If the system does not let it be read, or a link is on the way.
    """
    block: Array = np.empty(box.shape, array.dtype.newbyteorder("="))
    for there, here in segments(box, array.shape):
        for index, has in array.chunks_of(there):
            start = tuple(map(max, there.start, has.start))
            part = Box(start, tuple(map(min, there.stop, has.stop)))
            to: Any = (*part.inside(there).shift(here.start).slices, ...)
            inside = part.inside(has)
            if array.is_plain and _read_plain(array, home, index, inside, block[to], check):
                continue
            if (chunk := cache.get(place, index)) is None:
                chunk = array.decode(_bytes_of(array, home, index, check), index, has)
                cache.put(place, index, chunk)
            of: Any = (*inside.slices, ...)
            block[to] = chunk[of]
    return block


def _read_plain(
    array: Chunked,
    home: int,
    index: tuple[int, ...],
    box: Box,
    into: Array,
    check: Callable[[int], None],
) -> bool:
    """Read a part of a chunk that is not encoded; return whether there is such a chunk."""
    try:
        with regular_file(home, array.name_of(index)) as file:
            check(file)
            if os.fstat(file).st_size != math.prod(array.chunk) * array.dtype.itemsize:
                return False  # decoding says what is wrong with it
            if array.dtype.isnative:
                Flat(file, 0, array.chunk).read_box(box.start, into)
            else:
                part: Array = np.empty(into.shape, array.dtype)
                Flat(file, 0, array.chunk).read_box(box.start, part)
                into[...] = part
            return True
    except FileNotFoundError:
        return False


def _bytes_of(
    array: Chunked, home: int, index: tuple[int, ...], check: Callable[[int], None]
) -> bytes | None:
    """Read the file of a chunk; None if there is none."""
    most = array.most_encoded()
    try:
        with regular_file(home, array.name_of(index)) as file:
            check(file)
            size = os.fstat(file).st_size
            if size > most:
                raise PlaceError(f"its chunk {array.name_of(index)} has {size} bytes: too many")
            data = bytearray(size)
            left = memoryview(data)
            while left and (count := os.preadv(file, [left], size - len(left))):
                left = left[count:]
            return bytes(memoryview(data)[: size - len(left)])
    except FileNotFoundError:
        return None


def write_box(array: Chunked, home: int, box: Box, block: Array, *, sync: bool = False) -> None:
    """Write a block into its box of whole chunks: each of them appears whole, or does not.

    Parameters
    ----------
    array : Chunked
    home : int
        Descriptor of the array's folder.
    box : Box
    block : ndarray
    sync : bool
        Whether to wait until it is on the disk.

    Raises
    ------
    OSError
        If the system does not let it be written, or a link is on the way.
    """
    for name, data in array.encode(box, block):
        _write_whole(home, name, data, sync=sync)


def _write_whole(home: int, name: str, data: bytes | memoryview, *, sync: bool) -> None:
    *folders, last = name.split("/")
    _make_folders(home, folders)
    hidden = f"{last}.{secrets.token_hex(8)}{HIDDEN}"
    with folder_below(home, "/".join(folders)) as at:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(hidden, flags, 0o666, dir_fd=at)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            if sync:
                os.fsync(file)
            os.rename(hidden, last, src_dir_fd=at, dst_dir_fd=at)
        except BaseException:
            with suppress(OSError):
                os.unlink(hidden, dir_fd=at)
            raise
        finally:
            os.close(file)


def _make_folders(home: int, folders: list[str]) -> None:
    for number in range(1, len(folders) + 1):
        *before, new = folders[:number]
        with folder_below(home, "/".join(before)) as at, suppress(FileExistsError):
            os.mkdir(new, dir_fd=at)
