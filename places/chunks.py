"""Boxes of an array that is stored in chunks, each a file of its own below a folder.

tensorstore encodes and decodes the chunks, in memory; their files are opened, read and named here,
so none is reached through a link, and each appears whole: under a hidden name first, which is then
renamed. It is loaded on first use (``pip install 'tilefan[zarr]'``).
"""

from __future__ import annotations

import itertools
import math
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from places.below import folder_below, regular_file
from places.errors import PlaceError
from places.flat import Flat
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments

HIDDEN = ".__lock"
"""How names end of files that are not written whole; tensorstore ends its own so too."""

MOST_ENCODED = 1.25, 2**16
"""Times its samples, and bytes beyond, that a chunk may have in its file."""


@dataclass(frozen=True, slots=True)
class Chunked:
    """An array in chunks, as its metadata says.

    Parameters
    ----------
    version : int
        Of the zarr format: 2 or 3.
    metadata : mapping
        What tensorstore needs to know; not believed.
    shape : tuple of int
    dtype : numpy.dtype
    chunk : tuple of int
        That is a file of its own.
    """

    version: int
    metadata: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: Dtype
    chunk: tuple[int, ...]

    def check(self) -> None:
        """Have tensorstore look at the metadata.

        Raises
        ------
        PlaceError
            If there is no such array, or another one than is said.
        """
        _, store = self._open()
        chunk = store.chunk_layout.write_chunk.shape or ()
        said = store.shape, np.dtype(store.dtype.numpy_dtype), chunk
        if said != (self.shape, self.dtype.newbyteorder("="), self.chunk):
            raise PlaceError("its metadata is of another array than is said")

    @property
    def is_plain(self) -> bool:
        """Whether a chunk's file is its samples, one after another."""
        if self.version == 2:
            plain = self.metadata.get("compressor") is None and not self.metadata.get("filters")
            return plain and self.metadata.get("order") == "C"
        (first, *more) = self.metadata.get("codecs") or [None]
        little = {"name": "bytes", "configuration": {"endian": "little"}}
        return not more and (
            first == little or (first == {"name": "bytes"} and self.dtype.itemsize == 1)
        )

    def name_of(self, index: tuple[int, ...]) -> str:
        """Return the name of a chunk's file."""
        numbers = [str(number) for number in index]
        if self.version == 2:
            return (self.metadata.get("dimension_separator") or ".").join(numbers) or "0"
        encoding = self.metadata["chunk_key_encoding"]
        is_default = encoding["name"] == "default"
        separator = encoding.get("configuration", {}).get("separator", "/" if is_default else ".")
        return separator.join(["c", *numbers] if is_default else numbers) or "0"

    def chunks_of(self, box: Box) -> Iterator[tuple[tuple[int, ...], Box]]:
        """Yield the chunks that a box inside the array touches, and the box that each has."""
        if not box.size:
            return
        ranges = [
            range(start // length, -(-stop // length))
            for start, stop, length in zip(box.start, box.stop, self.chunk, strict=True)
        ]
        for index in itertools.product(*ranges):
            start = tuple(n * length for n, length in zip(index, self.chunk, strict=True))
            ends = zip(start, self.chunk, self.shape, strict=True)
            yield index, Box(start, tuple(min(a + length, most) for a, length, most in ends))

    def is_whole(self, box: Box) -> bool:
        """Tell whether a box inside the array is made of whole chunks."""
        axes = zip(box.start, box.stop, self.chunk, self.shape, strict=True)
        return all(
            start % length == 0 and (stop % length == 0 or stop == most)
            for start, stop, length, most in axes
        )

    def decode(self, data: bytes | None, index: tuple[int, ...], box: Box) -> Array:
        """Return the samples of a chunk from the bytes of its file; None if there is no file.

        Raises
        ------
        PlaceError
            If it is damaged.
        """
        keys, store = self._open()
        try:
            if data is not None:
                keys.write(self.name_of(index), data).result()
            block: Array = store[(*box.slices, ...)].read(order="C").result()
        except (ValueError, RuntimeError, NotImplementedError) as error:
            words = str(error).partition(" [")[0][:200]
            raise PlaceError(f"its chunk {self.name_of(index)} is damaged: {words}") from None
        return block

    def encode(self, box: Box, block: Array) -> Iterator[tuple[str, bytes | memoryview]]:
        """Yield the names and the bytes of the files of a box of whole chunks."""
        if self.is_plain and all(
            size % n == 0 for size, n in zip(box.shape, self.chunk, strict=True)
        ):
            for index, has in self.chunks_of(box):
                of: Any = (*has.inside(box).slices, ...)
                samples = np.ascontiguousarray(block[of], self.dtype)
                yield self.name_of(index), samples.reshape(-1).view(np.uint8).data
            return
        keys, store = self._open()
        store[(*box.slices, ...)].write(block).result()
        for key in keys.list().result():
            yield key.decode(), keys.read(key).result().value

    def most_encoded(self) -> int:
        """Return how many bytes a chunk's file may have."""
        times, more = MOST_ENCODED
        return int(math.prod(self.chunk) * self.dtype.itemsize * times) + more

    def _open(self) -> tuple[Any, Any]:
        """Return an empty place in memory, and the array in it."""
        try:
            import tensorstore as ts
        except ModuleNotFoundError:
            raise PlaceError("needs: pip install 'tilefan[zarr]', at the worker") from None
        context = ts.Context({"cache_pool": {"total_bytes_limit": 0}})
        memory = {"driver": "memory"}
        spec = {
            "driver": "zarr3" if self.version == 3 else "zarr",
            "kvstore": memory,
            "metadata": dict(self.metadata),
            # A chunk that is not there is one that was never written.
            "store_data_equal_to_fill_value": True,
        }
        try:
            keys = ts.KvStore.open(memory, context=context).result()
            opened = ts.open(spec, create=True, open=True, assume_metadata=True, context=context)
            return keys, opened.result()
        except (ValueError, RuntimeError, NotImplementedError, TypeError) as error:
            words = str(error).partition(" [")[0][:200]
            raise PlaceError(f"can't be opened as zarr: {words}") from None


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
            return bytes(data[: size - len(left)])
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
