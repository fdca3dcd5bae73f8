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
from coordinator.engines.dask.cluster import GREETING_S, Cluster, Opener, reason_of
from coordinator.engines.dask.engine import (
    HELD,
    IN_FLIGHT_BYTES,
    DaskEngine,
    bounded_engine,
    cluster_capacity,
)
from coordinator.engines.dask.remote import compute
from coordinator.engines.http.places import terms_of
from coordinator.errors import TilefanError
from coordinator.events import Event, WorkerLost, WorkerReady
from coordinator.hosts.by_reference import ByReference
from coordinator.planning.measure import ROUNDS, brief_block, quickest_s
from coordinator.planning.rehearsal import Sample, ignore, rehearse
from coordinator.planning.speeds import Measured, Speeds
from coordinator.planning.ways import Rehearsed, measure_ways, on_terms
from coordinator.stores import Sink, Source
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
    by_reference : str
        See `coordinator.hosts.by_reference`.
    """

    client: Any
    by_reference: ByReference = "auto"

    @property
    def in_flight_bytes(self) -> int:
        """Most bytes of tiles in flight."""
        return IN_FLIGHT_BYTES

    @property
    def held(self) -> int:
        """How often a tile in flight is in this process's memory."""
        return HELD

    @property
    def opens(self) -> bool:
        """Whether its workers may be asked to open files."""
        return self.by_reference != "never"

    def alone(
        self, job: Job, source: Source, sink: Sink | None
    ) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
        """Greet every worker and have each filter a block, one after another.

        They are asked what they would open, too.

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
        cluster = Cluster(self.client)
        openers = {event.worker: Opener(cluster, event.worker) for event in ready}
        terms = terms_of(openers, source, sink) if self.opens else {}
        found = [
            on_terms(
                _alone(cluster, event, job, source, start_s),
                terms.get(event.worker),
                self.by_reference,
            )
            for event in ready
        ]
        found += [Measured(event.worker, trouble=event.reason) for event in lost]
        usable = {worker.worker for worker in found if not worker.trouble}
        return tuple(found), tuple(event for event in ready if event.worker in usable)

    def capacity(
        self,
        workers: Sequence[Measured],  # noqa: ARG002 -- whoever opens files, tiles are alike
        ready: Sequence[WorkerReady],
        in_flight_bytes: int,
    ) -> Capacity:
        """Return what these workers can take with so many bytes in flight."""
        return cluster_capacity(ready, in_flight_bytes)

    def ways(
        self,
        workers: Sequence[Measured],
        ready: Sequence[WorkerReady],  # noqa: ARG002 -- of a cluster all take part
        samples: tuple[Sample, Sample],
        in_flight_bytes: int,
    ) -> tuple[Speeds, Speeds | None]:
        """Find out how fast the cluster is; see `coordinator.planning.ways`."""

        def together(way: ByReference, sample: Sample) -> Rehearsed:
            with closing(bounded_engine(self.client, in_flight_bytes, way)) as engine:
                try:
                    capacity = engine.prepare(sample.job, ignore)
                    return None, rehearse(engine, capacity, sample, capacity.pace.work_s)
                except TilefanError:  # the run may fail too
                    return None, None

        return measure_ways(workers, samples, together, self.by_reference)


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
