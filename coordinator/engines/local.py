"""The local engine: this process's threads, each writing straight into the output."""

from __future__ import annotations

import functools
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Set

import numpy as np

from coordinator.engines import Capacity, TileRun
from coordinator.events import (
    Hearer,
    TileAnswered,
    TileComputing,
    TileSent,
    TileStored,
    WorkerReady,
    WorkerUsage,
)
from coordinator.journal.digests import Seals
from coordinator.journal.records import Finished
from coordinator.machine import NAME, resident_bytes, usable_cores
from tiling.geometry.plan import Tile
from tiling.geometry.tile_shape import MAX_TILE_BYTES
from tiling.jobs.cost import HERE
from tiling.jobs.job import Job
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.kernels.watch import Watch, watching
from tiling.probes.digests import needed
from tiling.probes.select import Selected, select

NEWS_S = 0.5
"""Between two looks at how far tiles are."""

PATIENCE_S = 0.5
"""How long an interrupted run waits for the tiles in hand: what is finished then, is kept."""


BRIEF_WORK = 2**24
"""Of a tile that is done before a user feels it: milliseconds, of SciPy some tens of them."""


def capacity(threads: int, job: Job) -> Capacity:
    """Return what so many threads of this process can take of a job.

    What is repeated until nothing changes is one thread's: the others would have to wait for a
    change that runs from tile to tile and back, and as often the tiles would be computed again.
    """
    return Capacity(1 if job.repeated else threads, MAX_TILE_BYTES, HERE)


def kernel_for(job: Job) -> Selected:
    """Return the kernel that computes a job in this process: the native one if it proves itself."""
    return _proven(needed(job))


@functools.cache
def _proven(probes: tuple[str, ...]) -> Selected:
    selected = select("auto", probes)
    if selected.note:
        warnings.warn(selected.note, RuntimeWarning, stacklevel=2)
    return selected


class LocalEngine:
    """Threads that pull tiles from the plan until there are none.

    Parameters
    ----------
    threads : int, optional
        Tiles computed at a time; one per usable core unless given.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or usable_cores()

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        """Return what the threads can take."""
        tell(WorkerReady(NAME, self.threads))
        return capacity(self.threads, job)

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:  # noqa: ARG002
        """Return nothing: the caller is on this machine too; see `coordinator.engines.Engine`."""
        return frozenset()

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        """Compute every tile; see `coordinator.engines.Engine`.

        Raises
        ------
        Exception
            The first that a thread meets: of the source, the sink, the journal or the kernel.
        """
        selected = kernel_for(tiles.job)
        tell(WorkerReady(NAME, self.threads, (("kernel", selected.name),)))
        pull = _Pull(tiles, tell, selected.kernel)
        wanted = tiles.count
        if wanted == 1 and tiles.job.program.total_work(tiles.plan.largest_read) < BRIEF_WORK:
            pull.run()  # before an interruption can be felt
        else:
            self._share_out(pull, wanted)
        if pull.error is not None:
            raise pull.error

    def _share_out(self, pull: _Pull, wanted: int) -> None:
        threads = [
            # A daemon, for what SciPy computes in one piece can't be stopped or waited for.
            threading.Thread(target=pull.run, name=f"tile_{i}", daemon=True)
            for i in range(min(self.threads, wanted))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(NEWS_S)
                while thread.is_alive():
                    pull.tell_shares()
                    thread.join(NEWS_S)
        except BaseException:
            pull.stop()
            deadline_s = time.monotonic() + PATIENCE_S
            for thread in threads:
                if thread.ident is not None:
                    thread.join(max(0.0, deadline_s - time.monotonic()))
            pull.abandon()
            raise


class _Pull:
    """What the threads do: take the next tile, compute it, until the plan or the run ends."""

    def __init__(self, tiles: TileRun, tell: Hearer, kernel: Kernel) -> None:
        self._tiles = tiles
        self._tell = tell
        self._seals = Seals(tiles.job)
        self._left: Iterator[Tile] = tiles.tiles()
        self._lock = threading.Lock()
        self._kernel = kernel
        self._watches: dict[int, Watch] = {}  # of tiles in hand
        self.error: BaseException | None = None

    def run(self) -> None:
        """Compute tiles; the first error of any thread ends them all."""
        try:
            while (tile := self._next()) is not None:
                self._compute(tile)
                with self._lock:
                    size = tile.write.size * self._tiles.job.target.itemsize
                    self._tell(TileStored(tile.index, NAME, size))
        except BaseException as error:
            self.stop()
            with self._lock:
                self.error = self.error or error

    def stop(self) -> None:
        """Let each thread end after the tile in hand."""
        with self._lock:
            self._left = iter(())

    def tell_shares(self) -> None:
        """Tell how far the tiles in hand are, and what this process takes for them."""
        with self._lock:
            for index, watch in self._watches.items():
                self._tell(TileComputing(index, NAME, watch.share))
            self._tell(WorkerUsage(NAME, time.process_time(), resident_bytes()))

    def abandon(self) -> None:
        """Let each thread leave the tile in hand."""
        with self._lock:
            for watch in self._watches.values():
                watch.cancel()

    def _next(self) -> Tile | None:
        with self._lock:
            tile = next(self._left, None)
            if tile is not None:
                self._tell(TileSent(tile.index, NAME, attempt=1, bytes_sent=0))
            return tile

    def _compute(self, tile: Tile) -> None:
        job, journal = self._tiles.job, self._tiles.journal
        block = self._tiles.source.read(tile.read)
        out = self._tiles.sink.region(tile.write)
        began_s = time.monotonic()
        watch = Watch()
        with self._lock:
            self._watches[tile.index] = watch
        with watching(watch):
            if out.dtype == job.target and out.flags.aligned:
                apply(job.program, block, tile.crop.slices, out, self._kernel)
            else:
                native = np.empty(out.shape, job.target)
                apply(job.program, block, tile.crop.slices, native, self._kernel)
                out[...] = native
        self._tiles.sink.store(tile.write, out)
        took_s = time.monotonic() - began_s
        with self._lock:
            del self._watches[tile.index]
            self._tell(TileAnswered(tile.index, NAME, 1, "", 0, took_s, 0.0))
        if journal is not None:
            journal.record(self._seals.finished(tile, block, out))
