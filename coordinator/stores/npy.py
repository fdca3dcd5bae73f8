"""`.npy` files: the input is read block by block, the output is mapped; neither is loaded whole.

The output grows in a hidden file beside the final one and is renamed onto it when it is whole, so
that a reader sees all of it or nothing. Its room on the disk is taken before the first tile: a
full disk is then an error with a sentence, where a write to the map would be a signal that kills.
"""

from __future__ import annotations

import fcntl
import io
import mmap
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coordinator.errors import InputError, StoreError
from coordinator.stores.atomic_file import open_own, same_file, sync_folder, usual_mode
from coordinator.stores.flat_file import FlatFile, open_file
from coordinator.stores.formats import foreign
from coordinator.stores.memory import ArraySource, view
from coordinator.stores.names import content, similar
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments
from tiling.protocol.npy import MAGIC, MAX_HEADER, NpyError, parse_header

IN_USE = "another coordinator is writing it; wait for it to end"


@dataclass(frozen=True, slots=True)
class NpySource(ArraySource):
    """A `.npy` file; `array` is a map of it, for whoever looks at a few samples."""

    flat: FlatFile | None = None

    def read(self, box: Box) -> Array:
        """Return a copy of the block of a box; see `coordinator.stores.Source`.

        Raises
        ------
        InputChangedError
            If the file was cut short.
        StoreError
            If the system does not let it be read.
        """
        assert self.flat is not None  # noqa: S101 -- `open_npy` gives it
        array, is_c = self.array, self.array.flags.c_contiguous
        block: Array = np.empty(box.shape, array.dtype, "C" if is_c else "F")
        for there, here in segments(box, array.shape):
            part = view(block, here)
            if is_c:
                self.flat.read_box(there.start, part)
            else:
                self.flat.read_box(there.start[::-1], part.T)
        return block.astype(array.dtype.newbyteorder("="), copy=False)


def open_npy(path: Path) -> NpySource:
    """Map a `.npy` file of plain numbers for reading.

    Raises
    ------
    InputError
        If it is missing, empty, cut short, or no `.npy` file of plain numbers.
    StoreError
        If the system does not let it be read.
    """
    try:
        file = open_file(str(path))
        start = file.read(MAX_HEADER)
        header = parse_header(start)
        present = os.fstat(file.fileno()).st_size - header.offset
        if present < header.data_bytes:
            raise InputError(
                f"{path}: truncated: its header announces {header.data_bytes} bytes of data, "
                f"{present} follow"
            )
        data = None
        if header.data_bytes:
            length = header.offset + header.data_bytes
            data = mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{similar(path)}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: {foreign(path) or 'a folder, not a .npy file'}") from None
    except OSError as error:
        raise StoreError(f"{path}: can't be read: {error.strerror}") from error
    except NpyError as error:
        other = None if start.startswith(MAGIC) else content(path, start)
        raise InputError(f"{path}: {other or error}") from None
    array = header.array(memoryview(data)[header.offset :] if data else b"")
    shape = array.shape if array.flags.c_contiguous else array.shape[::-1]
    return NpySource(array, str(path), FlatFile(file, str(path), header.offset, shape))


def check_output(path: Path, source: Path | None, *, overwrite: bool) -> None:
    """Refuse an output that exists, is the input, or lies in no folder.

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
    if path.is_dir():
        raise InputError(f"{path}: a folder, not a file to write")
    if source is not None and same_file(path, source):
        raise InputError(f"{path}: the output is the input; name another with --output")
    if source is not None and same_file(partial_path(path), source):
        raise InputError(f"{path}: would grow in the input, {source}; name another with --output")
    if exists and not path.is_file():
        raise InputError(f"{path}: not a file that could be replaced")
    if exists and not overwrite:
        raise InputError(f"{path}: exists; replace it with --overwrite or name another output")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")


def followed(path: Path) -> Path:
    """Return the file that an output's name means, if the name is a link."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path  # noqa: PTH114 -- no error


def partial_path(path: Path) -> Path:
    """Return where the output grows before it is whole."""
    return path.with_name(f".{path.name}.partial")


def journal_path(path: Path) -> Path:
    """Return where the journal of an output is kept."""
    return path.with_name(f".{path.name}.journal")


