"""`scipy.ndimage` on this machine's cores: the same names, signatures and bits.

>>> from coordinator import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator.chain import silent
from coordinator.engines.local import LocalEngine
from coordinator.faces import function
from tiling.dtypes import Array
from tiling.filters import FILTERS

_FUNCTIONS = {name: function(row, LocalEngine, silent) for name, row in FILTERS.items()}

__all__ = list(_FUNCTIONS)


def __getattr__(name: str) -> Callable[..., Array]:
    """Return the function of a row."""
    try:
        return _FUNCTIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *_FUNCTIONS})
