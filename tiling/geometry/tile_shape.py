"""The choice of the shape of tiles: a pure function of the array, of prices and of the slots.

Several aims conflict. Many tiles balance the slots, show progress and make a lost one cheap; few
tiles read and compute little halo, and each has its fixed price; and a slab, cut across the first
axis only, is one run of memory that is sent without a copy. One number decides: the *makespan*, the
time in which the slots are expected to be done with all tiles (`makespan_s`). So:

1. Partitions into 1 tile, a few, and up to `MOST_ROUNDS` tiles a slot are compared, and into more
   where a tile would take longer than `LONG_S`; each in slabs, or by the axis where a cut costs
   least, whichever is cheaper; a slab may cost a little more, for its copies saved.
2. No tile is beyond the bound of bytes, and none takes less than `FIXED_SHARES` times its fixed
   price, so a fleet that claims many slots gains nothing by it.
3. The least makespan wins, among those whose tiles take no longer than `LONG_S` if there are any.

Where the output is stored in chunks, tiles are made of whole ones, the *grain*: but for the far
edge they begin and end where chunks do, so that no two tiles write to one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import read_total

MOST_ROUNDS = 10
"""Tiles for each slot: more balance nothing."""

LONG_S = 4.0
"""Of a tile: what is lost with a worker, waits for a hedge, or can't be stopped by Ctrl-C."""

FIXED_SHARES = 5
"""A tile takes at least so many times its fixed price: a fifth is the most that is wasted."""

TAIL = 0.5
"""Of a tile, for which slots wait for the last one, on average."""

MAX_TILE_BYTES = 64 * 2**20
"""Of the piece that a tile owns: a worker holds a few of these per slot."""

