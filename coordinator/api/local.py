"""The functions on this machine's cores: one for each row, and `run` for chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coordinator.api.arrays import filter_array, silent
from coordinator.api.functions import function
from coordinator.api.tracebacks import brief
from coordinator.engines.local import LocalEngine
from coordinator.run.calls import Link
from tiling.dtypes import Array
from tiling.filters import FILTERS

FUNCTIONS = {name: function(row, LocalEngine, silent) for name, row in FILTERS.items()}
"""By SciPy's name, the refused ones too."""


@brief
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
    >>> from tilefan.ndimage import run
    >>> x = np.arange(16.0).reshape(4, 4)
    >>> run([("sobel", {"axis": 0}), ("maximum_filter", {"size": 3})], x)[0]
    array([32., 32., 32., 32.])
    """
    return filter_array(LocalEngine(), silent, links, input, tile)
