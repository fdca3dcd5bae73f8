"""Whether an input is what it was: its size, its times, and which file it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import StoreError
from coordinator.stores.partial import ZARR_KEYS
from coordinator.stores.place import Place
from places.buckets import Bucket
from places.errors import PlaceError
from tiling.protocol.places import is_in_bucket


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether an input was changed: of a folder, of all that is in it."""

    file_bytes: int
    mtime_ns: int
    identity: tuple[int, ...]

    @classmethod
    def of(cls, place: Place) -> FileState:
        """Look at a file, a folder, or the metadata of an array in a bucket.

        Of what is on a web server nothing is known.

        Raises
        ------
        StoreError
            If the system does not let it be looked at.
        """
        if place.remote:
            return cls(0, 0, _in_bucket(place.url) if is_in_bucket(place.url) else ())
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
        states = [_state(entry) for entry in files_below(path)]
        size = sum(each.st_size for each in states)
        mtime_ns = max((each.st_mtime_ns for each in states), default=0)
        each = hash(tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in states))
        return cls(size, mtime_ns, (status.st_dev, status.st_ino, size, mtime_ns, each))


def _in_bucket(url: str) -> tuple[int, ...]:
    try:
        return Bucket(url).identity(ZARR_KEYS)
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
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path))
        else:
            yield entry
