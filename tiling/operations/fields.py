"""Plain values as JSON and back: numbers keep their bits, and all that is read is checked."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tiling.errors import TilingError, UnsupportedError, WireError
from tiling.geometry.edges import plain_mode

MAX_TAPS = 2**19
"""Taps of one pass: sigma 65,000 at truncate 4. A job stays under 6 MB, and so does a mistake."""

MAX_INTEGER = 2**31 - 1
"""Sizes, ranks and iterations: SciPy keeps some of them in a C int."""

_NAN_BITS = re.compile("nan:[0-9a-f]{16}")
_PLAIN_NAN = struct.pack(">d", math.nan).hex()

TABLES = ("|b1", "<f8", "<c16")
"""What footprints, structures and weights are made of."""


@dataclass(frozen=True, slots=True)
class Table:
    """A small array that is part of a job: weights, a footprint, a structure.

    Parameters
    ----------
    dtype : str
        One of `TABLES`.
    shape : tuple of int
    data : bytes
        In C order, little-endian.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: npt.NDArray[Any]) -> Table:
        """Take a copy of an array.

        Parameters
        ----------
        array : ndarray
            Of bool, float64 or complex128, of at most `MAX_TAPS` samples.

        Raises
        ------
        UnsupportedError
            If it is too large to be sent.
        """
        if array.size > MAX_TAPS:
            raise UnsupportedError(f"{array.size} samples in one window: at most {MAX_TAPS}")
        little = array.astype(array.dtype.newbyteorder("<"))
        return cls(little.dtype.str, array.shape, little.tobytes())

    @property
    def array(self) -> npt.NDArray[Any]:
        """The array, read-only."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Field:
    """The encoding of one value in JSON."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def integer(low: int, high: int = MAX_INTEGER) -> Field:
    """Return the field of an integer between bounds.

    Parameters
    ----------
    low, high : int
        Both are allowed.
    """

    def decode(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise WireError(f"needs an integer from {low} to {high}")
        return value

    return Field(int, decode)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise WireError("needs true or false")
    return value


def _mode(value: object) -> str:
    try:
        return plain_mode(value)
    except TilingError as error:
        raise WireError(str(error)) from None


def _list(value: object, each: Field) -> list[Any]:
    if not isinstance(value, list) or len(value) > 32:
        raise WireError("needs a list, an entry for each axis")
    return [each.decode(entry) for entry in value]


def float_to_text(value: float) -> str:
    """Return a float in hexadecimal; a NaN but Python's own as the bits of its sign and payload.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> float_to_text(0.75), float_to_text(math.nan), float_to_text(-math.nan)
    ('0x1.8000000000000p-1', 'nan', 'nan:fff8000000000000')
    """
    bits = struct.pack(">d", value).hex()
    return f"nan:{bits}" if math.isnan(value) and bits != _PLAIN_NAN else value.hex()


def float_from_text(text: str) -> float:
    """Return the float of which `float_to_text` wrote the text.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        For any other text.
    OverflowError
        For a number that no float64 holds.
    """
    if not _NAN_BITS.fullmatch(text):
        return float.fromhex(text)
    value = float(struct.unpack(">d", bytes.fromhex(text[4:]))[0])
    if not math.isnan(value):
        raise ValueError("not the bits of a NaN")
    return value


def _fill_to_json(value: complex) -> list[str]:
    return [float_to_text(part) for part in (complex(value).real, complex(value).imag)]


def _fill_from_json(value: object) -> complex:
    match value:
        case [str(real), str(imag)]:
            try:
                return complex(float_from_text(real), float_from_text(imag))
            except (ValueError, OverflowError):
                pass
    raise WireError("needs two hexadecimal floats")


def _exact_fill_to_json(value: complex) -> list[str] | int:
    return value if isinstance(value, int) else _fill_to_json(value)


def _exact_fill_from_json(value: object) -> complex:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**64:
        return value
    return _fill_from_json(value)


def _table_to_json(table: Table | None) -> dict[str, Any] | None:
    if table is None:
        return None
    data = base64.b64encode(table.data).decode("ascii")
    return {"dtype": table.dtype, "shape": list(table.shape), "data": data}


def _table_from_json(value: object) -> Table:
    match value:
        case {"dtype": str(dtype), "shape": list(sizes), "data": str(text), **rest}:
            if not rest and dtype in TABLES and len(text) <= 24 * MAX_TAPS:
                shape = tuple(_list(sizes, integer(1)))
                try:
                    data = base64.b64decode(text, validate=True)
                except (binascii.Error, ValueError):
                    raise WireError("data is not base64") from None
                if math.prod(shape) * np.dtype(dtype).itemsize == len(data):
                    return Table(dtype, shape, data)
    raise WireError(f"needs dtype ({' '.join(TABLES)}), shape, and data of that size")


def optional(field: Field) -> Field:
    """Return the field of a value that may be missing.

    Parameters
    ----------
    field : Field
        Of the value where there is one.
    """
    return Field(
        lambda value: None if value is None else field.encode(value),
        lambda value: None if value is None else field.decode(value),
    )


AXIS = integer(0, 31)
SIZE = integer(1)
FLAG = Field(bool, _flag)
MODE = Field(str, _mode)
FILL = Field(_fill_to_json, _fill_from_json)
EXACT_FILL = Field(_exact_fill_to_json, _exact_fill_from_json)
"""A fill value that may be an integer beyond float64's."""
TABLE = Field(_table_to_json, _table_from_json)
SHIFT = integer(-MAX_INTEGER)
SHIFTS = Field(list, lambda value: tuple(_list(value, SHIFT)))
