"""OpenCV's GaussianBlur on float64, with SciPy's radius and reflection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from tiling.dtypes import Array

THREADS = 2


@contextmanager
def filtering() -> Iterator[Callable[[Array, float], Array]]:
    """Set its threads."""
    import cv2

    cv2.setNumThreads(THREADS)
    yield _filter


def _filter(array: Array, sigma: float) -> Array:
    import cv2

    size = 2 * int(4.0 * sigma + 0.5) + 1
    blurred = cv2.GaussianBlur(array, (size, size), sigma, borderType=cv2.BORDER_REFLECT)
    return cast(Array, blurred)
