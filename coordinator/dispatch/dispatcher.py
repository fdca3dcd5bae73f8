"""The dispatcher: told events, it answers with instructions. No I/O, no clock, no dice of its own.

`handle(event, now)` is the only door. Each call takes the event in, rings the alarms that are due,
gives free slots to tiles, and says when it wants to be woken. So the same events at the same times
with the same seed give the same history, and a simulation is as good as a fleet.

Why a run ends: every attempt has a deadline here too, in case the engine forgets one; every counted
failure brings its tile nearer to `Limits.attempts`; a tile that is only turned away counts after
`busy_timeout_s`; a fleet without a usable worker has `fleet_timeout_s`. And while the run is not
over, an alarm is always set for the next of these.

The cost of an event does not grow with the fleet: queues are ordered dictionaries, alarms a heap.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from coordinator.dispatch import outcome, policy
from coordinator.dispatch.instructions import Accept, Cancel, Finish, Tell, WakeAt
from coordinator.dispatch.outcome import Fault
from coordinator.dispatch.policy import BLAME, Limits
from coordinator.dispatch.scheduler import Scheduler
from coordinator.dispatch.tile_table import TileSignal, TileTable
from coordinator.dispatch.timers import Alarm, TimerQueue
from coordinator.dispatch.validate import validate
from coordinator.dispatch.worker_health import WorkerHealth
from coordinator.dispatch.worker_table import Standing, WorkerTable
from coordinator.events import (
    FailureKind,
    Interrupted,
    TileAnswered,
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
        Known hosts. The engine greets them and reports; a silent one is probed.
    limits : Limits
        Thresholds.
    rng : random.Random
        Dice for the jitter.
    now : float
        Monotonic seconds.
    awaits_stores : bool
        Whether TileStored follows each Accept: so a slow sink slows the fleet and fills no memory.
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
    ) -> None:
        self._awaits_stores = awaits_stores
        self._limits = limits = limits or Limits()
        self._rng = rng
        self._now = now
        self._out: list[Instruction] = []
        self._outcome: Outcome | None = None
        self._wake_at = -inf
        self._tiles = TileTable(tiles)
        self._fleet = WorkerTable(workers)
        self._agenda = TimerQueue()
        self._slots = Scheduler(self._tiles, self._fleet, self._agenda, limits=limits, now=now)
        self._health = WorkerHealth(self._fleet, self._agenda, limits=limits, rng=rng)
        self._health.start(workers, now)

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None while it goes on."""
        return self._outcome

    @property
    def finished(self) -> bool:
        """Whether Finish was given; from then on `handle` returns nothing."""
        return self._outcome is not None

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Take in one event; return what to do, in order.

        What is not the dispatcher's business, or about a tile, an attempt or a worker that it does
        not know (any more), changes nothing.
        """
        return self.handle_all((event,), now)

    def handle_all(self, events: Iterable[Event], now: float) -> list[Instruction]:
        """Take in what was heard together before any slot is given, so that all get a share."""
        self._now = max(self._now, now)
        self._out = []
        if self.finished:
            return self._out
        for event in events:
            if (act := self._ON_EVENT.get(type(event))) is not None:
                act(self, event)
        self._ring()
        if not self.finished:
            self._out += self._slots.assign(self._now)
            self._conclude()
        if self._outcome is not None:
            self._close(self._outcome)
        return self._out

    def story(self, tile: int) -> list[StoryEvent]:
        """Return what happened to a tile, in order of time.

        Parameters
        ----------
        tile : int
            Number of the tile.

        Returns
        -------
        list of StoryEvent
            Its latest events, at most `STORY_EVENTS`. Empty if it was not sent yet, or if it was
            accepted and `CLOSED_STORIES` others were accepted since.
        """
        return self._tiles.story(tile)

    def validate(self) -> None:
        """Check that the records agree; call it between two events.

        It costs a pass over the open tiles, the workers and the timers.

        Raises
        ------
        InvariantError
            With each invariant of `coordinator.dispatch.validate` that does not hold.
        """
        validate(
            self._tiles,
            self._fleet,
            self._agenda,
            self._slots,
            limits=self._limits,
            now=self._now,
            wake_at=self._wake_at,
            finished=self.finished,
        )

    # Workers

    def _worker_ready(self, event: WorkerReady) -> None:
        if event.slots < 1:
            self._worker_lost(WorkerLost(event.worker, "offers no slots"))
            return
        self._out += self._health.ready(event)
        self._slots.retries.widen(self._fleet.slots)

    def _worker_lost(self, event: WorkerLost) -> None:
        worker = self._fleet.workers.get(event.worker)
        if worker is None or worker.standing is Standing.UNFIT:
            return
        self._health.lost(worker, event, self._now)
        for number, attempt in list(worker.held):
            if self.finished:
                return
            tile = self._tiles.open[number]
            self._cancel(tile.attempts[attempt])
            self._over(tile, tile.attempts[attempt], FailureKind.BROKEN, event.reason, heard=False)
        self._health.check_fleet(self._now)

    def _probe(self, name: str) -> None:
        self._out += self._health.probe(name, self._now)

    def _fleet_lost(self) -> None:
        hosts, ever_ready = self._fleet.reasons(), self._fleet.ever_ready
        self._finish(outcome.fleet_lost(hosts, self._tiles.failed, ever_ready=ever_ready))

    # Tiles

    def _answered(self, event: TileAnswered) -> None:
        tile = self._tiles.open.get(event.tile)
        if tile is None:
            self._compare(event)
            return
        attempt = tile.attempts.get(event.attempt)
        if attempt is None or attempt.worker != event.worker:
            return
        worker = self._fleet.workers[event.worker]
        if attempt.live:
            self._slots.measure(tile, worker, self._now - attempt.sent_at)
        self._out.append(Accept(event.tile, event.worker, event.attempt))
        self._land(tile, attempt, heard=True)
        for other in tile.live:
            self._cancel(other)
            self._land(tile, other, heard=False)
            self._tiles.signal(tile, TileSignal.CANCELLED, self._now, other.worker)
            self._fleet.workers[other.worker].slow = other.sent_at < attempt.sent_at
        self._agenda.drop((Alarm.RETRY, event.tile))
        self._tiles.settle(tile, attempt, event.digest, self._now)
        if self._awaits_stores:
            self._tiles.store(tile)
        self._slots.retries.repay()
        worker.strikes = worker.misses = 0

    def _compare(self, event: TileAnswered) -> None:
        """Hold a late answer against the accepted one."""
        first = self._tiles.settled.get(event.tile)
        if first is None or first.digest == event.digest:
            return
        if event.attempt == first.attempt or not 1 <= event.attempt <= first.sent:
            return
        answers = ((first.worker, first.digest), (event.worker, event.digest))
        self._finish(outcome.different_bits(event.tile, answers, self._tiles.failed))

    def _failed(self, event: TileFailed) -> None:
        tile = self._tiles.open.get(event.tile)
        attempt = tile.attempts.get(event.attempt) if tile else None
        if tile is None or attempt is None or attempt.worker != event.worker:
            return
        if not attempt.live:
            self._tiles.land(tile, attempt, heard=True)
            return
        if event.kind is FailureKind.BUSY:
            worker = self._fleet.workers[event.worker]
            self._health.pause(worker, event.retry_after_s, self._now)
        self._over(tile, attempt, event.kind, event.reason, heard=True)

    def _deadline_passed(self, number: int, attempt_number: int) -> None:
        tile = self._tiles.open[number]
        attempt = tile.attempts[attempt_number]
        self._cancel(attempt)
        reason = f"no answer within {self._now - attempt.sent_at:.1f} s"
        self._over(tile, attempt, FailureKind.TIMEOUT, reason, heard=False)

    def _over(
        self, tile: OpenTile, attempt: Attempt, kind: FailureKind, reason: str, *, heard: bool
    ) -> None:
        """Draw the consequences of an attempt that failed, by the row of its kind."""
        self._land(tile, attempt, heard=heard)
        why = f"{kind}: {reason}"
        self._tiles.signal(tile, TileSignal.ATTEMPT_FAILED, self._now, attempt.worker, why)
        if BLAME[kind].worker:
            worker = self._fleet.workers[attempt.worker]
            self._out += self._health.failed(worker, kind, reason, self._now)
        if self._counts(tile, kind):
            tile.timeouts += kind is FailureKind.TIMEOUT
            tile.faults.append(Fault(attempt.worker, kind, reason))
            if not tile.live:
                self._retry_or_give_up(tile, reason)
            return
        tile.tries -= 1
        if not tile.live:
            self._tiles.requeue(tile, self._now)

    def _counts(self, tile: OpenTile, kind: FailureKind) -> bool:
        """Whether a failure is one of the tile's attempts; being turned away isn't, at first."""
        if BLAME[kind].attempt:
            tile.away_since = None
            return True
        if tile.away_since is None:
            tile.away_since = self._now
        return self._now - tile.away_since > self._limits.busy_timeout_s

    def _retry_or_give_up(self, tile: OpenTile, reason: str) -> None:
        if policy.is_hopeless(
            tries=tile.tries, blamed_workers=tile.blamed_workers, limits=self._limits
        ):
            self._give_up(tile)
            return
        after_s = policy.retry_pause_s(
            tries=tile.tries,
            tried_workers=len(tile.tried),
            absent=self._fleet.absent,
            rng=self._rng,
            limits=self._limits,
        )
        self._tiles.back_off(tile, self._now, after_s)
        self._agenda.put(self._now + after_s, (Alarm.RETRY, tile.work.tile))
        self._out.append(Tell(TileRetried(tile.work.tile, after_s, reason)))

    def _give_up(self, tile: OpenTile) -> None:
        failed = self._tiles.give_up(tile, self._now)
        reasons = tuple((fault.worker, fault.reason) for fault in failed.faults)
        self._out.append(Tell(TileGivenUp(failed.tile, reasons)))
        if not self._limits.keep_going:
            self._finish(outcome.tile_failed(self._tiles.failed))

    def _land(self, tile: OpenTile, attempt: Attempt, *, heard: bool) -> None:
        key = (attempt.tile, attempt.number)
        self._tiles.land(tile, attempt, heard=heard)
        self._fleet.release(self._fleet.workers[attempt.worker], key)
        self._agenda.drop((Alarm.DEADLINE, *key))

    def _cancel(self, attempt: Attempt) -> None:
        self._out.append(Cancel(attempt.tile, attempt.worker, attempt.number))

    # Time, and the end

    def _ring(self) -> None:
        while not self.finished and (key := self._agenda.pop_due(self._now)) is not None:
            self._ON_ALARM[key[0]](self, *key[1:])

    def _conclude(self) -> None:
        tiles, fleet = self._tiles, self._fleet
        if not tiles.open and tiles.peek() is None:
            self._finish(outcome.complete(tiles.failed))
        elif fleet.unfit == len(fleet.workers):
            self._fleet_lost()
        else:
            self._ask_to_be_woken()

    def _interrupted(self, event: Interrupted) -> None:
        self._finish(outcome.interrupted(event.exit_code, self._tiles.failed))

    def _finish(self, outcome: Outcome) -> None:
        """Decide how the run ended; what was decided first stands."""
        self._outcome = self._outcome or outcome

    def _close(self, outcome: Outcome) -> None:
        for attempt in (each for tile in self._tiles.open.values() for each in tile.live):
            self._cancel(attempt)
        self._out.append(Finish(outcome))

    def _ask_to_be_woken(self) -> None:
        """Ask for a Tick, if the one that was asked for has passed or is too late."""
        at = min(self._wake_times(), default=inf)  # if there is none, the sink has to go on
        passed = self._wake_at <= self._now
        if at < inf and (passed or at < self._wake_at):
            self._wake_at = at
            self._out.append(WakeAt(at))

    def _wake_times(self) -> Iterator[float]:
        alarm_at = self._agenda.next_at()
        if alarm_at is not None:
            yield alarm_at
        yield from self._slots.wake_times(self._now)

    _ON_EVENT: ClassVar[Mapping[type, Callable[[Any, Any], None]]] = {
        WorkerReady: _worker_ready,
        WorkerLost: _worker_lost,
        TileAnswered: _answered,
        TileFailed: _failed,
        TileStored: lambda self, event: self._tiles.stored(event.tile, self._now),
        Interrupted: _interrupted,
    }
    _ON_ALARM: ClassVar[Mapping[Alarm, Callable[..., None]]] = {
        Alarm.RETRY: lambda self, number: self._tiles.end_backoff(number, self._now),
        Alarm.DEADLINE: _deadline_passed,
        Alarm.PROBE: _probe,
        Alarm.RESUME: lambda self, name: self._health.resume(name),
        Alarm.FLEET: _fleet_lost,
    }
