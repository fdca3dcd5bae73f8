"""An output whose samples lie in a file one after another: the file is mapped and filled.

Its room on the disk is taken before the first tile: a full disk is then an error with a sentence,
where a write to the map would be a signal that kills. A format that is encoded as a whole is filled
in the same way, and encoded from the map when it is.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np

from coordinator.errors import StoreError
from coordinator.stores.atomic_file import open_own, sync_folder, usual_mode
from coordinator.stores.memory import fill, view
from coordinator.stores.nonce import remove as remove_nonce
from coordinator.stores.outline import Outline, mapped
from coordinator.stores.partial import (
    Growing,
    encoded_path,
    lock,
    nonce_path,
    partial_path,
    release,
    rename_if_free,
)
from coordinator.stores.stored import StoredHere
from coordinator.text import megabytes
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.protocol.places import StoredArray

Encode: TypeAlias = Callable[[Array, IO[bytes]], None]
"""Writes an array into a file of a format that is encoded as a whole."""


class FlatSink(Growing):
    """A file that appears at `path` when it is whole; make one with `FlatSink.create`.

    Parameters
    ----------
    path : Path
    array : numpy.ndarray
        The map of the partial file.
    descriptor : int
        Of the partial file, locked.
    overwrite, sync : bool
        See `create`.
    encode : callable, optional
        See `create`.
    outline : Outline, optional
        Of the partial file.
    """

    def __init__(
        self,
        path: Path,
        array: Array,
        descriptor: int,
        *,
        overwrite: bool,
        sync: bool,
        encode: Encode | None = None,
        outline: Outline | None = None,
    ) -> None:
        super().__init__(path, str(path), descriptor, "this file")
        self.array = array
        self._overwrite = overwrite
        self._sync = sync
        self._encode = encode
        self._outline = outline

    @classmethod
    def create(
        cls,
        path: Path,
        outline: Outline,
        *,
        keep: bool = False,
        overwrite: bool = True,
        sync: bool = True,
        encode: Encode | None = None,
        has_room: bool = True,
    ) -> FlatSink:
        """Take the room for a file with this outline beside the final path.

        Parameters
        ----------
        path : Path
        outline : Outline
        keep : bool
            Whether to leave the bytes of an unfinished run in place. It is for the caller to know
            which of them are good; where there is no such array, all are zero.
        overwrite : bool
            Whether a file that is at the final path in the end may be replaced.
        sync : bool
            Whether the bytes are on the disk before the name is.
        encode : callable, optional
            Makes the final file of the array; without it, the partial file becomes it.
        has_room : bool
            Whether to take its room on the disk.

        Raises
        ------
        StoreError
            If another coordinator writes the same output, the disk is full, or the system forbids.
        """
        descriptor = lock(path)
        try:
            remove_nonce(nonce_path(path))  # workers of a killed run write no more
            array = _map(descriptor, outline, keep=keep, has_room=has_room)
            return cls(
                path,
                array,
                descriptor,
                overwrite=overwrite,
                sync=sync,
                encode=encode,
                outline=outline,
            )
        except BaseException as error:  # an interruption too must leave nothing
            if not keep:
                partial_path(path).unlink(missing_ok=True)
            release(descriptor)
            if isinstance(error, OSError):
                room = f"; it takes {megabytes(outline.data_bytes)} MB: make room, or name another"
                hint = f"{room} disk by --output" if error.errno == errno.ENOSPC else ""
                raise StoreError(f"{path}: can't be written: {error.strerror}{hint}") from error
            raise

    @property
    def stored(self) -> StoredHere | None:
        """The partial file, for others to write into; None if it is not what will be kept."""
        outline = self._outline
        if self._encode is not None or outline is None:
            return None
        path = os.path.realpath(partial_path(self.path))
        dtype, offset, order = outline.dtype.str, outline.offset, outline.order
        array = StoredArray("flat", path, outline.shape, dtype, offset, order)
        return StoredHere.of(array, self._descriptor)

    def region(self, box: Box) -> Array:
        """Return the writable view of a box."""
        return view(self.array, box)

    read = region

    def store(self, box: Box, block: Array) -> None:
        """Copy a block into the map, unless it lies there."""
        fill(self.array, box, block)

    def _publish(self) -> None:
        if self._encode is None:
            self._check_there()
            whole = partial_path(self.path)
            self._finish(self._descriptor)
        else:
            whole = self._encoded(self._encode)
        if self._overwrite:
            whole.replace(self.path)
        else:
            rename_if_free(whole, self.path)

    def _settle(self) -> None:
        if self._encode is not None:
            partial_path(self.path).unlink(missing_ok=True)
        if self._sync:
            sync_folder(self.path)

    def _remove(self) -> None:
        partial_path(self.path).unlink(missing_ok=True)
        if self._encode is not None:  # what a coordinator left that was killed meanwhile
            encoded_path(self.path).unlink(missing_ok=True)

    def _finish(self, descriptor: int) -> None:
        """Have the bytes on the disk before the name is, and the usual permissions."""
        if self._sync:
            os.fdatasync(descriptor)
        if self._overwrite:
            os.fchmod(descriptor, usual_mode(self.path))

    def _encoded(self, encode: Encode) -> Path:
        """Write the final file under a hidden name, and return that."""
        path = encoded_path(self.path)
        try:
            descriptor = open_own(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            with open(descriptor, "r+b") as file:  # noqa: PTH123 -- a descriptor has no path
                encode(self.array, file)
                file.flush()
                self._finish(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path


def _map(descriptor: int, outline: Outline, *, keep: bool, has_room: bool) -> Array:
    """Write the outline unless it is there, take the room and map the samples."""
    if not (keep and outline.is_in(descriptor)):
        outline.write(descriptor)
    if not outline.data_bytes:
        return np.empty(outline.shape, outline.dtype)
    if has_room:
        os.posix_fallocate(descriptor, 0, outline.length)
    return mapped(mmap.mmap(descriptor, outline.length, access=mmap.ACCESS_WRITE), outline)
