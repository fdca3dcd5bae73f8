"""Windows that move along one axis: what the library computes of them, and what SciPy.

==========================================  =====================================================
left to SciPy                               why
==========================================  =====================================================
fill values that the dtype has not, NaN     SciPy keeps them as float64
means of unlike NaNs, or of a NaN that      x86 keeps one operand's sign and payload, and which
meets an infinity                           operand that is was settled when SciPy was compiled
==========================================  =====================================================
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from tiling.kernels.native.arrays import number_of
from tiling.kernels.native.bands import FLOAT64, Leaf, has, run

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations.running import RunningExtremum, RunningMean


class _Running(ctypes.Structure):
    """`struct running` of `source/lines.c`."""

    _fields_ = (
        ("axis", ctypes.c_int64),
        ("minimum", ctypes.c_int64),
        ("strict", ctypes.c_int64),
    )


def extremum(operation: RunningExtremum, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute a running minimum or maximum; tell whether it is done.

    Parameters
    ----------
    operation : RunningExtremum
    block, out : ndarray
    crop : tuple of slice
    """
    work = np.dtype(np.uint8) if block.dtype.kind == "b" else block.dtype
    if work.itemsize == 8:
        work = FLOAT64  # as SciPy compares them
    parameters = _Running(operation.axis, operation.minimum, 0)
    leaf = Leaf(
        *(f"running_extremum_{work.name}", parameters, work, work, False, operation.axis),
        rows=f"extremum_rows_{work.name}" if work == block.dtype else None,
    )
    return _run(leaf, operation, complex(operation.cval).real, block, crop, out)


def mean(operation: RunningMean, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute a running mean, of complex samples that of both parts; tell whether it is done.

    Parameters
    ----------
    operation : RunningMean
    block, out : ndarray
    crop : tuple of slice
    """
    fill = complex(operation.cval)
    if block.dtype.kind == out.dtype.kind == "c":
        return _mean(operation, fill.real, block.real, crop, out.real) and _mean(
            operation, fill.imag, block.imag, crop, out.imag
        )
    return _mean(operation, fill.real, block, crop, out)


def _mean(
    operation: RunningMean, fill: float, block: Array, crop: tuple[slice, ...], out: Array
) -> bool:
    strict = block.dtype.kind == out.dtype.kind == "f"
    parameters = _Running(operation.axis, 0, strict)
    wide = block.dtype.kind == "b" or (block.dtype.itemsize == 8 and block.dtype != FLOAT64)
    rows = None if wide else f"mean_rows_{block.dtype.name}"
    leaf = Leaf("running_mean", parameters, FLOAT64, FLOAT64, False, operation.axis, rows)
    return _run(leaf, operation, fill, block, crop, out)


def _run(
    leaf: Leaf,
    operation: RunningExtremum | RunningMean,
    fill: float,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    if number_of(block.dtype) is None or number_of(out.dtype) is None:
        return False
    if operation.mode == "constant" and not has(leaf.work, fill):
        return False
    reach = [(0, 0)] * block.ndim
    (line,) = operation.reaches(block.ndim)
    reach[line.axis] = line.before, line.after
    return run(leaf, reach, operation.mode, fill, block, crop, out)