class NpySink:
    """A `.npy` file that appears at `path` when it is whole; `numpy.save` would write the same.

    Make one with `NpySink.create`.

    Parameters
    ----------
    path : Path
    array : numpy.ndarray
        The map of the partial file.
    descriptor : int
        Of the partial file, locked.
    overwrite, sync : bool
        See `create`.
    """

    def __init__(
        self, path: Path, array: Array, descriptor: int, *, overwrite: bool, sync: bool
    ) -> None:
        self.path = path
        self.array = array
        self._descriptor = descriptor
        self._overwrite = overwrite
        self._sync = sync
        self._committed = False

    @property
    def name(self) -> str:
        """The final path."""
        return str(self.path)

    @property
    def committed(self) -> bool:
        """Whether the file has its final name."""
        return self._committed

    @classmethod
    def create(
        cls,
        path: Path,
        shape: tuple[int, ...],
        dtype: Dtype,
        *,
        keep: bool = False,
        overwrite: bool = True,
        sync: bool = True,
    ) -> NpySink:
        """Take the room for an array of this shape and dtype beside the final path.

        Parameters
        ----------
        path : Path
        shape : tuple of int
        dtype : numpy.dtype
        keep : bool
            Whether to leave the bytes of an unfinished run in place. It is for the caller to know
            which of them are good; where there is no such array, all are zero.
        overwrite : bool
            Whether a file that is at the final path in the end may be replaced.
        sync : bool
            Whether the bytes are on the disk before the name is.

        Raises
        ------
        StoreError
            If another coordinator writes the same output, the disk is full, or the system forbids.
        """
        descriptor = _lock(path)
        try:
            array = _map(descriptor, shape, dtype, keep=keep)
            return cls(path, array, descriptor, overwrite=overwrite, sync=sync)
        except BaseException as error:  # an interruption too must leave nothing
            if not keep:
                partial_path(path).unlink(missing_ok=True)
            _release(descriptor)
            if isinstance(error, OSError):
                raise StoreError(f"{path}: can't be written: {error.strerror}") from error
            raise

    def region(self, box: Box) -> Array:
        """Return the writable view of a box."""
        return view(self.array, box)

    def commit(self) -> None:
        """Give the whole file its final name.

        Raises
        ------
        StoreError
            If the system forbids it, or somebody has put another file there since; unless it is
            `committed`, nothing has changed then.
        """
        partial = partial_path(self.path)
        try:
            if self._sync:
                os.fdatasync(self._descriptor)
            if self._overwrite:
                os.fchmod(self._descriptor, usual_mode(self.path))
                partial.replace(self.path)
            else:
                _rename_if_free(partial, self.path)
            self._committed = True
            if self._sync:
                sync_folder(self.path)
        except FileExistsError:
            raise StoreError(
                f"{self.path}: somebody has made this file meanwhile; move it away and go on with "
                "--resume"
            ) from None
        except OSError as error:
            raise StoreError(f"{self.path}: can't be written: {error.strerror}") from error
        finally:
            if self._committed:
                _release(self._descriptor)

    def discard(self) -> None:
        """Remove the partial file.

        Raises
        ------
        StoreError
            If the system forbids it.
        """
        try:
            partial_path(self.path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self.path}: can't be removed: {error.strerror}") from error
        finally:
            _release(self._descriptor)

    def suspend(self) -> bool:
        """Leave the partial file; return whether it is still there."""
        _release(self._descriptor)
        return partial_path(self.path).exists()


def check_unlocked(path: Path) -> None:
    """Refuse an output that another coordinator is writing.

    Raises
    ------
    StoreError
        If so; and if the system does not let it be known.
    """
    if partial_path(path).exists():
        _release(_lock(path))


def _rename_if_free(partial: Path, path: Path) -> None:
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
    partial = partial_path(path)
    try:
        if not partial.is_symlink() and partial.samefile(path):
            partial.unlink()
            journal_path(path).unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{partial}: can't be removed: {error.strerror}") from error


def _release(descriptor: int) -> None:
    """Unlock and close; the map has a descriptor of its own, which would keep the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _lock(path: Path) -> int:
    """Open the partial file for this process alone, and return its descriptor."""
    partial = partial_path(path)
    try:
        descriptor = open_own(partial, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise StoreError(f"{path}: can't be written: {error.strerror}") from error
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


def _map(descriptor: int, shape: tuple[int, ...], dtype: Dtype, *, keep: bool) -> Array:
    """Write the header unless it is there, take the room and map the data."""
    header = _header(shape, dtype)
    length = len(header) + int(np.prod(shape, dtype=object)) * dtype.itemsize
    present = os.fstat(descriptor).st_size
    if not (keep and present == length and os.pread(descriptor, len(header), 0) == header):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, header, 0)
    if length == len(header):
        return np.empty(shape, dtype)
    os.posix_fallocate(descriptor, 0, length)
    data = mmap.mmap(descriptor, length, access=mmap.ACCESS_WRITE)
    return np.frombuffer(data, dtype, offset=len(header)).reshape(shape)


def _header(shape: tuple[int, ...], dtype: Dtype) -> bytes:
    file = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()
