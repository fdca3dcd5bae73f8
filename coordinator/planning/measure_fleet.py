"""Short measurements at workers for a forecast: a block at each alone, then tiles at some together.

What a block takes alone tells how the workers compare. What tiles take together tells what they
take one another: cores of one machine, a link, or this process, which may be on their machine.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.engine import HttpEngine
from coordinator.engines.http.handshake import greet_all
from coordinator.engines.http.places import terms_of
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.engines.http.terms import Terms
from coordinator.errors import TilefanError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.planning.measure import (
    FIRST_SAMPLES,
    PROBE_S,
    PROBE_SAMPLES,
    ROUNDS,
    probe_block,
    quickest_s,
)
from coordinator.planning.rehearsal import Sample, ignore, rehearse
from coordinator.planning.speeds import Measured, Rehearsal, Speeds
from coordinator.stores import Sink, Source
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.jobs.cost import FLEET, work_of
from tiling.jobs.job import Job
from tiling.protocol.wire import Question

NEVER = "by reference is not wanted"

TOGETHER = 4
"""Workers that compute tiles at the same time: a large fleet is not kept busy for a forecast."""


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
                its = terms.get(event.worker, Terms(reason=NEVER))
                if config.defaults.by_reference == "require" and not its.reads:
                    measured = replace(measured, trouble=f"not by reference: {its.reason}")
                found.append(
                    replace(measured, by_reference=its.reads, writes=its.writes, why=its.reason)
                )
    usable = {worker.worker for worker in found if not worker.trouble}
    return tuple(found), tuple(event for event in ready if event.worker in usable)


def _alone(
    client: Client, event: WorkerReady, job: Job, source: Source, start_s: float
) -> Measured:
    work_s = (event.work_s or FLEET.work_s) * job.program.effort
    block = probe_block(source, min(PROBE_SAMPLES, max(FIRST_SAMPLES, int(PROBE_S / work_s))))
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


def measure_ways(
    config: Config,
    credential: Credential,
    workers: Sequence[Measured],
    ready: Sequence[WorkerReady],
    samples: tuple[Sample, Sample],
) -> tuple[Speeds, Speeds | None]:
    """Find out how fast workers are together; return also how fast if all is sent as bytes.

    That is None if all is sent so anyway.

    Parameters
    ----------
    config : Config
    credential : Credential
    workers : sequence of Measured
    ready : sequence of WorkerReady
        Those that can take the job.
    samples : tuple of Sample
        To be sent as bytes, and with an output that workers can open.
    """

    def speeds(way: ByReference, sample: Sample) -> Speeds:
        asked = config.with_by_reference(way)
        few, rehearsal = measure_together(asked, credential, ready, sample)
        return Speeds.of(workers, rehearsal, few)

    by_bytes = speeds("never", samples[0])
    if not any(worker.by_reference and not worker.trouble for worker in workers):
        return by_bytes, None
    return speeds(config.defaults.by_reference, samples[1]), by_bytes


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
