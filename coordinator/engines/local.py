"""The local engine: this process's threads, each writing straight into the output."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from coordinator.engines import Capacity, Hearer, Mission
from coordinator.events import TileSent, TileStored, WorkerReady
from tiling.choose import MAX_TILE_BYTES
from tiling.job import Job
from tiling.kernels import Kernel, reference
from tiling.plan import Tile

NAME = "this machine"
"""How events call the one worker that is no host."""


def usable_cores() -> int:
    """Return the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """Threads that pull tiles from the plan until there are none.

    Parameters
    ----------
    threads : int, optional
        Tiles computed at a time; one per usable core unless given.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or usable_cores()

    def greet(self, job: Job, tell: Hearer) -> Capacity:  # noqa: ARG002 -- any job will do
        """Return the number of threads."""
        tell(WorkerReady(NAME, self.threads))
        return Capacity(self.threads, MAX_TILE_BYTES)

    def run(self, mission: Mission, tell: Hearer) -> None:
        """Compute every tile; see `coordinator.engines.Engine`."""
        threads = min(self.threads, len(mission.plan))
        pull = _Pull(mission, tell)
        if threads == 1:
            pull()
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="tile") as pool:
            futures = [pool.submit(pull) for _ in range(threads)]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                pull.stop()
                raise


class _Pull:
    """What each thread does: take the next tile, compute it, until the plan or the run ends."""

    def __init__(self, mission: Mission, tell: Hearer) -> None:
        self._mission = mission
        self._tell = tell
        self._tiles: Iterator[Tile] = iter(mission.plan)
        self._lock = threading.Lock()
        self._kernel: Kernel = reference.run

    def __call__(self) -> None:
        while (tile := self._next()) is not None:
            self._compute(tile)
            with self._lock:
                size = tile.write.size * self._mission.job.target.itemsize
                self._tell(TileStored(tile.index, NAME, size))

    def stop(self) -> None:
        """Let each thread end after the tile in hand."""
        with self._lock:
            self._tiles = iter(())

    def _next(self) -> Tile | None:
        with self._lock:
            tile = next(self._tiles, None)
            if tile is not None:
                self._tell(TileSent(tile.index, NAME, attempt=1, bytes_sent=0))
            return tile

    def _compute(self, tile: Tile) -> None:
        job = self._mission.job
        block = self._mission.source.read(tile.read)
        out = self._mission.sink.region(tile.write)
        if out.dtype == job.target and out.flags.aligned:
            job.apply(block, tile.crop.slices, out, self._kernel)
        else:
            native = np.empty(out.shape, job.target)
            job.apply(block, tile.crop.slices, native, self._kernel)
            out[...] = native
