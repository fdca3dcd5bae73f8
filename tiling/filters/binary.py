"""Binary morphology with a fixed number of iterations.

As in SciPy the result is bool unless `output` is an array. What can't be tiled is refused: a mask
(a tile carries one array), and iterations until nothing changes (each may reach across the array).
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Function, Steps, named
from tiling.filters.parameters import axes_of, integer, native, per_axis, target_of
from tiling.filters.windows import expand, flipped, origins_of, spread, window_axes
from tiling.jobs.job import Call
from tiling.operations import Erosion
from tiling.operations.fields import Table
from tiling.operations.running import refuse_complex


@dataclass(frozen=True, slots=True)
class _Structure:
    """What erosions and dilations of one call have in common."""

    table: Table
    origins: tuple[int, ...]
    dilating: tuple[int, ...]
    iterations: int
    border: bool
    brute_force: bool

    def step(self, *, dilate: bool) -> Erosion:
        """Return one erosion or dilation."""
        origins = self.dilating if dilate else self.origins
        return Erosion(self.table, origins, self.iterations, self.border, dilate, self.brute_force)


def _structure(
    ndim: int,
    dtype: Dtype,
    structure: Any,
    iterations: Any,
    mask: Any,
    border_value: Any,
    origin: Any,
    brute_force: Any,
    axes: Any,
    *,
    dilates: bool,
) -> _Structure:
    """Check all parameters; `dilates` if the window is turned round somewhere."""
    refuse_complex(dtype)
    times = _iterations(iterations)
    if mask is not None:
        raise UnsupportedError("mask is not supported: a tile carries one array only")
    chosen = axes_of(axes, ndim)
    element = _cross(len(chosen)) if structure is None else np.asarray(structure, dtype=bool)
    if not element.size:
        raise UnsupportedError("structure must not be empty")
    window = expand(element, chosen, ndim, "structure")
    origins = origins_of(origin, window, chosen)
    dilating = _dilating(origin, element, window, chosen) if dilates else origins
    border = bool(integer(border_value, "border_value"))
    return _Structure(Table.of(window), origins, dilating, times, border, bool(brute_force))


def _dilating(origin: Any, element: Array, window: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shifts of a structure over all axes for `binary_dilation`.

    SciPy turns the structure round before it spreads it over the axes, so with axes out of order
    the shift that an even size takes lands on another axis. These shifts make up for that.
    """
    values = [integer(value, "origin") for value in per_axis(origin, len(axes))]
    turned = spread(flipped(values, element.shape), axes, window.ndim)
    for shift, size in zip(turned, window.shape, strict=True):
        if not 0 <= size // 2 + shift < size:
            raise BadValueError(f"invalid origin {origin!r} for a structure of {window.shape}")
    return tuple(flipped(turned, window.shape))


def _iterations(iterations: Any) -> int:
    try:
        times = operator.index(iterations)
    except TypeError:
        raise BadTypeError("iterations parameter should be an integer") from None
    if times < 1:
        raise UnsupportedError(
            f"iterations={times}, until nothing changes, can't be tiled: a change may run across "
            "the whole array; give the number of iterations"
        )
    return integer(times, "iterations")


def _cross(ndim: int) -> Array:
    """Return the default structure: the centre and its direct neighbours.

    Source: ``generate_binary_structure(ndim, 1)`` of SciPy 1.17.
    """
    distance = sum((np.abs(index - 1) for index in np.indices((3,) * ndim)), np.array(0))
    cross: Array = np.asarray(distance <= 1)
    return cross


def _call(name: str, ndim: int, dtype: Dtype, output: Any, operations: list[Erosion]) -> Call:
    """Write the operations down: bool between them, and at the end what `output` asks for."""
    steps, number = Steps(native(dtype)), SOURCE
    array = output if isinstance(output, np.ndarray) else np.dtype(bool)
    for operation in operations[:-1]:
        number = steps.add(operation, np.dtype(bool), number)
    steps.add(operations[-1], target_of(array, dtype), number)
    return steps.call(name, ndim)


def _single(name: str, summary: str, *, dilate: bool) -> Function:
    """Return the function of one erosion or dilation."""

    def call(
        ndim: int,
        dtype: Dtype,
        structure: Any = None,
        iterations: Any = 1,
        mask: Any = None,
        output: Any = None,
        border_value: Any = 0,
        origin: Any = 0,
        brute_force: Any = False,
        *,
        axes: Any = None,
    ) -> Call:
        chosen = axes if dilate else window_axes(axes, ndim)
        values = (structure, iterations, mask, border_value, origin, brute_force, chosen)
        element = _structure(ndim, dtype, *values, dilates=dilate)
        return _call(name, ndim, dtype, output, [element.step(dilate=dilate)])

    return named(call, name, summary)


def _pair(name: str, summary: str, *, dilate_first: bool) -> Function:
    """Return the function of an erosion and a dilation, in either order."""

    def call(
        ndim: int,
        dtype: Dtype,
        structure: Any = None,
        iterations: Any = 1,
        output: Any = None,
        origin: Any = 0,
        mask: Any = None,
        border_value: Any = 0,
        brute_force: Any = False,
        *,
        axes: Any = None,
    ) -> Call:
        values = (structure, iterations, mask, border_value, origin, brute_force, axes)
        element = _structure(ndim, dtype, *values, dilates=True)
        order = (dilate_first, not dilate_first)
        return _call(name, ndim, dtype, output, [element.step(dilate=each) for each in order])

    return named(call, name, summary)


binary_erosion = _single("binary_erosion", "Keep what the structure fits into.", dilate=False)
binary_dilation = _single("binary_dilation", "Add what the structure touches.", dilate=True)
binary_opening = _pair("binary_opening", "Erode, then dilate.", dilate_first=False)
binary_closing = _pair("binary_closing", "Dilate, then erode.", dilate_first=True)
