"""The nonce beside an output that grows: while it lies there, workers may write into the output.

It proves to a worker that whoever offers the output can write beside it, and to us that a worker
which knows what is in it sees the same folder. A worker writes under a shared lock of it. So once
we have the exclusive lock, nobody writes any more; and once it is gone, nobody will.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from coordinator.errors import StoreError
from coordinator.stores.atomic_file import open_own
from tiling.protocol.places import NONCE_BYTES

WAIT_S = 15.0
"""How long a worker may take for the tile that it is writing."""

PAUSE_S = 0.005


class Nonce:
    """A nonce that is planted; make one with `plant`.

    Parameters
    ----------
    path : Path
    content : str
    """

    def __init__(self, path: Path, content: str) -> None:
        self._path = path
        self.content = content

    @classmethod
    def plant(cls, path: Path) -> Nonce:
        """Write a new one, in the place of one that a killed run left.

        Raises
        ------
        StoreError
            If the system forbids it, or a worker of that run is still writing.
        """
        remove(path)
        content = secrets.token_hex(NONCE_BYTES // 2)
        try:
            descriptor = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 -- a descriptor has no path
                file.write(content)
        except OSError as error:
            raise StoreError(f"{path}: can't be written: {error.strerror}") from error
        return cls(path, content)

    def remove(self, wait_s: float | None = None) -> None:
        """See `remove`."""
        remove(self._path, wait_s)


def remove(path: Path, wait_s: float | None = None) -> None:
    """Take a nonce away, once nobody writes; without one, do nothing.

    Raises
    ------
    StoreError
        If a worker writes for longer than `wait_s`, or `WAIT_S`; or the system forbids it.
    """
    wait_s = WAIT_S if wait_s is None else wait_s
    until = time.monotonic() + wait_s
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path}: can't be opened: {error.strerror}") from error
    try:
        while not _locked(descriptor):
            if time.monotonic() > until:
                raise StoreError(
                    f"{path}: a worker has been writing a tile for {wait_s:g} s; end the worker "
                    "that hangs, and go on with --resume"
                )
            time.sleep(PAUSE_S)
        with suppress(FileNotFoundError):
            path.unlink()
    except OSError as error:
        raise StoreError(f"{path}: can't be removed: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Take the exclusive lock if nobody writes; also where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network's file system without locks
        return True
    return True
