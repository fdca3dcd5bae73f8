"""SciPy's filters that call a function of the user's: SciPy computes them, in one thread.

Tiles would call the function in another order, and a worker runs no code from the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tiling.dtypes import Array


def generic_filter(
    input: Any,  # noqa: A002 -- SciPy's name, here and below
    function: Callable[..., Any],
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    extra_arguments: Any = (),
    extra_keywords: Any = None,
    *,
    axes: Any = None,
) -> Array:
    """Call a function with the samples of each window; it returns a number."""
    return _scipys("generic_filter", locals())


def generic_filter1d(
    input: Any,  # noqa: A002
    function: Callable[..., Any],
    filter_size: Any,
    axis: Any = -1,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    extra_arguments: Any = (),
    extra_keywords: Any = None,
) -> Array:
    """Call a function with each line, lengthened at its ends; it fills the line of the result."""
    return _scipys("generic_filter1d", locals())


def generic_laplace(
    input: Any,  # noqa: A002
    derivative2: Callable[..., Any],
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    extra_arguments: Any = (),
    extra_keywords: Any = None,
    *,
    axes: Any = None,
) -> Array:
    """Add up the second derivatives that a function returns for each axis."""
    return _scipys("generic_laplace", locals())


def generic_gradient_magnitude(
    input: Any,  # noqa: A002
    derivative: Callable[..., Any],
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    extra_arguments: Any = (),
    extra_keywords: Any = None,
    *,
    axes: Any = None,
) -> Array:
    """Take the length of the gradient of which a function returns each part."""
    return _scipys("generic_gradient_magnitude", locals())


def vectorized_filter(
    input: Any,  # noqa: A002
    function: Callable[..., Any],
    *,
    size: Any = None,
    footprint: Any = None,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = None,
    origin: Any = None,
    axes: Any = None,
    batch_memory: Any = 2**30,
) -> Array:
    """Call a function with the samples of many windows at once; it reduces the last axes."""
    return _scipys("vectorized_filter", locals())


def _scipys(name: str, parameters: Mapping[str, Any]) -> Array:
    from tiling.kernels import scipys

    result: Array = scipys.call(name, **parameters)
    return result
