"""Short measurements at workers for a forecast: a block at each alone, then tiles at some together.

What a block takes alone tells how the workers compare. What tiles take together tells what they
take one another: cores of one machine, a link, or this process, which may be on their machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from coordinator.engines import Capacity
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.engine import HttpEngine
from coordinator.engines.http.handshake import capacity_of, greet_all
from coordinator.engines.http.places import terms_of
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.errors import TilefanError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.planning.measure import ROUNDS, brief_block, quickest_s
from coordinator.planning.rehearsal import Sample, ignore, rehearse
from coordinator.planning.speeds import Measured, Speeds
from coordinator.planning.ways import Rehearsed, measure_ways, on_terms
from coordinator.stores import Sink, Source
from places.network import boot
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.jobs.cost import FLEET, work_of
from tiling.jobs.job import Job
from tiling.protocol.wire import Question

TOGETHER = 4
"""Workers that compute tiles at the same time: a large fleet is not kept busy for a forecast."""


@dataclass(frozen=True, slots=True)
class HostsFleet:
    """The workers of a hosts file, as a fleet to be measured.

    Parameters
    ----------
    config : Config
    credential : Credential
    """

    config: Config
    credential: Credential

    @property
    def in_flight_bytes(self) -> int:
        """Most bytes of tiles in flight."""
        return self.config.in_flight_bytes

    @property
    def held(self) -> int:
        """How often a tile in flight is in this process's memory."""
        return 1

    @property
    def opens(self) -> bool:
        """Whether its workers may be asked to open files."""
        return self.config.defaults.by_reference != "never"

    def alone(
        self, job: Job, source: Source, sink: Sink | None
    ) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
        """Measure each worker; see `measure_alone`."""
        return measure_alone(self.config, self.credential, job, source, sink)

    def capacity(
        self, workers: Sequence[Measured], ready: Sequence[WorkerReady], in_flight_bytes: int
    ) -> Capacity:
        """Return what these workers can take with so many bytes in flight."""
        opened = [worker for worker in workers if worker.by_reference and not worker.trouble]
        opens = len(opened) == len(ready) and all(event.boot == boot() for event in ready)
        return replace(capacity_of(ready, in_flight_bytes), opens=opens)

    def ways(
        self,
        workers: Sequence[Measured],
        ready: Sequence[WorkerReady],
        samples: tuple[Sample, Sample],
        in_flight_bytes: int,
    ) -> tuple[Speeds, Speeds | None]:
        """Find out how fast some of these workers are together; see `coordinator.planning.ways`."""
        config = self.config.bounded(in_flight_bytes)

        def together(way: ByReference, sample: Sample) -> Rehearsed:
            return measure_together(config.with_by_reference(way), self.credential, ready, sample)

        return measure_ways(workers, samples, together, config.defaults.by_reference)


def measure_alone(
    config: Config, credential: Credential, job: Job, source: Source, sink: Sink | None = None
) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
    """Greet every worker and have each filter a block, one after another.

    Parameters
    ----------
    config : Config
    credential : Credential
    job : Job
    source : Source
    sink : Sink, optional
        An output as it grows: workers are asked whether they would write it.

    Returns
    -------
    tuple of Measured
        Of every worker.
    tuple of WorkerReady
        What those say of themselves that can take the job.
    """
    with Session(config, credential) as session:
        # Workers try the job and prove themselves when they are greeted first. A run that follows
        # finds that done, so the second greeting is the one that counts.
        greet_all(session.clients, job, session.threads)
        began = time.perf_counter()
        greeted = greet_all(session.clients, job, session.threads)
        start_s = time.perf_counter() - began
        ready = [event for event in greeted if isinstance(event, WorkerReady)]
        clients = {event.worker: session.clients[event.worker] for event in ready}
        never = config.defaults.by_reference == "never"
        terms = {} if never else terms_of(clients, source, sink)
        found = []
        for event in greeted:
            if isinstance(event, WorkerLost):
                found.append(Measured(event.worker, trouble=event.reason))
            else:
                client = session.clients[event.worker]
                measured = _alone(client, event, job, source, start_s)
                its = terms.get(event.worker)
                found.append(on_terms(measured, its, config.defaults.by_reference))
    usable = {worker.worker for worker in found if not worker.trouble}
    return tuple(found), tuple(event for event in ready if event.worker in usable)


def _alone(
    client: Client, event: WorkerReady, job: Job, source: Source, start_s: float
) -> Measured:
    block = brief_block(source, job, event.work_s or FLEET.work_s)
    try:
        trip_s = min(timed_greeting(client) for _ in range(ROUNDS))
        block_s = quickest_s(partial(timed_block, client, job, block))
    except Refusal as refusal:
        return Measured(event.worker, trouble=refusal.reason)
    work = max(1.0, work_of(job, block.shape, block.shape))
    return Measured(
        event.worker, event.slots, trip_s, work, block_s, start_s, event.cores, event.boot
    )


def timed_greeting(client: Client) -> float:
    """Return the seconds that a worker takes to say who it is."""
    began = time.perf_counter()
    client.health()
    return time.perf_counter() - began


def timed_block(client: Client, job: Job, block: Array) -> float:
    """Return the seconds in which a worker filters a block, there and back."""
    began = time.perf_counter()
    question = Question(job.digest, 0, block.dtype, block.shape, Box.whole(block.shape))
    body = block.reshape(-1).view(np.uint8).data
    client.filter(question, lambda: body, job.target, Buffers())
    return time.perf_counter() - began


def measure_together(
    config: Config, credential: Credential, ready: Sequence[WorkerReady], sample: Sample
) -> Rehearsed:
    """Have some workers compute tiles of the run at the same time, with all their slots.

    Parameters
    ----------
    config : Config
        Of the run.
    credential : Credential
    ready : sequence of WorkerReady
        Who can take the job.
    sample : Sample

    Returns
    -------
    tuple of str
        The workers.
    Rehearsal or None
        None if it failed: the run may fail too, or find the workers in a better state.
    """
    few = tuple(event.worker for event in ready[:TOGETHER])
    hosts = tuple(host for host in config.hosts if host.name in few)
    engine = HttpEngine(replace(config, hosts=hosts), credential)
    try:
        capacity = engine.prepare(sample.job, ignore)
        return few, rehearse(engine, capacity, sample, capacity.pace.work_s)
    except TilefanError:
        return few, None
    finally:
        engine.close()
