"""The dtypes that are sent to workers, and SciPy's rules for what correlations read and write."""

from __future__ import annotations

import difflib
import functools
import math
import warnings
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
"""What is sent when nothing is filtered (sigma 0 on every axis) and SciPy only copies."""


def wire_name(dtype: Dtype) -> str:
    """Return the name of a dtype on the wire, whatever its byte order here.

    Parameters
    ----------
    dtype : numpy.dtype
        In any byte order.

    Raises
    ------
    UnsupportedError
        For a dtype that is never sent: objects, strings, dates, records, long doubles.
    """
    name = dtype.newbyteorder("<").str
    if name not in COPIED:
        raise UnsupportedError(_unsupported(dtype, "not supported: it can't be sent to a worker"))
    return name


def parse_dtype(name: object) -> Dtype:
    """Return the dtype of a name from the wire; only names of the table are accepted.

    Parameters
    ----------
    name : object
        From a header or from JSON, not checked.

    Raises
    ------
    WireError
        For all that is not in `COPIED`.
    """
    if not isinstance(name, str) or name not in COPIED:
        raise WireError(f"dtype must be one of {' '.join(COPIED)}")
    return COPIED[name]


def _unsupported(dtype: Dtype, why: str) -> str:
    convert = "; convert it: array.astype('float64')" if dtype.kind in "fc" else ""
    return f"array type {dtype.name} {why}{convert}"


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
        For a dtype that NumPy does not know, and for an array that holds no numbers.
    """
    match output:
        case None if input_dtype.kind in "SUV":
            words = {"S": "bytes", "U": "text", "V": "records"}[input_dtype.kind]
            raise BadTypeError(f"the array holds {words}, not numbers")
        case None:
            return _dtype(input_dtype.name)
        case str():
            dtype = _dtype(output)
            if not issubclass(dtype.type, np.number):
                raise UnsupportedError(
                    f"output must have numeric dtype, not {dtype}; such as float32"
                )
            return dtype
        case type() | np.dtype():
            return _dtype(output)
        case _:
            return np.asarray(output).dtype


def _dtype(source: Any) -> Dtype:
    try:
        dtype: Dtype = np.dtype(source)
    except (TypeError, SyntaxError) as error:  # NumPy evaluates a text with commas
        names = [known.name for known in FILTERED.values()]
        close = difflib.get_close_matches(source, names, 1) if isinstance(source, str) else []
        hint = f"; did you mean {close[0]}?" if close else f"; such as {names[-4]}"
        raise BadTypeError(f"no dtype: {source!r}: {error}{hint}") from None
    except ValueError as error:
        raise BadValueError(f"no dtype: {source!r}: {error}") from None
    return dtype


def check_correlation(source: Dtype, target: Dtype) -> None:
    """Refuse what SciPy's correlations refuse: float16, objects, a complex target of a real source.

    Parameters
    ----------
    source : numpy.dtype
        Of the samples that are read.
    target : numpy.dtype
        Of the samples that are written.

    Raises
    ------
    UnsupportedError
        With the dtype in question.
    """
    if source.newbyteorder("<").str not in FILTERED:
        raise UnsupportedError(_unsupported(source, "not supported, as in SciPy"))
    if target.newbyteorder("<").str not in FILTERED:
        raise UnsupportedError(f"output dtype {target.name} not supported, as in SciPy")
    if source.kind == "c" and target.kind != "c":
        raise UnsupportedError(f"output must have complex dtype, not {target.name}")
    if source.kind != "c" and target.kind == "c":
        raise UnsupportedError(f"output dtype {target.name} not supported for a real array")


def check_copy(source: Dtype, target: Dtype) -> None:
    """Refuse to copy floats to integers where NumPy's bits depend on the layout.

    What NumPy makes of NaN, or of 1e10 in an integer, is a matter of the processor: workers prove
    it (see `tiling.probes.arithmetic`). Where a loop over contiguous samples converts them by other
    instructions than a loop over others, or than its own rest, a tile's bits need not be the
    whole's. On x86-64 that is so for uint32 only; it is tried out on every machine.

    Parameters
    ----------
    source : numpy.dtype
        Of the samples that are read.
    target : numpy.dtype
        Of the samples that are written.

    Raises
    ------
    UnsupportedError
        With the dtypes in question.
    """
    if depends_on_layout(source, target):
        raise UnsupportedError(
            f"copying {source} to {target} is not exact in tiles: NaN and what does not fit become "
            "bits that depend on the array's layout"
        )


@functools.cache
def depends_on_layout(source: Dtype, target: Dtype) -> bool:
    """Tell whether NumPy casts numbers that do not fit by their place in the array.

    Parameters
    ----------
    source, target : numpy.dtype

    Examples
    --------
    >>> depends_on_layout(np.dtype("f8"), np.dtype("i4"))
    False
    """
    if source.kind not in "fc" or target.kind not in "iu":
        return False
    edges = [sign * 2.0**power for sign in (-1, 1) for power in (7, 8, 15, 16, 31, 32, 63, 64)]
    numbers = [math.nan, -math.nan, math.inf, -math.inf, -0.5, -1.0, 1e10, -1e10, 1e300, *edges]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        samples = np.repeat(np.array(numbers).astype(source), _RUN).reshape(-1, _RUN)
        contiguous, apart = np.empty(samples.shape, target), np.empty(samples.shape, target)
        contiguous[...] = samples
        apart[...] = np.repeat(samples, 2, axis=1)[:, ::2]
        results = [contiguous, apart]
        for length in (1, 2, 3, 5, 8, 13, 21, 34, 55):
            pieces = np.empty(samples.shape, target)
            for row, numbers_in_row in zip(pieces, samples, strict=True):
                row[:length] = numbers_in_row[:length]
                row[length:] = row[0]
            results.append(pieces)
    return len({result.tobytes() for result in results}) > 1


_RUN = 64
"""Equal samples in a row, more than a loop over the smallest dtype converts at a time."""
