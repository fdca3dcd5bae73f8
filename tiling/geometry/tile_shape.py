"""The choice of the shape of tiles: a pure function of the array, the halo and the fleet.

Three aims conflict. Many tiles balance the slots; few tiles read little halo; and a slab, cut
across the first axis only, is one run of memory that is sent without a copy. So:

1. Aim at a few tiles per slot if these are of an easy size, or else for one; and for no tile
   beyond the bound of bytes nor below the floor.
2. Cut into slabs, or by the axis where a cut costs least halo, whichever reads less; a slab may
   read a little more, for its copies saved.
3. While the halo overhead is above the limit, aim at fewer tiles. If that would leave slots idle,
   take the cut that is done soonest: rounds of tiles, times what each reads and writes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import read_total

TILES_PER_SLOT = 4
"""Enough that a worker twice as fast takes twice the tiles; few enough that halos stay thin."""

MAX_TILE_BYTES = 64 * 2**20
"""Of the piece that a tile owns: a worker holds a few of these per slot."""

MIN_TILE_BYTES = 2**21
"""Below this a tile's request costs a good part of its time: 1.5 ms, where 2 MiB take 8 ms."""

EASY_TILE_BYTES = 2**23
"""Above this it hardly counts, and a slot may have several tiles; on the way from 64 MiB in 6 tiles
to 12, a fleet on one machine loses a tenth."""

MAX_OVERHEAD = 0.15
"""Halo samples read again, as a fraction of the array."""

SLAB_ALLOWANCE = 0.05
"""What a slab may read more than the best cut: about what gathering its rows would cost."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A tile shape and, in one line, why."""

    tile: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Partition:
    """A partition, with the numbers by which partitions are compared."""

    grid: Grid
    samples: int
    slab: bool
    overhead: float


def choose_tile(
    shape: tuple[int, ...],
    itemsize: int,
    halo: Halo,
    wraps: tuple[bool, ...],
    slots: int,
    *,
    whole: tuple[bool, ...] | None = None,
    tiles_per_slot: int = TILES_PER_SLOT,
    max_tile_bytes: int = MAX_TILE_BYTES,
    min_tile_bytes: int = MIN_TILE_BYTES,
    max_overhead: float = MAX_OVERHEAD,
) -> Choice:
    """Choose the shape of the piece that each tile owns.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    itemsize : int
        Bytes per sample, the larger of input and output.
    halo : Halo
    wraps : tuple of bool
        Axes whose edge mode is ``wrap``.
    slots : int
        Tiles that are computed at the same time, over all workers.
    whole : tuple of bool, optional
        Axes that are not to be cut.
    tiles_per_slot : int
        How many tiles each slot should see, for balance.
    max_tile_bytes, min_tile_bytes : int
        Bounds of the piece that a tile owns, where the array allows. Its halo comes on top: in four
        dimensions a deep one outweighs it, but finer tiles would only read it more often.
    max_overhead : float
        Halo samples read again, as a fraction of the array.

    Examples
    --------
    >>> choose_tile((1024, 768, 3), 4, Halo((2, 2, 2), (2, 2, 2)), (False,) * 3, 2)
    Choice(tile=(512, 768, 3), reason='2 slabs for 2 slots, 0.4 % read twice')
    """
    size = math.prod(shape)
    if not size or not shape:
        return Choice(tuple(max(1, n) for n in shape), "nothing to cut")
    least = -(-size * itemsize // max_tile_bytes)
    most = max(least, size * itemsize // min_tile_bytes, 1)
    easy = size * itemsize // (slots * EASY_TILE_BYTES)
    a_few = range(max(1, min(tiles_per_slot, easy)), 0, -1)
    busy = min(-(-2 * slots // 3), most)  # a worker offers a slot more than it has threads
    targets = [min(max(target, least), most) for target in (*(slots * n for n in a_few), busy)]
    whole_axes = whole or (False,) * len(shape)
    partitions = [
        _partition(shape, halo, wraps, whole_axes, target) for target in (*targets, least)
    ]
    thin = [
        partition
        for partition in partitions
        if partition.overhead <= max_overhead and len(partition.grid) >= busy
    ]
    best = thin[0] if thin else min(partitions, key=lambda partition: _time(partition, slots))
    return Choice(best.grid.tile, _reason(best, slots, max_overhead))


def _partition(
    shape: tuple[int, ...],
    halo: Halo,
    wraps: tuple[bool, ...],
    whole: tuple[bool, ...],
    target: int,
) -> _Partition:
    """Cut into about so many tiles: slabs, or blocks where these read clearly less."""
    slabs = _measure(_slabs(shape, whole, target), halo, wraps, slab=True)
    blocks = _measure(_blocks(shape, halo, wraps, whole, target), halo, wraps, slab=False)
    allowed = blocks.samples * (1 + SLAB_ALLOWANCE)
    return slabs if slabs.samples <= allowed and len(slabs.grid) >= target / 2 else blocks


def _measure(grid: Grid, halo: Halo, wraps: tuple[bool, ...], *, slab: bool) -> _Partition:
    size = math.prod(grid.shape)
    samples = math.prod(
        _read(grid, halo, wraps, axis, count) for axis, count in enumerate(grid.counts)
    )
    return _Partition(grid, samples, slab, samples / size - 1)


def _read(grid: Grid, halo: Halo, wraps: tuple[bool, ...], axis: int, count: int) -> int:
    """Return the samples read along one axis when it is cut into so many tiles."""
    length = grid.shape[axis]
    size = -(-length // count)
    return read_total(length, size, (halo.before[axis], halo.after[axis]), wraps=wraps[axis])


def _slabs(shape: tuple[int, ...], whole: tuple[bool, ...], target: int) -> Grid:
    """Cut the first axis, then the second once the first is cut to single samples, and so on."""
    tile = []
    for length, whole_axes in zip(shape, whole, strict=True):
        if whole_axes:
            tile.append(length)
            continue
        count = min(length, max(target, 1))
        tile.append(-(-length // count))
        target = -(-target // length) if target > length else 1
    return Grid(shape, tuple(tile))


def _blocks(
    shape: tuple[int, ...],
    halo: Halo,
    wraps: tuple[bool, ...],
    whole: tuple[bool, ...],
    target: int,
) -> Grid:
    """Halve, until there are as many tiles as aimed at, along the axis where it costs least."""
    grid = Grid(shape, shape)
    while len(grid) < target:
        halves = [
            Grid(shape, (*grid.tile[:axis], -(-grid.tile[axis] // 2), *grid.tile[axis + 1 :]))
            for axis in range(len(shape))
            if grid.tile[axis] > 1 and not whole[axis]
        ]
        if not halves:
            break
        grid = min(halves, key=lambda half: _measure(half, halo, wraps, slab=False).samples)
    return grid


def _time(partition: _Partition, slots: int) -> float:
    """Return the rounds of tiles that the slots take, times the samples that each handles."""
    tiles = len(partition.grid)
    return -(-tiles // slots) * (partition.samples + math.prod(partition.grid.shape)) / tiles


def _reason(partition: _Partition, slots: int, max_overhead: float) -> str:
    tiles = len(partition.grid)
    kind = ("slab" if partition.slab else "block") + ("s" if tiles != 1 else "")
    why = f"{tiles} {kind} for {slots} slots, {partition.overhead:.1%} read twice".replace(
        "%", " %"
    )
    thick = partition.overhead > max_overhead
    return f"{why}: the halo is too deep for thinner ones" if thick else why
