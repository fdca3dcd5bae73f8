"""Opening files below a folder, whoever made the path: never through a link, never outside.

Linux resolves such a path by itself (``openat2`` with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
Where the kernel or a sandbox lacks that, each folder on the way is opened from the one before,
and none of them may be a link; ``..`` is refused in both ways. Nothing blocks: a pipe without a
writer is opened at once, and refused for what it is.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from places.errors import PlaceError

OPENAT2 = 437
"""The number of the system call, on every machine that Linux runs on."""

NO_MAGIC_LINKS, NO_LINKS, BENEATH = 0x02, 0x04, 0x08
"""Of ``struct open_how``'s ``resolve``, from linux/openat2.h."""

ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

MOST_LENGTH = 4096
"""Bytes of a path, as Linux has it."""


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names on the way of a relative path.

    Raises
    ------
    PlaceError
        If it may lead elsewhere.

    Examples
    --------
    >>> parts_of("runs/in.npy")
    ('runs', 'in.npy')
    """
    parts = tuple(path.split("/"))
    try:
        length = len(os.fsencode(path))
    except UnicodeEncodeError:  # no file has such a name
        length = MOST_LENGTH + 1
    if "\0" in path or length > MOST_LENGTH or {"", ".", ".."} & set(parts):
        raise PlaceError("is no plain path below a folder that is served")
    return parts


@contextmanager
def folder(path: str) -> Iterator[int]:
    """Yield a descriptor of a folder, which is trusted, to open what is below it."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def folder_below(root: int, path: str) -> Iterator[int]:
    """Yield a descriptor of a folder below another one; that itself for an empty path.

    Raises
    ------
    PlaceError
        If the path may lead elsewhere.
    OSError
        If there is none, or a link on the way.
    """
    flags = os.O_PATH | os.O_DIRECTORY
    descriptor = open_below(root, path, flags) if path else os.dup(root)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def regular_file(root: int, path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Yield a descriptor of a regular file below a folder.

    Parameters
    ----------
    root : int
        Descriptor of the folder.
    path : str
        Relative.
    flags : int
        Of `os.open`; nothing is created.

    Raises
    ------
    PlaceError
        If the path may lead elsewhere, or to what is no regular file.
    OSError
        If there is none, or a link on the way.
    """
    descriptor = open_below(root, path, flags & ~os.O_CREAT)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PlaceError("is no regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def open_below(root: int, path: str, flags: int) -> int:
    """Open what is below a folder, whatever it is; see `regular_file`."""
    parts = parts_of(path)
    if flags & os.O_PATH == 0:
        flags |= ALWAYS
    try:
        return _openat2(root, path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):  # as sandboxes say
            raise
    return open_by_hand(root, parts, flags)


def open_by_hand(root: int, parts: tuple[str, ...], flags: int) -> int:
    """Open what is below a folder, name by name."""
    at = os.dup(root)
    try:
        for name in parts[:-1]:
            way = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            further = os.open(name, way, dir_fd=at)
            os.close(at)
            at = further
        found = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
    if flags & os.O_PATH and stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return found


def _openat2(root: int, path: str, flags: int) -> int:
    how = _OpenHow(flags, 0, BENEATH | NO_LINKS | NO_MAGIC_LINKS)
    size = ctypes.sizeof(how)
    found = _syscall()(OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.c_size_t(size))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(found)


@functools.cache
def _syscall() -> ctypes._NamedFuncPointer:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return call
