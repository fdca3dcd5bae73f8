"""The dtypes that travel, and SciPy's rules for what a correlation reads and writes."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tiling.errors import BadTypeError, BadValueError, UnsupportedError, WireError

Array: TypeAlias = npt.NDArray[Any]
Dtype: TypeAlias = np.dtype[Any]

FILTERED = {
    name: np.dtype(name)
    for name in (
        *("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8"),
        *("<f4", "<f8", "<c8", "<c16"),
    )
}
"""What SciPy's correlations take, by its name on the wire: always little-endian."""

COPIED = FILTERED | {"<f2": np.dtype("<f2")}
"""What travels when nothing is filtered (sigma 0 on every axis) and SciPy only copies."""


def wire_name(dtype: Dtype) -> str:
    """Return the name of a dtype on the wire, whatever its byte order here.

    Raises
    ------
    UnsupportedError
        For a dtype that never travels: objects, strings, dates, records, long doubles.
    """
    name = dtype.newbyteorder("<").str
    if name not in COPIED:
        raise UnsupportedError(f"array type {dtype!r} not supported: it can't be sent to a worker")
    return name


def parse_dtype(name: object) -> Dtype:
    """Return the dtype of a name from the wire; only names of the table are believed.

    Raises
    ------
    WireError
        For any other name.
    """
    if not isinstance(name, str) or name not in COPIED:
        raise WireError(f"dtype must be one of {' '.join(COPIED)}")
    return COPIED[name]


def output_dtype(output: object, input_dtype: Dtype) -> Dtype:
    """Return the dtype that SciPy's ``output=`` asks for.

    Parameters
    ----------
    output : None, dtype, type, str or array
        As in `scipy.ndimage`.
    input_dtype : numpy.dtype
        What `output` falls back to, in native byte order.

    Raises
    ------
    UnsupportedError
        For a name that is no number's.
    BadTypeError, BadValueError
        For a dtype that NumPy does not know.
    """
    match output:
        case None:
            return _dtype(input_dtype.name)
        case str():
            dtype = _dtype(output)
            if not issubclass(dtype.type, np.number):
                raise UnsupportedError(f"output must have numeric dtype, not {dtype}")
            return dtype
        case type() | np.dtype():
            return _dtype(output)
        case _:
            return np.asarray(output).dtype


def _dtype(source: Any) -> Dtype:
    try:
        dtype: Dtype = np.dtype(source)
    except (TypeError, SyntaxError) as error:  # NumPy evaluates a text with commas
        raise BadTypeError(f"no dtype: {source!r}: {error}") from None
    except ValueError as error:
        raise BadValueError(f"no dtype: {source!r}: {error}") from None
    return dtype


def check_correlation(source: Dtype, target: Dtype) -> None:
    """Refuse what SciPy's correlations refuse: float16, objects, a complex target of a real source.

    Raises
    ------
    UnsupportedError
        With the dtype in question.
    """
    for dtype in (source, target):
        if dtype.newbyteorder("<").str not in FILTERED:
            raise UnsupportedError(f"array type {dtype!r} not supported")
    if source.kind == "c" and target.kind != "c":
        raise UnsupportedError(f"output must have complex dtype, not {target}")
    if source.kind != "c" and target.kind == "c":
        raise UnsupportedError(f"array type {target!r} not supported as output of a real array")


def check_copy(source: Dtype, target: Dtype) -> None:
    """Refuse to copy floats and complex numbers to uint32.

    What NumPy makes of NaN, or of 1e10 in an integer, is a matter of the processor: workers prove
    it (see `tiling.probes.arithmetic`). As uint32 it also depends on the layout: a loop over
    contiguous samples converts them by other instructions than a loop over others, or its rest, so
    a tile's bits need not be the whole's.

    Raises
    ------
    UnsupportedError
        With the dtypes in question.
    """
    if source.kind in "fc" and target.name == "uint32":
        raise UnsupportedError(
            f"nothing is filtered, and copying {source} to {target} is not exact in tiles: NaN and "
            f"what does not fit become bits that depend on the array's layout; use astype"
        )
