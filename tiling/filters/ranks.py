"""Minima, maxima, and what lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import (
    axes_of,
    axis_of,
    cval_of,
    exact_cval_of,
    expand,
    integer,
    mode_of,
    native,
    origin_of,
    origins_of,
    per_axis,
    size_of,
    target_of,
    window_axes,
)
from tiling.geometry.edges import plain_mode
from tiling.jobs.job import Call
from tiling.operations import Extremum, Rank, RunningExtremum
from tiling.operations.fields import MAX_TAPS, Table
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

    Raises
    ------
    BadValueError, UnsupportedError
        If the window is empty.
    """
    refuse_complex(steps.dtype(source))
    size, footprint = around.size, None
    if around.structure is None and around.footprint is None:
        if size is None:
            raise UnsupportedError("no footprint provided")
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
    columns = [per_axis(value, count) for value in (size, around.origin, around.mode)]
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
        given = np.ones(structure.shape, bool) if around.footprint is None else around.footprint
        footprint = boolean(given)
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

    Raises
    ------
    BadValueError
        If it is no array of numbers.
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


def minimum_filter1d(
    ndim: int,
    dtype: Dtype,
    size: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Call:
    """Take the minimum of a window along one axis."""
    window = (size, axis, output, mode, cval, origin)
    return _extremum1d("minimum_filter1d", ndim, dtype, *window, minimum=True)


def maximum_filter1d(
    ndim: int,
    dtype: Dtype,
    size: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Call:
    """Take the maximum of a window along one axis."""
    window = (size, axis, output, mode, cval, origin)
    return _extremum1d("maximum_filter1d", ndim, dtype, *window, minimum=False)


def _extremum1d(
    name: str,
    ndim: int,
    dtype: Dtype,
    size: Any,
    axis: Any,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
    *,
    minimum: bool,
) -> Call:
    source = native(dtype)
    refuse_complex(source)
    place, length = axis_of(axis, ndim), size_of(size)
    fill, shift = cval_of(cval, source), origin_of(origin, length)
    steps = Steps(source)
    step = RunningExtremum(place, length, plain_mode(mode), fill, shift, minimum)
    steps.add(step, target_of(output, dtype), SOURCE)
    return steps.call(name, ndim)


def minimum_filter(
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
    """Take the minimum over a size or footprint."""
    steps = Steps(native(dtype))
    around = Neighbourhood(ndim, axes, size, footprint, None, mode, cval, origin)
    extremum(steps, SOURCE, target_of(output, dtype), around, minimum=True)
    return steps.call("minimum_filter", ndim)


def maximum_filter(
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
    """Take the maximum over a size or footprint."""
    steps = Steps(native(dtype))
    around = Neighbourhood(ndim, axes, size, footprint, None, mode, cval, origin)
    extremum(steps, SOURCE, target_of(output, dtype), around, minimum=False)
    return steps.call("maximum_filter", ndim)


def rank_filter(
    ndim: int,
    dtype: Dtype,
    rank: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Take the sample at a rank; negative ones count from the largest."""
    window = _Footprint.of(ndim, dtype, size, footprint, axes)
    place = integer(rank, "rank")
    return _rank("rank_filter", dtype, window, place, output, mode, cval, origin)


def median_filter(
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
    """Take the median, the upper one of an even number."""
    window = _Footprint.of(ndim, dtype, size, footprint, axes)
    place = window.count // 2
    return _rank("median_filter", dtype, window, place, output, mode, cval, origin)


def percentile_filter(
    ndim: int,
    dtype: Dtype,
    percentile: Any,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Call:
    """Take the sample at a percentile; negative ones count from the largest.

    Raises
    ------
    UnsupportedError
        If it lies outside -100 to 100.
    BadTypeError
        If it is no number.
    """
    window = _Footprint.of(ndim, dtype, size, footprint, axes)
    try:
        share = percentile + 100.0 if percentile < 0.0 else percentile
        if not 0 <= share <= 100:
            raise UnsupportedError(f"invalid percentile: {percentile!r}")
        place = window.count - 1 if share == 100.0 else int(float(window.count) * share / 100.0)
    except TypeError as error:
        raise BadTypeError(f"percentile: {error}") from None
    return _rank("percentile_filter", dtype, window, place, output, mode, cval, origin)


@dataclass(frozen=True, slots=True)
class _Footprint:
    """A footprint over all axes."""

    axes: tuple[int, ...]
    footprint: Array

    @property
    def count(self) -> int:
        """Samples in it."""
        return int(self.footprint.sum())

    @classmethod
    def of(cls, ndim: int, dtype: Dtype, size: Any, footprint: Any, axes: Any) -> _Footprint:
        """Make it of a size, or of a footprint over some axes."""
        refuse_complex(dtype)
        chosen = window_axes(axes, ndim)
        if footprint is None:
            if size is None:
                raise UnsupportedError("no footprint or filter size provided")
            sizes = [integer(length, "size") for length in per_axis(size, len(chosen))]
            if min(sizes, default=1) < 0:
                raise BadValueError(f"negative size: {min(sizes)}")
            if math.prod(sizes) > MAX_TAPS:
                raise UnsupportedError(f"a window of {sizes} samples: at most {MAX_TAPS} in all")
            footprint = np.ones(sizes, bool)
        return cls(chosen, expand(boolean(footprint), chosen, ndim, "footprint"))


def _rank(
    name: str,
    dtype: Dtype,
    window: _Footprint,
    rank: int,
    output: Any,
    mode: Any,
    cval: Any,
    origin: Any,
) -> Call:
    """Return the call; at the lowest and highest rank, SciPy takes the minimum and maximum."""
    ndim, steps, target = window.footprint.ndim, Steps(native(dtype)), target_of(output, dtype)
    origins = origins_of(origin, window.footprint, window.axes)
    place = rank + window.count if rank < 0 else rank
    if not 0 <= place < window.count:
        raise UnsupportedError(f"rank not within filter footprint size: {rank} of {window.count}")
    if place in (0, window.count - 1):
        modes = _modes(mode, window.axes, ndim)
        around = Neighbourhood(ndim, None, None, window.footprint, None, modes, cval, origins)
        extremum(steps, SOURCE, target, around, minimum=not place)
    else:
        fill = exact_cval_of(cval, steps.dtype(SOURCE))
        step = Rank(Table.of(window.footprint), mode_of(mode), fill, origins, place)
        steps.add(step, target, SOURCE)
    return steps.call(name, ndim)


def _modes(mode: Any, axes: tuple[int, ...], ndim: int) -> Any:
    """Return modes for all axes from those of some; one mode stays one."""
    if isinstance(mode, str) or not np.iterable(mode):
        return mode
    modes = per_axis(mode, len(axes))
    return [modes[axes.index(axis)] if axis in axes else "constant" for axis in range(ndim)]
