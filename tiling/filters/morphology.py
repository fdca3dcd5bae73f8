"""Grey-scale morphology: minima and maxima one after another, and their differences.

As in SciPy, `output` counts for the last step; `morphological_gradient` and `morphological_laplace`
heed it only where it is an array, and answer the input's dtype otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

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


Build: TypeAlias = Callable[[Steps, Neighbourhood, Dtype, Any], None]
"""Adds the steps of a filter over a neighbourhood: of the input's dtype, for an `output`."""


def _row(name: str, summary: str, build: Build) -> Callable[..., Call]:
    """Return the function of a row; all of grey morphology takes the same parameters."""

    def row(
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
        build(steps, around, dtype, output)
        return steps.call(name, ndim)

    row.__name__, row.__doc__ = name, summary
    return row


def _one(step: Callable[..., int]) -> Build:
    """Return the build of an erosion or a dilation."""

    def build(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
        step(steps, SOURCE, target_of(output, dtype), around)

    return build


def _two(first: Callable[..., int], second: Callable[..., int]) -> Build:
    """Return the build of an opening or a closing."""

    def build(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
        _both(steps, target_of(output, dtype), around, first, second)

    return build


def _white(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
    opened = _both(steps, target_of(output, dtype), around, _erode, _dilate)
    _subtract(steps, SOURCE, opened)


def _black(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
    closed = _both(steps, target_of(output, dtype), around, _dilate, _erode)
    _subtract(steps, closed, SOURCE)


def _gradient(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
    target = _filled(output, dtype)
    dilated = _dilate(steps, SOURCE, native(dtype), around)
    eroded = _erode(steps, SOURCE, target, around)
    steps.add(Arithmetic("subtract"), target, dilated, eroded)


def _laplace(steps: Steps, around: Neighbourhood, dtype: Dtype, output: Any) -> None:
    target = _filled(output, dtype)
    dilated = _dilate(steps, SOURCE, native(dtype), around)
    eroded = _erode(steps, SOURCE, target, around)
    total = steps.add(Arithmetic("add"), target, dilated, eroded)
    for _ in range(2):
        total = steps.add(Arithmetic("subtract"), target, total, SOURCE)


def _both(
    steps: Steps,
    target: Dtype,
    around: Neighbourhood,
    first: Callable[..., int],
    second: Callable[..., int],
) -> int:
    between = first(steps, SOURCE, steps.dtype(SOURCE), around)
    return second(steps, between, target, around)


def _subtract(steps: Steps, one: int, other: int) -> None:
    """Subtract, or tell where booleans differ; what was filtered gives the dtype."""
    target = steps.dtype(max(one, other))
    booleans = steps.dtype(one) == steps.dtype(other) == np.dtype(bool)
    steps.add(Arithmetic("exclusive_or" if booleans else "subtract"), target, one, other)


def _filled(output: Any, dtype: Dtype) -> Dtype:
    """Return the dtype of an array to fill, or that of the input for all else."""
    return target_of(output if isinstance(output, np.ndarray) else None, dtype)


grey_erosion = _row(
    "grey_erosion", "Take the minimum of a window, less its structure.", _one(_erode)
)
grey_dilation = _row(
    "grey_dilation", "Take the maximum of a window, plus its structure.", _one(_dilate)
)
grey_opening = _row("grey_opening", "Erode, then dilate.", _two(_erode, _dilate))
grey_closing = _row("grey_closing", "Dilate, then erode.", _two(_dilate, _erode))
white_tophat = _row("white_tophat", "Subtract the opened array from the array.", _white)
black_tophat = _row("black_tophat", "Subtract the array from the closed array.", _black)
morphological_gradient = _row(
    "morphological_gradient", "Subtract the eroded from the dilated array.", _gradient
)
morphological_laplace = _row(
    "morphological_laplace",
    "Add the dilated and the eroded array, and subtract the array twice.",
    _laplace,
)
