"""Short measurements on a dask cluster for a forecast: a block at each worker, then some tiles."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from coordinator.engines import Capacity
from coordinator.engines.dask.cluster import GREETING_S, Cluster, reason_of
from coordinator.engines.dask.engine import (
    HELD,
    IN_FLIGHT_BYTES,
    DaskEngine,
    bounded_engine,
    cluster_capacity,
)
from coordinator.engines.dask.remote import compute
from coordinator.errors import TilefanError
from coordinator.events import Event, WorkerLost, WorkerReady
from coordinator.planning.measure import ROUNDS, brief_block, quickest_s
from coordinator.planning.rehearsal import Sample, ignore, rehearse
from coordinator.planning.speeds import Measured, Rehearsal
from coordinator.stores import Source
from tiling.geometry.box import Box
from tiling.geometry.plan import Tile
from tiling.jobs.cost import FLEET, work_of
from tiling.jobs.job import Job


@dataclass(frozen=True, slots=True)
class ClusterFleet:
    """A dask cluster, as a fleet to be measured.

    Parameters
    ----------
    client : distributed.Client
    """

    client: Any

    @property
    def in_flight_bytes(self) -> int:
        """Most bytes of tiles in flight."""
        return IN_FLIGHT_BYTES

    @property
    def held(self) -> int:
        """How often a tile in flight is in this process's memory."""
        return HELD

    def alone(
        self, job: Job, source: Source
    ) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
        """Greet every worker and have each filter a block, one after another.

        Raises
        ------
        NoWorkerError
            If nobody can take the job.
        """
        greeted: list[Event] = []
        with closing(DaskEngine(self.client)) as engine:
            began = time.perf_counter()
            engine.prepare(job, greeted.append)
            start_s = time.perf_counter() - began
        ready = [event for event in greeted if isinstance(event, WorkerReady)]
        lost = (event for event in greeted if isinstance(event, WorkerLost))
        found = [_alone(Cluster(self.client), event, job, source, start_s) for event in ready]
        found += [Measured(event.worker, trouble=event.reason) for event in lost]
        usable = {worker.worker for worker in found if not worker.trouble}
        return tuple(found), tuple(event for event in ready if event.worker in usable)

    def capacity(self, ready: Sequence[WorkerReady], in_flight_bytes: int) -> Capacity:
        """Return what these workers can take with so many bytes in flight."""
        return cluster_capacity(ready, in_flight_bytes)

    def together(
        self,
        ready: Sequence[WorkerReady],  # noqa: ARG002 -- of a cluster all take part
        sample: Sample,
        in_flight_bytes: int,
    ) -> tuple[None, Rehearsal | None]:
        """Have the cluster compute tiles of the run; nothing if that fails, as the run may too."""
        with closing(bounded_engine(self.client, in_flight_bytes)) as engine:
            try:
                capacity = engine.prepare(sample.job, ignore)
                return None, rehearse(engine, capacity, sample, capacity.pace.work_s)
            except TilefanError:
                return None, None


def _alone(
    cluster: Cluster, event: WorkerReady, job: Job, source: Source, start_s: float
) -> Measured:
    block = brief_block(source, job, FLEET.work_s)
    whole = Box.whole(block.shape)

    def call(function: Any, *arguments: Any) -> None:
        key = f"tilefan-{secrets.token_hex(8)}"
        future = cluster.submit(key, event.worker, function, *arguments)
        try:
            future.result(timeout=GREETING_S)
        finally:
            future.release()

    try:
        trip_s = min(_timed(partial(call, int)) for _ in range(ROUNDS))
        ask = partial(call, compute, job.encode(), Tile(0, whole, whole), block)
        block_s = quickest_s(ask)
    except Exception as error:  # of a worker that is gone by now, many kinds
        return Measured(event.worker, trouble=reason_of(error))
    work = max(1.0, work_of(job, block.shape, block.shape))
    return Measured(
        event.worker, event.slots, trip_s, work, block_s, start_s, event.cores, event.boot
    )


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
