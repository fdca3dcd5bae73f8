"""Minimum and maximum filters, and the extrema of grey morphology."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Function, Steps, named
from tiling.filters.parameters import (
    axes_of,
    axis_of,
    cval_of,
    integer,
    mode_of,
    native,
    origin_of,
    per_axis,
    size_of,
    target_of,
)
from tiling.filters.windows import expand, origins_of, window_axes
from tiling.geometry.edges import plain_mode
from tiling.jobs.job import Call
from tiling.operations import Extremum, RunningExtremum
from tiling.operations.fields import Table
from tiling.operations.running import refuse_complex


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """SciPy's parameters of a window, as they were given."""

    ndim: int
    along: Any
    size: Any
    footprint: Any
    structure: Any
    mode: Any
    cval: Any
    origin: Any

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes to filter, none of them negative."""
        return axes_of(self.along, self.ndim)


def extremum(
    steps: Steps, source: int, target: Dtype, around: Neighbourhood, *, minimum: bool
) -> int:
    """Add a minimum or maximum: axis by axis over a full window, at once over any other.

    Source: ``_min_or_max_filter`` of SciPy 1.17, `scipy/ndimage/_filters.py`.

    Parameters
    ----------
    steps : Steps
        To which it is added.
    source : int
        The number of the result that is read.
    target : numpy.dtype
        Of what is written.
    around : Neighbourhood
    minimum : bool
        Whether it is a minimum.

    Returns
    -------
    int
        The number of the result.

    Raises
    ------
    UnsupportedError
        Without size, footprint and structure; for windows that SciPy refuses.
    BadValueError
        For a footprint of zeros.
    """
    refuse_complex(steps.dtype(source))
    size, footprint = around.size, None
    if around.structure is None and around.footprint is None:
        if size is None:
            raise UnsupportedError("no footprint provided: give size or footprint, such as size 3")
    elif around.structure is None:
        footprint = boolean(around.footprint)
        if not footprint.any():
            raise BadValueError("All-zero footprint is not supported.")
        size, footprint = (footprint.shape, None) if footprint.all() else (None, footprint)
    if around.structure is None and footprint is None:
        return _separable(steps, source, target, around, size, minimum)
    return _at_once(steps, source, target, around, footprint, minimum)


def _separable(
    steps: Steps, source: int, target: Dtype, around: Neighbourhood, size: Any, minimum: bool
) -> int:
    count = len(around.axes)
    given = {"size": size, "origin": around.origin, "mode": around.mode}
    columns = [per_axis(value, count, name) for name, value in given.items()]
    number = source
    for axis, length, origin, mode in zip(around.axes, *columns, strict=True):
        if not _is_window(length):
            continue
        window = integer(int(length), "size")
        fill = cval_of(around.cval, steps.dtype(number))
        shift = origin_of(origin, window)
        step = RunningExtremum(axis, window, plain_mode(mode), fill, shift, minimum)
        number = steps.add(step, target, number)
    return steps.copy(source, target) if number == source else number


def _at_once(
    steps: Steps, source: int, target: Dtype, around: Neighbourhood, footprint: Any, minimum: bool
) -> int:
    ndim = around.ndim
    axes = window_axes(around.along, ndim)
    structure = None
    if around.structure is not None:
        structure = _structure(around)
        samples = np.ones(structure.shape, bool) if around.footprint is None else around.footprint
        footprint = boolean(samples)
        if footprint.shape != structure.shape or not footprint.any():
            raise BadValueError("structure and footprint must have one shape, and not be all zero")
        structure = expand(structure, axes, ndim, "structure")
    window = expand(footprint, axes, ndim, "footprint")
    origins = origins_of(around.origin, window, axes)
    fill = cval_of(around.cval, steps.dtype(source))
    added = None if structure is None else Table.of(structure)
    step = Extremum(Table.of(window), mode_of(around.mode), fill, origins, added, minimum)
    return steps.add(step, target, source)


def _structure(around: Neighbourhood) -> Array:
    structure = np.asarray(around.structure, dtype="<f8")
    if structure.ndim != len(around.axes):
        raise UnsupportedError("structure array has incorrect shape")
    return structure


def boolean(footprint: Any) -> Array:
    """Return a footprint as SciPy reads it.

    Parameters
    ----------
    footprint : array_like

    Returns
    -------
    ndarray of bool

    Raises
    ------
    BadValueError
        If it is no array of what has a truth value.
    """
    try:
        return np.asarray(footprint, dtype=bool)
    except (TypeError, ValueError) as error:
        raise BadValueError(f"footprint: {error}") from None


def _is_window(length: Any) -> bool:
    try:
        return bool(length > 1)
    except (TypeError, ValueError) as error:
        raise BadTypeError(f"size: {error}") from None


def _extremum1d(name: str, summary: str, *, minimum: bool) -> Function:
    """Return the function of an extremum along one axis."""

    def call(
        ndim: int,
        dtype: Dtype,
        size: Any,
        axis: Any = -1,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
    ) -> Call:
        source = native(dtype)
        refuse_complex(source)
        place, length = axis_of(axis, ndim), size_of(size)
        fill, shift = cval_of(cval, source), origin_of(origin, length)
        steps = Steps(source)
        step = RunningExtremum(place, length, plain_mode(mode), fill, shift, minimum)
        steps.add(step, target_of(output, dtype), SOURCE)
        return steps.call(name, ndim)

    return named(call, name, summary)


def _extremum(name: str, summary: str, *, minimum: bool) -> Function:
    """Return the function of an extremum over a size or footprint."""

    def call(
        ndim: int,
        dtype: Dtype,
        size: Any = None,
        footprint: Any = None,
        output: Any = None,
        mode: Any = "reflect",
        cval: Any = 0.0,
        origin: Any = 0,
        *,
        axes: Any = None,
    ) -> Call:
        steps = Steps(native(dtype))
        around = Neighbourhood(ndim, axes, size, footprint, None, mode, cval, origin)
        extremum(steps, SOURCE, target_of(output, dtype), around, minimum=minimum)
        return steps.call(name, ndim)

    return named(call, name, summary)


minimum_filter1d = _extremum1d(
    "minimum_filter1d", "Take the minimum of a window along one axis.", minimum=True
)


maximum_filter1d = _extremum1d(
    "maximum_filter1d", "Take the maximum of a window along one axis.", minimum=False
)


minimum_filter = _extremum(
    "minimum_filter", "Take the minimum over a size or footprint.", minimum=True
)


maximum_filter = _extremum(
    "maximum_filter", "Take the maximum over a size or footprint.", minimum=False
)
