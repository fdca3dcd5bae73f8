"""SciPy's parameters, normalised: what each may be, and the kind of error where it may not."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype, output_dtype, wire_name
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.geometry.edges import Mode, plain_mode
from tiling.operations.fields import MAX_INTEGER


def native(dtype: Dtype) -> Dtype:
    """Return a dtype in this machine's byte order, once it is known to travel."""
    output_dtype(None, dtype)  # SciPy looks at the dtype's name first
    wire_name(dtype)
    return dtype.newbyteorder("=")


def target_of(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype that `output` asks for."""
    return native(output_dtype(output, dtype))


def complex_target(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype that `output` asks for where the result is complex.

    Raises
    ------
    UnsupportedError
        If it is no complex dtype.
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

    Raises
    ------
    BadValueError
        If an axis is named twice, or is not there.
    BadTypeError
        If one is no integer.
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
            raise BadValueError(f"axis {axis} is out of range for an array of {ndim} axes")
    positive = tuple(axis % ndim for axis in chosen)
    if len(set(positive)) != len(positive):
        raise BadValueError(f"axes must be unique: {tuple(chosen)}")
    return positive


def axis_of(axis: Any, ndim: int) -> int:
    """Return one axis, not negative.

    Raises
    ------
    BadValueError
        If it is not there.
    """
    number = integer(axis, "axis")
    if not -ndim <= number < ndim:
        raise BadValueError(f"axis {number} is out of bounds for array of dimension {ndim}")
    return number % ndim


def per_axis(value: Any, count: int) -> Sequence[Any]:
    """Repeat a scalar for each axis; a sequence must have one entry per axis.

    Raises
    ------
    UnsupportedError
        If it has another length.
    """
    if isinstance(value, str) or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise UnsupportedError(
            f"{values!r:.80}: {len(values)} values for {count} filtered axes; "
            "give one, or one for each"
        )
    return values


def integer(value: Any, name: str) -> int:
    """Return an integer of a size that SciPy takes.

    Raises
    ------
    BadValueError
        If it is too large.
    BadTypeError
        If it is none.
    """
    try:
        number = operator.index(value)
    except TypeError as error:
        raise BadTypeError(f"{name}: {error}") from None
    if abs(number) > MAX_INTEGER:
        raise BadValueError(f"{name}: {number} is too large")
    return number


def size_of(value: Any) -> int:
    """Return the size of a window along one axis, at least 1.

    Raises
    ------
    UnsupportedError
        If it is less than 1.
    BadTypeError
        If it is no number.
    """
    try:
        too_small = bool(value < 1)
    except (TypeError, ValueError) as error:
        raise BadTypeError(f"size: {error}") from None
    if too_small:
        raise UnsupportedError(f"incorrect filter size: {value!r}")
    return integer(value, "size")


def origin_of(origin: Any, size: int) -> int:
    """Return the shift of a window of `size` samples, which must stay over its centre.

    Raises
    ------
    BadValueError
        If it does not.
    """
    number = integer(origin, "origin")
    if not 0 <= size // 2 + number < size:
        raise BadValueError(f"invalid origin: {number} for a window of {size} samples")
    return number


def mode_of(mode: Any) -> Mode:
    """Return the one edge mode of all axes.

    Raises
    ------
    UnsupportedError
        If there are several.
    """
    if not isinstance(mode, str) and np.iterable(mode):
        raise UnsupportedError("A sequence of modes is not supported by this filter")
    return plain_mode(mode)


def cval_of(cval: Any, source: Dtype) -> complex:
    """Return the fill value as SciPy reads it: complex numbers are for complex arrays only.

    Raises
    ------
    BadTypeError
        If it is no such number.
    BadValueError
        If it does not fit into float64.
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
    """Take a number out of an array without axes."""
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value


def spread(values: Sequence[Any], axes: tuple[int, ...], ndim: int) -> tuple[Any, ...]:
    """Return a value for each axis from those of some, 0 for the others.

    With all axes they stay as they are, whatever the order of the axes: SciPy does not reorder.
    """
    if len(axes) == ndim:
        return tuple(values)
    return tuple(values[axes.index(axis)] if axis in axes else 0 for axis in range(ndim))


def window_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a window: one negative number is none of them, as in SciPy 1.17.

    Raises
    ------
    UnsupportedError
        If SciPy would filter something else than the number says.
    """
    chosen = axes_of(axes, ndim)
    if np.isscalar(axes) and ndim > 1 and chosen != (axes,):
        raise UnsupportedError(f"a window along axis {axes!r}: write axes=({axes!r},)")
    return chosen


def expand(window: Array, axes: tuple[int, ...], ndim: int, name: str) -> Array:
    """Return a window over all axes from one over some; with all axes it stays as it is.

    Raises
    ------
    UnsupportedError
        If the window has another number of axes.
    """
    if len(axes) < ndim and window.ndim == len(axes):
        window = np.expand_dims(window, tuple(axis for axis in range(ndim) if axis not in axes))
    if window.ndim != ndim or 0 in window.shape:
        raise UnsupportedError(f"{name}.ndim ({window.ndim}) must match len(axes) ({len(axes)})")
    return window


def origins_of(origin: Any, window: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shifts of a window over all axes."""
    values = [integer(value, "origin") for value in per_axis(origin, len(axes))]
    shifts = spread(values, axes, window.ndim)
    return tuple(map(origin_of, shifts, window.shape))


def flipped(origins: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return the shifts of a window that is turned round."""
    return [-origin - (size + 1) % 2 for origin, size in zip(origins, shape, strict=True)]
