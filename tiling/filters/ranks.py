"""Rank, median and percentile filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.extrema import Neighbourhood, boolean, extremum
from tiling.filters.parameters import (
    exact_cval_of,
    integer,
    mode_of,
    native,
    per_axis,
    target_of,
)
from tiling.filters.windows import expand, origins_of, window_axes
from tiling.jobs.job import Call
from tiling.operations import Rank
from tiling.operations.fields import MAX_TAPS, Table
from tiling.operations.running import refuse_complex


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
    """Take the sample at a rank; negative ones count from the largest.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    rank, size, footprint, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
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
    """Take the median, the upper one of an even number.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    size, footprint, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
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

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    percentile, size, footprint, output, mode, cval, origin, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    window = _Footprint.of(ndim, dtype, size, footprint, axes)
    try:
        share = percentile + 100.0 if percentile < 0.0 else percentile
        if not 0 <= share <= 100:
            raise UnsupportedError(f"invalid percentile: {percentile!r}; want 0 to 100")
        place = window.count - 1 if share == 100.0 else int(float(window.count) * share / 100.0)
    except TypeError as error:
        raise BadTypeError(f"percentile: {error}") from None
    return _rank("percentile_filter", dtype, window, place, output, mode, cval, origin)


@dataclass(frozen=True, slots=True)
class _Footprint:
    """A footprint over all axes, made of one over some."""

    axes: tuple[int, ...]
    array: Array

    @property
    def count(self) -> int:
        """Samples in it."""
        return int(self.array.sum())

    @classmethod
    def of(cls, ndim: int, dtype: Dtype, size: Any, footprint: Any, axes: Any) -> _Footprint:
        """Make it of a size, or of a footprint over some axes."""
        refuse_complex(dtype)
        chosen = window_axes(axes, ndim)
        if footprint is None:
            if size is None:
                raise UnsupportedError(
                    "no footprint or filter size provided: give size or footprint, such as size 3"
                )
            sizes = [integer(length, "size") for length in per_axis(size, len(chosen), "size")]
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
    ndim, steps, target = window.array.ndim, Steps(native(dtype)), target_of(output, dtype)
    origins = origins_of(origin, window.array, window.axes)
    place = rank + window.count if rank < 0 else rank
    if not 0 <= place < window.count:
        raise UnsupportedError(f"rank not within filter footprint size: {rank} of {window.count}")
    if place in (0, window.count - 1):
        modes = _modes(mode, window.axes, ndim)
        around = Neighbourhood(ndim, None, None, window.array, None, modes, cval, origins)
        extremum(steps, SOURCE, target, around, minimum=not place)
    else:
        fill = exact_cval_of(cval, steps.dtype(SOURCE))
        step = Rank(Table.of(window.array), mode_of(mode), fill, origins, place)
        steps.add(step, target, SOURCE)
    return steps.call(name, ndim)


def _modes(mode: Any, axes: tuple[int, ...], ndim: int) -> Any:
    """Return modes for all axes from those of some; one mode stays one."""
    if isinstance(mode, str) or not np.iterable(mode):
        return mode
    modes = per_axis(mode, len(axes), "mode")
    return [modes[axes.index(axis)] if axis in axes else "constant" for axis in range(ndim)]
