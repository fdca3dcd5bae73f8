"""One run on a dask cluster: the dispatcher decides, and dask computes each attempt as a task.

An attempt is one key, ``tilefan-RUN-TILE-ATTEMPT``, bound to the worker that the dispatcher chose:
a key that dask has computed already would not be computed again. Dask retries nothing; a task whose
worker is gone waits for it, until the dispatcher hears of it and sends the tile elsewhere.
"""

from __future__ import annotations

import logging
import queue
import random
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from coordinator.dispatch.dispatcher import Dispatcher
from coordinator.dispatch.instructions import (
    Accept,
    Cancel,
    Finish,
    Instruction,
    Probe,
    Send,
    Tell,
    WakeAt,
    Work,
)
from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import Outcome
from coordinator.engines import TileRun
from coordinator.engines.dask.cluster import Cluster, Members, Opener, reason_of
from coordinator.engines.dask.remote import Computed, compute, compute_there, trouble
from coordinator.engines.http.places import MOST_WAYS, Places
from coordinator.errors import NoWorkerError, TilefanError
from coordinator.events import (
    Event,
    FailureKind,
    Hearer,
    Interrupted,
    Tick,
    TileAnswered,
    TileComputing,
    TileFailed,
    TileSent,
    TileStored,
    WorkerLost,
    WorkerReady,
)
from coordinator.hosts.by_reference import ByReference
from coordinator.journal.digests import Seals
from coordinator.journal.records import Finished
from places.errors import RefusedPlaceError
from tiling.geometry.plan import Tile
from tiling.jobs.cost import work_of
from tiling.jobs.job import Job
from tiling.protocol.references import UNKNOWN_PLACE, UNWRITTEN, Into

LOG = logging.getLogger("tilefan.dispatch")

PERIOD_S = 1.0
"""Between two looks at the cluster."""

GONE = "has left the cluster"
ANEW = "was started anew, at the same address"

FETCH_S = 60.0
"""Longest wait for a result that a worker has."""


@dataclass(slots=True, eq=False)
class Attempt:
    """A tile that was sent: where, the digest of its block, where it goes, and dask's future.

    The digest is empty by reference; `ways` counts how often it was sent otherwise.
    """

    send: Send
    tile: Tile
    asked: str
    into: Into
    future: Any
    ways: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Dask is done with an attempt."""

    key: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an attempt gave, or the error."""

    key: tuple[int, int]
    got: object


Report: TypeAlias = Event | Ended | Fetched | Members | OSError | TilefanError
Inbox: TypeAlias = "queue.SimpleQueue[Report]"


