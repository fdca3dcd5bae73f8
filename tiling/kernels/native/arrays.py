"""What the library is told of arrays: addresses, numbers for dtypes and for edge modes."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.dtypes import Array, Dtype

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
