"""Stores that others can open too: where an array is, and what it looks like from here.

A source or a sink that is such a store has a property ``stored``; all others have none, or None.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from places.buckets import Bucket
from places.errors import PlaceError
from places.network import is_local
from tiling.protocol.places import METADATA, STORED, StoredArray

if TYPE_CHECKING:
    from coordinator.stores.zarr_metadata import ZarrArray


@dataclass(frozen=True, slots=True)
class StoredHere:
    """An array in a store, and the file that tells whether another machine has the same.

    Parameters
    ----------
    array : StoredArray
    file_bytes, mtime_ns : int
    device, inode : int
    local : bool
        Whether it is on a disk of this machine.
    """

    array: StoredArray
    file_bytes: int
    mtime_ns: int
    device: int
    inode: int
    local: bool

    @classmethod
    def of(cls, array: StoredArray, descriptor: int) -> StoredHere:
        """Return what an open file says.

        Raises
        ------
        OSError
            If the system does not let it be looked at.
        """
        status = os.fstat(descriptor)
        return cls(
            array,
            status.st_size,
            status.st_mtime_ns,
            status.st_dev,
            status.st_ino,
            is_local(descriptor),
        )

    def called(self, path: str) -> StoredArray:
        """Return the array as a machine has it where its path is another one."""
        return replace(self.array, path=path)


def stored_in(folder: Path, metadata: ZarrArray, *, grows: bool = False) -> StoredHere:
    """Return an array in chunks below a folder.

    Parameters
    ----------
    folder : Path
    metadata : ZarrArray
    grows : bool
        Whether it is an output: it has no metadata so far, and is made if it is not there.

    Raises
    ------
    OSError
        If the system does not let it be looked at.
    """
    if grows:
        folder.mkdir(exist_ok=True)
    array = _chunked(os.path.realpath(folder), metadata)
    known_by = folder if grows else folder / METADATA[metadata.version]
    descriptor = os.open(known_by, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return StoredHere.of(array, descriptor)
    finally:
        os.close(descriptor)


def stored_at(url: str, metadata: ZarrArray) -> StoredHere | None:
    """Return an array in chunks below a prefix of a bucket; None if it can't be looked at."""
    try:
        state = Bucket(url).state(METADATA[metadata.version])
    except PlaceError:  # whoever reads it will say why
        return None
    size, mtime_ns, device, inode = (state[key] for key in ("size", "mtime_ns", "dev", "ino"))
    return StoredHere(_chunked(url, metadata), size, mtime_ns, device, inode, local=False)


def _chunked(path: str, metadata: ZarrArray) -> StoredArray:
    return StoredArray(
        "zarr",
        path,
        metadata.shape,
        metadata.dtype.str,
        version=metadata.version,
        metadata=metadata.bare(),
        chunk=metadata.chunk,
    )


def where(store: object) -> StoredHere | None:
    """Return where a source or a sink is, for others to open; None if it is in no such place."""
    try:
        stored: StoredHere | None = getattr(store, "stored", None)
    except OSError:  # whoever reads it will say why
        return None
    return stored if stored is not None and stored.array.dtype in STORED else None
