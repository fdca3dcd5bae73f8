"""Slabs: a region computed piece by piece, so that a watch can be looked at in between.

An output sample of most operations depends on its window alone, so SciPy may as well be given a
part of a block: the slab, and the halo round it as tiles have it::

    block  |rrrrwwwwwwwwrrrr........|     w the slab's outputs, r what is read besides
           |........rrrrwwwwwwwwrrrr|     the next one

Along an axis that wraps, or along which state is carried, nothing is cut, and where that is so on
every axis (lines of one axis that are filtered as such, and what goes on until nothing changes) the
region is one slab. SciPy computes the halo, too, and finds the window's offsets anew for each slab;
as no more is cut than costs a tenth of the work, slabs of large windows are few and take long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiling.geometry.halo import Halo
    from tiling.operations import Operation

SLAB_WORK = 3e7
"""Operations that a slab should take: between 10 and 70 ms of SciPy's."""

MORE_WORK = 1.1
"""As many times the work may all slabs together take."""

Region = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Slab:
    """A part of a region.

    Parameters
    ----------
    read : tuple of slice
        What is read, in coordinates of the block.
    crop : tuple of slice
        What is wanted, in coordinates of what is read.
    write : tuple of slice
        Where that belongs, in coordinates of the region.
    """

    read: Region
    crop: Region
    write: Region


def slabs(operation: Operation, shape: tuple[int, ...], crop: Region) -> list[Slab]:
    """Cut a region into slabs, in C order; one if it can't be cut, or is not worth it.

    Parameters
    ----------
    operation : Operation
    shape : tuple of int
        Of the block.
    crop : tuple of slice
        The region, with explicit start and stop.
    """
    halo, axes = operation.halo(len(shape)), _cuttable(operation, len(shape))
    counts = _counts(operation, axes, shape, crop)
    if set(counts) <= {1}:
        whole = tuple(slice(0, length) for length in shape)
        return [Slab(whole, crop, tuple(slice(0, part.stop - part.start) for part in crop))]
    return [
        _slab(cuts, axes, halo, shape, crop)
        for cuts in product(
            *(pairwise(_bounds(part, count)) for part, count in zip(crop, counts, strict=True))
        )
    ]


def _bounds(part: slice, count: int) -> list[int]:
    length = part.stop - part.start
    return [part.start + length * number // count for number in range(count + 1)]


def _slab(
    cuts: Sequence[tuple[int, int]],
    axes: Sequence[int],
    halo: Halo,
    shape: tuple[int, ...],
    crop: Region,
) -> Slab:
    """Return the slab whose outputs lie between these coordinates of the block, axis by axis.

    All of an axis is read that can't be cut.
    """
    read = tuple(
        slice(max(low - halo.before[axis], 0), min(high + halo.after[axis], length))
        if axis in axes
        else slice(0, length)
        for axis, ((low, high), length) in enumerate(zip(cuts, shape, strict=True))
    )
    return Slab(
        read,
        tuple(
            slice(low - part.start, high - part.start)
            for (low, high), part in zip(cuts, read, strict=True)
        ),
        tuple(
            slice(low - part.start, high - part.start)
            for (low, high), part in zip(cuts, crop, strict=True)
        ),
    )


def _cuttable(operation: Operation, ndim: int) -> list[int]:
    """Return the axes along which an output depends on its window alone, at the block's edges too.

    SciPy takes the extrema of a full window for running ones, one after another.
    """
    reaches = [reach for reach in operation.reaches(ndim) if reach.before or reach.after]
    whole = operation.lines(ndim) | {reach.axis for reach in reaches if reach.mode == "wrap"}
    if _is_separable(operation):
        whole |= {reach.axis for reach in reaches}
    return [axis for axis in range(ndim) if axis not in whole]


def _is_separable(operation: Operation) -> bool:
    from tiling.operations.windows import Extremum, Rank

    match operation:
        case Extremum(structure=None):
            return bool(operation.table.array.all())
        case Rank():
            table = operation.table.array
            return bool(table.all()) and operation.rank in (0, table.size - 1)
    return False


def _counts(
    operation: Operation, axes: Sequence[int], shape: tuple[int, ...], crop: Region
) -> tuple[int, ...]:
    """Return into how many parts each axis is cut: where that adds least, as long as it pays."""
    halo = operation.halo(len(shape))
    lengths = [part.stop - part.start for part in crop]

    def work(counts: tuple[int, ...]) -> float:
        read = [float(length) for length in shape]
        for axis in axes:
            part = lengths[axis] / counts[axis] + halo.before[axis] + halo.after[axis]
            read[axis] = min(part, read[axis])
        windows = operation.window_work(tuple(map(math.ceil, read)))
        return math.prod(counts) * (math.prod(read) * max(operation.effort, 1) + windows)

    def price(finer: tuple[int, ...]) -> float:
        return (work(finer) - work(counts)) / math.log(math.prod(finer) / math.prod(counts))

    counts = (1,) * len(shape)
    uncut = work(counts)
    while math.prod(counts) * SLAB_WORK < uncut:
        more = [count + 1 + count // 8 for count in counts]
        finer = [
            (*counts[:axis], more[axis], *counts[axis + 1 :])
            for axis in axes
            if more[axis] <= lengths[axis]
        ]
        best = min(finer, key=price, default=counts)
        if best == counts or work(best) > MORE_WORK * uncut:
            break
        counts = best
    return counts
