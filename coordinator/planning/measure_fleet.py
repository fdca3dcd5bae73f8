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
from coordinator.engines.http.places import reads
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.errors import TilefanError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.planning.measure import ROUNDS, brief_block, quickest_s
from coordinator.planning.rehearsal import Sample, ignore, rehearse
from coordinator.planning.speeds import Measured, Rehearsal
from coordinator.stores import Source
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

    def alone(
        self, job: Job, source: Source
    ) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
        """Measure each worker; see `measure_alone`."""
        return measure_alone(self.config, self.credential, job, source)

    def capacity(self, ready: Sequence[WorkerReady], in_flight_bytes: int) -> Capacity:
        """Return what these workers can take with so many bytes in flight."""
        return capacity_of(ready, in_flight_bytes)

    def together(
        self, ready: Sequence[WorkerReady], sample: Sample, in_flight_bytes: int
    ) -> tuple[tuple[str, ...], Rehearsal | None]:
        """Measure some of these workers at the same time; see `measure_together`."""
        config = self.config.bounded(in_flight_bytes)
        return measure_together(config, self.credential, ready, sample)


def measure_alone(
    config: Config, credential: Credential, job: Job, source: Source
) -> tuple[tuple[Measured, ...], tuple[WorkerReady, ...]]:
    """Greet every worker and have each filter a block, one after another.

    Parameters
    ----------
    config : Config
    credential : Credential
    job : Job
    source : Source

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
        found = []
        for event in greeted:
            if isinstance(event, WorkerLost):
                found.append(Measured(event.worker, trouble=event.reason))
            else:
                client = session.clients[event.worker]
                measured = _alone(client, event, job, source, start_s)
                if not measured.trouble and config.defaults.by_reference != "never":
                    measured = replace(measured, by_reference=reads(source, client))
                found.append(measured)
    usable = {worker.worker for worker in found if not worker.trouble}
    ready = (event for event in greeted if isinstance(event, WorkerReady))
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
) -> tuple[tuple[str, ...], Rehearsal | None]:
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
