"""One run over the fleet: the dispatcher decides, the loop acts.

The calling thread waits in an `Inbox` for what threads report, for answers that begin to arrive,
and for the time at which the dispatcher wants to be woken. Only this loop talks to the dispatcher
and to the listeners, so neither has a lock. A thread is busy only while it moves bytes: it sends
one block after another to a worker, receives one answer, stores one tile, or greets a worker.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Iterator
from functools import partial
from math import inf

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
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.exchange import TileExchange
from coordinator.engines.http.inbox import Inbox
from coordinator.engines.http.looks import slot, spread
from coordinator.engines.http.places import MOST_WAYS, Places
from coordinator.engines.http.refusal import PlaceRefusal, UnknownJobError
from coordinator.engines.http.session import Session
from coordinator.engines.http.tasks import (
    HalfDone,
    Looked,
    PendingTile,
    Report,
    do_half,
    look,
    probe,
    read,
    store,
)
from coordinator.engines.http.threads import Threads
from coordinator.errors import InputError
from coordinator.events import (
    Event,
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
from coordinator.machine import usable_cores
from tiling.geometry.plan import Tile
from tiling.jobs.cost import work_of

LOG = logging.getLogger("tilefan.dispatch")

HEARTBEAT_S = 1.0
"""Between two looks at a worker that owes an answer."""

PATIENCE_S = 0.5
"""How long an interrupted run waits for answers in hand to be stored."""


class FleetRun:
    """One run of the http engine.

    Parameters
    ----------
    tiles : TileRun
    tell : callable
        Hears every fact.
    session : Session
        With a client for each worker.
    limits : Limits
        The dispatcher's thresholds.
    buffers : Buffers
        For the answers.
    silent_after_s : float
        A worker that owes an answer, and says nothing at all for so long, is lost.
    by_reference : str
        See `coordinator.hosts.by_reference`.
    """

    def __init__(
        self,
        tiles: TileRun,
        tell: Hearer,
        session: Session,
        limits: Limits,
        buffers: Buffers,
        *,
        silent_after_s: float,
        by_reference: ByReference = "never",
    ) -> None:
        self._tiles = tiles
        self._places = Places(tiles, by_reference)
        self._seals = Seals(tiles.job)
        self._tell = tell
        self._session = session
        self._clients = session.clients
        self._threads = session.threads
        self._stores = Threads(usable_cores() + 4)
        self._silent_after_s = silent_after_s
        self._run = secrets.token_hex(8)
        self._inbox: Inbox[Report] = Inbox()
        self._attempts: dict[tuple[int, int], PendingTile] = {}
        self._pulled: dict[int, Tile] = {}
        self._storing = 0
        self._period_s = min(HEARTBEAT_S, silent_after_s / 2)
        self._looks = spread(tuple(self._clients), self._period_s)
        self._buffers = buffers
        self._outcome: Outcome | None = None
        self._wake_at = 0.0
        self._dispatcher = Dispatcher(
            self._works(),
            tuple(self._clients),
            limits=limits,
            rng=random.Random(),  # noqa: S311 -- jitter, not secrets
            now=time.monotonic(),
            awaits_stores=True,
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
        InputError
            If the session is closed meanwhile.
        """
        try:
            self._act(*self._placed(greeted))
            while self._outcome is None:
                self._step(min(self._wake_at, self._looks[0][0] if self._looks else inf))
                self._look_after_workers()
            self._finish_stores(inf)
            if self._outcome.done:
                self._places.close()
        except KeyboardInterrupt:
            self._act(Interrupted())
            self._finish_stores(time.monotonic() + PATIENCE_S)
            raise
        finally:
            for attempt in self._attempts.values():
                self._break_off(attempt)
            for report in self._inbox.close():
                if isinstance(report, HalfDone) and report.answered is None:
                    report.attempt.exchange.drop()
            self._stores.close()
            self._places.break_off()
        return self._outcome

    def _placed(self, greeted: list[WorkerReady | WorkerLost]) -> Iterator[Event]:
        """Offer the places to workers that are ready; yield what then is known of each worker."""
        ready = [event.worker for event in greeted if isinstance(event, WorkerReady)]
        clients = [(worker, self._clients[worker]) for worker in ready]
        for said in self._places.offer_to_all(clients, self._threads):
            self._tell(said)
        for event in greeted:
            yield self._places.checked(event) if isinstance(event, WorkerReady) else event

    def _finish_stores(self, until: float) -> None:
        """Let the listeners hear of what is stored after the dispatcher has made up its mind."""
        while self._storing and time.monotonic() < until:
            self._step(until)

    def _step(self, until: float) -> None:
        """Wait, and let the dispatcher hear of everything that happened."""
        if self._session.closed:
            raise InputError("the fleet was closed during a run")
        for attempt in self._inbox.wait(until):
            self._start_receiving(attempt)
        for report in self._inbox.reports():
            self._take_in(report)
        if time.monotonic() >= self._wake_at:
            self._act(Tick())

    def _take_in(self, report: Report) -> None:
        match report:
            case BaseException():
                raise report
            case HalfDone():
                self._half_done(report)
            case Looked(worker, trouble, computing, usage):
                self._looks.append((slot(time.monotonic(), self._period_s), worker))
                if trouble and worker in self._owing():
                    self._hear(WorkerLost(worker, trouble))
                for tile, share in computing:
                    self._hear(TileComputing(tile, worker, share))
                if usage is not None and self._outcome is None:
                    self._tell(usage)
            case _:
                self._storing -= isinstance(report, TileStored)
                self._hear(report)

    def _hear(self, event: Event, done: HalfDone | None = None) -> None:
        """Tell the listeners and the dispatcher; what is stored is told after the end too."""
        if self._outcome is None or isinstance(event, TileStored):
            self._tell(event)
            self._act(event, done=done)

    def _act(self, *events: Event, done: HalfDone | None = None) -> None:
        for instruction in self._dispatcher.handle_all(events, time.monotonic()):
            self._perform(instruction, done)

    def _perform(self, instruction: Instruction, done: HalfDone | None) -> None:
        LOG.debug("%s", instruction)
        match instruction:
            case Send():
                self._send(instruction)
            case Accept():
                assert done is not None  # noqa: S101 -- the answer was just reported
                self._storing += 1
                self._stores.submit(partial(store, self._tiles, done, self._buffers, self._inbox))
            case Cancel(tile, _, number):
                if attempt := self._attempts.pop((tile, number), None):
                    self._break_off(attempt)
            case Probe(worker):
                client, job = self._clients[worker], self._tiles.job
                self._threads.submit(partial(probe, worker, client, job, self._places, self._inbox))
            case WakeAt(at):
                self._wake_at = at
            case Tell(event):
                self._tell(event)
            case Finish(outcome):
                self._outcome = outcome

    # Attempts

    def _send(self, send: Send) -> None:
        tile = self._pulled.pop(send.tile, None) or self._tiles.plan[send.tile]
        by_reference = self._places.terms(send.worker).reads
        size = 0 if by_reference else tile.read.size * self._tiles.job.source.itemsize
        self._tell(TileSent(send.tile, send.worker, send.attempt, size, send.hedge))
        exchange = self._exchange(send, tile)
        attempt = self._attempts[send.tile, send.attempt] = PendingTile(send, tile, exchange)
        self._clients[send.worker].sending.submit(
            partial(do_half, attempt, exchange.send, self._inbox)
        )

    def _exchange(self, send: Send, tile: Tile) -> TileExchange:
        job = self._tiles.job
        body = partial(read, self._tiles, tile)
        question = self._seals.question(tile)
        client = self._clients[send.worker]
        if (reference := self._places.reference(send, tile)) is not None:
            return client.referred(question, reference, job.target, self._buffers, self._run)
        return client.exchange(question, body, job.target, self._buffers, self._run)

    def _works(self) -> Iterator[Work]:
        """Make the dispatcher's view of each tile, when it asks for the next one."""
        plan = self._tiles.plan
        for tile in self._tiles.tiles():
            self._pulled[tile.index] = tile
            size_out = tile.read.size * plan.input_itemsize
            size_back = tile.write.size * plan.output_itemsize
            work = work_of(self._tiles.job, tile.read.shape, tile.write.shape)
            yield Work(tile.index, size_out, size_back, work)

    def _start_receiving(self, attempt: PendingTile) -> None:
        self._threads.submit(partial(do_half, attempt, attempt.exchange.receive, self._inbox))

    def _half_done(self, done: HalfDone) -> None:
        attempt, answered, refusal = done.attempt, done.answered, done.refusal
        send = attempt.send
        key, ids = (send.tile, send.attempt), (send.tile, send.worker, send.attempt)
        wanted = self._attempts.get(key) is attempt
        if answered is not None:
            self._attempts.pop(key, None)
            finished = Finished(send.tile, answered.asked, answered.digest)
            self._places.answered(finished, stored=answered.body is None)
            spent = answered.spent
            event = TileAnswered(
                *ids,
                answered.digest,
                0 if answered.body is None else len(answered.body),
                computing_s=spent.computing_s if spent else None,
                waiting_s=spent.waiting_s if spent else None,
                wire_bytes=answered.wire_bytes,
            )
            self._hear(event, done)
        elif not wanted:
            if refusal is None:
                attempt.exchange.drop()
        elif refusal is None:
            if attempt.exchange.readable:
                self._start_receiving(attempt)
            else:
                self._inbox.watch(attempt)
        elif isinstance(refusal, UnknownJobError) and not attempt.registered_again:
            self._register_again(attempt)
        elif isinstance(refusal, PlaceRefusal) and self._send_otherwise(attempt, refusal):
            pass
        else:
            del self._attempts[key]
            self._hear(
                WorkerLost(send.worker, refusal.reason, permanent=True, untrusted=True)
                if refusal.untrusted
                else TileFailed(*ids, refusal.reason, refusal.retry_after_s, refusal.kind)
            )

    def _register_again(self, attempt: PendingTile) -> None:
        """Register the job with a worker that has forgotten it, then send the tile again."""
        attempt.registered_again = True
        attempt.exchange = exchange = self._exchange(attempt.send, attempt.tile)
        client, job = self._clients[attempt.send.worker], self._tiles.job

        def admit_and_send() -> None:
            client.admit(job)
            exchange.send()

        self._threads.submit(partial(do_half, attempt, admit_and_send, self._inbox))

    def _send_otherwise(self, attempt: PendingTile, refusal: PlaceRefusal) -> bool:
        """Offer the places again to who has forgotten them, or go back to bytes; else False."""
        worker = attempt.send.worker
        client, places = self._clients[worker], self._places
        attempt.sent_otherwise += 1
        if attempt.sent_otherwise > MOST_WAYS:
            return False
        is_first = attempt.sent_otherwise == 1 and places.terms(worker).reads
        if not (is_forgotten := refusal.is_unknown and is_first):
            said = places.demote(worker, refusal.reason, reads=refusal.reads)
            if said is None:
                return False
            self._tell(said)
        attempt.exchange = exchange = self._exchange(attempt.send, attempt.tile)

        def offer_and_send() -> None:
            if is_forgotten:
                places.renew(worker, client)
            exchange.send()

        self._threads.submit(partial(do_half, attempt, offer_and_send, self._inbox))
        return True

    def _break_off(self, attempt: PendingTile) -> None:
        """End an exchange: the thread that is busy with it closes it, or we do."""
        if self._inbox.forget(attempt):
            attempt.exchange.drop()
        else:
            attempt.exchange.abort()

    # Workers

    def _owing(self) -> set[str]:
        """Return the workers that owe an answer."""
        return {attempt.send.worker for attempt in self._attempts.values()}

    def _look_after_workers(self) -> None:
        """Ask those that owe answers for their health, from time to time: the silent are lost."""
        now = time.monotonic()
        if not self._looks or self._looks[0][0] > now:
            return
        owing = self._owing()
        while self._looks and self._looks[0][0] <= now:
            _, worker = self._looks.popleft()
            if worker in owing:
                client = self._clients[worker]
                self._threads.submit(
                    partial(look, worker, client, self._silent_after_s, self._run, self._inbox)
                )
            else:
                self._looks.append((slot(now, self._period_s), worker))
