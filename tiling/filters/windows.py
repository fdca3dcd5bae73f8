"""Windows over some axes, spread over all of them: axes, footprints, shifts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tiling.dtypes import Array
from tiling.errors import UnsupportedError
from tiling.filters.parameters import axes_of, integer, origin_of, per_axis


def spread(values: Sequence[Any], axes: tuple[int, ...], ndim: int) -> tuple[Any, ...]:
    """Return a value for each axis from those of some, 0 for the others.

    With all axes they stay as they are, whatever the order of the axes: SciPy does not reorder.

    Parameters
    ----------
    values : sequence
        One for each of `axes`.
    axes : tuple of int
        The filtered axes, none negative.
    ndim : int
        Axes of the array.
    """
    if len(axes) == ndim:
        return tuple(values)
    return tuple(values[axes.index(axis)] if axis in axes else 0 for axis in range(ndim))


def window_axes(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes of a window: one negative number is none of them, as in SciPy 1.17.

    Parameters
    ----------
    axes : None, int or iterable of int
    ndim : int
        Axes of the array.

    Raises
    ------
    UnsupportedError
        For one negative axis of several.
    BadTypeError, BadValueError
        As `axes_of` does.
    """
    chosen = axes_of(axes, ndim)
    if np.isscalar(axes) and ndim > 1 and chosen != (axes,):
        raise UnsupportedError(f"a window along axis {axes!r}: write axes=({axes!r},)")
    return chosen


def expand(window: Array, axes: tuple[int, ...], ndim: int, name: str) -> Array:
    """Return a window over all axes from one over some; with all axes it stays as it is.

    Parameters
    ----------
    window : ndarray
        With as many axes as are filtered.
    axes : tuple of int
        The filtered axes.
    ndim : int
        Axes of the array.
    name : str
        Of the parameter, for messages.

    Returns
    -------
    ndarray
        With `ndim` axes.

    Raises
    ------
    UnsupportedError
        For a window of another number of axes, or without samples.
    """
    rule = f"{name}.ndim ({window.ndim}) must match len(axes) ({len(axes)})"
    if window.ndim != len(axes):
        lists = "[" * len(axes) + "1, ..." + "]" * len(axes)
        raise UnsupportedError(f"{rule}; give one with an axis for each, such as {lists}")
    if 0 in window.shape:
        raise UnsupportedError(f"{name} of shape {window.shape} holds no sample; the least is 1")
    return np.expand_dims(window, tuple(axis for axis in range(ndim) if axis not in axes))


def origins_of(origin: Any, window: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shifts of a window over all axes.

    Parameters
    ----------
    origin : int or sequence of int
        One for each filtered axis.
    window : ndarray
        Over all axes.
    axes : tuple of int
        The filtered axes.

    Returns
    -------
    tuple of int
        In samples, one for each axis.

    Raises
    ------
    TilingError
        As `origin_of` and `per_axis` do.
    """
    values = [integer(value, "origin") for value in per_axis(origin, len(axes), "origin")]
    shifts = spread(values, axes, window.ndim)
    return tuple(map(origin_of, shifts, window.shape))


def flipped(origins: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return the shifts of a window that is turned round.

    Parameters
    ----------
    origins : sequence of int
        In samples.
    shape : sequence of int
        Of the window.
    """
    return [-origin - (size + 1) % 2 for origin, size in zip(origins, shape, strict=True)]
