"""SciPy's own functions, also while others stand in their places in `scipy.ndimage`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

_replaced: dict[str, Callable[..., Any]] = {}


def call(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call the function of `scipy.ndimage` of this name; SciPy is imported on first use."""
    from scipy import ndimage

    function = _replaced.get(name) or getattr(ndimage, name)
    return function(*args, **kwargs)


def replace(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Put functions in the places of SciPy's, and SciPy's docstrings on them, until `restore`."""
    from scipy import ndimage

    _replaced.update({name: getattr(ndimage, name) for name in functions})
    for name, function in functions.items():
        functools.update_wrapper(function, _replaced[name])
        function.__module__ = ndimage.__name__  # where pickle finds it
        setattr(ndimage, name, function)


def restore() -> None:
    """Put all of SciPy's functions back."""
    from scipy import ndimage

    for name, function in _replaced.items():
        setattr(ndimage, name, function)
    _replaced.clear()
