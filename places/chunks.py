"""An array in chunks: which of them a box touches, their names, and what is in their files.

tensorstore encodes and decodes them, in memory; it is loaded on first use (``pip install
'tilefan[zarr]'``). Of chunks that are not encoded the file is the samples, and it is not asked.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from places.codecs import Codecs, most_packed
from places.errors import PlaceError
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box

FAULTS = (ValueError, RuntimeError, NotImplementedError, TypeError)
"""What tensorstore raises."""


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
        Codecs.of(self.version, self.metadata)

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
                self._check_memory(data)
                keys.write(self.name_of(index), data).result()
            block: Array = store[(*box.slices, ...)].read(order="C").result()
        except (PlaceError, *FAULTS) as error:
            what = f"its chunk {self.name_of(index)} is damaged"
            raise PlaceError(f"{what}: {words_of(error)}") from None
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

    @property
    def chunk_bytes(self) -> int:
        """Of a chunk, decoded."""
        return math.prod(self.chunk) * self.dtype.itemsize

    def most_encoded(self) -> int:
        """Return how many bytes a chunk's file may have."""
        return most_packed(self.chunk_bytes)

    def _check_memory(self, data: bytes) -> None:
        """Refuse the bytes of a file that would take more memory than they may."""
        codecs = Codecs.of(self.version, self.metadata)
        inner = self.chunk if codecs.shard is None else tuple(codecs.shard["chunk_shape"])
        size = math.prod(inner) * self.dtype.itemsize
        codecs.check(data, size, math.prod(self.chunk) // max(1, math.prod(inner)))

    def _open(self) -> tuple[Any, Any]:
        """Return an empty place in memory, and the array in it."""
        ts = tensorstore()
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
        except FAULTS as error:
            raise PlaceError(f"can't be opened as zarr: {words_of(error)}") from None


def tensorstore() -> Any:
    """Return the library.

    Raises
    ------
    PlaceError
        If it is not here.
    """
    try:
        import tensorstore as ts
    except ModuleNotFoundError:
        raise PlaceError("needs: pip install 'tilefan[zarr]', at the worker") from None
    return ts


def words_of(error: BaseException) -> str:
    """Return what tensorstore says, without what it adds for programmers."""
    return str(error).partition(" [")[0][:200]
