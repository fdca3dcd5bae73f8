"""The header of a `.npy` file, every field of it checked.

NumPy's own reader takes any header: one that claims 2^40 elements, or Python objects that only
pickle can load. This one is for bytes from strangers and for files of any origin: the format of
``numpy.lib.format``, versions 1.0 to 3.0, for plain numbers only.
"""

from __future__ import annotations

import ast
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import TilingError
from tiling.jobs.job import MAX_NDIM

MAGIC = b"\x93NUMPY"

MAX_HEADER = 4096
"""Bytes of a header: 32 axes need under 800, and `ast` must not be fed megabytes."""

MAX_BYTES = 2**63
"""Of data: what NumPy, and any machine, can address."""

NUMBERS = re.compile(r"[<>|=](b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32))")
"""What `numpy.save` calls a dtype of numbers; nothing else is shown to `numpy.dtype`."""


KINDS = {
    "O": "pickled Python objects",
    "U": "text",
    "S": "bytes of text",
    "M": "dates",
    "m": "times",
    "V": "records of several fields",
}
"""What is in an array that holds no numbers, by the letter of its dtype."""

AS_TYPE = "save it with a dtype of numbers: numpy.save(path, array.astype('float64'))"

ADVICE = {
    "V": "save one field: numpy.save(path, array['field'])",
    "M": "save them as numbers: numpy.save(path, dates.astype('int64'))",
    "m": "save them as numbers: numpy.save(path, times.astype('int64'))",
}


class NpyError(TilingError, ValueError):
    """The bytes are not a `.npy` file of plain numbers."""


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a `.npy` file says of itself.

    Parameters
    ----------
    dtype : numpy.dtype
        Of any byte order.
    shape : tuple of int
    fortran_order : bool
    offset : int
        Bytes before the data.
    """

    dtype: Dtype
    shape: tuple[int, ...]
    fortran_order: bool
    offset: int

    @property
    def data_bytes(self) -> int:
        """Bytes of data that must follow the header."""
        return math.prod(self.shape) * self.dtype.itemsize

    def array(self, data: bytes | bytearray | memoryview) -> Array:
        """Return the array over data of exactly `data_bytes`, without a copy.

        Parameters
        ----------
        data : buffer
            The bytes behind the header.
        """
        flat = np.frombuffer(data, self.dtype)
        return flat.reshape(self.shape, order="F" if self.fortran_order else "C")


def header_length(start: bytes) -> int:
    """Return the bytes of the whole header, from the first twelve bytes of a file.

    Parameters
    ----------
    start : bytes
        Of the file.

    Raises
    ------
    NpyError
        If they are not the start of a `.npy` file, or announce too long a header.
    """
    if len(start) < 12:
        raise NpyError("not a .npy file: shorter than any header")
    if start[:6] != MAGIC:
        raise NpyError("not a .npy file: it does not start with \\x93NUMPY")
    match tuple(start[6:8]):
        case (1, 0):
            length = 10 + int(struct.unpack("<H", start[8:10])[0])
        case (2 | 3, 0):
            length = 12 + int(struct.unpack("<I", start[8:12])[0])
        case (major, minor):
            raise NpyError(f"unknown .npy version {major}.{minor}")
    if length > MAX_HEADER:
        raise NpyError(f"a .npy header of {length} bytes: at most {MAX_HEADER} are read")
    return length


def parse_header(start: bytes) -> NpyHeader:
    """Read the header at the start of a `.npy` file.

    Parameters
    ----------
    start : bytes
        At least the header; what follows it is not looked at.

    Raises
    ------
    NpyError
        Saying what is wrong.
    """
    length = header_length(start)
    if len(start) < length:
        raise NpyError("truncated: the file ends inside its header")
    text = start[10 if start[6] == 1 else 12 : length]
    try:
        value = ast.literal_eval(text.decode("utf-8" if start[6] == 3 else "latin-1").strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise NpyError("the .npy header is not a Python literal") from None
    match value:
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape), **rest} if (
            not rest
        ):
            dtype = dtype_of(descr)
            return NpyHeader(dtype, _shape(shape, dtype.itemsize), fortran, length)
    raise NpyError("the .npy header needs descr, fortran_order and shape, and nothing else")


def dtype_of(descr: Any) -> Dtype:
    """Return the dtype of a name in a header.

    Raises
    ------
    NpyError
        If it is not of plain numbers: objects, strings, dates and records are refused.
    """
    if isinstance(descr, str) and NUMBERS.fullmatch(descr):
        try:
            return np.dtype(descr)
        except TypeError:  # a long double of another platform
            pass
    raise NpyError(
        f"holds {_kind(descr)}, not plain numbers; {ADVICE.get(_letter(descr), AS_TYPE)}"
    )


def _letter(descr: Any) -> str:
    return descr.lstrip("<>|=")[:1] if isinstance(descr, str) else "V"


def _kind(descr: Any) -> str:
    known = KINDS.get(_letter(descr))
    return known or f"dtype {descr[:60]!r}"


def _shape(shape: tuple[Any, ...], itemsize: int) -> tuple[int, ...]:
    if len(shape) > MAX_NDIM:
        raise NpyError(f"an array of {len(shape)} axes: at most {MAX_NDIM}")
    if any(type(length) is not int or not 0 <= length < MAX_BYTES for length in shape):
        raise NpyError("the shape is not one of lengths")
    # NumPy counts an empty array's other axes too.
    if math.prod(filter(None, shape)) * itemsize >= MAX_BYTES:
        raise NpyError(f"shape {shape} is beyond what a machine can address")
    return shape
