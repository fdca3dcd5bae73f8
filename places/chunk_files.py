"""Chunks that are files of their own below a folder.

The files are opened, read and named here, so none is reached through a link, and each appears
whole: under a hidden name first, which is then renamed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from places.below import folder_below, regular_file
from places.chunks import Chunked
from places.errors import PlaceError
from places.flat import Flat
from tiling.dtypes import Array
from tiling.geometry.box import Box

HIDDEN = ".__lock"
"""How names end of files that are not written whole; tensorstore ends its own so too."""


@dataclass(frozen=True, slots=True)
class ChunkFiles:
    """The chunks of an array in a folder; see `places.boxes.Chunks`.

    Parameters
    ----------
    array : Chunked
    home : int
        Descriptor of the array's folder.
    check : callable
        Raises PlaceError of an open file that must not be read.
    is_whole : bool
        Whether all are there: one that is not has been removed, and is not the fill value.
    """

    array: Chunked
    home: int
    check: Callable[[int], None]
    is_whole: bool = False

    def read_part(self, index: tuple[int, ...], box: Box, into: Array) -> bool:
        """Read a part of a chunk that is not encoded; return whether there is such a chunk."""
        array = self.array
        try:
            with regular_file(self.home, array.name_of(index)) as file:
                self.check(file)
                if os.fstat(file).st_size != array.chunk_bytes:
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

    def read_all(self, indices: Sequence[tuple[int, ...]]) -> Iterator[bytes | None]:
        """Yield the bytes of chunks; None of those that are not there."""
        return (self._bytes_of(self.array.name_of(index)) for index in indices)

    def _bytes_of(self, name: str) -> bytes | None:
        most = self.array.most_encoded()
        try:
            with regular_file(self.home, name) as file:
                self.check(file)
                size = os.fstat(file).st_size
                if size > most:
                    raise PlaceError(f"its chunk {name} has {size} bytes: too many")
                data = bytearray(size)
                left = memoryview(data)
                while left and (count := os.preadv(file, [left], size - len(left))):
                    left = left[count:]
                return bytes(memoryview(data)[: size - len(left)])
        except FileNotFoundError:
            if self.is_whole:
                raise PlaceError(f"its chunk {name} is gone") from None
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
