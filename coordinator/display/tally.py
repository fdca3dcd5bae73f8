"""The sum of a run's events: what there is to say about it at any moment.

A tile may be tried several times, at several workers at once. `_open` knows the attempts of the
tiles that are under way, and of these only, so memory follows what is in flight, not the array:

    sent ----> answered ----> stored      its other attempts are given up in silence
      |                                   (no fact is told about a hedge that lost)
      +------> failed, or worker lost     the tile waits for another attempt, unless one still flies

An engine that checks nothing on the way (this machine's threads) leaves out the answer. Facts that
this module has never heard of are harmless.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from coordinator.display.throughput import Meter
from coordinator.display.tile_map import Place, TileMap
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
    TileSent,
    TileStored,
    WorkerBack,
    WorkerEjected,
    WorkerLost,
    WorkerReady,
)
from coordinator.text import brief_time, count

RECENT_TIMES: Final = 128  # tile times remembered per worker: enough for a 95th percentile


class State(Enum):
    """How a worker fares; the value is the word for it."""

    GREETING = "greeting"
    READY = "ready"
    WORKING = "working"
    BUSY = "busy"
    FAILING = "failing"
    EJECTED = "ejected"
    LOST = "lost"


ABSENT: Final = frozenset({State.EJECTED, State.LOST})
"""States of a worker that nothing is sent to."""


@dataclass(slots=True)
class WorkerTally:
    """What one worker has done so far."""

    name: str
    meter: Meter
    number: int = 0
    standing: State = State.GREETING
    reason: str = ""
    stored: int = 0
    retries: int = 0
    hedges: int = 0
    flying: dict[tuple[int, int], float] = field(default_factory=dict)
    times_s: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_TIMES))

    @property
    def state(self) -> State:
        """How it fares now."""
        working = self.standing is State.READY and self.flying
        return State.WORKING if working else self.standing

    def quantiles(self) -> tuple[float, float] | None:
        """Median and 95th percentile of the recent tile times, in seconds."""
        times = sorted(self.times_s)
        last = len(times) - 1
        return (times[last // 2], times[round(last * 0.95)]) if times else None


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth reading, and when it happened."""

    at_s: float
    text: str


