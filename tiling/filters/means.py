"""Running means."""

from __future__ import annotations

from typing import Any

from tiling.dtypes import Dtype
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import (
    axes_of,
    axis_of,
    complex_target,
    cval_of,
    integer,
    native,
    origin_of,
    per_axis,
    size_of,
    target_of,
)
from tiling.geometry.edges import plain_mode
from tiling.jobs.job import Call
from tiling.operations import RunningMean


def uniform_filter1d(
    ndim: int,
    dtype: Dtype,
    size: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Call:
    """Take the mean of a window along one axis.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    size, axis, output, mode, cval, origin
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    steps, place = Steps(native(dtype)), axis_of(axis, ndim)
    window, target = size_of(size), _target(output, dtype)
    fill = cval_of(cval, native(dtype))
    shift = origin_of(origin, window)
    steps.add(RunningMean(place, window, plain_mode(mode), fill, shift), target, SOURCE)
    return steps.call("uniform_filter1d", ndim)


def uniform_filter(
    ndim: int,
    dtype: Dtype,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Take the mean of a window, axis by axis.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    size, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    steps, target = Steps(native(dtype)), _target(output, dtype)
    chosen = axes_of(axes, ndim)
    given = {"size": size, "origin": origin, "mode": mode}
    columns = [per_axis(value, len(chosen), name) for name, value in given.items()]
    number = SOURCE
    for axis, length, shift, each in zip(chosen, *columns, strict=True):
        if length > 1:
            window = integer(int(length), "size")
            fill = cval_of(cval, native(dtype))
            step = RunningMean(axis, window, plain_mode(each), fill, origin_of(shift, window))
            number = steps.add(step, target, number)
    if number == SOURCE:
        steps.copy(SOURCE, target)
    return steps.call("uniform_filter", ndim)


def _target(output: Any, dtype: Dtype) -> Dtype:
    return complex_target(output, dtype) if dtype.kind == "c" else target_of(output, dtype)
