"""Correlations and convolutions with given weights, and the derivatives made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype, check_correlation
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import (
    axes_of,
    axis_of,
    complex_target,
    cval_of,
    integer,
    mode_of,
    native,
    origin_of,
    per_axis,
    target_of,
)
from tiling.filters.windows import expand, flipped, origins_of, window_axes
from tiling.geometry.edges import plain_mode
from tiling.jobs.job import Call
from tiling.operations import (
    Arithmetic,
    ComplexCorrelation,
    Correlation,
    Correlations,
    Operation,
)
from tiling.operations.fields import MAX_TAPS, Table
from tiling.operations.passes import Pass


def correlate1d(
    ndim: int,
    dtype: Dtype,
    weights: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Call:
    """Correlate along one axis.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    weights, axis, output, mode, cval, origin
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    taps = _weights(weights)
    return _line("correlate1d", ndim, dtype, taps, axis, output, mode, cval, origin)


def convolve1d(
    ndim: int,
    dtype: Dtype,
    weights: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Call:
    """Convolve along one axis: correlate with the weights turned round.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    weights, axis, output, mode, cval, origin
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    taps = _weights(weights)
    if taps.ndim:
        origin = flipped([integer(origin, "origin")], taps.shape[:1])[0]
        taps = taps[::-1]
    turned = taps.conj() if taps.dtype.kind == "c" else taps
    return _line("convolve1d", ndim, dtype, turned, axis, output, mode, cval, origin)


def _line(
    name: str,
    ndim: int,
    dtype: Dtype,
    taps: Array,
    axis: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
) -> Call:
    source = native(dtype)
    mixed = "c" in (source.kind, taps.dtype.kind)
    target = complex_target(output, dtype) if mixed else target_of(output, dtype)
    fill = _fill(cval, source, taps) if mixed else 0.0  # SciPy looks at the weights only then
    if taps.ndim != 1 or not taps.size:
        axes = f": they have {taps.ndim} axes, want one" if taps.ndim != 1 else ""
        raise UnsupportedError(f"no filter weights given{axes}")
    if taps.size > MAX_TAPS:
        raise UnsupportedError(f"{taps.size} weights: at most {MAX_TAPS}")
    place, shift = axis_of(axis, ndim), origin_of(origin, taps.size)
    fill = fill if mixed else _fill(cval, source, taps)
    operation: Operation
    if taps.dtype.kind == "c":
        operation = ComplexCorrelation(place, Table.of(taps), plain_mode(mode), fill, shift)
    else:
        operation = Correlations((Pass(place, taps.tobytes(), plain_mode(mode), fill, shift),))
    operation.check(ndim, source, target)
    return Call(name, operation, source, target)


def correlate(
    ndim: int,
    dtype: Dtype,
    weights: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Correlate over several axes at once.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    weights, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    chosen = window_axes(axes, ndim)
    window = expand(_weights(weights), chosen, ndim, "weights")
    origins = origins_of(origin, window, chosen)
    return _window("correlate", ndim, dtype, window, origins, output, mode, cval)


def convolve(
    ndim: int,
    dtype: Dtype,
    weights: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Convolve over several axes at once: correlate with the weights turned round.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    weights, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    chosen = window_axes(axes, ndim)
    window = expand(_weights(weights), chosen, ndim, "weights")
    shape = [window.shape[axis] for axis in (chosen if len(chosen) < ndim else range(ndim))]
    shifts = [integer(value, "origin") for value in per_axis(origin, len(chosen), "origin")]
    origins = origins_of(flipped(shifts, shape), window, chosen)
    turned = np.flip(window)
    if turned.dtype.kind == "c":
        turned = turned.conj()
    return _window("convolve", ndim, dtype, turned, origins, output, mode, cval)


def _window(
    name: str,
    ndim: int,
    dtype: Dtype,
    window: Array,
    origins: tuple[int, ...],
    output: Any,
    mode: Any,
    cval: Any,
) -> Call:
    source = native(dtype)
    mixed = "c" in (source.kind, window.dtype.kind)
    target = complex_target(output, dtype) if mixed else target_of(output, dtype)
    fill = _fill(cval, source, window)
    operation = Correlation(Table.of(window), mode_of(mode), fill, origins)
    operation.check(ndim, source, target)
    return Call(name, operation, source, target)


def laplace(
    ndim: int,
    dtype: Dtype,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
) -> Call:
    """Add up the second differences along each axis.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    output, mode, cval, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    chosen, steps = axes_of(axes, ndim), Steps(native(dtype))
    target, total = target_of(output, dtype), 0
    for axis, each in zip(
        chosen, per_axis(mode, len(chosen), "mode") if chosen else (), strict=True
    ):
        fill = cval_of(cval, steps.dtype(SOURCE))
        number = steps.add(_passes([axis], [(1, -2, 1)], [each], fill), target, SOURCE)
        total = steps.add(Arithmetic("add"), target, total, number) if total else number
    if not total:
        steps.copy(SOURCE, target)
    return steps.call("laplace", ndim)


def sobel(
    ndim: int,
    dtype: Dtype,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
) -> Call:
    """Take the difference along one axis, smoothed with weights 1 2 1 along the others.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    axis, output, mode, cval
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    return _edges("sobel", (1, 2, 1), ndim, dtype, axis, output, mode, cval)


def prewitt(
    ndim: int,
    dtype: Dtype,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
) -> Call:
    """Take the difference along one axis, smoothed with weights 1 1 1 along the others.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    axis, output, mode, cval
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    return _edges("prewitt", (1, 1, 1), ndim, dtype, axis, output, mode, cval)


def _edges(
    name: str,
    smoothing: tuple[int, ...],
    ndim: int,
    dtype: Dtype,
    axis: Any,
    output: Any,
    mode: Any,
    cval: Any,
) -> Call:
    source, target = native(dtype), target_of(output, dtype)
    first = axis_of(axis, ndim)
    modes = per_axis(mode, ndim, "mode")
    axes = [first, *(other for other in range(ndim) if other != first)]
    weights = [(-1, 0, 1), *[smoothing] * (ndim - 1)]
    passes = _passes(axes, weights, [modes[one] for one in axes], cval_of(cval, source))
    check_correlation(source, target)
    return Call(name, passes, source, target)


def _passes(
    axes: Sequence[int], weights: Sequence[tuple[int, ...]], modes: Sequence[Any], fill: complex
) -> Correlations:
    return Correlations(
        tuple(
            Pass(axis, np.array(taps, "<f8").tobytes(), plain_mode(mode), fill)
            for axis, taps, mode in zip(axes, weights, modes, strict=True)
        )
    )


def _weights(weights: Any) -> Array:
    """Return weights as SciPy's C code reads them: little-endian here."""
    array = np.asarray(weights)
    try:
        return array.astype("<c16" if array.dtype.kind == "c" else "<f8")
    except (TypeError, ValueError) as error:
        kind = BadTypeError if isinstance(error, TypeError) else BadValueError
        raise kind(f"weights: {error}") from None


def _fill(cval: Any, source: Dtype, weights: Array) -> complex:
    if source.kind != "c" and weights.dtype.kind == "c" and np.iscomplexobj(cval):
        raise BadValueError("Cannot provide a complex-valued cval when the input is real.")
    return cval_of(cval, source)
