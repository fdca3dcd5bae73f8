"""Files whose samples lie one after another, open for reading as `places.flat` reads them."""

from __future__ import annotations

import io
import stat
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import InputChangedError, InputError, StoreError
from places.errors import CutShortError
from places.flat import Flat
from tiling.dtypes import Array


class _File(io.FileIO):
    """A file that is closed when nobody has it any more."""

    def __del__(self) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class FlatFile:
    """An array in C order in a file.

    Parameters
    ----------
    file : io.FileIO
    name : str
        What errors call it.
    offset : int
        Bytes before the data.
    shape : tuple of int
    """

    file: io.FileIO
    name: str
    offset: int
    shape: tuple[int, ...]

    def read_box(self, start: tuple[int, ...], into: Array) -> None:
        """Fill an array of any strides with the box of its shape at `start`.

        Parameters
        ----------
        start : tuple of int
        into : ndarray
            Of the file's dtype.

        Raises
        ------
        InputChangedError
            If the file was cut short.
        StoreError
            If the system does not let it be read.
        """
        try:
            Flat(self.file.fileno(), self.offset, self.shape).read_box(start, into)
        except CutShortError as error:
            raise InputChangedError(f"{self.name}: {error}") from None
        except OSError as error:
            raise StoreError(f"{self.name}: can't be read: {error.strerror}") from error


def open_file(path: str) -> io.FileIO:
    """Open a file for reading; it is closed with the last object that has it.

    Raises
    ------
    InputError
        If it is a pipe or the like, which might never end and can't be read anywhere.
    """
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError(f"{path}: a pipe or a device, not a file; write the array to one")
    return _File(path)
