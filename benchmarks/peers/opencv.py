"""OpenCV's filters on two threads, with SciPy's windows and reflection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import numpy as np

from tiling.dtypes import Array

THREADS = 2

Filter = Callable[[Array], Array]


@contextmanager
def filtering() -> Iterator[Callable[[Array, float], Array]]:
    """Yield its GaussianBlur of any sigma."""
    yield lambda array, sigma: gaussian(sigma)(array)


def gaussian(sigma: float) -> Filter:
    """Return its GaussianBlur."""
    return partial(_call, "GaussianBlur", (2 * int(4.0 * sigma + 0.5) + 1,) * 2, sigma)


def median(size: int) -> Filter:
    """Return its medianBlur, which replicates the border."""
    return partial(_call, "medianBlur", size)


def maximum(size: int) -> Filter:
    """Return its dilation by a square."""
    return partial(_call, "dilate", np.ones((size, size), np.uint8))


def minimum(size: int) -> Filter:
    """Return its erosion by a square."""
    return partial(_call, "erode", np.ones((size, size), np.uint8))


def correlate(weights: Array) -> Filter:
    """Return its filter2D, which sums in float32."""
    return lambda array: _call("filter2D", -1, weights, array)


def _call(name: str, *arguments: Any) -> Array:
    import cv2

    cv2.setNumThreads(THREADS)
    *parameters, array = arguments
    border = {} if name == "medianBlur" else {"borderType": cv2.BORDER_REFLECT}
    return cast(Array, getattr(cv2, name)(array, *parameters, **border))
