"""Partial outputs: hidden names, lock, commit and removal, and what is refused as an output.

The output grows in a hidden file beside the final one and is renamed onto it when it is whole, so
that a reader sees all of it or nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.interruption import note_written
from coordinator.stores import nonce
from coordinator.stores.atomic_file import is_within, open_own, same_file

IN_USE = "another coordinator is writing it; wait for it to end"


def check_output(path: Path, source: Path | None, *, overwrite: bool, folder: bool = False) -> None:
    """Refuse an output that exists, is the input, or lies in no folder.

    Parameters
    ----------
    path : Path
    source : Path, optional
        Of the input.
    overwrite : bool
    folder : bool
        Whether the output is to be a folder, of chunks.

    Raises
    ------
    InputError
        Saying which, and what would help.
    StoreError
        If the system does not let us look.
    """
    try:
        exists = path.exists()
    except OSError as error:  # a name too long, a folder that can't be entered
        raise StoreError(f"{path}: can't be written: {error.strerror}") from error
    if path.is_dir() and not folder:
        raise InputError(f"{path}: a folder, not a file to write; name one, such as -o out.npy")
    if source is not None and same_file(path, source):
        raise InputError(f"{path}: the output is the input; name another with --output")
    grows = partial_path(path), encoded_path(path)
    if source is not None and any(same_file(hidden, source) for hidden in grows):
        raise InputError(f"{path}: would grow in the input, {source}; name another with --output")
    if source is not None and source.is_dir() and is_within(path, source):
        raise InputError(f"{path}: would be in the input, {source}; name another with --output")
    if folder:
        _check_folder(path, source, exists=exists)
    elif exists and not path.is_file():
        raise InputError(f"{path}: not a file that could be replaced")
    if exists and not overwrite:
        raise InputError(f"{path}: exists; replace it with --overwrite or name another output")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")


def _check_folder(path: Path, source: Path | None, *, exists: bool) -> None:
    """Refuse a folder of which more would be replaced than an array, or that the input is in."""
    if exists and not is_zarr(path):
        raise InputError(f"{path}: is there, and is no zarr; name another with --output")
    if source is not None and is_within(source, path):
        raise InputError(f"{path}: the input, {source}, is in it; name another with --output")


ZARR_KEYS = ("zarr.json", ".zarray", ".zgroup")
"""One of them makes a folder, or a prefix of a bucket, an array or a group of zarr."""


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is an array or a group of zarr."""
    return any((path / name).is_file() for name in ZARR_KEYS)


