"""`scipy.ndimage` on this machine's cores: the same names, signatures and bits.

>>> from coordinator import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from coordinator.api.arrays import filter_array, silent
from coordinator.api.functions import function
from coordinator.engines.local import LocalEngine
from coordinator.run.calls import Link
from tiling.dtypes import Array
from tiling.filters import FILTERS

_FUNCTIONS = {name: function(row, LocalEngine, silent) for name, row in FILTERS.items()}

__all__ = ["run", *_FUNCTIONS]  # noqa: PLE0604 -- a name for each row


def run(links: Sequence[Link], input: Any, *, tile: Any = None) -> Array:  # noqa: A002
    """Filter an array with this machine's cores, by filters one after another in one pass.

    Parameters
    ----------
    links : sequence of (str, mapping)
        SciPy's name of each filter, and its parameters; the last may have an array as `output`.
    input : array_like
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns.

    Returns
    -------
    ndarray
        What SciPy's functions give one after another, bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(4, 4)
    >>> run([("sobel", {"axis": 0}), ("maximum_filter", {"size": 3})], x)[0]
    array([32., 32., 32., 32.])
    """
    return filter_array(LocalEngine(), silent, links, input, tile)


def __getattr__(name: str) -> Callable[..., Array]:
    """Return the function of a row."""
    try:
        return _FUNCTIONS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *_FUNCTIONS})
