"""Operations on windows over several axes: what the library computes of them, and what SciPy.

==========================================  =====================================================
left to SciPy                               why
==========================================  =====================================================
fill values that the dtype has not, but     SciPy keeps them as float64, or casts them its own way
those whose cast keeps the order
weights that are complex, not finite, or    complex ones are four real correlations in SciPy; the
above 1e100 in sum                          others could make NaNs beyond what is checked
unlike NaNs that meet in a sum, or a NaN    x86 keeps one operand's sign and payload, and which
that meets an infinity                      operand that is was settled when SciPy was compiled
structures with NaN                         likewise
ranks in one axis; the lowest, the highest  there SciPy has other code
full footprints without a structure         SciPy takes them for 1-d extrema, one after another
==========================================  =====================================================
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from tiling.kernels.native.arrays import (
    EPSILON,
    FLOAT64,
    address_of,
    compared,
    fits,
    is_light,
    numbered,
    ordered_fill,
    real_parts,
    stored,
)
from tiling.kernels.native.bands import Leaf, run

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations.windows import Correlation, Extremum, Rank

_RANK_AXES = 8  # `source/rank.c` has room for


class _Footprint(ctypes.Structure):
    """`struct footprint` of `source/footprints.c`."""

    _fields_ = (
        ("table", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("minimum", ctypes.c_int64),
        ("strict", ctypes.c_int64),
    )


def correlation(operation: Correlation, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute an n-d correlation, complex samples as two real blocks; tell whether it is done.

    Parameters
    ----------
    operation : Correlation
    block, out : ndarray
    crop : tuple of slice
    """
    weights = operation.table.array
    if weights.dtype.kind == "c" or not is_light(weights):
        return False
    fill = complex(operation.cval)
    parts = zip((fill.real, fill.imag), real_parts(block, out), strict=False)
    return all(
        _correlate(operation, weights, value, part, crop, target) for value, (part, target) in parts
    )


def _correlate(
    operation: Correlation,
    weights: Array,
    fill: float,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    if not numbered(block.dtype, out.dtype) or not fits(FLOAT64, operation.mode, fill):
        return False
    table = np.abs(weights) > EPSILON  # SciPy leaves the others out
    values = np.ascontiguousarray(weights[table])
    strict = block.dtype.kind == out.dtype.kind == "f"
    parameters = _Footprint(address_of(table), address_of(values), 0, strict)
    leaf = Leaf("correlate_band", parameters, FLOAT64, FLOAT64)
    return run(leaf, _reach(operation), operation.mode, fill, block, crop, out)


def extremum(operation: Extremum, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute a minimum or maximum over a footprint; tell whether it is done.

    Parameters
    ----------
    operation : Extremum
    block, out : ndarray
    crop : tuple of slice
    """
    fill = complex(operation.cval).real
    if operation.structure is None:
        fill = ordered_fill(block.dtype, out.dtype, operation.mode, fill)
    if not numbered(block.dtype, out.dtype) or not fits(block.dtype, operation.mode, fill):
        return False
    work = stored(block.dtype)
    table, values, result, name = operation.table.array, None, work, "extremum"
    if operation.structure is None:
        if table.all():
            return False
    else:
        values = np.ascontiguousarray(operation.structure.array[table])
        if np.isnan(values).any():
            return False
        result, name = FLOAT64, "structured"
    parameters = _Footprint(
        address_of(table), 0 if values is None else address_of(values), operation.minimum, 0
    )
    leaf = Leaf(f"{name}_{work.name}", parameters, work, result)
    return run(leaf, _reach(operation), operation.mode, fill, block, crop, out)


class _Rank(ctypes.Structure):
    """`struct rank` of `source/rank.c`."""

    _fields_ = (("footprint", ctypes.c_void_p), ("rank", ctypes.c_int64))


def rank(operation: Rank, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Take the sample at a rank; tell whether it is done.

    Parameters
    ----------
    operation : Rank
    block, out : ndarray
    crop : tuple of slice
    """
    table, fill = operation.table.array, complex(operation.cval).real
    if not 1 < block.ndim <= _RANK_AXES or not 0 < operation.rank < int(table.sum()) - 1:
        return False
    fill = ordered_fill(block.dtype, out.dtype, operation.mode, fill)
    if not numbered(block.dtype, out.dtype) or not fits(block.dtype, operation.mode, fill):
        return False
    work = compared(block.dtype)
    leaf = Leaf(
        f"rank_{work.name}", _Rank(address_of(table), operation.rank), work, work, flat=False
    )
    return run(leaf, _reach(operation), operation.mode, fill, block, crop, out)


def _reach(operation: Correlation | Extremum | Rank) -> list[tuple[int, int]]:
    ndim = len(operation.table.shape)
    return [(reach.before, reach.after) for reach in operation.reaches(ndim)]
