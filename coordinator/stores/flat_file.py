"""Blocks of an array whose samples lie in a file one after another, read without a memory map.

To touch a page of a map whose file was cut short since is a signal that kills the process; a read
that comes up short is an error with a sentence.
"""

from __future__ import annotations

import io
import math
import operator
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coordinator.errors import InputChangedError, InputError, StoreError
from tiling.dtypes import Array

ROW_BYTES = 2**14
"""To read so much more takes no longer than another call."""

ROWS_BYTES = 2**20
"""Of whole rows that are read at a time where only a part of each is wanted."""


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
        if not into.size:
            return
        axis = into.ndim - 1  # what is wanted of this axis and those after it is one run of bytes
        while axis > 0 and into.shape[axis] == self.shape[axis]:
            axis -= 1
        steps = [math.prod(self.shape[a + 1 :]) * into.itemsize for a in range(into.ndim)]
        at = self.offset + sum(map(operator.mul, start, steps))
        row_bytes = steps[axis - 1] if axis > 0 else 0
        if not 0 < row_bytes <= ROW_BYTES:
            for index in np.ndindex(into.shape[: max(axis, 0)]):
                self._read_run(at + sum(map(operator.mul, index, steps)), into[(*index, ...)])
            return
        many = max(1, ROWS_BYTES // row_bytes)
        rows: Array = np.empty((many, *self.shape[axis:]), into.dtype)
        wanted = slice(start[axis], start[axis] + into.shape[axis])
        at -= start[axis] * steps[axis]
        for index in np.ndindex(into.shape[: axis - 1]):
            row = at + sum(map(operator.mul, index, steps))
            for first in range(0, into.shape[axis - 1], many):
                part = into[index][first : first + many]
                self._read_run(row + first * row_bytes, rows[: len(part)])
                part[...] = rows[: len(part), wanted]

    def _read_run(self, at: int, into: Array) -> None:
        """Fill an array with the bytes at one place of the file."""
        if not into.flags.c_contiguous:
            samples: Array = np.empty(into.shape, into.dtype)
            self._read_run(at, samples)
            into[...] = samples
            return
        left = into.reshape(-1).data.cast("B")
        while left:
            try:
                count = os.preadv(self.file.fileno(), [left], at)
            except OSError as error:
                raise StoreError(f"{self.name}: can't be read: {error.strerror}") from error
            if not count:
                raise InputChangedError(f"{self.name}: was cut short while it was read")
            left, at = left[count:], at + count


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