def followed(path: Path) -> Path:
    """Return the file that an output's name means, if the name is a link."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path  # noqa: PTH114 -- no error


def partial_path(path: Path) -> Path:
    """Return where the output grows before it is whole."""
    return path.with_name(f".{path.name}.partial")


def journal_path(path: Path) -> Path:
    """Return where the journal of an output is kept."""
    return path.with_name(f".{path.name}.journal")


def encoded_path(path: Path) -> Path:
    """Return where the final file grows of a format that is encoded as a whole."""
    return path.with_name(f".{path.name}.encoded")


def nonce_path(path: Path) -> Path:
    """Return where the nonce is that lets workers write into an output; see `nonce`."""
    return path.with_name(f".{path.name}.place")


def check_unlocked(path: Path) -> None:
    """Refuse an output that another coordinator is writing.

    Raises
    ------
    StoreError
        If so; and if the system does not let it be known.
    """
    partial = partial_path(path)
    if partial.is_dir():
        release(lock_folder(path))
    elif partial.exists():
        release(lock(path))


def remove_partial(path: Path) -> None:
    """Remove all that an unfinished run left beside an output.

    Raises
    ------
    StoreError
        If another coordinator writes it, or the system forbids it.
    """
    is_folder = partial_path(path).is_dir()
    descriptor = lock_folder(path) if is_folder else lock(path)
    try:
        nonce.remove(nonce_path(path))
        if is_folder:
            shutil.rmtree(partial_path(path))
        for hidden in (encoded_path(path), partial_path(path), journal_path(path)):
            hidden.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: what is left of it can't be removed: {error.strerror}"
        ) from error
    finally:
        release(descriptor)


class Growing(ABC):
    """An output that grows under a hidden name, locked: how it ends, wherever it grows.

    Parameters
    ----------
    path : Path
        Where it will be, or what stands for that.
    name : str
        What people call it.
    descriptor : int
        Of what grows, locked.
    what : str
        What it will be, in a sentence.
    """

    def __init__(self, path: Path, name: str, descriptor: int, what: str) -> None:
        self.path = path
        self.name = name
        self._descriptor = descriptor
        self._what = what
        self._committed = False

    @property
    def committed(self) -> bool:
        """Whether it can be seen, whole, at its final place."""
        return self._committed

    @abstractmethod
    def _publish(self) -> None:
        """Give it its final place; FileExistsError if somebody else has taken that."""

    @abstractmethod
    def _settle(self) -> None:
        """Do what is left to do when it has its final place."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove what has grown."""

    def _check_there(self) -> None:
        """Refuse to publish another file, or folder, than the one that has grown."""
        partial = partial_path(self.path)
        if not os.path.samestat(os.fstat(self._descriptor), partial.lstat()):
            raise StoreError(
                f"{self.name}: {partial}, where it grew, was replaced by somebody; run it again"
            )

    def commit(self) -> None:
        """Make it whole and visible.

        Raises
        ------
        StoreError
            If the system forbids it, or somebody has put something there since; unless it is
            `committed`, nothing has changed then.
        """
        try:
            self._publish()
            self._committed = True
            note_written(self.name)
            self._settle()
        except FileExistsError:
            raise StoreError(
                f"{self.name}: somebody has made {self._what} meanwhile; move it away and go on "
                "with --resume"
            ) from None
        except OSError as error:
            raise StoreError(f"{self.name}: can't be written: {error.strerror}") from error
        finally:
            if self._committed:
                release(self._descriptor)

    def discard(self) -> None:
        """Leave nothing of it.

        Raises
        ------
        StoreError
            If the system forbids it.
        """
        try:
            self._remove()
        except OSError as error:
            raise StoreError(f"{self.name}: can't be removed: {error.strerror}") from error
        finally:
            release(self._descriptor)

    def suspend(self) -> bool:
        """Leave what has grown; return whether a later run finds that there is anything."""
        release(self._descriptor)
        return partial_path(self.path).exists()


def rename_if_free(partial: Path, path: Path) -> None:
    """Rename a file to a name that nobody else has taken; FileExistsError if somebody has."""
    try:
        os.link(partial, path)
    except PermissionError:  # as filesystems without hard links say
        if path.exists():
            raise FileExistsError from None
        partial.replace(path)
    else:
        partial.unlink(missing_ok=True)


def remove_second_name(path: Path) -> None:
    """Remove the name under which an output grew that has its final name too.

    A coordinator that is killed as it gives the one for the other leaves both.

    Raises
    ------
    StoreError
        If the system forbids it.
    """
    if not path.is_file():
        return
    for hidden in (partial_path(path), encoded_path(path)):
        try:
            if not hidden.is_symlink() and hidden.samefile(path):
                hidden.unlink()
                partial_path(path).unlink(missing_ok=True)
                journal_path(path).unlink(missing_ok=True)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise StoreError(f"{hidden}: can't be removed: {error.strerror}") from error


def release(descriptor: int) -> None:
    """Unlock and close; the map has a descriptor of its own, which would keep the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def lock(path: Path) -> int:
    """Open the partial file for this process alone, and return its descriptor."""
    try:
        descriptor = open_own(partial_path(path), os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreError(f"{path}: can't be written: {error.strerror}") from error
    return _locked(descriptor, path)


def lock_folder(path: Path) -> int:
    """Open the partial folder for this process alone, made if it is not there; see `lock`."""
    partial = partial_path(path)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        partial.mkdir(exist_ok=True)
        descriptor = os.open(partial, flags)
    except OSError as error:
        raise StoreError(f"{path}: can't be written: {partial}: {error.strerror}") from error
    return _locked(descriptor, path)


def _locked(descriptor: int, path: Path) -> int:
    partial = partial_path(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between open and lock its owner may have renamed or removed it.
        if os.path.samestat(os.fstat(descriptor), partial.stat()):
            return descriptor
        reason = IN_USE
    except (BlockingIOError, FileNotFoundError):
        reason = IN_USE
    except OSError as error:
        reason = f"can't be locked: {error.strerror}"
    os.close(descriptor)
    raise StoreError(f"{path}: {reason}")
