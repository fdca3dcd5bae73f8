"""A run as the sum of its events: counts, workers, attempts under way, and what is worth reading.

A tile may be tried several times, at several workers at once. `attempts_of` has the attempts of the
tiles that are under way, and of these only, so memory follows what is in flight, not the array::

    sent ----> answered ----> stored      its other attempts end with it, in silence
      |                                   (there is no event for a hedge that lost)
      +------> failed, or worker lost     the tile waits for another attempt, unless one still flies

An engine that checks nothing on the way (this machine's threads) leaves out the answer. Events that
this module doesn't know are harmless.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from coordinator.events import (
    Event,
    FailureKind,
    FleetAwaited,
    OutputWritten,
    RunFinished,
    RunStarted,
    StageStarted,
    TileAnswered,
    TileComputing,
    TileFailed,
    TileGivenUp,
    TileHedged,
    TileKept,
    TileSent,
    TileStored,
    TilesVerified,
    WorkerBack,
    WorkerEjected,
    WorkerLost,
    WorkerPlaces,
    WorkerReady,
    WorkerUsage,
)
from coordinator.history.throughput import Meter
from coordinator.history.usage import Usage
from coordinator.text import brief_time

RECENT_TIMES: Final = 128  # tile times kept per worker: enough for a 95th percentile


class State(Enum):
    """The state of a worker; the value is the word for it."""

    GREETING = "greeting"
    READY = "ready"
    WORKING = "working"
    BUSY = "busy"
    FAILING = "failing"
    EJECTED = "ejected"
    LOST = "lost"


ABSENT: Final = frozenset({State.EJECTED, State.LOST})
"""States of a worker that nothing is sent to."""


class End(StrEnum):
    """The outcome of an attempt."""

    FLYING = "in flight"
    STORED = "stored"
    FAILED = "failed"
    BUSY = "turned away"
    LOST = "lost with its worker"
    UNNEEDED = "not needed"


@dataclass(slots=True)
class AttemptRecord:
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
    share: float = 0.0  # that is computed, by its worker's word


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth reading, and when it happened, in seconds since the run's first event."""

    at_s: float
    text: str


@dataclass(slots=True)
class WorkerRecord:
    """A worker: what it says of itself, what it has proved, what it did, and its state.

    `number` counts workers from 0; `standing` is the state but for whether it has tiles in flight.
    """

    name: str
    number: int
    meter: Meter
    times_s: deque[float]
    slots: int = 0
    about: dict[str, str] = field(default_factory=dict)
    proof: dict[str, str] = field(default_factory=dict)
    standing: State = State.GREETING
    reason: str = ""
    stored: int = 0
    failed: int = 0
    hedges: int = 0
    flying: dict[tuple[int, int], AttemptRecord] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    @property
    def state(self) -> State:
        """Its state now."""
        working = self.standing is State.READY and self.flying
        return State.WORKING if working else self.standing

    def quantiles(self) -> tuple[float, float] | None:
        """Median and 95th percentile of the tile times that are kept, in seconds."""
        return quantiles(self.times_s)