class Tally:
    """All there is to show of a run; `handle` takes its events."""

    def __init__(self) -> None:
        self.run: RunStarted | None = None
        self.stage = 1
        self.earlier_tiles = self.earlier_bytes = 0
        self.finished: RunFinished | None = None
        self.start_s: float | None = None
        self.end_s: float | None = None
        self.stored = self.retries = self.hedges = 0
        self.kept = self.kept_bytes = 0
        self.meter = Meter(0.0)
        self.map = TileMap((0,))
        self.workers: dict[str, WorkerTally] = {}
        self.note: Note | None = None
        self._open: dict[int, dict[int, str]] = {}
        self._failed: set[int] = set()

    def elapsed_s(self, now: float) -> float:
        """Seconds since the first event, until the last one once the run is over."""
        end_s = now if self.end_s is None else self.end_s
        return 0.0 if self.start_s is None else max(0.0, end_s - self.start_s)

    def rate(self, now: float) -> float:
        """Bytes of output per second: of late while the run lasts, of the whole once it is over."""
        if self.end_s is None:
            return self.meter.rate(now)
        elapsed_s = self.elapsed_s(now)
        return self.meter.total / elapsed_s if elapsed_s > 0 else 0.0

    def left_s(self, now: float) -> float | None:
        """Seconds that the rest will take at the recent rate; None when nobody can tell."""
        rate = self.rate(now)
        if self.run is None or self.end_s is not None or rate <= 0:
            return None
        stages_left = self.run.stages - self.stage + 1  # they write as much as this one, or nearly
        done_bytes = self.kept_bytes + self.meter.total - self.earlier_bytes
        return max(0.0, (self.run.bytes_out * stages_left - done_bytes) / rate)

    def progress(self) -> tuple[int, int]:
        """Return how much is stored, and of how much: tiles, each stage counting for as many."""
        if self.run is None or not self.run.tiles:
            return int(self.finished is not None), 1
        tiles = self.run.tiles
        done = (self.stage - 1) * tiles + min(self.stored, tiles)
        return done, tiles * self.run.stages

    def stage_words(self) -> tuple[str, ...]:
        """Tell which stage this is of a run that has several; nothing of one that has not."""
        if self.run is None or self.run.stages == 1:
            return ()
        return (f"stage {self.stage} of {self.run.stages}",)

    def fleet(self) -> str:
        """Say how many workers there are, and how many of them are lost."""
        lost = sum(worker.standing in ABSENT for worker in self.workers.values())
        return f"{count(len(self.workers), 'worker')}{f', {lost:,} lost' if lost else ''}"

    def handle(self, now: float, event: Event) -> None:  # noqa: C901 -- a table of the events
        """Count one event."""
        if self.start_s is None:
            self.start_s = now
        match event:
            case TileSent():
                self._sent(now, event)
            case TileAnswered():
                self._answered(now, event, event.attempt)
            case TileStored():
                self._stored(now, event)
            case TileKept():
                self._kept(now, event)
            case TileFailed():
                self._tile_failed(now, event)
            case WorkerReady() | WorkerBack():
                self._ready(now, event)
            case WorkerLost() | WorkerEjected():
                self._absent(now, event)
            case RunStarted():
                self._started(now, event)
            case StageStarted():
                self._next_stage(event)
            case RunFinished():
                self.finished, self.end_s = event, now
            case TileHedged(tile, worker, to, late_s):
                why = f"unanswered by {worker} for {brief_time(late_s)}"
                self.note = Note(now, f"tile {tile} also sent to {to}: {why}")
            case TileGivenUp(tile, reasons):
                said = "; ".join(f"{worker}: {reason}" for worker, reason in reasons)
                self.note = Note(now, f"tile {tile} given up: {said}")

    def _worker(self, now: float, name: str) -> WorkerTally:
        worker = self.workers.get(name)
        if worker is None:
            number = len(self.workers)
            worker = self.workers[name] = WorkerTally(name, Meter(now), number)
        return worker

    def _started(self, now: float, event: RunStarted) -> None:
        self.run, self.start_s = event, now
        self.meter = Meter(now)
        self.map = TileMap(event.grid)
        for name in event.workers:
            self._worker(now, name)

    def _next_stage(self, event: StageStarted) -> None:
        if self.run is None:
            return
        self.run, self.stage = self.run.cut_as(event), event.stage
        self.earlier_tiles += self.stored
        self.earlier_bytes = self.meter.total
        self.stored = 0
        self.map = TileMap(event.grid)
        self._open.clear()
        self._failed.clear()
        for worker in self.workers.values():
            worker.flying.clear()

    def _ready(self, now: float, event: WorkerReady | WorkerBack) -> None:
        worker = self._worker(now, event.worker)
        if worker.standing in ABSENT:
            self.note = Note(now, f"{event.worker} came back")
        worker.standing, worker.reason = State.READY, ""

    def _absent(self, now: float, event: WorkerLost | WorkerEjected) -> None:
        worker = self._worker(now, event.worker)
        before = worker.standing, worker.reason
        worker.standing, worker.reason = State.LOST, event.reason
        if isinstance(event, WorkerEjected):
            worker.standing = State.EJECTED
            worker.reason = f"{event.reason}; asked again in {brief_time(event.pause_s)}"
        for tile, attempt in list(worker.flying):
            self._land(worker, tile, attempt)
        if (worker.standing, worker.reason) != before:  # asked again in vain is no news
            self.note = Note(now, f"{event.worker} {worker.standing.value}: {worker.reason}")

    def _sent(self, now: float, event: TileSent) -> None:
        worker = self._worker(now, event.worker)
        worker.flying[event.tile, event.attempt] = now
        if worker.standing is State.GREETING:
            worker.standing = State.READY
        attempts = self._open.setdefault(event.tile, {})
        if not attempts:
            self.map.count(event.tile, Place.FLYING, 1)
        attempts[event.attempt] = event.worker
        self._forgive(event.tile)
        if event.hedge:
            worker.hedges += 1
            self.hedges += 1

    def _answered(self, now: float, event: TileAnswered | TileStored, attempt: int) -> None:
        worker = self._worker(now, event.worker)
        sent_s = worker.flying.pop((event.tile, attempt), None)
        if sent_s is not None:
            worker.times_s.append(now - sent_s)
        if worker.standing not in ABSENT:
            worker.standing, worker.reason = State.READY, ""

    def _stored(self, now: float, event: TileStored) -> None:
        worker = self._worker(now, event.worker)
        attempts = self._open.pop(event.tile, None)
        if attempts:
            self.map.count(event.tile, Place.FLYING, -1)
            for attempt, name in attempts.items():
                if name == event.worker:
                    self._answered(now, event, attempt)
                self.workers[name].flying.pop((event.tile, attempt), None)
        self._forgive(event.tile)
        self.map.count(event.tile, Place.STORED, 1)
        self.map.credit(event.tile, worker.number)
        worker.stored += 1
        self.stored += 1
        worker.meter.add(now, event.bytes_out)
        self.meter.add(now, event.bytes_out)

    def _kept(self, now: float, event: TileKept) -> None:
        self.map.count(event.tile, Place.STORED, 1)
        self.stored += 1
        self.kept += 1
        self.kept_bytes += event.bytes_out
        self.note = Note(now, f"{count(self.kept, 'tile')} kept from an unfinished run")

    def _tile_failed(self, now: float, event: TileFailed) -> None:
        worker = self._worker(now, event.worker)
        self._land(worker, event.tile, event.attempt)
        if event.kind is FailureKind.BUSY:
            pause_s = event.retry_after_s
            standing = State.BUSY
            reason = "" if pause_s is None else f"asked for {brief_time(pause_s)}"
        else:
            standing, reason = State.FAILING, event.reason
            worker.retries += 1
            self.retries += 1
            self.note = Note(now, f"tile {event.tile} failed at {event.worker}: {event.reason}")
        if worker.standing not in ABSENT:
            worker.standing, worker.reason = standing, reason

    def _land(self, worker: WorkerTally, tile: int, attempt: int) -> None:
        """Take an attempt out of flight that brought nothing."""
        if worker.flying.pop((tile, attempt), None) is None:
            return
        attempts = self._open.get(tile, {})
        attempts.pop(attempt, None)
        if not attempts and self._open.pop(tile, None) is not None:
            self.map.count(tile, Place.FLYING, -1)
            self.map.count(tile, Place.FAILED, 1)
            self._failed.add(tile)

    def _forgive(self, tile: int) -> None:
        if tile in self._failed:
            self._failed.discard(tile)
            self.map.count(tile, Place.FAILED, -1)
