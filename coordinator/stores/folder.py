"""A folder as one thing: taken, cleaned, compared, synced and put in the place of another."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import xxhash

from coordinator.interruption import let_in
from coordinator.stores.file_state import files_below, files_read

EXCHANGE = 2
"""Of renameat2: two names are exchanged."""

HERE = -100
"""Of renameat2: paths are relative to the working folder."""

LOCK = ".__lock"
"""How names end of files that tensorstore has not written whole."""

PIECE_BYTES = 2**22
"""Of a file that is read at a time."""

SYNC_THREADS = 8
"""Files that the disk is told to write at a time."""


SYNCED = 1000
"""Files that wait for their turn."""


def digest_of(folder: Path) -> str:
    """Return a digest of the names and bytes of all files that `files_read` finds, as xxh3-128.

    Of a link to none it is where the link leads; of a pipe or a device, that it is there.

    Raises
    ------
    OSError
        If the system does not let it be read.
    """
    whole = xxhash.xxh3_128()
    for entry in files_read(folder):
        let_in()
        each = xxhash.xxh3_128()
        for piece in _pieces(Path(entry.path)):
            each.update(piece)
        name = os.fsencode(os.path.relpath(entry.path, folder))
        whole.update(len(name).to_bytes(4, "little") + name + each.digest())
    return whole.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, without waiting for those of a pipe."""
    if not path.is_file():
        yield os.fsencode(path.readlink()) if path.is_symlink() else b""
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor has no path
        while stat.S_ISREG(os.fstat(descriptor).st_mode) and (piece := file.read(PIECE_BYTES)):
            yield piece


def clean(folder: Path) -> bool:
    """Remove what a killed writer had not written whole; tell whether all else is plain files."""
    for entry in files_below(folder):
        if not entry.is_file(follow_symlinks=False):
            return False
        if entry.name.endswith(LOCK):
            Path(entry.path).unlink(missing_ok=True)
    return True


def empty(folder: Path, last: Sequence[str] = ()) -> None:
    """Remove all that is in a folder, some names last; links are removed, not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name in last):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                Path(entry.path).unlink()


def sync(folder: Path) -> None:
    """Have the system write all files and names of a folder to the disk.

    Raises
    ------
    OSError
        If it can't.
    """
    folders = reversed([Path(path) for path, _, _ in os.walk(folder)])
    paths = itertools.chain((Path(entry.path) for entry in files_below(folder)), folders)
    with ThreadPoolExecutor(SYNC_THREADS) as threads:
        while some := [*itertools.islice(paths, SYNCED)]:
            for _ in threads.map(_sync, some):
                let_in()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(new: Path, path: Path) -> None:
    """Give a folder the name of another, which then has its own; at once where the system can.

    Raises
    ------
    OSError
        If the system forbids it.
    """
    try:
        _exchange(new, path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise
        older = path.with_name(f".{path.name}.older")
        path.rename(older)
        new.rename(path)
        older.rename(new)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if libc.renameat2(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder itself, no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False
