"""A request: a job on a source, the tiles it is cut into, and the bound of its samples."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.engines import Capacity
from coordinator.stores import Source
from tiling.errors import BadTypeError, BadValueError
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.geometry.tile_shape import MOST_ROUNDS, Choice, choose_tile
from tiling.jobs.cost import FLEET, HERE, layers, tile_s
from tiling.jobs.job import Job
from tiling.jobs.stages import wants_bound
from tiling.operations.base import ANYTHING, dtype_bound

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling


PIECE_BYTES = 16 * 2**20
"""Of a block that is looked at, or combined with others, in this process."""


ROW_BYTES = 2**14
"""Of a row that workers write at once."""

LOOKED_AT_BYTES = 2 * PIECE_BYTES
"""Of an array, for a note only: it is milliseconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants: a job on a source, cut as `tile` says or as seems best.

    Parameters
    ----------
    job : Job
    source : Source
    tile : tuple of int, optional
        Shape of the piece that each tile owns.
    title : str
        What people call the job.
    bound : float, optional
        Of the source's samples (see `tiling.operations.base`); looked for unless given.
    sampling : Sampling, optional
        Which tiles are computed once more before the output is made visible; none without it.
    grain : tuple of int
        Of the output; see `choose_tile`.
    """

    job: Job
    source: Source
    tile: tuple[int, ...] | None = None
    title: str = ""
    bound: float | None = None
    sampling: Sampling | None = None
    grain: tuple[int, ...] = ()

    def choice(self, capacity: Capacity) -> Choice:
        """Choose the tiles for an engine of this capacity, unless the user has."""
        return self._cut(capacity)[0]

    def plan(self, capacity: Capacity) -> Plan:
        """Cut the source for an engine of this capacity."""
        return self._cut(capacity)[1]

    def expected_s(self, capacity: Capacity) -> float | None:
        """Return the seconds that the tiles are expected to take, by the cost model.

        None of what is repeated until nothing changes: how often is in the samples. And where the
        pace is a guess, as it is without workers that have tried the job.
        """
        if self.job.repeated or capacity.pace in (HERE, FLEET):
            return None
        plan, pace = self.plan(capacity), capacity.reading(self.source).pace
        return capacity.expected_s(len(plan), tile_s(self.job, plan.grid, pace))

    def _cut(self, capacity: Capacity) -> tuple[Choice, Plan]:
        bound = ANYTHING if self.bound is None else self.bound
        shape, there = self.source.shape, capacity.reading(self.source)
        return _cut(self.job, shape, self.tile, bound, there, self.grain)


@functools.lru_cache(maxsize=64)  # frames of one shape are filtered one after another
def _cut(
    job: Job,
    shape: tuple[int, ...],
    tile: tuple[int, ...] | None,
    bound: float,
    capacity: Capacity,
    grain: tuple[int, ...],
) -> tuple[Choice, Plan]:
    # What is repeated until nothing changes may cut all axes.
    whole = (False,) * job.ndim if job.repeated else job.whole(bound)
    halo, wraps = job.halo, job.wraps
    source, target = job.source.itemsize, job.target.itemsize
    if tile is None:
        choice = choose_tile(
            shape,
            max(source, target),
            layers(job, capacity.pace),
            wraps,
            capacity.slots,
            fixed_s=capacity.pace.tile_s,
            whole=whole,
            # Each tile more is one more that a change has to reach.
            most_rounds=1 if job.repeated else MOST_ROUNDS,
            max_tile_bytes=capacity.tile_bytes,
            grain=grain,
        )
    else:
        choice = Choice(tile, "as asked for")
    owned = tuple(
        max(length, 1) if kept else size
        for size, length, kept in zip(choice.tile, shape, whole, strict=True)
    )
    return choice, Plan(Grid(shape, owned), halo, wraps, source, target)


def known_bound(job: Job, source: Source) -> float:
    """Return the bound of a source's samples, looking at them only if it matters."""
    return bound_of(source) if wants_bound(job) else dtype_bound(job.source)


