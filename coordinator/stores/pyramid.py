"""The further levels of an OME image: each is half of the one before, by the mean.

A sample is the mean of the two, four or eight that it covers; at the end of an odd axis, of those
that there are. Means of integers are rounded, a half to the even neighbour.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorstore as ts

from coordinator.interruption import let_in
from coordinator.machine import usable_cores
from coordinator.stores.memory import view
from coordinator.stores.pieces import Pieces
from coordinator.stores.zarr_metadata import ZarrArray
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid


@dataclass(frozen=True, slots=True)
class Half:
    """A level.

    Parameters
    ----------
    array : ZarrArray
    factors : tuple of int
        1 or 2 per axis: samples of the level before, for one of this.
    """

    array: ZarrArray
    factors: tuple[int, ...]


def halves_of(array: ZarrArray, factors: Sequence[tuple[int, ...]]) -> tuple[Half, ...]:
    """Return the further levels of an array, stored as it is.

    Parameters
    ----------
    array : ZarrArray
        The first level.
    factors : sequence of tuple of int
        Of each further level.
    """
    levels = []
    for each in factors:
        shape = tuple(-(-n // factor) for n, factor in zip(array.shape, each, strict=True))
        array = replace(array, shape=shape, document={**array.document, "shape": [*shape]})
        levels.append(Half(array, each))
    return tuple(levels)


def fill(store: Any, before: Any, half: Half) -> None:
    """Compute a level, in as many threads as there are cores, each with one chunk in hand.

    Parameters
    ----------
    store, before : tensorstore.TensorStore
        Of this level, and of the level before.
    half : Half
    """
    array, factors = half.array, half.factors
    grid = Grid(array.shape, array.grain)
    means = ts.downsample(before, [*factors], "mean")
    even = [-(-n // factor) * factor for n, factor in zip(array.inner, factors, strict=True)]
    pieces = Pieces(tuple(even), tuple(before.shape), array.dtype)

    def compute(index: int) -> None:
        box = grid.box(index)
        block = np.empty(box.shape, array.dtype.newbyteorder("="))

        def begin(there: Box, _: Box) -> Any:
            piece = _halved(there, factors)
            return ts.array(view(block, piece.inside(box))).write(means[piece.slices]).commit

        pieces.each(_covered(box, factors, before.shape), begin)
        store[box.slices].write(block).result()

    indices = iter(range(len(grid)))
    with ThreadPoolExecutor(usable_cores()) as threads:
        while some := [*itertools.islice(indices, usable_cores())]:
            for _ in threads.map(compute, some):
                let_in()


def _covered(box: Box, factors: tuple[int, ...], shape: Sequence[int]) -> Box:
    """Return the box of the level before that a box covers."""
    start = tuple(n * factor for n, factor in zip(box.start, factors, strict=True))
    stops = zip(box.stop, factors, shape, strict=True)
    return Box(start, tuple(min(n * factor, length) for n, factor, length in stops))


def _halved(box: Box, factors: tuple[int, ...]) -> Box:
    """Return the box that a box of the level before is for."""
    ends = (
        [-(-n // f) for n, f in zip(end, factors, strict=True)] for end in (box.start, box.stop)
    )
    return Box(*map(tuple, ends))
