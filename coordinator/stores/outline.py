"""All of a flat file but its samples: what is written before the first tile is.

A format's own library writes it into an `OutlineFile`, which keeps what is written and leaves out
what is skipped. So the layout is the library's, and a file of any size is outlined in a few pages.
"""

from __future__ import annotations

import io
import math
import mmap
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from coordinator.stores.place import Place
from coordinator.text import inert
from tiling.dtypes import Array, Dtype

if TYPE_CHECKING:
    from typing_extensions import Buffer

Order: TypeAlias = Literal["C", "F"]

PAGE = 4096


@dataclass(frozen=True, slots=True)
class Outline:
    """Where samples lie in a file, and what is around them.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        As it is stored, with its byte order.
    offset : int
        Bytes before the samples.
    length : int
        Bytes of the whole file.
    parts : tuple of (int, bytes)
        What is not samples, and where it lies; all else is zero.
    order : str
        "C" if the last axis lies densely, "F" if the first does.
    """

    shape: tuple[int, ...]
    dtype: Dtype
    offset: int
    length: int
    parts: tuple[tuple[int, bytes], ...]
    order: Order = "C"

    @classmethod
    def of_header(
        cls, header: bytes, shape: tuple[int, ...], dtype: Dtype, order: Order = "C", block: int = 1
    ) -> Outline:
        """Return that of a file which is a header and samples, filled up to whole blocks."""
        end = len(header) + data_bytes(shape, dtype)
        return cls(shape, dtype, len(header), -(-end // block) * block, ((0, header),), order)

    @property
    def data_bytes(self) -> int:
        """Bytes of the samples."""
        return data_bytes(self.shape, self.dtype)

    def is_in(self, descriptor: int) -> bool:
        """Tell whether a file has this outline already."""
        return os.fstat(descriptor).st_size == self.length and all(
            os.pread(descriptor, len(part), at) == part for at, part in self.parts
        )

    def write(self, descriptor: int) -> None:
        """Make a file that has this outline, and zeros for samples."""
        os.ftruncate(descriptor, 0)
        os.ftruncate(descriptor, self.length)
        for at, part in self.parts:
            os.pwrite(descriptor, part, at)


def warn_of_lost(place: Place, names: Sequence[str]) -> None:
    """Warn of what an output can't say of its input."""
    if names:
        words = f"{place}: can't be kept of the input, and is left out: {inert(', '.join(names))}"
        warnings.warn(words, RuntimeWarning, stacklevel=3)


def data_bytes(shape: tuple[int, ...], dtype: Dtype) -> int:
    """Return the bytes of an array's samples."""
    return math.prod(shape) * dtype.itemsize


class OutlineFile(io.RawIOBase):
    """A file in memory, of which only the pages exist that something is written to."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}
        self._at = self._length = 0

    def outline(self, shape: tuple[int, ...], dtype: Dtype, offset: int) -> Outline:
        """Return what was written, but for an array's samples at this offset."""
        end = offset + data_bytes(shape, dtype)
        parts = (*self._parts(0, min(offset, self._length)), *self._parts(end, self._length))
        return Outline(shape, dtype, offset, max(self._length, end), parts)

    def _parts(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        for number in sorted(self._pages):
            first = number * PAGE
            low, high = max(start, first), min(stop, first + PAGE)
            if low < high:
                yield low, bytes(self._pages[number][low - first : high - first])

    def readable(self) -> bool:
        """Yes: HDF5 reads what it has written."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = base + offset
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Cut the file, or make it longer by zeros."""
        self._length = self._at if size is None else size
        for number in [n for n in self._pages if n * PAGE >= self._length]:
            del self._pages[number]
        number, inside = divmod(self._length, PAGE)
        if number in self._pages:
            self._pages[number][inside:] = bytes(PAGE - inside)
        return self._length

    def write(self, data: Buffer) -> int:
        """Write at the place."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left:
            number, inside = divmod(self._at, PAGE)
            page = self._pages.setdefault(number, bytearray(PAGE))
            count = min(PAGE - inside, len(left))
            page[inside : inside + count] = left[:count]
            self._at, left = self._at + count, left[count:]
        self._length = max(self._length, self._at)
        return size

    def readinto(self, buffer: Buffer) -> int:
        """Read from the place on."""
        into = memoryview(buffer).cast("B")
        size = max(0, min(len(into), self._length - self._at))
        done = 0
        while done < size:
            number, inside = divmod(self._at, PAGE)
            count = min(PAGE - inside, size - done)
            page = self._pages.get(number)
            into[done : done + count] = page[inside : inside + count] if page else bytes(count)
            self._at, done = self._at + count, done + count
        return size


def mapped(data: mmap.mmap, outline: Outline) -> Array:
    """Return the samples in a buffer of the whole file, without a copy."""
    count = math.prod(outline.shape)
    flat = np.frombuffer(data, outline.dtype, count, outline.offset)
    array: Array = flat.reshape(outline.shape, order=outline.order)
    return array
