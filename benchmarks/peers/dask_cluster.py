"""dask-image on `dask.distributed`: two worker processes of one thread, the result in one array."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from tiling.dtypes import Array

SMALL_BYTES = 16 * 2**20
"""Below this, one slab per worker is its fastest cut, and above it two, of those we tried."""


@contextmanager
def filtering() -> Iterator[Callable[[Array, float], Array]]:
    """Start the cluster."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        yield _filter


def _filter(array: Array, sigma: float) -> Array:
    import dask.array
    from dask_image.ndfilters import gaussian_filter

    slabs = 2 if array.nbytes < SMALL_BYTES else 4
    chunks = (-(-array.shape[0] // slabs), *array.shape[1:])
    with warnings.catch_warnings():  # a large graph: scattering the slabs first is not faster
        warnings.simplefilter("ignore", UserWarning)
        lazy = gaussian_filter(dask.array.from_array(array, chunks=chunks), sigma)
        return cast(Array, lazy.compute())
