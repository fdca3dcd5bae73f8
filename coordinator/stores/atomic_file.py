"""Files that are there whole or not at all, and never through a link to another one."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.interruption import put_off


def write_text(path: Path, text: str, mode: int | None = None, *, sync: bool = True) -> None:
    """Write a file that is there whole or not at all; see `write_bytes`.

    Raises
    ------
    StoreError
        If the system forbids it.
    """
    write_bytes(path, text.encode("utf-8"), mode, sync=sync)


def write_bytes(path: Path, data: bytes, mode: int | None = None, *, sync: bool = True) -> None:
    """Write a file that is there whole or not at all, under a name of its own until then.

    Parameters
    ----------
    path : Path
    data : bytes
    mode : int, optional
        Its permissions; what a file of this name has anyway unless given.
    sync : bool
        Whether the bytes are on the disk before the name is.

    Raises
    ------
    StoreError
        If the system forbids it.
    """
    with put_off():
        try:
            with _Draft(path) as draft:
                os.fchmod(draft.descriptor, usual_mode(path) if mode is None else mode)
                with open(draft.descriptor, "wb", closefd=False) as file:
                    file.write(data)
                if sync:
                    os.fdatasync(draft.descriptor)
                draft.become(path)
        except OSError as error:
            raise StoreError(f"{path}: can't be written: {error.strerror}") from error


class _Draft:
    """A file in another one's folder, without a name where the filesystem has such files.

    A process that is killed while it writes leaves nothing then.
    """

    def __init__(self, path: Path) -> None:
        self._prefix = f".{path.name[:100]}."
        self._folder = path.parent
        self._name: str | None = None
        try:
            self.descriptor = os.open(self._folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
                raise
            self.descriptor, self._name = tempfile.mkstemp(prefix=self._prefix, dir=self._folder)

    def __enter__(self) -> _Draft:
        return self

    def become(self, path: Path) -> None:
        """Take a name, in place of the file that has it."""
        if self._name is None:
            try:
                self._link(path)
            except FileExistsError:
                self._name = str(self._folder / f"{self._prefix}{secrets.token_hex(4)}")
                self._link(Path(self._name))
            else:
                return
        Path(self._name).replace(path)
        self._name = None

    def _link(self, path: Path) -> None:
        folder = os.open(self._folder, os.O_DIRECTORY | os.O_RDONLY | os.O_CLOEXEC)
        try:
            # With a folder's descriptor os.link follows the link that /proc shows.
            os.link(f"/proc/self/fd/{self.descriptor}", path.name, dst_dir_fd=folder)
        finally:
            os.close(folder)

    def __exit__(self, *_exception: object) -> None:
        os.close(self.descriptor)
        if self._name is not None:
            Path(self._name).unlink(missing_ok=True)


def usual_mode(path: Path) -> int:
    """Return the permissions of a file that is there, or of any new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def open_own(path: Path, flags: int) -> int:
    """Open a file that is ours to write, made if it is not there; return its descriptor.

    Parameters
    ----------
    path : Path
    flags : int
        Of `os.open`.

    Raises
    ------
    OSError
        If the system forbids it.
    StoreError
        If the name is a link, or the file has other names too: it may be anybody's.
    """
    anew = flags & os.O_TRUNC  # once it is known to be ours
    flags = (flags ^ anew) | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = -1
    try:
        if not path.is_symlink():
            descriptor = os.open(path, flags, 0o666)
        if descriptor >= 0 and _is_own(os.fstat(descriptor)):
            if anew:
                os.ftruncate(descriptor, 0)
            return descriptor
    except BaseException:
        _close(descriptor)
        raise
    _close(descriptor)
    raise StoreError(f"{path}: is a link, or no file of its own; remove it, or name another output")


def _is_own(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink <= 1


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a file, `most` at most.

    Raises
    ------
    OSError
        If the system does not let it be read.
    InputError
        If it is no regular file: reading a pipe might never end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path}: not a regular file")
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor has no path
        return file.read(most)


def same_file(one: Path, other: Path) -> bool:
    """Tell whether two names are of one file, there or still to be made."""
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()


def is_within(path: Path, folder: Path) -> bool:
    """Tell whether a path is a folder's, or one below it; either may still be made."""
    return path.resolve().is_relative_to(folder.resolve())


def sync_folder(path: Path) -> None:
    """Have the system write the names in a file's folder to the disk.

    Raises
    ------
    OSError
        If it can't.
    """
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
