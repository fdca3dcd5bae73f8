"""Binary morphology: so many iterations, or until nothing changes, perhaps within a mask.

As in SciPy the result is bool unless `output` is an array. With a mask the array that is read is
one of states (see `tiling.operations.arithmetic`), which whoever has both makes of them; until
nothing changes, the filter begins by making its own.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Function, Steps, named
from tiling.filters.parameters import axes_of, integer, native, per_axis, target_of
from tiling.filters.windows import expand, flipped, origins_of, spread, window_axes
from tiling.jobs.job import Call
from tiling.operations import Arithmetic
from tiling.operations.binary import STATES, Erosion, Propagation
from tiling.operations.fields import Table
from tiling.operations.running import refuse_complex


@dataclass(frozen=True, slots=True)
class _Structure:
    """What erosions and dilations of one call have in common."""

    table: Table
    origins: tuple[int, ...]
    dilating: tuple[int, ...]
    iterations: int
    masked: bool
    border: bool
    brute_force: bool

    @property
    def on_states(self) -> bool:
        """Whether states are eroded and dilated."""
        return self.masked or self.iterations < 1

    def step(self, *, dilate: bool) -> Erosion | Propagation:
        """Return one erosion or dilation."""
        origins = self.dilating if dilate else self.origins
        common = (self.table, origins, self.border, dilate, self.brute_force)
        if self.iterations < 1:
            return Propagation(*common)
        return Erosion(*common, iterations=self.iterations, masked=self.masked)


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
    chosen = axes_of(axes, ndim)
    element = _cross(len(chosen)) if structure is None else np.asarray(structure, dtype=bool)
    if not element.size:
        raise UnsupportedError("structure must not be empty")
    window = expand(element, chosen, ndim, "structure")
    origins = origins_of(origin, window, chosen)
    dilating = _dilating(origin, element, window, chosen) if dilates else origins
    border = bool(integer(border_value, "border_value"))
    return _Structure(
        Table.of(window), origins, dilating, times, mask is not None, border, bool(brute_force)
    )


def _dilating(origin: Any, element: Array, window: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shifts of a structure over all axes for `binary_dilation`.

    SciPy turns the structure round before it spreads it over the axes, so with axes out of order
    the shift that an even size takes lands on another axis. These shifts make up for that.
    """
    values = [integer(value, "origin") for value in per_axis(origin, len(axes), "origin")]
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
    return integer(times, "iterations")


def _cross(ndim: int) -> Array:
    """Return the default structure: the centre and its direct neighbours.

    Source: ``generate_binary_structure(ndim, 1)`` of SciPy 1.17.
    """
    distance = sum((np.abs(index - 1) for index in np.indices((3,) * ndim)), np.array(0))
    cross: Array = np.asarray(distance <= 1)
    return cross


def _call(
    name: str, ndim: int, dtype: Dtype, output: Any, element: _Structure, dilates: Sequence[bool]
) -> Call:
    """Write erosions and dilations down: at the end comes what `output` asks for."""
    array = output if isinstance(output, np.ndarray) else np.dtype(bool)
    target = target_of(array, dtype)
    operations = [element.step(dilate=each) for each in dilates]
    if element.on_states:
        steps = Steps(STATES if element.masked else native(dtype))
        first = None if element.masked else "state"
        return _on_states(steps, name, ndim, target, operations, first)
    steps, number = Steps(native(dtype)), SOURCE
    for operation in operations[:-1]:
        number = steps.add(operation, np.dtype(bool), number)
    steps.add(operations[-1], target, number)
    return steps.call(name, ndim)


def _on_states(
    steps: Steps,
    name: str,
    ndim: int,
    target: Dtype,
    operations: Sequence[Erosion | Propagation],
    first: str | None,
) -> Call:
    """Write down what is done with states, which `first` makes of samples; None, if states come."""
    if target.kind == "c":
        raise BadTypeError("Complex output type not supported")
    number = steps.add(Arithmetic(first), STATES, SOURCE) if first else SOURCE
    for operation in operations:
        number = steps.add(operation, STATES, number)
    steps.add(Arithmetic("value"), target, number)
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
        return _call(name, ndim, dtype, output, element, (dilate,))

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
        return _call(name, ndim, dtype, output, element, (dilate_first, not dilate_first))

    return named(call, name, summary)


binary_erosion = _single("binary_erosion", "Keep what the structure fits into.", dilate=False)
binary_dilation = _single("binary_dilation", "Add what the structure touches.", dilate=True)
binary_opening = _pair("binary_opening", "Erode, then dilate.", dilate_first=False)
binary_closing = _pair("binary_closing", "Dilate, then erode.", dilate_first=True)


def binary_propagation(
    ndim: int,
    dtype: Dtype,
    structure: Any = None,
    mask: Any = None,
    output: Any = None,
    border_value: Any = 0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Dilate within a mask until nothing changes.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    structure, mask, output, border_value, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        As `binary_dilation` does.
    """
    values = (structure, -1, mask, border_value, origin, False, axes)
    element = _structure(ndim, dtype, *values, dilates=True)
    return _call("binary_propagation", ndim, dtype, output, element, (True,))


def binary_fill_holes(
    ndim: int,
    dtype: Dtype,
    structure: Any = None,
    output: Any = None,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Set what can't be reached from beyond the array without crossing what is set.

    SciPy dilates nothing, from the border and outside the input, and answers the complement. The
    complement of a dilation is the erosion of the complement by the structure turned round: so
    everything is eroded, outside the input, from a border of 0.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    structure, output, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        As `binary_dilation` does.
    """
    element = _structure(ndim, dtype, structure, -1, None, 0, origin, False, axes, dilates=True)
    dilation = element.step(dilate=True)
    shape = dilation.structure.shape
    erosion = Propagation(
        Table.of(np.flip(dilation.structure.array)),
        tuple(flipped(dilation.origins, shape)),
        border=False,
        dilate=False,
        brute_force=False,
    )
    array = output if isinstance(output, np.ndarray) else np.dtype(bool)
    target, steps = target_of(array, dtype), Steps(native(dtype))
    return _on_states(steps, "binary_fill_holes", ndim, target, [erosion], "background")
