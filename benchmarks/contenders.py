"""The contenders: a row each, with the cases it covers and whether its bits must be SciPy's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import ndimage

import coordinator
from benchmarks.cases import DASK, FLASK, HTTP, IMAGE, LOCAL, OPENCV, SCIPY, Case
from benchmarks.peers import dask_cluster, flask_client, opencv
from benchmarks.processes import running_workers
from tiling.dtypes import Array

Filter: TypeAlias = Callable[[Array, float], Array]
"""A Gaussian filter of this sigma."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to filter.

    Parameters
    ----------
    name : str
    open : callable
        Starts whatever it needs; gives the filter.
    ours : bool
        Whether its bits must be SciPy's before it is timed.
    covers : callable
        Tells which cases it can do.
    prepare : callable
        Turns a case's array into the one it filters; not timed.
    needs : str, optional
        Module without which it can't take part.
    """

    name: str
    open: Callable[[], AbstractContextManager[Filter]]
    ours: bool = False
    covers: Callable[[Case], bool] = lambda _: True
    prepare: Callable[[Array], Array] = lambda array: array
    needs: str | None = None


@contextmanager
def _scipy() -> Iterator[Filter]:
    yield ndimage.gaussian_filter


@contextmanager
def _local() -> Iterator[Filter]:
    yield coordinator.gaussian_filter


@contextmanager
def _http() -> Iterator[Filter]:
    with running_workers(2) as addresses, coordinator.Fleet(addresses) as fleet:
        yield fleet.gaussian_filter


CONTENDERS = (
    Contender(SCIPY, _scipy),
    Contender(LOCAL, _local, ours=True),
    Contender(HTTP, _http, ours=True),
    Contender(DASK, dask_cluster.filtering, needs="dask_image"),
    # Its sums are in another order, so its bits are not SciPy's: a peer in speed alone. It gets
    # its float64 array ready made, and is not asked to round the result back to float32.
    Contender(
        OPENCV,
        opencv.filtering,
        covers=lambda case: len(case.shape) == 2 and np.dtype(case.dtype).kind == "f",
        prepare=lambda array: array.astype(np.float64),
        needs="cv2",
    ),
    # It knows one sigma.
    Contender(
        FLASK,
        flask_client.filtering,
        covers=lambda case: (case.dtype, case.sigma) == (IMAGE.dtype, IMAGE.sigma),
        needs="flask",
    ),
)
