"""Whether an input is what it was: its size, its times, and which file it is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import StoreError
from coordinator.stores.partial import ZARR_KEYS, is_zarr
from coordinator.stores.place import Place
from places.buckets import Bucket
from places.errors import PlaceError
from tiling.protocol.places import is_in_bucket

CHUNKS = re.compile(r"c|(c\.)?[0-9]+(\.[0-9]+)*")
"""Names of chunks, and of folders of them."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether an input was changed: of a folder, of all that is in it."""

    file_bytes: int
    mtime_ns: int
    identity: tuple[int, ...]
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, place: Place, keys: tuple[str, ...] = ()) -> FileState:
        """Look at a file, a folder, or the metadata of an array in a bucket.

        Of what is on a web server nothing is known.

        Parameters
        ----------
        place : Place
        keys : tuple of str
            Of an array in a bucket: chunks that are looked at, too. S3 tells writings of a key
            apart by what is in it, and an array that is written anew may have the same metadata.

        Raises
        ------
        StoreError
            If the system does not let it be looked at.
        """
        if place.remote:
            known = is_in_bucket(place.url)
            return cls(0, 0, _in_bucket(place.url, keys) if known else (), keys)
        try:
            status = place.path.stat()
            if place.path.is_dir():
                return cls._of_folder(place.path, status)
        except OSError as error:
            raise StoreError(f"{place.path}: can't be read: {error.strerror}") from error
        size, mtime_ns = status.st_size, status.st_mtime_ns
        return cls(size, mtime_ns, (status.st_dev, status.st_ino, size, mtime_ns))

    @classmethod
    def _of_folder(cls, path: Path, status: os.stat_result) -> FileState:
        states = [_state(entry) for entry in files_read(path)]
        size = sum(each.st_size for each in states)
        mtime_ns = max((each.st_mtime_ns for each in states), default=0)
        each = hash(tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in states))
        return cls(size, mtime_ns, (status.st_dev, status.st_ino, size, mtime_ns, each))


def _in_bucket(url: str, keys: tuple[str, ...]) -> tuple[int, ...]:
    try:
        return Bucket(url).identity((*ZARR_KEYS, *keys))
    except PlaceError as error:
        raise StoreError(f"{url}: {error}") from None


def _state(entry: os.DirEntry[str]) -> os.stat_result:
    """Return the state of what a link leads to, for that is read; of the link, if to nothing."""
    try:
        return entry.stat()
    except OSError:
        return entry.stat(follow_symlinks=False)


def files_below(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all files of a folder and of those in it, by name; links are not followed.

    Raises
    ------
    OSError
        If the system does not let it be read.
    """
    for entry in _sorted(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path))
        else:
            yield entry


def files_read(
    folder: Path, followed: set[tuple[int, int]] | None = None
) -> Iterator[os.DirEntry[str]]:
    """Yield all files of an input's folder; links to folders of chunks, or to arrays, are followed.

    Parameters
    ----------
    folder : Path
    followed : set, optional
        Folders that links led to: none is followed into one of them again.

    Raises
    ------
    OSError
        If the system does not let it be read.
    """
    followed = set() if followed is None else followed
    for entry in _sorted(folder):
        if entry.is_dir(follow_symlinks=False) or _leads_on(entry, followed):
            yield from files_read(Path(entry.path), followed)
        else:
            yield entry


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _leads_on(entry: os.DirEntry[str], followed: set[tuple[int, int]]) -> bool:
    """Tell whether it is a link to a folder that an array is read from, and note that."""
    if not entry.is_symlink() or not entry.is_dir():
        return False
    status = entry.stat()
    wanted = CHUNKS.fullmatch(entry.name) or is_zarr(Path(entry.path))
    if not wanted or (status.st_dev, status.st_ino) in followed:
        return False
    followed.add((status.st_dev, status.st_ino))
    return True
