"""The filters: a row each, from SciPy's parameters to an operation.

A row takes the parameters that `scipy.ndimage` takes, means by them what SciPy means, and refuses
what SciPy refuses with the same kind of error, before anything is sent. It is stricter in two
points: a sigma that is negative or not finite is an error here, where SciPy skips the axis or
overflows; and without a sigma above 0, floats are not copied to integers (see `check_copy`).
"""

from __future__ import annotations

import enum
import math
import numbers
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tiling.dtypes import Dtype, check_copy, check_correlation, output_dtype, wire_name
from tiling.edges import plain_mode
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.job import Call
from tiling.kernels.passes import Pass
from tiling.operations import Correlations
from tiling.weights import MAX_TAPS, gaussian_taps

SKIPPED_SIGMA = 1e-15
"""SciPy filters an axis only if sigma is larger than this."""


class Exactness(enum.Enum):
    """Why tiles give the same bits as the whole."""

    HALO = "every output sample depends on its own window only: tiles with a halo are exact"


@dataclass(frozen=True, slots=True)
class Filter:
    """A row of the table: `call(ndim, dtype, *args, **kwargs)` normalises SciPy's parameters."""

    name: str
    exactness: Exactness
    call: Callable[..., Call]


def gaussian_filter(
    ndim: int,
    dtype: Dtype,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: Any = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Call:
    """Normalise the parameters of `scipy.ndimage.gaussian_filter`.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    sigma, order, output, mode, cval, truncate, radius, axes
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    axes = _axes(axes, ndim)
    sigmas, orders = (map(_scalar, _per_axis(value, len(axes))) for value in (sigma, order))
    modes, radii = (_per_axis(value, len(axes)) for value in (mode, radius))
    columns = zip(axes, sigmas, orders, modes, radii, strict=True)
    rows = [row for row in columns if _sigma(row[1]) > SKIPPED_SIGMA]
    source, target = dtype.newbyteorder("="), output_dtype(output, dtype).newbyteorder("=")
    (check_correlation if rows else check_copy)(source, target)
    wire_name(source), wire_name(target)
    fill = _cval(cval, source) if rows else 0.0
    passes = [
        Pass(
            axis,
            np.ascontiguousarray(
                gaussian_taps(sigma, _order(order), _radius(sigma, truncate, radius)), "<f8"
            ).tobytes(),
            plain_mode(mode),
            fill,
        )
        for axis, sigma, order, mode, radius in rows
    ]
    return Call("gaussian_filter", Correlations(tuple(passes)), source, target)


FILTERS: Mapping[str, Filter] = MappingProxyType(
    {row.name: row for row in (Filter("gaussian_filter", Exactness.HALO, gaussian_filter),)}
)


def _axes(axes: Any, ndim: int) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(ndim))
    several: Any = (axes,) if np.isscalar(axes) else axes
    if not isinstance(several, Iterable):
        raise BadValueError(f"axes must be an integer or several, or None, not {axes!r}")
    try:
        chosen = [operator.index(axis) for axis in several]
    except TypeError as error:
        raise BadTypeError(f"axes: {error}") from None
    for axis in chosen:
        if not -ndim <= axis < ndim:
            raise BadValueError(f"axis {axis} is out of range for an array of {ndim} axes")
    positive = tuple(axis % ndim for axis in chosen)
    if len(set(positive)) != len(positive):
        raise BadValueError(f"axes must be unique: {tuple(chosen)}")
    return positive


def _per_axis(value: Any, count: int) -> Sequence[Any]:
    """Repeat a scalar for each axis; a sequence must have one entry per axis."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise UnsupportedError(
            f"sequence argument must have one entry per filtered axis: "
            f"{len(values)} for {count} axes"
        )
    return values


def _scalar(value: Any) -> Any:
    """Take a number out of an array without axes."""
    return value[()] if isinstance(value, np.ndarray) and not value.ndim else value


def _sigma(sigma: Any) -> float:
    """Check one sigma; its own type is kept for SciPy's arithmetic."""
    if not isinstance(sigma, numbers.Real | np.bool_):
        raise BadTypeError(f"sigma must be a real number, not {sigma!r}")
    if not 0 <= float(sigma) < math.inf:
        raise BadValueError(f"sigma must be finite and not negative, not {sigma!r}")
    return float(sigma)


def _order(order: Any) -> int:
    real = isinstance(order, numbers.Real | np.bool_)
    if not real:
        raise BadTypeError(f"order must be an integer, not {order!r}")
    if order < 0:
        raise BadValueError(f"order must be non-negative, not {order!r}")
    if order and (isinstance(order, bool) or not isinstance(order, numbers.Integral)):
        raise BadTypeError(f"order must be an integer, not {order!r}")
    return int(order)


def _radius(sigma: Any, truncate: Any, radius: Any) -> int:
    """Return the radius of SciPy's `gaussian_filter1d`."""
    if radius is None:
        try:
            radius = int(truncate * float(sigma) + 0.5)
        except OverflowError:
            raise BadValueError(f"truncate must be finite, not {truncate!r}") from None
        except (TypeError, ValueError) as error:
            kind = BadTypeError if isinstance(error, TypeError) else BadValueError
            raise kind(f"truncate: {error}") from None
    if not isinstance(radius, numbers.Integral) or radius < 0:
        raise BadValueError(f"Radius must be a nonnegative integer, not {radius!r}")
    if 2 * int(radius) + 1 > MAX_TAPS:
        raise UnsupportedError(f"a radius of {radius} samples needs more than {MAX_TAPS} taps")
    return int(radius)


def _cval(cval: Any, source: Dtype) -> complex:
    """Return the fill value as SciPy reads it: complex numbers are for complex arrays only."""
    try:
        if isinstance(cval, str | bytes | bytearray):  # Python would parse them
            raise TypeError
        return complex(cval) if source.kind == "c" else complex(float(cval))
    except TypeError:
        kind = "complex" if source.kind == "c" else "real"
        raise BadTypeError(f"cval must be a {kind} number, not {cval!r}") from None
    except OverflowError:
        raise BadValueError("cval is beyond the range of float64") from None
