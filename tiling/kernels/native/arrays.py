"""Dtypes, addresses, fill values and weights, as the native library takes them."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.dtypes import Array, Dtype
    from tiling.geometry.edges import Mode

FLOAT64 = np.dtype(np.float64)

EPSILON = float(np.finfo(np.float64).eps)
"""Weights that differ by no more are the same for SciPy, and as little is nothing."""

_HEAVIEST = 1e100

MODES = {"reflect": 0, "mirror": 1, "nearest": 2, "wrap": 3, "constant": 4}
"""Numbers of `enum mode` in `source/common.h`."""

_NAMES = (
    *("uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)
_NUMBERS = {np.dtype(name): number for number, name in enumerate(_NAMES)} | {np.dtype(bool): 0}


def number_of(dtype: Dtype) -> int | None:
    """Return the library's number for a dtype; None if it has none.

    >>> number_of(np.dtype("float64")), number_of(np.dtype("float16"))
    (9, None)

    Parameters
    ----------
    dtype : numpy.dtype
        `long` and `long long` are the same; of bool, samples are bytes.
    """
    return _NUMBERS.get(dtype)


def numbered(source: Dtype, target: Dtype) -> bool:
    """Tell whether the library has numbers for both dtypes.

    Parameters
    ----------
    source, target : numpy.dtype
        Of the samples that are read and written.
    """
    return number_of(source) is not None and number_of(target) is not None


def stored(dtype: Dtype) -> Dtype:
    """Return the dtype as which samples lie in memory: those of bool are bytes.

    Parameters
    ----------
    dtype : numpy.dtype
    """
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def compared(dtype: Dtype) -> Dtype:
    """Return the dtype in which SciPy's comparisons are made: float64 for integers of 64 bits.

    Of others its comparisons in float64 are those of the samples themselves.

    Parameters
    ----------
    dtype : numpy.dtype
        Real.
    """
    return FLOAT64 if dtype.kind in "iu" and dtype.itemsize == 8 else stored(dtype)


def real_parts(block: Array, out: Array) -> list[tuple[Array, Array]]:
    """Return what is filtered by itself: of complex samples both parts, as SciPy does.

    Parameters
    ----------
    block, out : ndarray
    """
    if block.dtype.kind == out.dtype.kind == "c":
        return [(block.real, out.real), (block.imag, out.imag)]
    return [(block, out)]


def fits(dtype: Dtype, mode: Mode, fill: float) -> bool:
    """Tell whether a dtype has the fill value, if that is read: then it is SciPy's, too.

    NaN is none: what becomes of its bits is SciPy's to say.

    >>> fits(np.dtype("uint8"), "constant", 255.0), fits(np.dtype("float32"), "constant", 0.1)
    (True, False)

    Parameters
    ----------
    dtype : numpy.dtype
    mode : Mode
        Only ``constant`` reads it.
    fill : float
    """
    if mode != "constant":
        return True
    if math.isnan(fill):
        return False
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return float(dtype.type(fill)) == fill
    limits = np.iinfo(stored(dtype))
    # 64-bit limits as float64 are one too many.
    return fill.is_integer() and limits.min <= fill <= limits.max - (dtype.itemsize == 8)


def ordered_fill(source: Dtype, target: Dtype, mode: Mode, fill: float) -> float:
    """Return what minima, maxima and ranks may take for a fill value that the dtype has not.

    SciPy compares it with the samples as float64, and casts what it finds. A cast keeps the order,
    so it may as well come first; but of zeros, which differ and are equal, the sign would be lost.

    >>> ordered_fill(np.dtype("float32"), np.dtype("float32"), "constant", 0.1)
    0.10000000149011612
    >>> ordered_fill(np.dtype("uint8"), np.dtype("uint8"), "constant", 2.5)
    2.0

    Parameters
    ----------
    source, target : numpy.dtype
        Of the samples that are read and written; if they differ, nothing is gained.
    mode : Mode
    fill : float
    """
    if mode != "constant" or source != target or math.isnan(fill) or compared(source) != source:
        return fill
    if source.kind == "f":
        with np.errstate(over="ignore", under="ignore"):
            return float(source.type(fill)) or fill
    limits = np.iinfo(source)
    return float(math.trunc(fill)) if limits.min <= fill <= limits.max else fill


def is_light(weights: npt.NDArray[np.float64]) -> bool:
    """Tell whether sums with these weights stay finite, of samples that are looked through.

    Parameters
    ----------
    weights : ndarray
        Float64; if one is not finite, or their absolute sum is above 1e100, they are not light.
    """
    return float(np.abs(weights).sum()) <= _HEAVIEST


def address_of(array: Array) -> int:
    """Return the address of an array's first sample.

    Parameters
    ----------
    array : ndarray
        It must outlive the address.
    """
    return int(array.__array_interface__["data"][0])


def integers(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """Return an array of `int64_t`, for the library.

    Parameters
    ----------
    values : sequence of int
    """
    return (ctypes.c_int64 * len(values))(*values)
