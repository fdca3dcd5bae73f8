"""All that a run's events tell, kept for afterwards.

Every sending of a tile is an `Attempt` with its times; nothing else about tiles is kept but who
made each. Past `MAX_ATTEMPTS` attempts are counted and not kept, so memory has a bound::

    sent --------------------------------------------> answered ----> stored
         transfer | waiting for a thread | computing | transfer   writing

Of the time up to `answered` a worker tells how long it waited and computed, and the rest is
transfer; when each began is not told. See `coordinator.report.timeline`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from coordinator.events import (
    Event,
    FailureKind,
    RunFinished,
    RunStarted,
    StageStarted,
    TileAnswered,
    TileFailed,
    TileGivenUp,
    TileHedged,
    TileKept,
    TileRetried,
    TileSent,
    TileStored,
    WorkerBack,
    WorkerEjected,
    WorkerLost,
    WorkerReady,
)
from coordinator.text import brief_time

MAX_ATTEMPTS: Final = 200_000  # some 100 MB of memory, and more than a browser wants to draw
MAX_REMARKS: Final = 1_000


class End(StrEnum):
    """What became of an attempt."""

    FLYING = "in flight"
    STORED = "stored"
    FAILED = "failed"
    BUSY = "turned away"
    LOST = "lost with its worker"
    UNNEEDED = "not needed"


@dataclass(slots=True)
class Attempt:
    """One sending of a tile; times in seconds since the run's first event."""

    tile: int
    worker: str
    number: int
    sent_s: float
    hedge: bool
    end: End = End.FLYING
    answered_s: float | None = None
    end_s: float | None = None
    reason: str = ""
    bytes_sent: int = 0
    bytes_received: int = 0
    computing_s: float | None = None
    waiting_s: float | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth reading, and when it happened."""

    at_s: float
    text: str


@dataclass(slots=True)
class Maker:
    """A worker, what it says of itself, what it has proved, and what it did."""

    name: str
    slots: int = 0
    about: dict[str, str] = field(default_factory=dict)
    proof: dict[str, str] = field(default_factory=dict)
    stored: int = 0
    bytes_out: int = 0
    failed: int = 0
    hedges: int = 0
    times_s: list[float] = field(default_factory=list)


class History:
    """What was heard of a run; `handle` takes its events.

    Parameters
    ----------
    timed : bool
        Whether to keep attempts and the times of tiles; what is left is all that provenance needs.
    """

    def __init__(self, *, timed: bool = True) -> None:
        self._timed = timed
        self.run: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.first_s: float | None = None
        self.last_s = 0.0
        self.attempts: list[Attempt] = []
        self.unkept_attempts = 0
        self.makers: dict[int, str] = {}
        self.stored_s: dict[int, float] = {}
        self.workers: dict[str, Maker] = {}
        self.tiles = self.stored = self.kept = self.retries = self.hedges = self.bytes_stored = 0
        self.writes: list[tuple[float, int]] = []
        self.remarks: list[Remark] = []
        self.unkept_remarks = 0
        self._open: dict[int, list[Attempt]] = {}

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        return self.last_s

    def note(self, text: str) -> None:
        """Keep a remark that is no event, such as a warning."""
        self._remark(self.last_s, text)

    def handle(self, now: float, event: Event) -> None:  # noqa: C901 -- a table of the events
        """Keep what an event tells."""
        if self.first_s is None:
            self.first_s = now
        at_s = self.last_s = max(self.last_s, now - self.first_s)
        match event:
            case TileSent():
                self._sent(at_s, event)
            case TileAnswered():
                self._answered(at_s, event)
            case TileStored():
                self._stored(at_s, event)
            case TileFailed():
                self._failed(at_s, event)
            case TileKept(tile):
                self.kept += 1
                self.stored_s[tile] = at_s
            case WorkerReady(worker, slots, about, proof):
                maker = self._worker(worker)
                maker.slots = slots
                maker.about.update(about)
                maker.proof.update(proof)
            case WorkerLost(worker, reason):
                self._lost(at_s, worker, f"{worker} lost: {reason}")
            case WorkerEjected(worker, reason, pause_s):
                pause = brief_time(pause_s)
                self._lost(at_s, worker, f"{worker} ejected: {reason}; asked again in {pause}")
            case WorkerBack(worker):
                self._remark(at_s, f"{worker} came back")
            case TileRetried(tile, after_s, reason):
                self._remark(at_s, f"tile {tile} waits {brief_time(after_s)}: {reason}")
            case TileHedged(tile, worker, to, late_s):
                late = brief_time(late_s)
                self._remark(at_s, f"tile {tile} late at {worker} by {late}, also sent to {to}")
            case TileGivenUp(tile, reasons):
                said = "; ".join(f"{worker}: {reason}" for worker, reason in reasons)
                self._remark(at_s, f"tile {tile} given up: {said}")
            case RunStarted():
                self.run, self.tiles = event, event.tiles
            case StageStarted():
                self._next_stage(event)
            case RunFinished():
                self.finished = event

    def _next_stage(self, event: StageStarted) -> None:
        if self.run is None:
            return
        self.run = self.run.cut_as(event)
        self.tiles += event.tiles
        self.makers.clear()
        self.stored_s.clear()
        self._open.clear()

    def _worker(self, name: str) -> Maker:
        return self.workers.setdefault(name, Maker(name))

    def _sent(self, at_s: float, event: TileSent) -> None:
        attempt = Attempt(event.tile, event.worker, event.attempt, at_s, event.hedge)
        attempt.bytes_sent = event.bytes_sent
        self._open.setdefault(event.tile, []).append(attempt)
        self._worker(event.worker).hedges += event.hedge
        self.hedges += event.hedge
        if self._timed and len(self.attempts) < MAX_ATTEMPTS:
            self.attempts.append(attempt)
        else:
            self.unkept_attempts += 1

    def _flying(self, tile: int, worker: str, number: int) -> list[Attempt]:
        flying = self._open.get(tile, ())
        return [each for each in flying if (each.worker, each.number) == (worker, number)]

    def _answered(self, at_s: float, event: TileAnswered) -> None:
        for attempt in self._flying(event.tile, event.worker, event.attempt):
            attempt.answered_s = at_s
            attempt.bytes_received = event.bytes_received
            attempt.computing_s, attempt.waiting_s = event.computing_s, event.waiting_s

    def _stored(self, at_s: float, event: TileStored) -> None:
        attempts = self._open.pop(event.tile, [])
        mine = [each for each in attempts if each.worker == event.worker]
        winner = next((each for each in mine if each.answered_s is not None), None)
        winner = winner or next(iter(mine), None)
        maker = self._worker(event.worker)
        for attempt in attempts:
            attempt.end_s = at_s
            attempt.end = End.STORED if attempt is winner else End.UNNEEDED
        if winner is not None and self._timed:
            maker.times_s.append((winner.answered_s or at_s) - winner.sent_s)
        maker.stored += 1
        maker.bytes_out += event.bytes_out
        self.stored += 1
        self.bytes_stored += event.bytes_out
        self.makers[event.tile] = event.worker
        if self._timed:
            self.stored_s[event.tile] = at_s
            self.writes.append((at_s, event.bytes_out))

    def _failed(self, at_s: float, event: TileFailed) -> None:
        busy = event.kind is FailureKind.BUSY
        for attempt in self._flying(event.tile, event.worker, event.attempt):
            attempt.end, attempt.end_s = End.BUSY if busy else End.FAILED, at_s
            attempt.reason = event.reason
            self._open[event.tile].remove(attempt)
        if not busy:
            self.retries += 1
            self._worker(event.worker).failed += 1
            self._remark(at_s, f"tile {event.tile} failed at {event.worker}: {event.reason}")

    def _lost(self, at_s: float, worker: str, text: str) -> None:
        self._worker(worker)
        self._remark(at_s, text)
        for attempts in self._open.values():
            for attempt in [each for each in attempts if each.worker == worker]:
                attempt.end, attempt.end_s, attempt.reason = End.LOST, at_s, text
                attempts.remove(attempt)

    def _remark(self, at_s: float, text: str) -> None:
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(Remark(at_s, text))
        else:
            self.unkept_remarks += 1