def bound_of(source: Source) -> float:
    """Return the largest magnitude among all samples, NaN if there is one."""
    bound = 0.0
    for block in (source.read(tile.read) for tile in pieces(source, source.chunks)):
        both = np.max(block), np.min(block)
        bound = float(np.max([bound, abs(float(both[0])), abs(float(both[1]))]))
    return bound


def not_finite(source: Source) -> tuple[int, int, bool]:
    """Count NaN and infinite samples; also tell whether all were looked at.

    Of an array beyond `LOOKED_AT_BYTES` it is some blocks, evenly spread.
    """
    if source.dtype.kind not in "fc":
        return 0, 0, True
    plan = pieces(source, source.chunks)
    step = max(1, -(-len(plan) * PIECE_BYTES // LOOKED_AT_BYTES))
    found = [0, 0]
    for number in range(0, len(plan), step):
        block = source.read(plan[number].read)
        if not np.isfinite(block).all():
            found[0] += int(np.count_nonzero(np.isnan(block)))
            found[1] += int(np.count_nonzero(np.isinf(block)))
    return found[0], found[1], step == 1


def whole(source: Source) -> Plan:
    """Return the plan of an array in one piece."""
    ndim, itemsize = len(source.shape), source.dtype.itemsize
    shape = tuple(max(1, length) for length in source.shape)
    return Plan(Grid(source.shape, shape), Halo.none(ndim), (False,) * ndim, itemsize, itemsize)


def pieces(source: Source, grain: tuple[int, ...] = ()) -> Plan:
    """Cut an array into slabs, or into whole grains, that are read at a time without workers."""
    return _pieces(source.shape, source.dtype.itemsize, grain)


@functools.lru_cache(maxsize=64)
def _pieces(shape: tuple[int, ...], itemsize: int, grain: tuple[int, ...]) -> Plan:
    halo, wraps = Halo.none(len(shape)), (False,) * len(shape)
    most = PIECE_BYTES
    tile = choose_tile(shape, itemsize, (), wraps, 1, max_tile_bytes=most, grain=grain).tile
    return Plan(Grid(shape, tile), halo, wraps, itemsize, itemsize)


def tile_shape(tile: Any, ndim: int) -> tuple[int, ...] | None:
    """Return the tile that a user asks for: None, one size for every axis, or one per axis.

    Raises
    ------
    TilingError
        If it has a wrong rank, or a size is no positive integer.
    """
    if tile is None:
        return None
    try:
        shape = tuple(map(index, tile if isinstance(tile, Iterable) else (tile,) * ndim))
    except TypeError:
        raise BadTypeError(f"tile must be an integer or one per axis, not {tile!r}") from None
    if len(shape) != ndim:
        raise BadValueError(f"tile {shape} has {len(shape)} axes, the array has {ndim}")
    if min(shape, default=1) < 1:
        raise BadValueError(f"tile {shape}: every axis needs at least one sample")
    return shape


def row_grain(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the box of an output in one file that workers had better write at once.

    Each of its rows is a call of the system, which takes as long as some kilobytes.

    Examples
    --------
    >>> row_grain((256, 256, 256), 4), row_grain((10, 100_000), 4)
    ((1, 1, 256), (1, 4096))
    """
    return (*(1 for _ in shape[1:]), *(max(1, min(n, ROW_BYTES // itemsize)) for n in shape[-1:]))


def check_grain(
    tile: tuple[int, ...] | None, shape: tuple[int, ...], grain: tuple[int, ...]
) -> None:
    """Refuse tiles that a user asks for if two of them would write to one chunk of the output.

    Raises
    ------
    BadValueError
        Saying which tiles would do, and which chunks.
    """
    if tile is None or not grain:
        return
    axes = tuple(zip(tile, shape, grain, strict=True))
    if any(size < length and size % unit for size, length, unit in axes):
        fitting = ",".join(str(min(-(-size // unit) * unit, length)) for size, length, unit in axes)
        raise BadValueError(
            f"tile {tile} cuts the output's chunks of {grain}; take --tile {fitting}, or chunks "
            f"that fit: --chunks {','.join(map(str, tile))}"
        )
