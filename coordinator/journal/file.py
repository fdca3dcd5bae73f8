"""The journal on the disk, beside the output that it tells about.

A line is appended with one system call once its tile's bytes are in the output's map. Both then
belong to the system, so a coordinator that is killed loses what was in flight and nothing else.
Losing power may lose more; the digests find out.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Self

from coordinator.errors import StoreError
from coordinator.journal.records import Finished, Header, Log, encode, encode_header
from coordinator.stores.atomic_file import open_own
from coordinator.stores.partial import journal_path


class JournalFile:
    """A journal that is open for appending; make one with `create` or `reopen`.

    Parameters
    ----------
    path : Path
        Of the output.
    descriptor : int
    seal : str
        Checksum of the header.
    finished : int
        Tiles that it knows already.
    """

    def __init__(self, path: Path, descriptor: int, seal: str, finished: int = 0) -> None:
        self._path = path
        self._descriptor = descriptor
        self._seal = seal
        self._lock = threading.Lock()
        self._failed = False
        self.finished = finished

    @classmethod
    def create(cls, path: Path, header: Header) -> Self:
        """Begin a journal.

        Raises
        ------
        StoreError
            If it can't be written.
        """
        line, seal = encode_header(header)
        journal = cls(path, _open(path, os.O_CREAT | os.O_TRUNC), seal)
        try:
            journal._append(line)
        except StoreError:
            journal.remove()
            raise
        return journal

    @classmethod
    def reopen(cls, path: Path, log: Log, finished: int) -> Self:
        """Go on with a journal that was read.

        Raises
        ------
        StoreError
            If it can't be written.
        """
        journal = cls(path, _open(path, 0), log.seal, finished)
        try:
            journal._append(b"\n")  # ends a line that was cut short
        except StoreError:
            journal.close()
            raise
        return journal

    def record(self, finished: Finished) -> None:
        """Note a finished tile; from any thread.

        Raises
        ------
        StoreError
            If it can't be written: the tile then is not known to be finished.
        """
        line = encode(finished, self._seal)
        with self._lock:
            self._append(line)
            self.finished += 1

    def close(self) -> None:
        """Leave the journal for a run that resumes this one; closing it twice is harmless."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Leave no journal: the output is whole, or there is nothing to keep."""
        self.close()
        journal_path(self._path).unlink(missing_ok=True)

    def _append(self, line: bytes) -> None:
        if self._failed or self._descriptor < 0:
            raise StoreError(f"{self._path}: its journal is closed")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            self._failed = True  # what follows a torn line would be torn with it
            raise StoreError(
                f"{self._path}: its journal can't be written: {error.strerror}"
            ) from error


def _open(path: Path, flags: int) -> int:
    try:
        return open_own(journal_path(path), os.O_WRONLY | os.O_APPEND | flags)
    except OSError as error:
        raise StoreError(f"{path}: its journal can't be written: {error.strerror}") from error
