"""`scipy.ndimage` on this machine's cores: the same names, signatures and bits.

>>> from tilefan import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from collections.abc import Callable

from coordinator import ndimage
from tiling.dtypes import Array

__all__ = ndimage.__all__


def __getattr__(name: str) -> Callable[..., Array]:
    """Return the function of a row of the table."""
    try:
        function: Callable[..., Array] = getattr(ndimage, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return function


def __dir__() -> list[str]:
    return dir(ndimage)
