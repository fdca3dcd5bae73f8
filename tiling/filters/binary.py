"""Binary morphology with a fixed number of iterations.

As in SciPy the result is bool unless `output` is an array. What can't be tiled is refused: a mask
(a tile carries one array), and iterations until nothing changes (each may reach across the array).
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import (
    axes_of,
    expand,
    flipped,
    integer,
    native,
    origins_of,
    per_axis,
    spread,
    target_of,
    window_axes,
)
from tiling.jobs.job import Call
from tiling.operations import Erosion
from tiling.operations.fields import Table
from tiling.operations.running import refuse_complex


@dataclass(frozen=True, slots=True)
class _Structure:
    """The parameters that erosions and dilations of one call have in common."""

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


DEFAULTS: Mapping[str, Any] = {
    "structure": None,
    "iterations": 1,
    "mask": None,
    "output": None,
    "border_value": 0,
    "origin": 0,
    "brute_force": False,
}
"""The parameters of an erosion and a dilation, in SciPy's order; after them, by name, `axes`."""

OPENING = ("structure", "iterations", "output", "origin", "mask", "border_value", "brute_force")
"""SciPy's order for an opening and a closing."""


def _row(
    name: str, summary: str, dilate: Sequence[bool], order: Sequence[str] = tuple(DEFAULTS)
) -> Callable[..., Call]:
    """Return the function of a row: erosions and dilations one after another."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    leading = [inspect.Parameter(key, kind) for key in ("ndim", "dtype")]
    given = [inspect.Parameter(key, kind, default=DEFAULTS[key]) for key in order]
    axes = inspect.Parameter("axes", inspect.Parameter.KEYWORD_ONLY, default=None)
    signature = inspect.Signature([*leading, *given, axes])

    def row(*args: Any, **named: Any) -> Call:
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        parameters = bound.arguments
        output = parameters.pop("output")
        if not any(dilate):
            parameters["axes"] = window_axes(parameters["axes"], parameters["ndim"])
        structure = _structure(**parameters, dilates=any(dilate))
        ndim, dtype = parameters["ndim"], parameters["dtype"]
        operations = [structure.step(dilate=each) for each in dilate]
        return _call(name, ndim, dtype, output, operations)

    row.__name__, row.__doc__ = name, summary
    row.__signature__ = signature  # type: ignore[attr-defined]
    return row


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
    dilates: bool,
) -> _Structure:
    """Check all parameters; `dilates` if the window is turned round somewhere."""
    refuse_complex(dtype)
    times = _iterations(iterations)
    if mask is not None:
        raise UnsupportedError("mask is not supported: a tile carries one array only")
    chosen = axes_of(axes, ndim)
    given = _cross(len(chosen)) if structure is None else np.asarray(structure, dtype=bool)
    if not given.size:
        raise UnsupportedError("structure must not be empty")
    window = expand(given, chosen, ndim, "structure")
    origins = origins_of(origin, window, chosen)
    dilating = _dilating(origin, given, window, chosen) if dilates else origins
    border = bool(integer(border_value, "border_value"))
    return _Structure(Table.of(window), origins, dilating, times, border, bool(brute_force))


def _dilating(origin: Any, given: Array, window: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shifts of a structure over all axes for `binary_dilation`.

    SciPy turns the structure round before it spreads it over the axes, so with axes out of order
    the shift that an even size takes lands on another axis. These shifts make up for that.
    """
    values = [integer(value, "origin") for value in per_axis(origin, len(axes))]
    turned = spread(flipped(values, given.shape), axes, window.ndim)
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


binary_erosion = _row("binary_erosion", "Keep what the structure fits into.", [False])
binary_dilation = _row("binary_dilation", "Add what the structure touches.", [True])
binary_opening = _row("binary_opening", "Erode, then dilate.", [False, True], OPENING)
binary_closing = _row("binary_closing", "Dilate, then erode.", [True, False], OPENING)
