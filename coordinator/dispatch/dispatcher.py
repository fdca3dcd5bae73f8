"""The dispatcher: events in, instructions out, without I/O; time and random numbers are arguments.

State changes only in `handle` and `handle_all`. Each call applies its events, fires the timers that
are due, gives free slots to tiles, and asks for a wake-up. So the same events at the same times
with the same seed give the same instructions, and a simulation tests what a fleet does.

Every run ends. Each attempt has a deadline, and each failure that counts brings its tile nearer to
`Limits.attempts`; that a tile is turned away counts after `busy_timeout_s`. Without a ready worker
the run has `fleet_timeout_s`. Until the end a timer is always set for the next of these.

The cost of an event does not grow with the fleet: queues are ordered dictionaries, timers a heap.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from coordinator.dispatch import outcome, policy
from coordinator.dispatch.departures import Departures
from coordinator.dispatch.instructions import Accept, Cancel, Finish, Tell, WakeAt
from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import FailedAttempt
from coordinator.dispatch.policy import CONSEQUENCES
from coordinator.dispatch.scheduler import Scheduler
from coordinator.dispatch.tile_table import TileSignal, TileTable
from coordinator.dispatch.timers import Timer, TimerQueue
from coordinator.dispatch.validate import validate
from coordinator.dispatch.worker_health import WorkerHealth
from coordinator.dispatch.worker_table import WorkerState, WorkerTable
from coordinator.events import (
    FailureKind,
    Interrupted,
    TileAnswered,
    TileComputing,
    TileFailed,
    TileGivenUp,
    TileRetried,
    TileStored,
    WorkerLost,
    WorkerReady,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from random import Random

    from coordinator.dispatch.instructions import Instruction, Work
    from coordinator.dispatch.outcome import Outcome
    from coordinator.dispatch.story import StoryEvent
    from coordinator.dispatch.tile_table import Attempt, OpenTile
    from coordinator.events import Event


class Dispatcher:
    """Decides which tile goes where and when, and when the run is over.

    Parameters
    ----------
    tiles : iterator of Work
        The plan; advanced only when a slot is free, one tile at a time.
    workers : sequence of str
        Names of the hosts. The engine greets them and reports; a silent one is probed.
    limits : Limits
        Thresholds.
    rng : random.Random
        For the jitter.
    now : float
        Time of the start, in monotonic seconds, as in every other call.
    awaits_stores : bool
        Whether TileStored follows each Accept: then a slow sink slows the fleet, and fills no
        memory.
    count : float
        Of tiles, infinite unless known: near the end, who knows it leaves slow workers out.
    """

    def __init__(
        self,
        tiles: Iterator[Work],
        workers: Sequence[str],
        *,
        limits: Limits | None = None,
        rng: Random,
        now: float,
        awaits_stores: bool = False,
        count: float = inf,
    ) -> None:
        self._awaits_stores = awaits_stores
        self._limits = limits = limits or Limits()
        self._rng = rng
        self._now = now
        self._instructions: list[Instruction] = []
        self._outcome: Outcome | None = None
        self._wake_at = -inf
        self._tiles = TileTable(tiles, count)
        self._workers = WorkerTable(workers)
        self._timers = TimerQueue()
        records = self._tiles, self._workers, self._timers
        self._scheduler = Scheduler(*records, limits=limits, now=now)
        self._health = WorkerHealth(self._workers, self._timers, limits=limits, rng=rng)
        self._health.start(workers, now)
        self._departures = Departures(self._workers, self._timers, self._scheduler, limits=limits)

    @property
    def outcome(self) -> Outcome | None:
        """The end of the run; None while it goes on."""
        return self._outcome

    @property
    def finished(self) -> bool:
        """Whether Finish was given; from then on `handle` returns nothing."""
        return self._outcome is not None

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Apply one event; see `handle_all`."""
        return self.handle_all((event,), now)

    def handle_all(self, events: Iterable[Event], now: float) -> list[Instruction]:
        """Apply events that were reported together, before a free slot is given to any tile.

        Events of other kinds, and those about a tile, an attempt or a worker that is not known or
        no longer known, change nothing.

        Parameters
        ----------
        events : iterable of Event
        now : float
            Monotonic seconds; an earlier time than that of the last call counts as that one.

        Returns
        -------
        list of Instruction
            Instructions in the order in which to carry them out; none after Finish.
        """
        self._now = max(self._now, now)
        self._instructions = []
        if self.finished:
            return self._instructions
        for event in events:
            if (act := self._ON_EVENT.get(type(event))) is not None:
                act(self, event)
        self._fire_timers()
        while lost := self._departures.gone(self._now):
            self._leave(lost[0])
            self._fire_timers()  # that may have made a probe due
        if not self.finished:
            self._instructions += self._scheduler.assign(self._now)
            self._check_end()
        if self._outcome is not None:
            self._end_run(self._outcome)
        return self._instructions

    def story(self, tile: int) -> list[StoryEvent]:
        """Return the events of the tile of this number in order of time.

        Returns
        -------
        list of StoryEvent
            Its latest events, at most `STORY_EVENTS`. Empty if it was not sent yet, or if it was
            accepted and `CLOSED_STORIES` others were accepted since.
        """
        return self._tiles.story(tile)

    def validate(self) -> None:
        """Check the invariants between two events; it costs a pass over all records.

        Raises
        ------
        InvariantError
            With each invariant of `coordinator.dispatch.validate` that does not hold.
        """
        validate(
            self._tiles,
            self._workers,
            self._timers,
            self._scheduler,
            limits=self._limits,
            now=self._now,
            wake_at=self._wake_at,
            finished=self.finished,
        )

    # Workers

    def _worker_ready(self, event: WorkerReady) -> None:
        if (lost := self._departures.refusal(event, self._now)) is not None:
            self._leave(lost)
            return
        self._instructions += self._health.ready(event)
        self._departures.plan(event.worker, self._now)
        self._scheduler.retries.grow(self._workers.slots)

    def _worker_lost(self, event: WorkerLost) -> None:
        worker = self._workers.workers.get(event.worker)
        if worker is None or worker.state is WorkerState.UNFIT:
            return
        self._health.lost(worker, event, self._now)
        for number, attempt in list(worker.held):
            if self.finished:
                return
            tile = self._tiles.open[number]
            self._cancel(tile.attempts[attempt])
            self._attempt_failed(
                tile, tile.attempts[attempt], FailureKind.BROKEN, event.reason, reported=False
            )
        self._instructions += self._health.check_fleet(self._now)

    def _leave(self, lost: WorkerLost) -> None:
        self._instructions.append(Tell(lost))
        self._worker_lost(lost)

    def _probe(self, name: str) -> None:
        self._instructions += self._health.probe(name, self._now)

    def _fleet_lost(self) -> None:
        hosts, ever_ready = self._workers.reasons(), self._workers.ever_ready
        self._finish(outcome.fleet_lost(hosts, self._tiles.failed, ever_ready=ever_ready))

    # Tiles

    def _tile_answered(self, event: TileAnswered) -> None:
        tile = self._tiles.open.get(event.tile)
        if tile is None:
            self._compare_late(event)
            return
        attempt = tile.attempts.get(event.attempt)
        if attempt is None or attempt.worker != event.worker:
            return
        worker = self._workers.workers[event.worker]
        tile.late = not attempt.live
        if attempt.live:
            self._scheduler.add_duration(tile, worker, self._now - attempt.sent_at)
            self._departures.plan(worker.name, self._now)
        self._instructions.append(Accept(event.tile, event.worker, event.attempt))
        self._end_attempt(tile, attempt, reported=True)
        for other in tile.live:
            self._cancel(other)
            self._end_attempt(tile, other, reported=False)
            self._tiles.signal(tile, TileSignal.CANCELLED, self._now, other.worker)
            loser, age_s = self._workers.workers[other.worker], self._now - other.sent_at
            self._workers.outrun(loser, age_s, slow=other.sent_at < attempt.sent_at)
        self._timers.cancel((Timer.RETRY, event.tile))
        self._tiles.accept(tile, attempt, event.digest, self._now)
        if self._awaits_stores:
            self._tiles.store(tile)
        self._scheduler.retries.add_success()
        worker.failures_in_row = worker.absences = 0

    def _compare_late(self, event: TileAnswered) -> None:
        """Compare a late answer with the accepted one."""
        first = self._tiles.accepted.get(event.tile)
        if first is None or first.digest == event.digest or event.attempt == first.attempt:
            return
        if not 1 <= event.attempt <= first.sent:
            return
        answers = ((first.worker, first.digest), (event.worker, event.digest))
        self._finish(outcome.different_bits(event.tile, answers, self._tiles.failed))

    def _tile_failed(self, event: TileFailed) -> None:
        tile = self._tiles.open.get(event.tile)
        attempt = tile.attempts.get(event.attempt) if tile else None
        if tile is None or attempt is None or attempt.worker != event.worker:
            return
        if not attempt.live:
            self._tiles.end_attempt(tile, attempt, reported=True)
            return
        self._attempt_failed(tile, attempt, event.kind, event.reason, reported=True)
        if event.kind is FailureKind.BUSY:
            self._health.pause(event.worker, event.retry_after_s, self._now)

    def _tile_computing(self, event: TileComputing) -> None:
        if (tile := self._tiles.open.get(event.tile)) is not None:
            tile.hear(event.worker, self._now)

    def _deadline_passed(self, number: int, attempt_number: int) -> None:
        tile = self._tiles.open[number]
        attempt = tile.attempts[attempt_number]
        if self._scheduler.must_wait(tile, attempt, self._now):
            at = self._now + self._limits.computing_news_s
            self._timers.put(at, (Timer.DEADLINE, number, attempt_number))
            return
        self._cancel(attempt)
        reason = f"no answer within {self._now - attempt.sent_at:.1f} s"
        self._attempt_failed(tile, attempt, FailureKind.TIMEOUT, reason, reported=False)

    def _attempt_failed(
        self, tile: OpenTile, attempt: Attempt, kind: FailureKind, reason: str, *, reported: bool
    ) -> None:
        """Apply the consequences of a failed attempt, by the row of its kind."""
        self._end_attempt(tile, attempt, reported=reported)
        why = f"{kind}: {reason}"
        self._tiles.signal(tile, TileSignal.ATTEMPT_FAILED, self._now, attempt.worker, why)
        if CONSEQUENCES[kind].of_worker:
            worker = self._workers.workers[attempt.worker]
            self._instructions += self._health.failed(worker, kind, reason, self._now)
        if self._counts(tile, kind):
            tile.timeouts += kind is FailureKind.TIMEOUT
            tile.failures.append(FailedAttempt(attempt.worker, kind, reason))
            if not tile.live:
                self._retry_or_give_up(tile, reason)
            return
        tile.tries -= 1
        if not tile.live:
            self._tiles.requeue(tile, self._now)

    def _counts(self, tile: OpenTile, kind: FailureKind) -> bool:
        """Whether a failure is one of the tile's attempts; of a busy worker only after a time."""
        if CONSEQUENCES[kind].counts:
            tile.turned_away_since = None
            return True
        if tile.turned_away_since is None:
            tile.turned_away_since = self._now
        return self._now - tile.turned_away_since > self._limits.busy_timeout_s

    def _retry_or_give_up(self, tile: OpenTile, reason: str) -> None:
        if policy.must_give_up(
            tries=tile.tries, failed_workers=tile.failed_workers, limits=self._limits
        ):
            self._give_up(tile)
            return
        after_s = policy.retry_pause_s(
            tries=tile.tries,
            tried_workers=len(tile.failed_at),
            absent=self._workers.absent,
            rng=self._rng,
            limits=self._limits,
        )
        self._tiles.back_off(tile, self._now, after_s)
        self._timers.put(self._now + after_s, (Timer.RETRY, tile.work.tile))
        self._instructions.append(Tell(TileRetried(tile.work.tile, after_s, reason)))

    def _give_up(self, tile: OpenTile) -> None:
        failed = self._tiles.give_up(tile, self._now)
        reasons = tuple((failure.worker, failure.reason) for failure in failed.failures)
        self._instructions.append(Tell(TileGivenUp(failed.tile, reasons)))
        if not self._limits.keep_going:
            self._finish(outcome.tile_failed(self._tiles.failed))

    def _end_attempt(self, tile: OpenTile, attempt: Attempt, *, reported: bool) -> None:
        key = (attempt.tile, attempt.number)
        self._tiles.end_attempt(tile, attempt, reported=reported)
        self._workers.release(self._workers.workers[attempt.worker], key)
        self._timers.cancel((Timer.DEADLINE, *key))

    def _cancel(self, attempt: Attempt) -> None:
        self._instructions.append(Cancel(attempt.tile, attempt.worker, attempt.number))

    # Time, and the end

    def _fire_timers(self) -> None:
        while not self.finished and (key := self._timers.pop_due(self._now)) is not None:
            self._ON_TIMER[key[0]](self, *key[1:])

    def _check_end(self) -> None:
        tiles, workers = self._tiles, self._workers
        if not tiles.open and tiles.peek() is None:
            self._finish(outcome.complete(tiles.failed))
        elif workers.unfit == len(workers.workers):
            self._fleet_lost()
        else:
            self._set_wake_up()

    def _finish(self, outcome: Outcome) -> None:
        """Set the outcome of the run, unless it has one."""
        self._outcome = self._outcome or outcome

    def _end_run(self, outcome: Outcome) -> None:
        for attempt in (each for tile in self._tiles.open.values() for each in tile.live):
            self._cancel(attempt)
        self._instructions.append(Finish(outcome))

    def _set_wake_up(self) -> None:
        """Ask for a Tick, if the one that was asked for has passed or is too late."""
        times = self._timers.next_at(), *self._scheduler.wake_times(self._now)
        at = min((time for time in times if time is not None), default=inf)  # inf: for the sink
        passed = self._wake_at <= self._now
        if at < inf and (passed or at < self._wake_at):
            self._wake_at = at
            self._instructions.append(WakeAt(at))

    _ON_EVENT: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        WorkerReady: _worker_ready,
        WorkerLost: _worker_lost,
        TileAnswered: _tile_answered,
        TileComputing: _tile_computing,
        TileFailed: _tile_failed,
        TileStored: lambda self, event: self._tiles.stored(event.tile, self._now),
        Interrupted: lambda self, event: self._finish(
            outcome.interrupted(event.exit_code, self._tiles.failed)
        ),
    }
    _ON_TIMER: ClassVar[Mapping[Timer, Callable[..., None]]] = {
        Timer.RETRY: lambda self, number: self._tiles.end_backoff(number, self._now),
        Timer.DEADLINE: _deadline_passed,
        Timer.PROBE: _probe,
        Timer.RESUME: lambda self, name: self._health.resume(name),
        Timer.LEAVE: lambda self, name: self._departures.plan(name, self._now),
        Timer.FLEET: _fleet_lost,
    }