def quantiles(times_s: Iterable[float]) -> tuple[float, float] | None:
    """Return median and 95th percentile; None of nothing.

    Examples
    --------
    >>> quantiles([3.0, 1.0, 2.0]), quantiles([])
    ((2.0, 3.0), None)
    """
    times = sorted(times_s)
    last = len(times) - 1
    return (times[last // 2], times[round(last * 0.95)]) if times else None


class History:
    """The sum of a run's events so far; `handle` takes them.

    Parameters
    ----------
    times : int, optional
        How many tile times are kept of each worker, the latest; None: all.

    Attributes
    ----------
    verified : (int, int) or None
        How many tiles SciPy computed once more, and of how many.
    expected_s : float or None
        What the stages so far were expected to take, less what an earlier run had done of them;
        None if of any of them it is not known.
    """

    def __init__(self, times: int | None = RECENT_TIMES) -> None:
        self._times = times
        self.run: RunStarted | None = None
        self.finished: RunFinished | None = None
        self.written: OutputWritten | None = None
        self.by_bytes: dict[str, str] = {}
        self.verified: tuple[int, int] | None = None
        self.stage = 1
        self.expected_s: float | None = None
        self.first_s: float | None = None
        self.last_s = 0.0
        self.meter = Meter(0.0)
        self.workers: dict[str, WorkerRecord] = {}
        self.tiles = self.stored = self.kept = self.retries = self.hedges = 0
        self.attempts_of: dict[int, dict[int, AttemptRecord]] = {}

    def handle(self, now: float, event: Event) -> None:
        """Add an event, at a time of the run's monotonic clock, in seconds."""
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
            case TileKept():
                self._kept(at_s, event)
            case RunFinished():
                self.finished = event
            case StageStarted():
                self._next_stage(event)
            case RunStarted():
                self._started(at_s, event)
            case _:
                self._rarer(at_s, event)

    def _rarer(self, at_s: float, event: Event) -> None:
        match event:
            case WorkerReady(name, slots, about, proof):
                worker = self._ready(at_s, name)
                worker.slots = slots
                worker.about.update(about)
                worker.proof.update(proof)
            case TileComputing():
                self._computing(at_s, event)
            case WorkerUsage(name, cpu_s, resident_bytes):
                self._worker(at_s, name).usage.add(at_s, cpu_s, resident_bytes)
            case WorkerBack(name):
                self._ready(at_s, name)
            case WorkerLost(name, reason):
                self._absent(at_s, name, State.LOST, reason)
            case WorkerEjected(name, reason, pause_s):
                reason = f"{reason}; asked again in {brief_time(pause_s)}"
                self._absent(at_s, name, State.EJECTED, reason)
            case TilesVerified() | OutputWritten():
                self._closing(event)
            case WorkerPlaces():
                self._opens(at_s, event)
            case TileHedged() | FleetAwaited() | TileGivenUp():
                self._remark(at_s, _in_words(event))

    def _opens(self, at_s: float, event: WorkerPlaces) -> None:
        self.by_bytes.pop(event.worker, None)
        if event.reason:
            words = self.by_bytes[event.worker] = _in_words(event)
            self._remark(at_s, words)

    def _closing(self, event: TilesVerified | OutputWritten) -> None:
        if isinstance(event, OutputWritten):
            self.written = event
            return
        tiles, of = self.verified or (0, 0)
        self.verified = tiles + event.tiles, of + event.of

    def _worker(self, at_s: float, name: str) -> WorkerRecord:
        worker = self.workers.get(name)
        if worker is None:
            number, times_s = len(self.workers), deque[float](maxlen=self._times)
            worker = self.workers[name] = WorkerRecord(name, number, Meter(at_s), times_s)
        return worker

    def _started(self, at_s: float, event: RunStarted) -> None:
        self.run, self.tiles = event, event.tiles
        self.expected_s = event.expected_s
        self.meter = Meter(at_s)
        for name in event.workers:
            self._worker(at_s, name)

    def _next_stage(self, event: StageStarted) -> None:
        if self.run is not None:
            self.run, self.stage = self.run.cut_as(event), event.stage
        self.tiles += event.tiles
        if self.expected_s is None or event.expected_s is None:
            self.expected_s = None
        else:
            self.expected_s += event.expected_s
        self.attempts_of.clear()
        for worker in self.workers.values():
            worker.flying.clear()

    def _ready(self, at_s: float, name: str) -> WorkerRecord:
        worker = self._worker(at_s, name)
        if worker.standing in ABSENT:
            self._remark(at_s, f"{name} came back")
        worker.standing, worker.reason = State.READY, ""
        return worker

    def _absent(self, at_s: float, name: str, standing: State, reason: str) -> None:
        worker = self._worker(at_s, name)
        before = worker.standing, worker.reason
        worker.standing, worker.reason = standing, reason
        text = f"{name} {standing.value}: {reason}"
        for attempt in list(worker.flying.values()):
            self._end(at_s, attempt, End.LOST, text)
        if (standing, reason) != before:  # asked again in vain is no news
            self._remark(at_s, text)

    def _sent(self, at_s: float, event: TileSent) -> AttemptRecord:
        worker = self._worker(at_s, event.worker)
        attempt = AttemptRecord(event.tile, event.worker, event.attempt, at_s, event.hedge)
        attempt.bytes_sent = event.bytes_sent
        self.attempts_of.setdefault(event.tile, {})[event.attempt] = attempt
        worker.flying[event.tile, event.attempt] = attempt
        if worker.standing is State.GREETING:
            worker.standing = State.READY
        worker.hedges += event.hedge
        self.hedges += event.hedge
        return attempt

    def _computing(self, at_s: float, event: TileComputing) -> None:
        worker = self._worker(at_s, event.worker)
        for attempt in self.attempts_of.get(event.tile, {}).values():
            if attempt.worker == event.worker:
                attempt.share = max(attempt.share, event.share)
                if worker.standing is State.FAILING:
                    worker.standing, worker.reason = State.READY, ""

    def _answered(self, at_s: float, event: TileAnswered) -> None:
        worker = self._worker(at_s, event.worker)
        attempt = worker.flying.get((event.tile, event.attempt))
        if attempt is not None:
            attempt.bytes_received = event.bytes_received
            attempt.computing_s, attempt.waiting_s = event.computing_s, event.waiting_s
            self._arrived(at_s, worker, attempt)
        if worker.standing not in ABSENT:
            worker.standing, worker.reason = State.READY, ""

    def _arrived(self, at_s: float, worker: WorkerRecord, attempt: AttemptRecord) -> None:
        """Take an attempt out of flight that brought an answer."""
        del worker.flying[attempt.tile, attempt.number]
        attempt.answered_s = at_s
        worker.times_s.append(at_s - attempt.sent_s)

    def _stored(self, at_s: float, event: TileStored) -> None:
        worker = self._worker(at_s, event.worker)
        attempts = self.attempts_of.pop(event.tile, {}).values()
        mine = [each for each in attempts if each.worker == event.worker]
        winner = next((each for each in mine if each.answered_s is not None), None)
        winner = winner or next(iter(mine), None)
        if winner is not None:
            if winner.answered_s is None:
                self._arrived(at_s, worker, winner)
            if worker.standing not in ABSENT:
                worker.standing, worker.reason = State.READY, ""
        for attempt in attempts:
            self.workers[attempt.worker].flying.pop((attempt.tile, attempt.number), None)
            attempt.end = End.STORED if attempt is winner else End.UNNEEDED
            attempt.end_s = at_s
        worker.stored += 1
        worker.meter.add(at_s, event.bytes_out)
        self.stored += 1
        self.meter.add(at_s, event.bytes_out)

    def _failed(self, at_s: float, event: TileFailed) -> None:
        worker = self._worker(at_s, event.worker)
        attempt = worker.flying.get((event.tile, event.attempt))
        busy = event.kind is FailureKind.BUSY
        if attempt is not None:
            self._end(at_s, attempt, End.BUSY if busy else End.FAILED, event.reason)
        pause_s = event.retry_after_s
        standing, reason = State.FAILING, event.reason
        if busy:
            reason = "" if pause_s is None else f"asked for {brief_time(pause_s)}"
            standing = State.BUSY
        else:
            worker.failed += 1
            self.retries += 1
            self._remark(at_s, f"tile {event.tile} failed at {event.worker}: {event.reason}")
        if worker.standing not in ABSENT:
            worker.standing, worker.reason = standing, reason

    def _end(self, at_s: float, attempt: AttemptRecord, end: End, reason: str) -> None:
        """End an attempt in flight that brought nothing."""
        attempt.end, attempt.end_s, attempt.reason = end, at_s, reason
        del self.workers[attempt.worker].flying[attempt.tile, attempt.number]
        attempts = self.attempts_of.get(attempt.tile, {})
        attempts.pop(attempt.number, None)
        if not attempts:
            self.attempts_of.pop(attempt.tile, None)

    def _kept(self, at_s: float, event: TileKept) -> None:  # noqa: ARG002 -- subclasses need them
        self.kept += 1
        if self.run is not None and self.run.expected_s is not None and self.expected_s is not None:
            self.expected_s -= self.run.expected_s / self.run.tiles

    def _remark(self, at_s: float, text: str) -> None:
        """Take note of a sentence; subclasses keep or show it."""


def _in_words(event: TileHedged | FleetAwaited | TileGivenUp | WorkerPlaces) -> str:
    match event:
        case TileHedged(tile, name, to, late_s):
            return f"tile {tile} also sent to {to}: unanswered by {name} for {brief_time(late_s)}"
        case FleetAwaited(patience_s):
            return f"waiting up to {patience_s:g} s for a worker to come back"
        case WorkerPlaces(name, reads, _, reason):
            return f"{name} {'answers with bytes' if reads else 'gets and answers bytes'}: {reason}"
        case TileGivenUp(tile, reasons):
            why = "; ".join(f"{name}: {reason}" for name, reason in reasons)
            return f"tile {tile} given up: {why}"