class ClusterRun:
    """One run of the dask engine.

    Parameters
    ----------
    tiles : TileRun
    tell : callable
        Hears every fact.
    cluster : Cluster
    threads : mapping of str to int
        Of each worker.
    limits : Limits
        The dispatcher's thresholds.
    by_reference : str
        See `coordinator.hosts.by_reference`.
    """

    def __init__(
        self,
        tiles: TileRun,
        tell: Hearer,
        cluster: Cluster,
        threads: Mapping[str, int],
        limits: Limits,
        by_reference: ByReference,
    ) -> None:
        self._tiles = tiles
        self._places = Places(tiles, by_reference)
        self._tell = tell
        self._cluster = cluster
        self._encoded = tiles.job.encode()
        self._seals = Seals(tiles.job)
        self._run = secrets.token_hex(8)
        self._inbox: Inbox = queue.SimpleQueue()
        self._attempts: dict[tuple[int, int], Attempt] = {}
        self._threads = dict(threads)
        self._gone = GONE
        self._outcome: Outcome | None = None
        self._wake_at = 0.0
        self._look_at = time.monotonic() + PERIOD_S
        self._dispatcher = Dispatcher(
            self._works(),
            tuple(threads),
            limits=limits,
            rng=random.Random(),  # noqa: S311 -- jitter, not secrets
            now=time.monotonic(),
            count=tiles.count,
        )

    def carry_out(self, greeted: list[WorkerReady | WorkerLost]) -> Outcome:
        """Run until the dispatcher says how it ended; every accepted tile is stored by then.

        Parameters
        ----------
        greeted : list of WorkerReady or WorkerLost
            What became of each worker.

        Raises
        ------
        StoreError
            If a block can't be read, or a tile can't be written.
        NoWorkerError
            If the client is closed meanwhile.
        """
        try:
            self._act(*self._placed(greeted))
            while self._outcome is None:
                self._step()
            if self._outcome.done:
                self._places.close()
        except KeyboardInterrupt:
            self._act(Interrupted())
            raise
        finally:
            for attempt in self._attempts.values():
                attempt.future.release()
            self._attempts.clear()
            self._places.break_off()
        return self._outcome

    def _placed(self, greeted: list[WorkerReady | WorkerLost]) -> Iterator[Event]:
        """Offer the places to workers that are ready; yield what then is known of each worker."""
        ready = [event.worker for event in greeted if isinstance(event, WorkerReady)]
        openers = [(worker, Opener(self._cluster, worker)) for worker in ready]
        for said in self._places.offer_to_all(openers, self._cluster.threads):
            self._tell(said)
        for event in greeted:
            yield self._places.checked(event) if isinstance(event, WorkerReady) else event

    def _step(self) -> None:
        """Wait, and let the dispatcher hear of what happened."""
        until = min(self._wake_at, self._look_at)
        with suppress(queue.Empty):
            self._take_in(self._inbox.get(timeout=max(0.0, until - time.monotonic())))
        now = time.monotonic()
        if now >= self._wake_at:
            self._act(Tick())
        if now >= self._look_at:
            self._look_at = now + 60.0  # or when this look is over
            self._cluster.threads.submit(partial(_look, self._cluster, self._inbox))

    def _take_in(self, report: Report) -> None:
        match report:
            case Ended(key):
                if key in self._attempts:
                    future = self._attempts[key].future
                    self._cluster.threads.submit(partial(_fetch, key, future, self._inbox))
            case Fetched(key, got):
                if key in self._attempts:
                    self._answered(self._attempts.pop(key), got)
            case Members():
                self._compare(report)
            case TilefanError():
                raise report
            case OSError() if self._cluster.closed:
                raise NoWorkerError(str(report))
            case OSError():
                self._compare(Members({}, {}), str(report))
            case _:
                self._hear(report)

    def _hear(self, event: Event, got: Computed | None = None) -> None:
        """Tell the listeners and the dispatcher, perhaps with the tile that an event is about."""
        if self._outcome is None:
            self._tell(event)
            self._act(event, got=got)

    def _act(self, *events: Event, got: Computed | None = None) -> None:
        for instruction in self._dispatcher.handle_all(events, time.monotonic()):
            self._perform(instruction, got)

    def _perform(self, instruction: Instruction, got: Computed | None) -> None:
        LOG.debug("%s", instruction)
        match instruction:
            case Send():
                self._send(instruction)
            case Accept(tile, worker):
                assert got is not None  # noqa: S101 -- the answer was just reported
                self._store(self._tiles.plan[tile], worker, got)
            case Cancel(tile, _, number):
                if attempt := self._attempts.pop((tile, number), None):
                    attempt.future.release()
            case Probe(worker):
                self._greet(worker)
            case WakeAt(at):
                self._wake_at = at
            case Tell(event):
                self._tell(event)
            case Finish(outcome):
                self._outcome = outcome

    # Attempts

    def _works(self) -> Iterator[Work]:
        """Make the dispatcher's view of each tile, when it asks for the next one."""
        plan, job = self._tiles.plan, self._tiles.job
        for tile in self._tiles.tiles():
            size_out = tile.read.size * plan.input_itemsize
            size_back = tile.write.size * plan.output_itemsize
            work = work_of(job, tile.read.shape, tile.write.shape)
            yield Work(tile.index, size_out, size_back, work)

    def _send(self, send: Send) -> None:
        tile = self._tiles.plan[send.tile]
        by_reference = self._places.terms(send.worker).reads
        size = 0 if by_reference else tile.read.size * self._tiles.job.source.itemsize
        self._tell(TileSent(send.tile, send.worker, send.attempt, size, send.hedge))
        self._submit(send, tile)

    def _submit(self, send: Send, tile: Tile, ways: int = 0) -> None:
        key, name = (send.tile, send.attempt), f"tilefan-{self._run}-{send.tile}-{send.attempt}"
        call, asked, into = self._call(send, tile)
        try:
            future = self._cluster.submit(f"{name}-{ways}", send.worker, *call)
        except Exception as error:  # of a client that has lost its scheduler, many kinds
            ids = (send.tile, send.worker, send.attempt)
            self._inbox.put(TileFailed(*ids, reason_of(error), None, FailureKind.UNREACHED))
            return
        self._attempts[key] = Attempt(send, tile, asked, into, future, ways)
        future.add_done_callback(partial(_ended, key, self._inbox))

    def _call(self, send: Send, tile: Tile) -> tuple[tuple[Any, ...], str, Into]:
        """Return what a worker is to call, the digest of the block if that is sent, and whereto."""
        if (reference := self._places.reference(send, tile)) is not None:
            into = reference.into
            return (compute_there, self._encoded, tile, reference.place, into), "", into
        block = np.ascontiguousarray(self._tiles.source.read(tile.read), self._tiles.job.source)
        block = block.reshape(tile.read.shape)
        return (compute, self._encoded, tile, block), self._seals.asked(tile, block), "answer"

    def _answered(self, attempt: Attempt, got: object) -> None:
        send, tile = attempt.send, attempt.tile
        ids = (send.tile, send.worker, send.attempt)
        attempt.future.release()
        if isinstance(got, RefusedPlaceError) and got.type == UNKNOWN_PLACE:
            self._hear(WorkerLost(send.worker, ANEW))
            self._greet(send.worker)
        elif isinstance(got, RefusedPlaceError) and self._send_otherwise(attempt, got):
            return
        elif isinstance(got, BaseException):
            self._hear(TileFailed(*ids, reason_of(got), None, FailureKind.BROKEN))
        elif why := trouble(self._seals, tile, attempt.asked, got, attempt.into):
            self._hear(TileFailed(*ids, why, None, FailureKind.CORRUPT))
        else:
            assert isinstance(got, Computed)  # noqa: S101 -- there is no trouble with it
            size = 0 if got.block is None else got.block.nbytes
            finished = Finished(tile.index, got.asked, got.answered)
            self._places.answered(finished, stored=got.block is None)
            self._hear(TileAnswered(*ids, got.answered, size, got.computing_s), got)

    def _send_otherwise(self, attempt: Attempt, refusal: RefusedPlaceError) -> bool:
        """Go back to bytes for what a worker can't open any more; else False."""
        send, reason = attempt.send, reason_of(refusal)
        if attempt.ways >= MOST_WAYS:
            return False
        said = self._places.demote(send.worker, reason, reads=refusal.type == UNWRITTEN)
        if said is None:
            return False
        self._tell(said)
        self._submit(send, attempt.tile, attempt.ways + 1)
        return True

    def _store(self, tile: Tile, worker: str, got: Computed) -> None:
        if got.block is not None:
            self._tiles.sink.store(tile.write, got.block)
        if self._tiles.journal is not None:
            self._tiles.journal.record(Finished(tile.index, got.asked, got.answered))
        size = tile.write.size * self._tiles.job.target.itemsize
        self._tell(TileStored(tile.index, worker, size))

    # Workers

    def _compare(self, members: Members, why: str = GONE) -> None:
        """Take in who is there: who is new is greeted, and who is gone is lost."""
        self._look_at, self._gone = time.monotonic() + PERIOD_S, why
        gone = self._threads.keys() - members.threads.keys()
        new = members.threads.keys() - self._threads.keys()
        self._threads = dict(members.threads)
        for name in sorted(gone):
            self._hear(WorkerLost(name, self._gone))
        for name in sorted(new):
            self._greet(name)
        for key, attempt in list(self._attempts.items()):
            if attempt.future.key in members.processing.get(attempt.send.worker, ()):
                self._hear(TileComputing(key[0], attempt.send.worker, 0.0))

    def _greet(self, worker: str) -> None:
        threads, job = self._threads.get(worker), self._tiles.job
        if threads is None:  # which was told when it left
            self._act(WorkerLost(worker, self._gone))
        else:
            self._cluster.threads.submit(
                partial(_greet, self._cluster, worker, threads, job, self._places, self._inbox)
            )


def _ended(key: tuple[int, int], inbox: Inbox, future: Any) -> None:  # noqa: ARG001 -- dask's
    inbox.put(Ended(key))


def _fetch(key: tuple[int, int], future: Any, inbox: Inbox) -> None:
    try:
        inbox.put(Fetched(key, future.result(timeout=FETCH_S)))
    except BaseException as error:
        inbox.put(Fetched(key, error.with_traceback(None)))


def _look(cluster: Cluster, inbox: Inbox) -> None:
    try:
        inbox.put(cluster.members())
    except OSError as error:
        inbox.put(error)


def _greet(
    cluster: Cluster, worker: str, threads: int, job: Job, places: Places, inbox: Inbox
) -> None:
    """Greet a worker, and offer it the places."""
    try:
        event = cluster.greet(worker, threads, job)
        if isinstance(event, WorkerReady):
            if (said := places.offer_to(worker, Opener(cluster, worker))) is not None:
                inbox.put(said)
            event = places.checked(event)
        inbox.put(event)
    except TilefanError as error:
        inbox.put(error)
