"""Greeting the fleet: who is there, and who will do."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from statistics import median_low

from coordinator.dispatch.outcome import ADVICE
from coordinator.engines import Capacity
from coordinator.engines.http.client import Client
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.threads import Threads
from coordinator.engines.lanes import lanes
from coordinator.errors import NoWorkerError, TilefanError, TrustError
from coordinator.events import FailureKind, WorkerLost, WorkerReady
from coordinator.hosts.attestation import attested
from tiling.jobs.cost import FLEET, Pace
from tiling.jobs.job import Job
from tiling.probes.digests import needed

BUSY_PAUSE_S = 0.25
"""Before a worker that is too busy for a greeting is greeted again, if it names no time."""

LATECOMER_S = 1.0
"""From the first worker that is ready to the start: one that answers later joins the run then."""


def greet_all(
    clients: Mapping[str, Client],
    job: Job,
    threads: Threads,
    latecomer_s: float = LATECOMER_S,
    patience_s: float = 0.0,
) -> list[WorkerReady | WorkerLost]:
    """Greet every worker; return what became of each, in order.

    Parameters
    ----------
    clients : mapping of str to Client
    job : Job
        Registered with each.
    threads : Threads
        Each worker is greeted in one.
    latecomer_s : float
        Once one worker is ready, the others have so long to be ready too.
    patience_s : float
        How long a busy worker is greeted again.
    """
    results: queue.SimpleQueue[WorkerReady | WorkerLost | Exception] = queue.SimpleQueue()

    def greet(name: str, client: Client) -> None:
        try:
            results.put(admitted(name, client, job, patience_s))
        except Exception as error:
            results.put(error)

    # Every thread looks these up. Here they are computed once, and by one thread: NumPy is asked
    # with its warnings off, which are on or off for the whole process.
    attested(needed(job))
    for name, client in clients.items():
        threads.submit(partial(greet, name, client))
    events: dict[str, WorkerReady | WorkerLost] = {}
    until = inf
    while len(events) < len(clients):
        try:
            left_s = None if until == inf else max(0.0, until - time.monotonic())
            event = results.get(timeout=left_s)
        except queue.Empty:
            break
        if isinstance(event, Exception):
            raise event
        events[event.worker] = event
        if until == inf and isinstance(event, WorkerReady):
            until = time.monotonic() + latecomer_s
    late = "has not answered so far"
    return [events.get(name) or WorkerLost(name, late) for name in clients]


def admitted(
    name: str, client: Client, job: Job, patience_s: float = 0.0
) -> WorkerReady | WorkerLost:
    """Greet one worker, have it prove itself, and register the job with it.

    Parameters
    ----------
    name : str
    client : Client
    job : Job
    patience_s : float
        How long to try again while it is busy.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return client.admit(job)
        except Refusal as refusal:
            pause_s = refusal.retry_after_s or BUSY_PAUSE_S
            if refusal.kind is not FailureKind.BUSY or time.monotonic() + pause_s > until:
                return WorkerLost(name, refusal.reason, refusal.unfit, refusal.untrusted)
        time.sleep(pause_s)


def pace_of(ready: Sequence[WorkerReady]) -> Pace:
    """Return the pace of a fleet: the median of what its workers say, of two the quicker one.

    So no single liar makes it slow, and tiles tiny.

    Parameters
    ----------
    ready : sequence of WorkerReady
    """
    said = [event.work_s for event in ready if event.work_s is not None]
    return replace(FLEET, work_s=median_low(said)) if said else FLEET


def capacity_of(ready: Sequence[WorkerReady], budget_bytes: int) -> Capacity:
    """Return what a fleet can take of the job for which its workers were greeted.

    Parameters
    ----------
    ready : sequence of WorkerReady
    budget_bytes : int
        Of tiles in flight, there and back.
    """
    slots, at_once = sum(event.slots for event in ready), max(1, round(sum(lanes(ready))))
    return Capacity.within(slots, budget_bytes, pace_of(ready), at_once)


def no_worker_error(lost: Sequence[WorkerLost], *, hint: bool = True) -> TilefanError:
    """Return the error of a fleet in which nobody is usable: of trust, if that is in the way.

    Parameters
    ----------
    lost : sequence of WorkerLost
    hint : bool
        Whether to say how a worker is started, if one may be missing: not where the reasons do.
    """
    named = "".join(f"\n  {event.worker}: {event.reason}" for event in lost)
    if any(event.untrusted for event in lost):
        return TrustError(f"no worker that can be trusted, or that trusts us:{named}")
    ports = dict.fromkeys(event.worker.rpartition(":")[2] for event in lost if not event.permanent)
    start = f"\nstart `worker --port {' or '.join(ports)}` there; {ADVICE}" if ports else ""
    return NoWorkerError(f"no usable worker:{named}{start if hint else ''}")
