"""Windows that are no 1-d correlations: what the library is told of a block, and how it is cut.

The library goes over a block in bands that lie in the second-level cache, with the window round
them and edges supplied. What a leaf makes of a band is cast as SciPy casts: from float64.
"""

from __future__ import annotations

import ctypes
import functools
import math
from ctypes import addressof
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tiling.kernels.native.arrays import MODES, address_of, fits, integers, number_of
from tiling.kernels.native.library import cache_bytes, finished, library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.dtypes import Array, Dtype
    from tiling.geometry.edges import Mode

_WIDEST, _LEAST_WIDTH = 4, 4096
"""Of windows that are copied round a band: so many times its length, and so many samples."""

_WIDE_ROW = 256
"""Bytes."""

_LINES, _COLUMNS = 8, 64
"""Lines that are filtered side by side, along rows and across them."""

_CAREFUL_UINT64 = 10
"""The library's number for it, where n-d windows write it."""


class _Windows(ctypes.Structure):
    """`struct windows` of `source/bands.c`."""

    _fields_ = (
        ("source", ctypes.c_void_p),
        ("stride", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("target", ctypes.c_void_p),
        ("out_stride", ctypes.c_void_p),
        ("ndim", ctypes.c_int64),
        ("low", ctypes.c_void_p),
        ("extent", ctypes.c_void_p),
        ("skip", ctypes.c_void_p),
        ("wanted", ctypes.c_void_p),
        ("chunk", ctypes.c_void_p),
        ("window", ctypes.c_void_p),
        ("before", ctypes.c_void_p),
        ("mode", ctypes.c_int64),
        ("fill", ctypes.c_double),
        ("from", ctypes.c_int64),
        ("work", ctypes.c_int64),
        ("result", ctypes.c_int64),
        ("to", ctypes.c_int64),
        ("flat", ctypes.c_int64),
        ("line", ctypes.c_int64),
        ("leaf", ctypes.c_void_p),
        ("parameters", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Leaf:
    """What computes a band.

    Parameters
    ----------
    name : str
        Of the library's function.
    parameters : ctypes structure
        The leaf's own.
    work, result : numpy.dtype
        Of the samples of a band, and of what is made of them.
    flat : bool
        Whether outputs lie as the samples do.
    line : int, optional
        The axis along which a band has to be whole, from the beginning of the block.
    rows, lines : str, optional
        Of the functions that do the same to rows where they lie, and to whole lines, without a
        band, if there are such for the dtype.
    """

    name: str
    parameters: Any
    work: Dtype
    result: Dtype
    flat: bool = True
    line: int | None = None
    rows: str | None = None
    lines: str | None = None


def run(
    leaf: Leaf,
    reach: Sequence[tuple[int, int]],
    mode: Mode,
    fill: float,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    """Compute the part `crop` of a block with a leaf.

    Parameters
    ----------
    leaf : Leaf
    reach : sequence of (int, int)
        Samples that the window has before and after its centre, axis by axis.
    mode : Mode
    fill : float
        A value that the dtype of the band has.
    block, out : ndarray
        Of dtypes that the library has numbers for.
    crop : tuple of slice

    Returns
    -------
    bool
        False where the leaf leaves it to SciPy; then `out` is unspecified.

    Raises
    ------
    MemoryError
    """
    region = [(part.start, part.stop) for part in crop]
    skip = [0] * block.ndim
    if leaf.line is not None:
        skip[leaf.line] = region[leaf.line][0]
        region[leaf.line] = 0, block.shape[leaf.line]
    window = tuple(before + 1 + after for before, after in reach)
    extent = tuple(high - low for low, high in region)
    if any(
        wide > _WIDEST * length + _LEAST_WIDTH for wide, length in zip(window, extent, strict=True)
    ):
        return False  # what is reserved for it is what SciPy takes
    itemsize = leaf.work.itemsize + leaf.result.itemsize
    values = [
        integers(numbers)
        for numbers in (
            *(block.strides, block.shape, out.strides, [low for low, _ in region], extent),
            *(skip, out.shape, _chunk(extent, window, itemsize, leaf.line), window),
            [before for before, _ in reach],
        )
    ]
    stride, shape, out_stride, low, size, skipped, wanted, chunk, wide, before = map(
        addressof, values
    )
    windows = _Windows(
        *(address_of(block), stride, shape, address_of(out), out_stride, block.ndim, low, size),
        *(skipped, wanted, chunk, wide, before, MODES[mode], fill, number_of(block.dtype)),
        *(number_of(leaf.work), number_of(leaf.result), number_of(out.dtype), leaf.flat),
        -1 if leaf.line is None else leaf.line,
    )
    windows.parameters = addressof(leaf.parameters)
    if leaf.line is None and out.dtype == np.uint64:
        windows.to = _CAREFUL_UINT64
    if fits(block.dtype, mode, fill) and block.dtype == out.dtype:
        in_place = _in_place(leaf.line, block, out)
        name, goes_over = (leaf.rows, "run_rows") if in_place else (leaf.lines, "run_lines")
        if name is not None:
            windows.leaf = _function(name)
            if finished(library()[goes_over](ctypes.byref(windows))):
                return True
    windows.leaf = _function(leaf.name)
    return finished(library().run_windows(ctypes.byref(windows)))


def _function(name: str) -> ctypes.c_void_p:
    return ctypes.cast(library()[name], ctypes.c_void_p)


def _in_place(line: int | None, block: Array, out: Array) -> bool:
    """Tell whether rows beside a line are worth going over where they lie."""
    last, size = block.ndim - 1, block.dtype.itemsize
    beside = math.prod(out.shape[(line or 0) + 1 :])
    return (
        line != last
        and block.flags.aligned
        and out.flags.aligned
        and block.strides[-1] == out.strides[-1] == size
        and beside * size >= _WIDE_ROW
    )


@functools.lru_cache(maxsize=64)
def _chunk(
    extent: tuple[int, ...], window: tuple[int, ...], itemsize: int, line: int | None
) -> tuple[int, ...]:
    """Cut bands that fit into half of a second-level cache, from the first axis on.

    Each cut copies the window's samples again, so an axis is cut to no less than some windows.
    Where lines are whole, a band may be larger, to have some side by side, within a bound.
    """
    chunk = list(extent)
    room, most = cache_bytes() // 2, 8 * cache_bytes()
    beside = len(extent) - 1 if line != len(extent) - 1 else line - 1

    def size() -> int:
        parts = zip(chunk, window, strict=True)
        return itemsize * math.prod(length + wide - 1 for length, wide in parts)

    for axis in range(len(extent)):
        if axis == line or size() <= room:
            continue
        each = size() // (chunk[axis] + window[axis] - 1)
        fitting, least = room // each - window[axis] + 1, 4 * (window[axis] - 1)
        if line is None:
            least = max(least, 1024 if axis == beside else 1)
        elif axis == beside:
            least = _COLUMNS if line < axis else _LINES
            fitting = max(min(least, most // each), fitting // least * least)
            least = 1
        chunk[axis] = min(extent[axis], max(least, fitting, 1))
    return tuple(chunk)
