"""One run over the fleet: the dispatcher decides, the campaign acts.

Each instruction becomes a task; each task ends in an event in the inbox; and only the one loop over
the inbox talks to the dispatcher. So there are no locks, and nothing is awaited half-way through a
decision.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from functools import partial

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
from coordinator.dispatch.outcome import Outcome
from coordinator.dispatch.policy import Limits
from coordinator.engines import TileRun
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import (
    Answered,
    Client,
    Refusal,
    UnknownJobError,
)
from coordinator.engines.http.handshake import greet
from coordinator.events import (
    Event,
    FailureKind,
    Hearer,
    Interrupted,
    Tick,
    TileAnswered,
    TileFailed,
    TileSent,
    TileStored,
    WorkerLost,
    WorkerReady,
)
from coordinator.journal.digests import Seals
from coordinator.journal.records import Finished
from tiling.geometry.plan import Tile

HEARTBEAT_S = 1.0
"""Between two looks at a worker that owes an answer."""

PATIENCE_S = 0.5
"""How long an interrupted run waits for answers in hand to be stored."""


class FleetRun:
    """One run of the http engine: the inbox, the attempts under way, the answers in hand.

    Parameters
    ----------
    mission : TileRun
    tell : callable
        Hears every fact.
    clients : dict of str to Client
        By the worker's name.
    limits : Limits
        The dispatcher's thresholds.
    buffers : Buffers
        For the answers.
    silent_after_s : float
        A worker that owes an answer, and says nothing at all for so long, is lost.
    """

    def __init__(
        self,
        mission: TileRun,
        tell: Hearer,
        clients: dict[str, Client],
        limits: Limits,
        buffers: Buffers,
        *,
        silent_after_s: float,
    ) -> None:
        self._mission = mission
        self._seals = Seals(mission.job)
        self._tell = tell
        self._clients = clients
        self._silent_after_s = silent_after_s
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._attempts: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._owing: dict[str, int] = dict.fromkeys(clients, 0)
        self._answers: dict[tuple[int, int], Answered] = {}
        self._buffers = buffers
        self._stores: set[asyncio.Task[None]] = set()
        self._chores: list[asyncio.Task[None]] = []
        self._outcome: Outcome | None = None
        self._wake_at = 0.0
        self._dispatcher = Dispatcher(
            _works(mission),
            tuple(clients),
            limits=limits,
            rng=random.Random(),  # noqa: S311 -- jitter, not secrets
            now=time.monotonic(),
            awaits_stores=True,
        )

    async def carry_out(
        self, tasks: asyncio.TaskGroup, greeted: list[WorkerReady | WorkerLost]
    ) -> Outcome:
        """Run until the dispatcher says how it ended; every accepted tile is stored by then."""
        self._tasks = tasks
        self._chores += [tasks.create_task(self._watch(name)) for name in self._clients]
        self._act(*greeted)
        try:
            outcome = await self._decide()
        except asyncio.CancelledError:
            self._act(Interrupted())
            if self._stores:
                await asyncio.wait(self._stores, timeout=PATIENCE_S)
            self._tell_rest()
            raise
        finally:
            self._chores, chores = [], self._chores  # a task and its campaign would hold each other
        for task in (*chores, *self._attempts.values()):
            task.cancel()
        await asyncio.gather(*self._stores)
        self._tell_rest()
        return outcome

    def _tell_rest(self) -> None:
        """Let the listeners hear what was stored after the dispatcher had made up its mind."""
        while not self._inbox.empty():
            event = self._inbox.get_nowait()
            if isinstance(event, TileStored):
                self._tell(event)

    async def _decide(self) -> Outcome:
        """Let the dispatcher hear of every event until it says how the run ended."""
        while self._outcome is None:
            event = await self._next()
            if not isinstance(event, Tick):
                self._tell(event)
            self._act(event)
        return self._outcome

    async def _next(self) -> Event:
        """Wait for an event, or for the time at which the dispatcher wants to be woken."""
        try:
            async with asyncio.timeout_at(self._wake_at):
                return await self._inbox.get()
        except TimeoutError:
            return Tick()

    def _act(self, *events: Event) -> None:
        for instruction in self._dispatcher.handle_all(events, time.monotonic()):
            self._perform(instruction)
        for event in events:
            if isinstance(event, TileAnswered):
                self._answers.pop((event.tile, event.attempt), None)

    def _perform(self, instruction: Instruction) -> None:
        match instruction:
            case Send():
                self._send(instruction)
            case Accept(tile, worker, attempt):
                answered = self._answers.pop((tile, attempt))
                store = self._tasks.create_task(self._store(tile, worker, answered))
                self._stores.add(store)
                store.add_done_callback(self._stores.discard)
            case Cancel(tile, _, attempt):
                if task := self._attempts.get((tile, attempt)):
                    task.cancel()
            case Probe(worker):
                self._chores.append(self._tasks.create_task(self._probe(worker)))
            case WakeAt(at):
                self._wake_at = at
            case Tell(event):
                self._tell(event)
            case Finish(outcome):
                self._outcome = outcome

    def _send(self, send: Send) -> None:
        tile = self._mission.plan[send.tile]
        size = tile.read.size * self._mission.job.source.itemsize
        self._tell(TileSent(send.tile, send.worker, send.attempt, size, send.hedge))
        key = send.tile, send.attempt
        task = self._tasks.create_task(self._attempt(send, tile))
        self._attempts[key] = task
        self._owing[send.worker] += 1

        def over(_: object) -> None:
            del self._attempts[key]
            self._owing[send.worker] -= 1

        task.add_done_callback(over)

    async def _attempt(self, send: Send, tile: Tile) -> None:
        who = send.tile, send.worker, send.attempt
        try:
            async with asyncio.timeout(send.deadline_s):
                answered = await self._exchange(self._clients[send.worker], tile)
        except TimeoutError:
            reason = f"no answer within {send.deadline_s:.1f} s"
            self._inbox.put_nowait(TileFailed(*who, reason, kind=FailureKind.TIMEOUT))
        except Refusal as refusal:
            self._inbox.put_nowait(
                WorkerLost(send.worker, refusal.reason, permanent=True, untrusted=True)
                if refusal.untrusted
                else TileFailed(*who, refusal.reason, refusal.retry_after_s, refusal.kind)
            )
        else:
            self._answers[send.tile, send.attempt] = answered
            size, spent = len(answered.body), answered.spent
            told = (spent.computing_s, spent.waiting_s) if spent else ()
            self._inbox.put_nowait(TileAnswered(*who, answered.digest, size, *told))

    async def _exchange(self, client: Client, tile: Tile) -> Answered:
        """Send a tile and have its answer checked."""
        job = self._mission.job
        asking = self._seals.question(tile), partial(self._read, tile), job.target, self._buffers
        try:
            return await client.filter(*asking)
        except UnknownJobError:
            await client.admit(job)
            return await client.filter(*asking)

    def _read(self, tile: Tile) -> memoryview:
        """Read a block as it travels; a contiguous one is not copied."""
        block = self._mission.source.read(tile.read)
        return np.ascontiguousarray(block, self._mission.job.source).data.cast("B")

    async def _store(self, tile: int, worker: str, answered: Answered) -> None:
        await asyncio.to_thread(self._write, self._mission.plan[tile], answered)
        self._inbox.put_nowait(TileStored(tile, worker, len(answered.body)))
        self._buffers.give(answered.body)

    def _write(self, tile: Tile, answered: Answered) -> None:
        block = np.frombuffer(answered.body, self._mission.job.target).reshape(tile.write.shape)
        self._mission.sink.region(tile.write)[...] = block
        if self._mission.journal is not None:
            finished = Finished(tile.index, answered.asked, answered.digest)
            self._mission.journal.record(finished)

    async def _probe(self, worker: str) -> None:
        self._inbox.put_nowait(await greet(worker, self._clients[worker], self._mission.job))

    async def _watch(self, worker: str) -> None:
        """Look after a worker while it owes answers: one that is silent is lost."""
        while True:
            await asyncio.sleep(min(HEARTBEAT_S, self._silent_after_s / 2))
            if self._owing[worker]:
                try:
                    async with asyncio.timeout(self._silent_after_s):
                        await self._clients[worker].greet()
                except (TimeoutError, Refusal) as error:
                    if self._owing[worker]:
                        reason = str(error) or f"silent for {self._silent_after_s:g} s"
                        self._inbox.put_nowait(WorkerLost(worker, reason))


def _works(mission: TileRun) -> Iterator[Work]:
    plan = mission.plan
    for tile in mission.tiles():
        yield Work(
            tile.index,
            tile.read.size * plan.input_itemsize,
            tile.write.size * plan.output_itemsize,
        )