SLAB_ALLOWANCE = 0.05
"""What a slab may cost more than the best cut: about what gathering its rows would."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What is done to each sample round a tile: of the halo that is needed, and its price."""

    halo: Halo
    sample_s: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A tile shape and, in one line, why; and what it was compared with.

    Parameters
    ----------
    tile : tuple of int
    reason : str
    makespan_s : float
        Expected, in seconds.
    others : tuple of str
        Other cuts with their makespans, best first.
    """

    tile: tuple[int, ...]
    reason: str
    makespan_s: float = 0.0
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Partition:
    """A partition, with the numbers by which partitions are compared.

    `tile_s` is what one of its tiles takes, on average.
    """

    grid: Grid
    tile_s: float
    slab: bool
    overhead: float


def makespan_s(tiles: int, tile_s: float, slots: int) -> float:
    """Return the seconds after which the slots are expected to be done with equal tiles.

    They take rounds; or, as no two are quite alike, each does its share, and waits for the last
    tile (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969, with half of his term:
    his is for the worst order).

    >>> makespan_s(8, 1.0, 8), makespan_s(9, 1.0, 8), makespan_s(80, 0.1, 8)
    (1.4375, 2.0, 1.04375)

    Parameters
    ----------
    tiles : int
    tile_s : float
        Of each.
    slots : int
        Tiles done at a time.
    """
    shared = tiles / slots + TAIL * (1 - 1 / slots)
    return tile_s * (1.0 if tiles <= 1 else max(-(-tiles // slots), shared))


def choose_tile(
    shape: tuple[int, ...],
    itemsize: int,
    layers: tuple[Layer, ...],
    wraps: tuple[bool, ...],
    slots: int,
    *,
    fixed_s: float = 0.0,
    whole: tuple[bool, ...] | None = None,
    most_rounds: int = MOST_ROUNDS,
    max_tile_bytes: int = MAX_TILE_BYTES,
    grain: tuple[int, ...] = (),
) -> Choice:
    """Choose the shape of the piece that each tile owns.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    itemsize : int
        Bytes per sample, the larger of input and output.
    layers : tuple of Layer
        The first is of what is read.
    wraps : tuple of bool
        Axes whose edge mode is ``wrap``.
    slots : int
        Tiles that are computed at the same time, over all workers.
    fixed_s : float
        Seconds that any tile takes.
    whole : tuple of bool, optional
        Axes that are not to be cut.
    most_rounds : int
        Tiles for each slot, unless they would take long.
    max_tile_bytes : int
        Bound of the piece that a tile owns, where the array allows. Its halo comes on top: in four
        dimensions a deep one outweighs it, but finer tiles would only read it more often.
    grain : tuple of int
        Tiles are multiples of it; a larger one than the bound is a tile.

    Examples
    --------
    >>> halo = Halo((2, 2, 2), (2, 2, 2))
    >>> choose_tile((1024, 768, 3), 4, (Layer(halo, 1e-8),), (False,) * 3, 2, fixed_s=1e-3)
    ... # doctest: +NORMALIZE_WHITESPACE
    Choice(tile=(256, 768, 3), reason='4 slabs for 2 slots, 1.2 % read twice',
           makespan_s=0.01591..., others=(...))
    """
    if not math.prod(shape) or not shape:
        return Choice(tuple(max(1, n) for n in shape), "nothing to cut")
    whole = whole or (False,) * len(shape)
    unit = grain or (1,) * len(shape)
    least = -(-math.prod(shape) * itemsize // max_tile_bytes)
    one = _measure(Grid(shape, shape), layers, wraps, fixed_s, slab=True)

    def cut(target: int) -> _Partition:
        partition = _partition(shape, layers, wraps, whole, target, fixed_s, unit)
        # Tiles that are rounded up to whole chunks may be too large: more are wanted then.
        large = bool(grain) and math.prod(partition.grid.tile) * itemsize > max_tile_bytes
        return cut(2 * target) if large and target <= math.prod(shape) else partition

    found = {
        partition.grid: partition
        for target in _targets(one.tile_s, least, slots, fixed_s, most_rounds)
        for partition in [cut(target)]
    }

    def cost(partition: _Partition) -> tuple[bool, float]:
        long = partition.tile_s > LONG_S
        return long, makespan_s(len(partition.grid), partition.tile_s, slots)

    best, *others = sorted(found.values(), key=cost)
    return Choice(
        best.grid.tile,
        _reason(best, slots),
        cost(best)[1],
        tuple(f"{_kinds(each)} {cost(each)[1]:.3g} s" for each in others[:3]),
    )


def _targets(whole_s: float, least: int, slots: int, fixed_s: float, most_rounds: int) -> list[int]:
    """Return the numbers of tiles to compare, if the array takes so long in one."""
    most = max(1, int(whole_s / (FIXED_SHARES * fixed_s))) if fixed_s else 1
    rounds = (slots * n for n in range(1, most_rounds + 1))
    short = -(-int(whole_s / LONG_S) // slots + 1) * slots
    wanted = (1, slots // 4, slots // 2, *rounds, short, 2 * short)
    return sorted({max(least, min(most, target), 1) for target in wanted})


def _partition(
    shape: tuple[int, ...],
    layers: tuple[Layer, ...],
    wraps: tuple[bool, ...],
    whole: tuple[bool, ...],
    target: int,
    fixed_s: float,
    unit: tuple[int, ...],
) -> _Partition:
    """Cut into about so many tiles: slabs, or blocks where these cost clearly less."""

    def measure(grid: Grid, *, slab: bool) -> _Partition:
        return _measure(grid, layers, wraps, fixed_s, slab=slab)

    slabs = measure(_slabs(shape, whole, target, unit), slab=True)
    blocks = measure(_blocks(shape, layers[:1], wraps, whole, target, unit), slab=False)
    allowed = len(blocks.grid) * blocks.tile_s * (1 + SLAB_ALLOWANCE)
    cheap = len(slabs.grid) * slabs.tile_s <= allowed
    return slabs if cheap and len(slabs.grid) >= target / 2 else blocks


def _measure(
    grid: Grid, layers: tuple[Layer, ...], wraps: tuple[bool, ...], fixed_s: float, *, slab: bool
) -> _Partition:
    all_s = sum(layer.sample_s * samples_read(grid, layer.halo, wraps) for layer in layers)
    read = samples_read(grid, layers[0].halo, wraps) if layers else math.prod(grid.shape)
    return _Partition(grid, fixed_s + all_s / len(grid), slab, read / math.prod(grid.shape) - 1)


def samples_read(grid: Grid, halo: Halo, wraps: tuple[bool, ...]) -> int:
    """Return the samples that all tiles of a grid cover together, each with this halo.

    Parameters
    ----------
    grid : Grid
    halo : Halo
    wraps : tuple of bool
        Axes along which tiles reach round the edges.
    """
    if not len(grid):
        return 0
    return math.prod(
        _read(grid, halo, wraps, axis, count) for axis, count in enumerate(grid.counts)
    )


def _read(grid: Grid, halo: Halo, wraps: tuple[bool, ...], axis: int, count: int) -> int:
    """Return the samples read along one axis when it is cut into so many tiles."""
    length = grid.shape[axis]
    size = -(-length // count)
    return read_total(length, size, (halo.before[axis], halo.after[axis]), wraps=wraps[axis])


def _slabs(
    shape: tuple[int, ...], whole: tuple[bool, ...], target: int, unit: tuple[int, ...]
) -> Grid:
    """Cut the first axis, then the second once the first is cut to single units, and so on."""
    tile = []
    for length, whole_axes, size in zip(shape, whole, unit, strict=True):
        if whole_axes:
            tile.append(length)
            continue
        most = -(-length // size)
        count = min(most, max(target, 1))
        tile.append(min(length, -(-most // count) * size))
        target = -(-target // most) if target > most else 1
    return Grid(shape, tuple(tile))


def _blocks(
    shape: tuple[int, ...],
    layers: tuple[Layer, ...],
    wraps: tuple[bool, ...],
    whole: tuple[bool, ...],
    target: int,
    unit: tuple[int, ...],
) -> Grid:
    """Halve, until there are as many tiles as aimed at, along the axis where it costs least."""
    grid = Grid(shape, shape)
    while len(grid) < target:
        halves = [
            Grid(shape, (*tile[:axis], -(-tile[axis] // (2 * size)) * size, *tile[axis + 1 :]))
            for tile in (grid.tile,)
            for axis, size in enumerate(unit)
            if tile[axis] > size and not whole[axis]
        ]
        if not halves:
            break
        grid = min(halves, key=lambda half: _cost(half, layers, wraps))
    return grid


def _cost(grid: Grid, layers: tuple[Layer, ...], wraps: tuple[bool, ...]) -> int:
    return sum(samples_read(grid, layer.halo, wraps) for layer in layers)


def _kinds(partition: _Partition) -> str:
    tiles = len(partition.grid)
    return f"{tiles} {'slab' if partition.slab else 'block'}{'s' if tiles != 1 else ''}"


def _reason(partition: _Partition, slots: int) -> str:
    return f"{_kinds(partition)} for {slots} slots, {partition.overhead:.1%} read twice".replace(
        "%", " %"
    )
