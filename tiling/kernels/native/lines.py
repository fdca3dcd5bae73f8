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
from dataclasses import replace
from typing import TYPE_CHECKING

from tiling.kernels.native.arrays import FLOAT64, compared, fits, numbered, ordered_fill, real_parts
from tiling.kernels.native.bands import Leaf, run

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
    work = compared(block.dtype)
    parameters = _Running(operation.axis, operation.minimum, 0)
    leaf = Leaf(
        *(f"running_extremum_{work.name}", parameters, work, work, False, operation.axis),
        rows=f"extremum_rows_{work.name}" if work == block.dtype else None,
    )
    fill = complex(operation.cval).real
    fill = ordered_fill(block.dtype, out.dtype, operation.mode, fill)
    return _run(leaf, operation, fill, block, crop, out)


def mean(operation: RunningMean, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute a running mean, of complex samples that of both parts; tell whether it is done.

    Parameters
    ----------
    operation : RunningMean
    block, out : ndarray
    crop : tuple of slice
    """
    fill = complex(operation.cval)
    parts = zip((fill.real, fill.imag), real_parts(block, out), strict=False)
    return all(_mean(operation, value, part, crop, target) for value, (part, target) in parts)


def _mean(
    operation: RunningMean, fill: float, block: Array, crop: tuple[slice, ...], out: Array
) -> bool:
    strict = block.dtype.kind == out.dtype.kind == "f"
    parameters = _Running(operation.axis, 0, strict)
    leaf = Leaf("running_mean", parameters, FLOAT64, FLOAT64, False, operation.axis)
    if compared(block.dtype) == block.dtype:
        rows, lines = (f"mean_{shape}_{block.dtype.name}" for shape in ("rows", "lines"))
        leaf = replace(leaf, rows=rows, lines=lines)
    return _run(leaf, operation, fill, block, crop, out)


def _run(
    leaf: Leaf,
    operation: RunningExtremum | RunningMean,
    fill: float,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    if not numbered(block.dtype, out.dtype) or not fits(leaf.work, operation.mode, fill):
        return False
    reach = [(0, 0)] * block.ndim
    (line,) = operation.reaches(block.ndim)
    reach[line.axis] = line.before, line.after
    return run(leaf, reach, operation.mode, fill, block, crop, out)
