"""Operations on windows over several axes: what the library computes of them, and what SciPy.

==========================================  =====================================================
left to SciPy                               why
==========================================  =====================================================
fill values that the dtype has not          SciPy keeps them as float64, or casts them its own way
weights that are complex, not finite, or    complex ones are four real correlations in SciPy; the
above 1e100 in sum                          others could make NaNs beyond what is checked
unlike NaNs that meet in a sum, or a NaN    x86 keeps one operand's sign and payload, and which
that meets an infinity                      operand that is was settled when SciPy was compiled
structures with NaN                         likewise
ranks in one axis, or the lowest, the highest  there SciPy has other code
full footprints without a structure         SciPy takes them for 1-d extrema, one after another
==========================================  =====================================================
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from tiling.kernels.native.arrays import address_of, number_of
from tiling.kernels.native.bands import FLOAT64, Footprint, Leaf, has, run

if TYPE_CHECKING:
    from tiling.dtypes import Array, Dtype
    from tiling.operations.windows import Correlation, Extremum, Rank

_EPSILON = float(np.finfo(np.float64).eps)
_RANK_AXES = 8  # `source/rank.c` has room for
_HEAVIEST = 1e100  # sum of |weights| whose sums of checked samples stay finite


def correlation(operation: Correlation, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Compute an n-d correlation, complex samples as two real blocks; tell whether it is done.

    Parameters
    ----------
    operation : Correlation
    block, out : ndarray
    crop : tuple of slice
    """
    weights = operation.table.array
    if weights.dtype.kind == "c" or not float(np.abs(weights).sum()) <= _HEAVIEST:
        return False
    if block.dtype.kind == out.dtype.kind == "c":
        fills = complex(operation.cval).real, complex(operation.cval).imag
        parts = (block.real, out.real), (block.imag, out.imag)
        return all(
            _correlate(operation, weights, fill, part, crop, target)
            for fill, (part, target) in zip(fills, parts, strict=True)
        )
    return _correlate(operation, weights, complex(operation.cval).real, block, crop, out)


def _correlate(
    operation: Correlation,
    weights: Array,
    fill: float,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    constant = operation.mode == "constant"
    if not _known(block.dtype, out.dtype) or (constant and np.isnan(fill)):
        return False
    table = np.abs(weights) > _EPSILON  # SciPy leaves the others out
    values = np.ascontiguousarray(weights[table])
    strict = block.dtype.kind == out.dtype.kind == "f"
    parameters = Footprint(address_of(table), address_of(values), 0, strict)
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
    if not _known(block.dtype, out.dtype) or (
        operation.mode == "constant" and not has(block.dtype, fill)
    ):
        return False
    work = np.dtype(np.uint8) if block.dtype.kind == "b" else block.dtype
    table, values, result, name = operation.table.array, None, work, "extremum"
    if operation.structure is None:
        if table.all():
            return False
    else:
        values = np.ascontiguousarray(operation.structure.array[table])
        if np.isnan(values).any():
            return False
        result, name = FLOAT64, "structured"
    parameters = Footprint(
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
    if not 1 < block.ndim <= _RANK_AXES or not _known(block.dtype, out.dtype):
        return False
    if not 0 < operation.rank < int(table.sum()) - 1:
        return False
    if operation.mode == "constant" and not has(block.dtype, fill):
        return False
    work = np.dtype(np.uint8) if block.dtype.kind == "b" else block.dtype
    if work.itemsize == 8:
        work = FLOAT64  # as SciPy compares them
    leaf = Leaf(
        f"rank_{work.name}", _Rank(address_of(table), operation.rank), work, work, flat=False
    )
    return run(leaf, _reach(operation), operation.mode, fill, block, crop, out)


def _known(source: Dtype, target: Dtype) -> bool:
    return number_of(source) is not None and number_of(target) is not None


def _reach(operation: Correlation | Extremum | Rank) -> list[tuple[int, int]]:
    ndim = len(operation.table.shape)
    return [(reach.before, reach.after) for reach in operation.reaches(ndim)]
