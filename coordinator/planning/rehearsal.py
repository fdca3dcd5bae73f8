"""A rehearsal: a few tiles of a run's own plan, computed as the run would, into nothing.

What a tile takes beside others is no sum of what can be measured one by one: cores share the
bandwidth of memory, workers share cores or a link, this process reads, checks and stores while
they compute, and memory that is used for the first time is cleared. So tiles are computed by the
run's own engine, in all its lanes at once, and their time follows from the time of all::

    wall_s = makespan(tiles, tile_s, lanes)        the function by which tiles are chosen, inverted

Tiles are taken from all over the array, for what a filter takes may depend on the samples. They are
those of the plan if a tile is done soon, and shorter ones if not.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from coordinator.engines import Capacity, Engine, TileRun
from coordinator.events import Event
from coordinator.planning.speeds import Rehearsal
from coordinator.stores import Source
from coordinator.stores.memory import ArraySink
from coordinator.stores.scratch import scratch
from tiling.dtypes import Array, Dtype
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.cost import mean_work, work_of
from tiling.jobs.job import Job

PIECE_S = 0.1
"""A tile that takes longer is rehearsed by a shorter one."""

REHEARSAL_S = 0.5
"""Of all tiles together, about: long against what else a machine does now and then."""

REHEARSAL_BYTES = 2**28
"""Most of all their blocks."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a rehearsal is about.

    Parameters
    ----------
    job : Job
    plan : Plan
        Of the run.
    source : Source
    whole : tuple of bool
        Axes that are not to be cut.
    folder : Path, optional
        Of the output's file, if that is what tiles go into; else they go into memory.
    """

    job: Job
    plan: Plan
    source: Source
    whole: tuple[bool, ...]
    folder: Path | None


def rehearse(engine: Engine, capacity: Capacity, sample: Sample, work_s: float) -> Rehearsal | None:
    """Compute some tiles of a plan; None if there is nothing to compute.

    Parameters
    ----------
    engine : Engine
        That is ready for the job.
    capacity : Capacity
        Of the engine.
    sample : Sample
    work_s : float
        Seconds that a unit of work takes, about.

    Raises
    ------
    TilefanError
        As the engine's run does.
    """
    job, plan = sample.job, sample.plan
    if not plan.bytes_in:
        return None
    lanes = min(capacity.lanes or capacity.slots, len(plan))
    pieces = shortened(sample, work_s, REHEARSAL_BYTES // (2 * lanes))
    with _nothing(sample.folder, plan.grid.shape, job.target) as array:

        def timed(count: int) -> Rehearsal:
            chosen = spread(len(pieces), count)
            kept = frozenset(range(len(pieces))) - chosen
            began_s = time.perf_counter()
            sink = ArraySink(array)
            engine.run(TileRun(job, pieces, sample.source, sink, kept=kept), ignore)
            wall_s = time.perf_counter() - began_s
            tiles = [pieces[index] for index in chosen]
            work = sum(work_of(job, tile.read.shape, tile.write.shape) for tile in tiles)
            return Rehearsal(len(tiles), work / len(tiles), min(lanes, len(tiles)), wall_s)

        # The first tiles find out how long one takes; they also start threads and load what is
        # loaded late, which a run does once.
        first = timed(lanes)
        most = max(2 * lanes, REHEARSAL_BYTES // _block_bytes(pieces))
        count = min(int(lanes * REHEARSAL_S / first.tile_s), most, len(pieces))
        return timed(count) if count > lanes else first


def shortened(sample: Sample, work_s: float, most_bytes: int) -> Plan:
    """Halve the tiles of a plan, along the longest axis that may be cut, until one is done soon.

    Parameters
    ----------
    sample : Sample
    work_s : float
        Seconds that a unit of work takes, about.
    most_bytes : int
        Of a tile's block.
    """
    cut = sample.plan
    while mean_work(sample.job, cut.grid) * work_s > PIECE_S or _block_bytes(cut) > most_bytes:
        lengths = [0 if kept else n for n, kept in zip(cut.grid.tile, sample.whole, strict=True)]
        if max(lengths) < 2:
            break
        axis = lengths.index(max(lengths))
        tile = (*cut.grid.tile[:axis], -(-lengths[axis] // 2), *cut.grid.tile[axis + 1 :])
        cut = replace(cut, grid=Grid(cut.grid.shape, tile))
    return cut


def spread(tiles: int, count: int) -> frozenset[int]:
    """Choose so many tiles, at the same distance from one another.

    >>> sorted(spread(10, 3))
    [1, 5, 8]
    """
    count = min(tiles, count)
    return frozenset((2 * i + 1) * tiles // (2 * count) for i in range(count))


def _block_bytes(plan: Plan) -> int:
    return max(1, plan.bytes_in // len(plan))


def ignore(_: Event) -> None:
    """Hear of a tile that nobody asked for."""


@contextmanager
def _nothing(folder: Path | None, shape: tuple[int, ...], dtype: Dtype) -> Iterator[Array]:
    """Yield an array that is gone afterwards: in a file without a name, or in memory."""
    if folder is None:
        yield scratch(shape, dtype)
        return
    with unnamed_file(folder) as descriptor:
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        os.ftruncate(descriptor, size)
        data = mmap.mmap(descriptor, size, access=mmap.ACCESS_WRITE)
        yield np.frombuffer(data, dtype).reshape(shape)


@contextmanager
def unnamed_file(folder: Path) -> Iterator[int]:
    """Yield the descriptor of a file that nobody sees, in a folder or where temporary files are."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=".tilefan-", dir=folder)
    except OSError:  # a run would write elsewhere, or be refused
        descriptor, name = tempfile.mkstemp(prefix="tilefan-")
    try:
        Path(name).unlink()
        yield descriptor
    finally:
        os.close(descriptor)
