"""Greeting the fleet: who is there, and who will do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from coordinator.engines.http.client import Client, Refusal
from coordinator.errors import NoWorkerError, TilefanError, TrustError
from coordinator.events import WorkerLost, WorkerReady
from tiling.jobs.job import Job

LATECOMER_S = 1.0
"""From the first worker that is ready to the start: one that answers later joins the run then."""


async def greet_all(clients: Mapping[str, Client], job: Job) -> list[WorkerReady | WorkerLost]:
    """Greet every worker; once one is ready, the others have `LATECOMER_S` to be ready too."""
    greetings = {
        name: asyncio.create_task(greet(name, client, job)) for name, client in clients.items()
    }
    try:
        await _first_ready(greetings.values())
        await asyncio.wait(greetings.values(), timeout=LATECOMER_S)
        return [
            task.result() if task.done() else WorkerLost(name, "has not answered so far")
            for name, task in greetings.items()
        ]
    finally:
        for task in greetings.values():
            task.cancel()
        await asyncio.gather(*greetings.values(), return_exceptions=True)


async def _first_ready(greetings: Iterable[asyncio.Task[WorkerReady | WorkerLost]]) -> None:
    """Wait until one worker is ready, or none will be."""
    for greeting in asyncio.as_completed(greetings):
        if isinstance(await greeting, WorkerReady):
            return


async def greet(name: str, client: Client, job: Job) -> WorkerReady | WorkerLost:
    """Greet one worker, have it prove itself, and register the job with it."""
    try:
        return await client.admit(job)
    except Refusal as refusal:
        return WorkerLost(name, refusal.reason, refusal.unfit, refusal.untrusted)


def nobody(lost: Sequence[WorkerLost]) -> TilefanError:
    """Return the error of a fleet in which nobody is usable: of trust, if that is in the way."""
    named = "".join(f"\n  {event.worker}: {event.reason}" for event in lost)
    if any(event.untrusted for event in lost):
        return TrustError(f"no worker that can be trusted, or that trusts us:{named}")
    hint = "\nstart one with `worker --port 8080` on each of them"
    return NoWorkerError(f"no usable worker:{named}{hint}")
