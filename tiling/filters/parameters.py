"""SciPy's parameters, normalised: what each may be, and the kind of error where it may not."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tiling.dtypes import Dtype, output_dtype, wire_name
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.geometry.edges import Mode, plain_mode
from tiling.operations.fields import MAX_INTEGER


def native(dtype: Dtype) -> Dtype:
    """Return a dtype in this machine's byte order, if it is one that is sent to workers.

    Parameters
    ----------
    dtype : numpy.dtype
        In any byte order.

    Raises
    ------
    TilingError
        For a dtype that SciPy does not know, or that is never sent to a worker.
    """
    output_dtype(None, dtype)  # SciPy looks at the dtype's name first
    wire_name(dtype)
    return dtype.newbyteorder("=")


def target_of(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype that `output` asks for.

    Parameters
    ----------
    output : None, dtype, type, str or array
        As in SciPy.
    dtype : numpy.dtype
        Of the array.

    Returns
    -------
    numpy.dtype
        In native byte order.

    Raises
    ------
    TilingError
        As `tiling.dtypes.output_dtype` does.
    """
    return native(output_dtype(output, dtype))


def complex_target(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype that `output` asks for where the result is complex.

    Parameters
    ----------
    output : None, dtype, type, str or array
        As in SciPy.
    dtype : numpy.dtype
        Of the array.

    Returns
    -------
    numpy.dtype
        A complex one, in native byte order.

    Raises
    ------
    UnsupportedError
        For an array or a name of another dtype.
    """
    if output is None:
        return native(np.promote_types(dtype, np.complex64))
    target = target_of(output, dtype)
    if target.kind == "c":
        return target
    if isinstance(output, type | np.dtype):
        return native(np.promote_types(target, np.complex64))
    raise UnsupportedError(f"output must have complex dtype, not {target}")


def axes_of(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes to filter, none of them negative.

    Parameters
    ----------
    axes : None, int or iterable of int
    ndim : int
        Axes of the array.

    Raises
    ------
    BadTypeError, BadValueError
        For axes that are no integers, that the array has not, or that come twice.
    """
    if axes is None:
        return tuple(range(ndim))
    several: Any = (axes,) if np.isscalar(axes) else axes
    if not isinstance(several, Iterable):
        raise BadValueError(f"axes must be an integer or several, or None, not {axes!r}")
    try:
        chosen = [operator.index(axis) for axis in several]
    except TypeError as error:
        raise BadTypeError(f"axes: {error}") from None
    for axis in chosen:
        if not -ndim <= axis < ndim:
            raise BadValueError(
                f"axes: axis {axis} is out of range for an array of {ndim} axes; the first is 0"
            )
    positive = tuple(axis % ndim for axis in chosen)
    if len(set(positive)) != len(positive):
        raise BadValueError(f"axes must be unique: {tuple(chosen)}")
    return positive


def axis_of(axis: Any, ndim: int) -> int:
    """Return one axis, not negative.

    Parameters
    ----------
    axis : int
    ndim : int
        Axes of the array.

    Raises
    ------
    BadTypeError, BadValueError
        For what is no integer, or no axis of the array.
    """
    number = integer(axis, "axis")
    if not -ndim <= number < ndim:
        raise BadValueError(
            f"axis {number} is out of bounds for array of dimension {ndim}; the first axis is 0"
        )
    return number % ndim


def per_axis(value: Any, count: int, name: str) -> Sequence[Any]:
    """Repeat a scalar for each axis; a sequence must have one entry per axis.

    Parameters
    ----------
    value : object or iterable
    count : int
        The number of filtered axes.
    name : str
        Of the parameter, for messages.

    Raises
    ------
    UnsupportedError
        For another number of entries.
    """
    if isinstance(value, str) or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        axes = "axis" if count == 1 else "axes"
        such = f", such as {values[:count]!r:.80}" if len(values) > count > 0 else ""
        raise UnsupportedError(
            f"{name}: {len(values)} values for {count} {axes}: {values!r:.80}; give one, or one "
            f"for each axis{such} (SciPy: sequence argument must have length equal to input rank)"
        )
    return values


def integer(value: Any, name: str) -> int:
    """Return an integer of a size that SciPy takes.

    Parameters
    ----------
    value : object
    name : str
        Of the parameter, for messages.

    Raises
    ------
    BadTypeError
        For what is no integer.
    BadValueError
        For one beyond `MAX_INTEGER`.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise BadTypeError(f"{name}: {value!r:.80}: {error}") from None
    if abs(number) > MAX_INTEGER:
        raise BadValueError(f"{name}: {number} is too large")
    return number


def size_of(value: Any) -> int:
    """Return the size of a window along one axis, at least 1.

    Parameters
    ----------
    value : object

    Returns
    -------
    int
        In samples.

    Raises
    ------
    BadTypeError
        For what is no integer.
    UnsupportedError
        For one below 1.
    """
    try:
        too_small = bool(value < 1)
    except (TypeError, ValueError) as error:
        raise BadTypeError(f"size: {error}") from None
    if too_small:
        raise UnsupportedError(f"incorrect filter size: {value!r}; the least is 1")
    return integer(value, "size")


def origin_of(origin: Any, size: int) -> int:
    """Return the shift of a window of `size` samples, which must stay over its centre.

    Parameters
    ----------
    origin : object
    size : int
        In samples.

    Returns
    -------
    int
        In samples.

    Raises
    ------
    BadTypeError, BadValueError
        For what is no integer, or shifts the window off its centre.
    """
    number = integer(origin, "origin")
    if not 0 <= size // 2 + number < size:
        raise BadValueError(
            f"invalid origin: {number} for a window of {size} samples; from {-(size // 2)} to "
            f"{(size - 1) // 2} it stays over its centre"
        )
    return number


def mode_of(mode: Any) -> Mode:
    """Return the one edge mode of all axes.

    Parameters
    ----------
    mode : object
        SciPy's name of an edge mode.

    Raises
    ------
    UnsupportedError
        For several modes.
    BadValueError
        For no mode that SciPy has.
    """
    if not isinstance(mode, str) and np.iterable(mode):
        raise UnsupportedError(
            f"mode: {list(mode)!r:.60}: A sequence of modes is not supported by this filter; "
            "give one"
        )
    return plain_mode(mode)


def cval_of(cval: Any, source: Dtype) -> complex:
    """Return the fill value as SciPy reads it: complex numbers are for complex arrays only.

    Parameters
    ----------
    cval : object
    source : numpy.dtype
        Of the array.

    Raises
    ------
    BadTypeError
        For what is no number, or a complex one where the array is real.
    BadValueError
        For an integer beyond float64.
    """
    try:
        if isinstance(cval, str | bytes | bytearray):  # Python would parse them
            raise TypeError
        return complex(cval) if source.kind == "c" else complex(float(cval))
    except TypeError:
        kind = "complex" if source.kind == "c" else "real"
        raise BadTypeError(f"cval must be a {kind} number, not {cval!r}") from None
    except OverflowError:
        raise BadValueError("cval is beyond the range of float64") from None


def exact_cval_of(cval: Any, source: Dtype) -> complex:
    """Return the fill value of an array, an integer that is no float64 as it is.

    Parameters
    ----------
    cval : object
    source : numpy.dtype
        Of the array.

    Raises
    ------
    BadTypeError, BadValueError
        As `cval_of` does.
    """
    fill = cval_of(cval, source)
    if source.kind in "biu" and hasattr(cval, "__index__"):
        number = operator.index(cval)
        return fill if number == fill else number
    return fill


def scalar(value: Any) -> Any:
    """Take a number out of an array without axes.

    Parameters
    ----------
    value : object
    """
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value
