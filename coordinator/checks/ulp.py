"""The distance of two numbers of one dtype, counted in numbers of that dtype between them.

The bits of an IEEE number, read as an integer, grow with the number; negative ones grow downwards.
Turned round, they are *keys*: unsigned integers in the order of the numbers, so that the distance
of two keys counts the steps from one number to the other (units in the last place)::

    number   -inf ... -0.0   +0.0 ...  inf
    key       ... 2^63 - 1   2^63 ...             of float64

For integers and booleans the distance is the difference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiling.dtypes import Array

KINDS = "biufc"


def counts_ulps(dtype: np.dtype[np.generic]) -> bool:
    """Tell whether distances are known: long doubles have no integer of their size."""
    return dtype.kind in KINDS and _part(dtype) <= 8


def distances(a: Array, b: Array) -> npt.NDArray[np.uint64]:
    """Return the distance of each pair of numbers; 0 where either is no number.

    Parameters
    ----------
    a, b : ndarray
        Of one shape and one dtype in native byte order, in one axis.

    Examples
    --------
    >>> distances(np.float32([1, -0.0, np.nan]), np.float32([1 + 2**-22, 0.0, 1]))
    array([2, 1, 0], dtype=uint64)
    >>> distances(np.int8([-128, 3]), np.int8([127, 1]))
    array([255,   2], dtype=uint64)
    """
    if a.dtype.kind == "c":
        real, imaginary = distances(a.real, b.real), distances(a.imag, b.imag)
        return np.maximum(real, imaginary)
    keys = _keys(a), _keys(b)
    apart: npt.NDArray[np.uint64] = np.maximum(*keys) - np.minimum(*keys)
    if a.dtype.kind == "f":
        apart[np.isnan(a) | np.isnan(b)] = 0
    return apart


def _keys(values: Array) -> npt.NDArray[np.uint64]:
    size = values.dtype.itemsize
    bits = np.ascontiguousarray(values).view(f"u{size}")
    if values.dtype.kind in "bu":
        return bits.astype(np.uint64)
    sign = bits.dtype.type(1 << (8 * size - 1))
    keys: Array = bits ^ sign
    if values.dtype.kind == "f":
        keys = np.where(bits & sign, ~bits, keys)
    return keys.astype(np.uint64)


def _part(dtype: np.dtype[np.generic]) -> int:
    return dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
