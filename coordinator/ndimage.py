"""`scipy.ndimage` on this machine's cores: the same names, signatures and bits.

>>> from coordinator import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator.api.local import FUNCTIONS, run
from tiling.dtypes import Array

__all__ = ["run", *FUNCTIONS]  # noqa: PLE0604 -- a name for each row


def __getattr__(name: str) -> Callable[..., Array]:
    """Return the function of a row."""
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *FUNCTIONS})
