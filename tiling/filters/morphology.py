"""Grey-scale morphology: minima and maxima one after another, and their differences.

As in SciPy, `output` counts for the last step; `morphological_gradient` and `morphological_laplace`
heed it only where it is an array, and answer the input's dtype otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tiling.dtypes import Dtype
from tiling.errors import BadTypeError, BadValueError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import flipped, integer, native, per_axis, target_of
from tiling.filters.ranks import Neighbourhood, extremum
from tiling.jobs.job import Call
from tiling.operations import Arithmetic


def _erode(steps: Steps, source: int, target: Dtype, around: Neighbourhood) -> int:
    """Add a `grey_erosion`."""
    return extremum(steps, source, target, around, minimum=True)


def _dilate(steps: Steps, source: int, target: Dtype, around: Neighbourhood) -> int:
    """Add a `grey_dilation`: its window is turned round."""
    count = len(around.axes)
    footprint, structure = (
        None if window is None else np.flip(np.asarray(window))
        for window in (around.footprint, around.structure)
    )
    window = structure if footprint is None else footprint
    sizes = per_axis(around.size, count) if window is None else _shape(window, count)
    given = [integer(value, "origin") for value in per_axis(around.origin, count)]
    try:
        origins = flipped(given, [size & 1 for size in sizes])
    except TypeError as error:
        raise BadTypeError(f"size: {error}") from None
    turned = Neighbourhood(
        around.ndim,
        around.axes,
        around.size,
        footprint,
        structure,
        around.mode,
        around.cval,
        origins,
    )
    return extremum(steps, source, target, turned, minimum=False)


def _shape(window: Any, count: int) -> tuple[int, ...]:
    shape: tuple[int, ...] = window.shape
    if len(shape) < count:
        raise BadValueError(f"a window of {len(shape)} axes for {count}")
    return shape[:count]


def _around(
    ndim: int,
    size: Any,
    footprint: Any,
    structure: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    axes: Any,
) -> Neighbourhood:
    if size is None and footprint is None and structure is None:
        raise BadValueError("size, footprint, or structure must be specified")
    return Neighbourhood(ndim, axes, size, footprint, structure, mode, cval, origin)


def grey_erosion(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Take the minimum of a window, less its structure."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    _erode(steps, SOURCE, target_of(output, dtype), around)
    return steps.call("grey_erosion", ndim)


def grey_dilation(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Take the maximum of a window, plus its structure."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    _dilate(steps, SOURCE, target_of(output, dtype), around)
    return steps.call("grey_dilation", ndim)


def grey_opening(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Erode, then dilate."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    _both(steps, target_of(output, dtype), around, _erode, _dilate)
    return steps.call("grey_opening", ndim)


def grey_closing(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Dilate, then erode."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    _both(steps, target_of(output, dtype), around, _dilate, _erode)
    return steps.call("grey_closing", ndim)


def white_tophat(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Subtract the opened array from the array."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    opened = _both(steps, target_of(output, dtype), around, _erode, _dilate)
    return _difference("white_tophat", steps, ndim, SOURCE, opened)


def black_tophat(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Subtract the array from the closed array."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps = Steps(native(dtype))
    closed = _both(steps, target_of(output, dtype), around, _dilate, _erode)
    return _difference("black_tophat", steps, ndim, closed, SOURCE)


def morphological_gradient(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Subtract the eroded from the dilated array."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps, target = Steps(native(dtype)), _filled(output, dtype)
    dilated = _dilate(steps, SOURCE, native(dtype), around)
    eroded = _erode(steps, SOURCE, target, around)
    steps.add(Arithmetic("subtract"), target, dilated, eroded)
    return steps.call("morphological_gradient", ndim)


def morphological_laplace(
    ndim: int,
    dtype: Dtype,
    size: Any = None,
    footprint: Any = None,
    structure: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Add the dilated and the eroded array, and subtract the array twice."""
    around = _around(ndim, size, footprint, structure, mode, cval, origin, axes)
    steps, target = Steps(native(dtype)), _filled(output, dtype)
    dilated = _dilate(steps, SOURCE, native(dtype), around)
    eroded = _erode(steps, SOURCE, target, around)
    total = steps.add(Arithmetic("add"), target, dilated, eroded)
    for _ in range(2):
        total = steps.add(Arithmetic("subtract"), target, total, SOURCE)
    return steps.call("morphological_laplace", ndim)


def _both(
    steps: Steps,
    target: Dtype,
    around: Neighbourhood,
    first: Callable[..., int],
    second: Callable[..., int],
) -> int:
    between = first(steps, SOURCE, steps.dtype(SOURCE), around)
    return second(steps, between, target, around)


def _difference(name: str, steps: Steps, ndim: int, one: int, other: int) -> Call:
    """Subtract, or tell where booleans differ; what was filtered gives the dtype."""
    target = steps.dtype(max(one, other))
    booleans = steps.dtype(one) == steps.dtype(other) == np.dtype(bool)
    steps.add(Arithmetic("exclusive_or" if booleans else "subtract"), target, one, other)
    return steps.call(name, ndim)


def _filled(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype of an array to fill, or that of the input for all else."""
    return target_of(output if isinstance(output, np.ndarray) else None, dtype)
