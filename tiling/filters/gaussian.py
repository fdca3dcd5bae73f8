"""Filters of the Gaussian family.

A sigma that is negative or not finite is an error here, where SciPy skips the axis or overflows;
so is a sigma of 0 in `gaussian_filter1d`, where SciPy divides by it. Without a sigma above 0, the
array is copied (see `tiling.dtypes.check_copy`).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from tiling.dtypes import Dtype, check_correlation
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters.builder import SOURCE, Steps
from tiling.filters.parameters import axes_of, axis_of, cval_of, native, per_axis, scalar, target_of
from tiling.filters.taps import gaussian_taps
from tiling.filters.windows import spread
from tiling.geometry.edges import plain_mode
from tiling.jobs.job import Call
from tiling.operations import Arithmetic, Correlations
from tiling.operations.fields import MAX_TAPS
from tiling.operations.passes import Pass

SKIPPED_SIGMA = 1e-15
"""SciPy filters an axis only if sigma is larger than this."""


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
    """Blur, or differentiate what is blurred.

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
    filtered = axes_of(axes, ndim)
    source, target = native(dtype), target_of(output, dtype)
    passes = _passes(source, filtered, sigma, order, mode, cval, truncate, radius)
    steps = Steps(source)
    steps.add(passes, target, SOURCE)
    return steps.call("gaussian_filter", ndim)


def gaussian_filter1d(
    ndim: int,
    dtype: Dtype,
    sigma: Any,
    axis: Any = -1,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: Any = 4.0,
    *,
    radius: Any = None,
) -> Call:
    """Blur along one axis, or differentiate what is blurred.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    sigma, axis, order, output, mode, cval, truncate, radius
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    source, target = native(dtype), target_of(output, dtype)
    if _sigma(sigma) <= 0:
        raise BadValueError("sigma must be more than 0")
    step = _pass(axis_of(axis, ndim), sigma, order, mode, cval_of(cval, source), truncate, radius)
    check_correlation(source, target)
    return Call("gaussian_filter1d", Correlations((step,)), source, target)


def gaussian_laplace(
    ndim: int,
    dtype: Dtype,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Call:
    """Add up the second derivatives of what is blurred.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    sigma, output, mode, cval, axes, **kwargs
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    chosen = axes_of(axes, ndim)
    sigmas = spread(per_axis(sigma, len(chosen), "sigma"), chosen, ndim)
    call = Steps(native(dtype))
    _derivatives(call, ndim, target_of(output, dtype), chosen, sigmas, 2, mode, cval, kwargs)
    return call.call("gaussian_laplace", ndim)


def gaussian_gradient_magnitude(
    ndim: int,
    dtype: Dtype,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **kwargs: Any,
) -> Call:
    """Take the length of the gradient of what is blurred.

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    sigma, output, mode, cval, axes, **kwargs
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error.
    """
    chosen = axes_of(axes, ndim)
    call = Steps(native(dtype))
    target = target_of(output, dtype)
    total = _derivatives(call, ndim, target, chosen, sigma, 1, mode, cval, kwargs)
    if chosen:
        call.add(Arithmetic("root"), target, total)
    return call.call("gaussian_gradient_magnitude", ndim)


def _derivatives(
    steps: Steps,
    ndim: int,
    target: Dtype,
    axes: tuple[int, ...],
    sigma: Any,
    order: int,
    mode: Any,
    cval: Any,
    kwargs: Mapping[str, Any],
) -> int:
    """Add up derivatives of this order along each axis, their squares if it is the first."""
    if unknown := set(kwargs) - {"truncate", "radius"}:
        raise BadTypeError(f"gaussian_filter() got an unexpected keyword argument {min(unknown)!r}")
    options = {"truncate": 4.0, "radius": None, **kwargs}
    source, every = steps.dtype(SOURCE), tuple(range(ndim))
    total = 0
    for axis, each in zip(axes, per_axis(mode, len(axes), "mode") if axes else (), strict=True):
        orders = [order if other == axis else 0 for other in range(ndim)]
        passes = _passes(source, every, sigma, orders, each, cval, **options)
        number = steps.add(passes, target, SOURCE)
        if order == 1:
            number = steps.add(Arithmetic("multiply"), target, number, number)
        total = steps.add(Arithmetic("add"), target, total, number) if total else number
    return total or steps.copy(SOURCE, target)


def _passes(
    source: Dtype,
    axes: tuple[int, ...],
    sigma: Any,
    order: Any,
    mode: Any,
    cval: Any,
    truncate: Any,
    radius: Any,
) -> Correlations:
    """Return the passes of a `gaussian_filter`, none for an axis without sigma."""
    given = {"sigma": sigma, "order": order, "mode": mode, "radius": radius}
    each = {name: per_axis(value, len(axes), name) for name, value in given.items()}
    sigmas, orders = map(scalar, each["sigma"]), map(scalar, each["order"])
    columns = zip(axes, sigmas, orders, each["mode"], each["radius"], strict=True)
    rows = [row for row in columns if _sigma(row[1]) > SKIPPED_SIGMA]
    fill = cval_of(cval, source) if rows else 0.0
    return Correlations(
        tuple(
            _pass(axis, sigma, order, mode, fill, truncate, radius)
            for axis, sigma, order, mode, radius in rows
        )
    )


def _pass(
    axis: int, sigma: Any, order: Any, mode: Any, fill: complex, truncate: Any, radius: Any
) -> Pass:
    taps = gaussian_taps(sigma, _order(order), _radius(sigma, truncate, radius))
    return Pass(axis, np.ascontiguousarray(taps, "<f8").tobytes(), plain_mode(mode), fill)


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


def _words(number: int) -> str:
    """Write an integer; one of many digits as a power of ten."""
    return f"{number:,}" if number < 10**15 else f"about 10^{int(math.log10(number))}"


def _radius(sigma: Any, truncate: Any, radius: Any) -> int:
    """Return the radius of SciPy's `gaussian_filter1d`."""
    hint = "" if radius is not None else f": truncate is {truncate!r}, want 0 or more"
    if radius is None:
        try:
            radius = int(truncate * float(sigma) + 0.5)
        except (OverflowError, TypeError, ValueError) as error:
            if isinstance(truncate, float) and not math.isfinite(truncate):
                raise BadValueError(f"truncate must be finite, not {truncate!r}") from None
            kind = BadTypeError if isinstance(error, TypeError) else BadValueError
            raise kind(f"truncate: {error}") from None
    if not isinstance(radius, numbers.Integral) or radius < 0:
        raise BadValueError(f"Radius must be a nonnegative integer, not {radius!r}{hint}")
    if 2 * int(radius) + 1 > MAX_TAPS:
        raise UnsupportedError(
            f"sigma {sigma!r} with a radius of {_words(int(radius))} samples needs more than "
            f"{MAX_TAPS:,} taps, the most that a filter has; sigma and radius count samples"
        )
    return int(radius)
