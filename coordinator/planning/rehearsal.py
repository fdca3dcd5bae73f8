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
from coordinator.stores import Sink, Source
from coordinator.stores.memory import ArraySink
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.cost import mean_work, work_of
from tiling.jobs.job import Job

PIECE_S = 0.2
"""A tile that takes longer is rehearsed by a shorter one."""

REHEARSAL_S, SHARE, MOST_S = 0.5, 0.1, 2.0
"""Of all tiles together, about: so long, or a share of the run up to a bound. The longer it takes,
the less matters what else the machine does now and then."""

REHEARSAL_BYTES, MOST_BYTES = 2**28, 2**30
"""Of the blocks of two rounds, and most of all that are read."""


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
        Of the output's file, if that is what tiles go into; else they go into memory, as those do
        of an output in chunks before they are encoded.
    sink : Sink, optional
        That tiles go into instead, and workers can open.
    """

    job: Job
    plan: Plan
    source: Source
    whole: tuple[bool, ...]
    folder: Path | None
    sink: Sink | None = None


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
    slots = min(capacity.slots, len(plan))
    pieces = shortened(sample, work_s, REHEARSAL_BYTES // (2 * slots))
    with _nothing(sample) as sink:

        def timed(count: int) -> Rehearsal:
            chosen = spread(len(pieces), count)
            began_s = time.perf_counter()
            engine.run(TileRun(job, pieces, sample.source, sink, only=chosen), ignore)
            wall_s = time.perf_counter() - began_s
            tiles = [pieces[index] for index in chosen]
            work = sum(work_of(job, tile.read.shape, tile.write.shape) for tile in tiles)
            return Rehearsal(len(tiles), work / len(tiles), min(lanes, len(tiles)), wall_s)

        # The first tiles find out how long one takes; they also start threads and load what is
        # loaded late, which a run does once.
        first = timed(slots)
        ideal_s = first.tile_s * mean_work(job, plan.grid) / first.work * len(plan) / lanes
        long_s = min(MOST_S, max(REHEARSAL_S, SHARE * ideal_s))
        most = max(2 * slots, MOST_BYTES // _block_bytes(pieces))
        # In fewer than two rounds of the slots most transfers would be at no computing's side.
        count = min(max(2 * slots, int(lanes * long_s / first.tile_s)), most, len(pieces))
        return timed(count) if count > slots else first


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


@dataclass(frozen=True, slots=True)
class FreshSink:
    """A sink that gives memory of its own for each region, and forgets it.

    An array as large as the output's need not fit into memory, though a few tiles of it do; and
    huge pages would be cleared in all of it, if tiles are columns.

    Parameters
    ----------
    dtype : numpy.dtype
    name : str
    """

    dtype: Dtype
    name: str = "nothing"

    @property
    def committed(self) -> bool:
        """False: nothing of it is ever seen."""
        return False

    def region(self, box: Box) -> Array:
        """Return an array of the shape of a box."""
        return np.empty(box.shape, self.dtype)

    read = region

    def store(self, box: Box, block: Array) -> None:
        """Do nothing."""

    def commit(self) -> None:
        """Do nothing."""

    def discard(self) -> None:
        """Do nothing."""

    def suspend(self) -> bool:
        """Return False: there is nothing to go on with."""
        return False


@contextmanager
def _nothing(sample: Sample) -> Iterator[Sink]:
    """Yield a sink that is gone afterwards: a file without a name, or memory."""
    shape, dtype = sample.plan.grid.shape, sample.job.target
    if sample.sink is not None:
        yield sample.sink
        return
    if sample.folder is None:
        yield FreshSink(dtype)
        return
    with unnamed_file(sample.folder) as descriptor:
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        os.ftruncate(descriptor, size)
        data = mmap.mmap(descriptor, size, access=mmap.ACCESS_WRITE)
        yield ArraySink(np.frombuffer(data, dtype).reshape(shape))


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
