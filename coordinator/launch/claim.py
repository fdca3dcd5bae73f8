"""The claim to a hosts file: one `coord up` or `coord down` at a time starts and stops its workers.

It is a lock on a hidden file beside it, which the system lets go of when a process is killed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from coordinator.errors import StoreError
from coordinator.stores.atomic_file import open_own
from coordinator.stores.partial import followed

IN_USE = "another `coord up` or `coord down` is at work on it; wait for it to end"


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep others from a hosts file for as long as the context lasts.

    Parameters
    ----------
    path : Path
        Of the hosts file, there or still to be made.

    Raises
    ------
    StoreError
        If another has claimed it, or the system forbids it.
    """
    real = followed(path)
    claim = real.with_name(f".{real.name}.claim")
    descriptor = _locked(path, claim)
    try:
        yield
    finally:
        claim.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path, claim: Path) -> int:
    """Open and lock the hidden file; return its descriptor."""
    while True:
        try:
            descriptor = open_own(claim, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise StoreError(f"{path}: can't be written: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreError(f"{path}: {IN_USE}") from None
        except OSError:  # a file system without locks
            return descriptor
        if _is_at(claim, descriptor):
            return descriptor
        os.close(descriptor)  # its owner removed it before we had the lock


def _is_at(claim: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), claim.stat())
    except FileNotFoundError:
        return False
