"""Binary erosions and dilations until nothing changes, each change carried on to its neighbours."""

from __future__ import annotations

import ctypes
import math
from ctypes import addressof
from typing import TYPE_CHECKING

import numpy as np

from tiling.kernels.native.arrays import address_of, integers
from tiling.kernels.native.library import finished, library

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations.binary import Propagation

_WORD = 64
"""Bits."""

_WIDEST, _LEAST_BITS = 16, 2**16
"""Of a block with what the structure reaches beyond it: so many times its samples, and so many."""


class _Block(ctypes.Structure):
    """`struct block` of `source/propagation.c`."""

    _fields_ = (
        ("states", ctypes.c_void_p),
        ("stride", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("ndim", ctypes.c_int64),
        ("low", ctypes.c_void_p),
        ("extent", ctypes.c_void_p),
        ("target", ctypes.c_void_p),
        ("out_stride", ctypes.c_void_p),
        ("gap", ctypes.c_void_p),
        ("margin", ctypes.c_int64),
        ("dilate", ctypes.c_int64),
        ("border", ctypes.c_int64),
        ("reaches", ctypes.c_void_p),
        ("reach_count", ctypes.c_int64),
        ("up", ctypes.c_int64),
        ("down", ctypes.c_int64),
    )


def run(operation: Propagation, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Erode or dilate states until nothing changes; tell whether it is done.

    Parameters
    ----------
    operation : Propagation
    block : ndarray
        Of states.
    crop : tuple of slice
    out : ndarray
        Of states.
    """
    shifts = _shifts(operation, block.shape)
    gap = [int(reach) for reach in np.abs(shifts).max(axis=0)]
    lengths = [length + beyond for length, beyond in zip(block.shape, gap, strict=True)]
    steps = [math.prod(lengths[axis + 1 :]) for axis in range(block.ndim)]
    margin = sum(beyond * step for beyond, step in zip(gap, steps, strict=True))
    if math.prod(lengths) + 4 * margin > _WIDEST * block.size + _LEAST_BITS:
        return False
    distances = np.unique(shifts @ np.array(steps))
    reaches = _runs(distances)
    lines = block if block.strides[-1] == 1 else np.ascontiguousarray(block)
    target = out if out.strides[-1] == 1 else np.empty(out.shape, np.uint8)
    low = [part.start for part in crop]
    values = (lines.strides, block.shape, low, out.shape, target.strides, gap)
    stride, shape, lowest, extent, out_stride, beyond = map(integers, values)
    stated = _Block(
        *(address_of(lines), addressof(stride), addressof(shape), block.ndim),
        *(addressof(lowest), addressof(extent), address_of(target), addressof(out_stride)),
        *(addressof(beyond), -(-margin // _WORD) * _WORD, operation.dilate, operation.border),
        *(address_of(reaches), len(reaches), 1 in distances, -1 in distances),
    )
    done = finished(library().propagate(ctypes.byref(stated)))
    if target is not out:
        out[...] = target
    return done


def _shifts(operation: Propagation, shape: tuple[int, ...]) -> Array:
    """Return where a change of a sample goes, axis by axis; beyond the block it does not matter."""
    sizes = zip(operation.structure.shape, operation.origins, strict=True)
    centre = [size // 2 + origin for size, origin in sizes]
    shifts = np.argwhere(operation.structure.array) - centre
    within: Array = np.clip(shifts if operation.dilate else -shifts, np.negative(shape), shape)
    return within


def _runs(distances: Array) -> Array:
    """Return the first of neighbouring distances and their number, those of one number together.

    >>> _runs(np.array([-5, -1, 0, 1, 5])).tolist()
    [[-5, 1], [5, 1], [-1, 3]]
    """
    first = np.flatnonzero(np.diff(distances, prepend=distances[0] - 2) != 1)
    counts = np.diff(first, append=len(distances))
    pieces = [
        (distance + done, min(_WORD, count - done))
        for distance, count in zip(distances[first].tolist(), counts.tolist(), strict=True)
        for done in range(0, count, _WORD)
    ]
    return np.array(sorted(pieces, key=lambda piece: piece[1]), np.int64)
