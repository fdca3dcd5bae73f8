"""Boxes of an array whose samples lie in a file one after another, without a memory map.

To touch a page of a map whose file was cut short since is a signal that kills the process; a read
that comes up short is an error with a sentence.
"""

from __future__ import annotations

import math
import operator
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from places.errors import CutShortError
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments

ROW_BYTES = 2**14
"""To read so much more takes no longer than another call."""

ROWS_BYTES = 2**20
"""Of whole rows that are read at a time where only a part of each is wanted."""


@dataclass(frozen=True, slots=True)
class Flat:
    """An array in a file that is open; in C order.

    Parameters
    ----------
    descriptor : int
    offset : int
        Bytes before the samples.
    shape : tuple of int
    """

    descriptor: int
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
        CutShortError
            If the file ends before.
        OSError
            If the system does not let it be read.
        """
        if not into.size:
            return
        axis = self._run_axis(into)
        steps = self._steps(into)
        row_bytes = steps[axis - 1] if axis > 0 else 0
        at = self.offset + sum(map(operator.mul, start, steps))
        if not 0 < row_bytes <= ROW_BYTES:
            for index in np.ndindex(into.shape[:axis]):
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

    def write_box(self, start: tuple[int, ...], block: Array) -> None:
        """Write a block of the file's dtype, of any strides, into its box at `start`.

        Raises
        ------
        OSError
            If the system does not let it be written.
        """
        if not block.size:
            return
        steps, axis = self._steps(block), self._run_axis(block)
        places = np.array(self.offset + sum(map(operator.mul, start, steps)), np.int64)
        for length, step in zip(block.shape[:axis], steps, strict=False):
            places = np.add.outer(places, np.arange(length, dtype=np.int64) * step)
        data = np.ascontiguousarray(block).reshape(-1).data.cast("B")
        size = len(data) // places.size
        for number, at in enumerate(places.reshape(-1).tolist()):
            run = data[number * size : (number + 1) * size]
            while (count := os.pwrite(self.descriptor, run, at)) < len(run):
                run, at = run[count:], at + count  # noqa: PLW2901 -- the rest of the run

    def _run_axis(self, block: Array) -> int:
        """Return from which axis on a block is one run of bytes of the file."""
        axis = block.ndim - 1
        while axis > 0 and block.shape[axis] == self.shape[axis]:
            axis -= 1
        return max(axis, 0)

    def _steps(self, block: Array) -> list[int]:
        return [math.prod(self.shape[axis + 1 :]) * block.itemsize for axis in range(block.ndim)]

    def _read_run(self, at: int, into: Array) -> None:
        """Fill an array with the bytes at one place of the file."""
        if not into.flags.c_contiguous:
            samples: Array = np.empty(into.shape, into.dtype)
            self._read_run(at, samples)
            into[...] = samples
            return
        left = into.reshape(-1).data.cast("B")
        while left:
            count = os.preadv(self.descriptor, [left], at)
            if not count:
                raise CutShortError("was cut short while it was read")
            left, at = left[count:], at + count


def read_box(flat: Flat, dtype: Dtype, box: Box, *, fortran: bool = False) -> Array:
    """Return a copy of the block of a box that may reach round the edges, in native byte order.

    Parameters
    ----------
    flat : Flat
        In C order; of an array in Fortran order, that of its transpose.
    dtype : numpy.dtype
        Of the file.
    box : Box
        In the coordinates of the array itself.
    fortran : bool
        Whether that is in Fortran order.
    """
    shape = flat.shape[::-1] if fortran else flat.shape
    block: Array = np.empty(box.shape, dtype, "F" if fortran else "C")
    for there, here in segments(box, shape):
        index: Any = (*here.slices, ...)
        part: Array = block[index]
        flat.read_box(there.start[::-1] if fortran else there.start, part.T if fortran else part)
    return block.astype(dtype.newbyteorder("="), copy=False)
