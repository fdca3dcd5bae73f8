"""The compiled library: loaded once, the best that this machine can run."""

from __future__ import annotations

import ctypes
import functools
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import BinaryIO

from tiling.errors import AbandonedError
from tiling.kernels.watch import Watch

LEVELS = (4, 3, 1)
"""Levels of x86-64 for which there may be a library, best first; other machines have level 1."""

_ELF64 = b"\x7fELF\x02\x01"
"""Start of libraries of Linux, of 64 bits and little-endian."""

_CANCELLED = -2
"""What functions return then, as `source/watch.h` has it."""


def library() -> ctypes.CDLL:
    """Return the library of the highest level that the machine has.

    Raises
    ------
    OSError
        If there is none: no compiler was found when the package was installed.
    """
    return load(best_level())


@functools.cache
def best_level() -> int:
    """Return the highest of `LEVELS` whose instructions the machine has.

    Raises
    ------
    OSError
        If there is no library, or another than ours.
    """
    try:
        return int(load(1).machine_level())
    except AttributeError as error:
        raise OSError(str(error)) from None


@functools.cache
def load(level: int) -> ctypes.CDLL:
    """Return the library of one level; calls of its functions release the GIL.

    Parameters
    ----------
    level : int
        One of `LEVELS`; the machine must have its instructions.

    Raises
    ------
    OSError
        If it was not built, or can't be loaded here.
    """
    with as_file(files("tiling.kernels.native").joinpath(f"kernel_v{level}.so")) as path:
        with path.open("rb") as file:
            check_whole(file)
        return ctypes.CDLL(str(path))


def check_whole(file: BinaryIO) -> None:
    """Refuse a library that was cut short: the system would map it, and a call would be a SIGBUS.

    The table of its sections is the last thing in it.

    Parameters
    ----------
    file : binary file

    Raises
    ------
    OSError
        If it lacks its end.
    """
    head, size = file.read(64), file.seek(0, io.SEEK_END)
    if len(head) == 64 and head.startswith(_ELF64):
        sections = struct.unpack_from("<Q", head, 40)[0]
        length, count = struct.unpack_from("<HH", head, 58)
        if size < sections + length * count:
            raise OSError(f"{file.name}: it was cut short")


@functools.cache
def cache_bytes() -> int:
    """Return the bytes of a core's second-level cache, or what is usual where none is told."""
    return int(load(1).machine_cache()) or 2**19


@contextmanager
def watched_by(watch: Watch | None) -> Iterator[None]:
    """Let the library look at a watch while this thread is inside the ``with`` statement.

    Parameters
    ----------
    watch : Watch or None
        None costs nothing.
    """
    if watch is None:
        yield
        return
    set_watch = library().watch_set
    set_watch(ctypes.c_void_p(watch.address))
    try:
        yield
    finally:
        set_watch(None)


def finished(result: int) -> bool:
    """Tell whether a function of the library has computed what it was asked for, or SciPy has to.

    Parameters
    ----------
    result : int
        What it returned.

    Raises
    ------
    AbandonedError
        If it was cancelled.
    MemoryError
        If it found none.
    """
    if result == _CANCELLED:
        raise AbandonedError("nobody waits for the result")
    if result < 0:
        raise MemoryError
    return bool(result)
