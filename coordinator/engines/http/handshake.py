"""Greeting the fleet: who is there, and who will do."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf

from coordinator.engines.http.client import Client
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.threads import Threads
from coordinator.errors import NoWorkerError, TilefanError, TrustError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.attestation import attested
from tiling.jobs.job import Job
from tiling.probes.digests import needed

LATECOMER_S = 1.0
"""From the first worker that is ready to the start: one that answers later joins the run then."""


def greet_all(
    clients: Mapping[str, Client], job: Job, threads: Threads, latecomer_s: float = LATECOMER_S
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
    """
    results: queue.SimpleQueue[WorkerReady | WorkerLost] = queue.SimpleQueue()

    def greet(name: str, client: Client) -> None:
        results.put(admitted(name, client, job))

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
        events[event.worker] = event
        if until == inf and isinstance(event, WorkerReady):
            until = time.monotonic() + latecomer_s
    late = "has not answered so far"
    return [events.get(name) or WorkerLost(name, late) for name in clients]


def admitted(name: str, client: Client, job: Job) -> WorkerReady | WorkerLost:
    """Greet one worker, have it prove itself, and register the job with it."""
    try:
        return client.admit(job)
    except Refusal as refusal:
        return WorkerLost(name, refusal.reason, refusal.unfit, refusal.untrusted)


def no_worker_error(lost: Sequence[WorkerLost]) -> TilefanError:
    """Return the error of a fleet in which nobody is usable: of trust, if that is in the way."""
    named = "".join(f"\n  {event.worker}: {event.reason}" for event in lost)
    if any(event.untrusted for event in lost):
        return TrustError(f"no worker that can be trusted, or that trusts us:{named}")
    hint = "\nstart one with `worker --port 8080` on each of them"
    return NoWorkerError(f"no usable worker:{named}{hint}")
