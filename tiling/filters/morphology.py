"""Grey-scale morphology: minima and maxima one after another, and their differences.

As in SciPy, `output` counts for the last step; `morphological_gradient` and `morphological_laplace`
read it only where it is an array, and answer the input's dtype otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tiling.dtypes import Dtype
from tiling.errors import BadTypeError, BadValueError
from tiling.filters.builder import SOURCE, Function, Steps, named
from tiling.filters.extrema import Neighbourhood, extremum
from tiling.filters.parameters import integer, native, per_axis, target_of
from tiling.filters.windows import flipped
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
    sizes = per_axis(around.size, count, "size") if window is None else _shape(window, count)
    shifts = [integer(value, "origin") for value in per_axis(around.origin, count, "origin")]
    try:
        origins = flipped(shifts, [size & 1 for size in sizes])
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


def _opened(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    """Erode, then dilate."""
    eroded = _erode(steps, SOURCE, steps.dtype(SOURCE), around)
    return _dilate(steps, eroded, target, around)


def _closed(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    """Dilate, then erode."""
    dilated = _dilate(steps, SOURCE, steps.dtype(SOURCE), around)
    return _erode(steps, dilated, target, around)


def _white_tophat(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    return _difference(steps, SOURCE, _opened(steps, target, around))


def _black_tophat(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    return _difference(steps, _closed(steps, target, around), SOURCE)


def _difference(steps: Steps, one: int, other: int) -> int:
    """Subtract, or mark where booleans differ; what was filtered gives the dtype."""
    target = steps.dtype(max(one, other))
    booleans = steps.dtype(one) == steps.dtype(other) == np.dtype(bool)
    return steps.add(Arithmetic("exclusive_or" if booleans else "subtract"), target, one, other)


def _gradient(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    dilated = _dilate(steps, SOURCE, steps.dtype(SOURCE), around)
    eroded = _erode(steps, SOURCE, target, around)
    return steps.add(Arithmetic("subtract"), target, dilated, eroded)


def _laplace(steps: Steps, target: Dtype, around: Neighbourhood) -> int:
    dilated = _dilate(steps, SOURCE, steps.dtype(SOURCE), around)
    eroded = _erode(steps, SOURCE, target, around)
    total = steps.add(Arithmetic("add"), target, dilated, eroded)
    for _ in range(2):
        total = steps.add(Arithmetic("subtract"), target, total, SOURCE)
    return total


def _filled(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype of an array to fill, or that of the input for all else."""
    return target_of(output if isinstance(output, np.ndarray) else None, dtype)


def _filter(
    name: str,
    summary: str,
    build: Callable[[Steps, Dtype, Neighbourhood], int],
    target: Callable[[Any, Dtype], Dtype] = target_of,
) -> Function:
    """Return a filter's function, whose signature all of them share.

    `build` adds the steps, the last of them into the dtype that `target` returns for SciPy's
    `output` and the array's dtype.
    """

    def call(
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
        if size is None and footprint is None and structure is None:
            raise BadValueError("size, footprint, or structure must be specified")
        around = Neighbourhood(ndim, axes, size, footprint, structure, mode, cval, origin)
        steps = Steps(native(dtype))
        build(steps, target(output, dtype), around)
        return steps.call(name, ndim)

    return named(call, name, summary)


grey_erosion = _filter(
    "grey_erosion",
    "Take the minimum of a window, less its structure.",
    lambda steps, target, around: _erode(steps, SOURCE, target, around),
)
grey_dilation = _filter(
    "grey_dilation",
    "Take the maximum of a window, plus its structure.",
    lambda steps, target, around: _dilate(steps, SOURCE, target, around),
)
grey_opening = _filter("grey_opening", "Erode, then dilate.", _opened)
grey_closing = _filter("grey_closing", "Dilate, then erode.", _closed)
white_tophat = _filter("white_tophat", "Subtract the opened array from the array.", _white_tophat)
black_tophat = _filter("black_tophat", "Subtract the array from the closed array.", _black_tophat)
morphological_gradient = _filter(
    "morphological_gradient", "Subtract the eroded from the dilated array.", _gradient, _filled
)
morphological_laplace = _filter(
    "morphological_laplace",
    "Add the dilated and the eroded array, and subtract the array twice.",
    _laplace,
    _filled,
)
