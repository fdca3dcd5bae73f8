"""The work of threads in a run over HTTP, and how they report it to the loop.

None of it holds the run: its arrays are free when it ends, though a thread may still be busy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from coordinator.dispatch.instructions import Send
from coordinator.engines import TileRun
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.exchange import Answered, TileExchange
from coordinator.engines.http.handshake import admitted
from coordinator.engines.http.inbox import Inbox
from coordinator.engines.http.places import Places
from coordinator.engines.http.refusal import Refusal
from coordinator.events import Event, TileStored, WorkerReady, WorkerUsage
from coordinator.journal.records import Finished
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job


@dataclass(slots=True, eq=False)
class PendingTile:
    """One sending of a tile, between its instruction and its answer, failure or cancellation."""

    send: Send
    tile: Tile
    exchange: TileExchange
    registered_again: bool = False
    sent_otherwise: int = 0

    def fileno(self) -> int:
        """Return the descriptor of the socket that the answer comes by."""
        return self.exchange.fileno()


@dataclass(frozen=True, slots=True)
class HalfDone:
    """A thread has sent a block, received an answer, or failed at it."""

    attempt: PendingTile
    answered: Answered | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A worker that owed an answer was asked for its health; `trouble` is why there is none.

    `computing` are tiles that it has, with the shares of them that are done; `usage` is what its
    process takes.
    """

    worker: str
    trouble: str = ""
    computing: tuple[tuple[int, float], ...] = ()
    usage: WorkerUsage | None = None


Report: TypeAlias = Event | HalfDone | Looked | BaseException
"""A report of a thread: what happened, or the error that ends the run."""


def do_half(
    attempt: PendingTile, half: Callable[[], Answered | None], inbox: Inbox[Report]
) -> None:
    """Send or receive; report what became of it."""
    try:
        report: Report = HalfDone(attempt, half())
    except Refusal as refusal:
        attempt.exchange.drop()
        refusal.__traceback__ = refusal.__context__ = refusal.__cause__ = None  # they hold frames
        report = HalfDone(attempt, refusal=refusal)
    except BaseException as error:
        attempt.exchange.drop()
        report = error
    if not inbox.put(report):
        attempt.exchange.drop()
    del report  # an error's traceback has this frame


def read(tiles: TileRun, tile: Tile) -> memoryview:
    """Read a block as it travels; a contiguous one is not copied."""
    block = tiles.source.read(tile.read)
    return np.ascontiguousarray(block, tiles.job.source).data.cast("B")


def store(tiles: TileRun, done: HalfDone, buffers: Buffers, inbox: Inbox[Report]) -> None:
    """Write an answer into the sink, unless it is there, and the tile into the journal."""
    tile, answered = done.attempt.tile, done.answered
    assert answered is not None  # noqa: S101 -- it was accepted
    try:
        if answered.body is not None:
            block = np.frombuffer(answered.body, tiles.job.target).reshape(tile.write.shape)
            tiles.sink.store(tile.write, block)
        if tiles.journal is not None:
            tiles.journal.record(Finished(tile.index, answered.asked, answered.digest))
    except BaseException as error:
        inbox.put(error)
        return
    size = tile.write.size * tiles.job.target.itemsize
    inbox.put(TileStored(tile.index, done.attempt.send.worker, size))
    if answered.body is not None:
        buffers.give(answered.body)


def probe(worker: str, client: Client, job: Job, places: Places, inbox: Inbox[Report]) -> None:
    """Greet a worker again, and offer it the places."""
    try:
        event = admitted(worker, client, job)
        if isinstance(event, WorkerReady):
            if (said := places.offer_to(worker, client)) is not None:
                inbox.put(said)
            event = places.checked(event)
        inbox.put(event)
    except BaseException as error:
        inbox.put(error)


def look(
    worker: str, client: Client, silent_after_s: float, run: str, inbox: Inbox[Report]
) -> None:
    """Ask a worker for its health, and for what it has of a run."""
    try:
        health = client.health(silent_after_s, run)
    except Refusal as refusal:
        inbox.put(Looked(worker, refusal.reason))
    else:
        inbox.put(Looked(worker, computing=health.computing, usage=health.usage(worker)))
