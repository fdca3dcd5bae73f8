"""A dispatcher whose instructions are checked as a sequence, and its records after an event.

`Dispatcher.validate` looks at one moment. What it can't see is checked here, from the events that
went in and the instructions that came out: a tile is accepted once, a worker gets no more tiles
than it has slots, nothing follows the end.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from coordinator.dispatch.dispatcher import Dispatcher
from coordinator.dispatch.instructions import Accept, Cancel, Finish, Probe, Send, Tell, WakeAt
from coordinator.errors import ExitCode
from coordinator.events import (
    FailureKind,
    TileAnswered,
    TileFailed,
    TileGivenUp,
    TileRetried,
    WorkerEjected,
    WorkerLost,
    WorkerReady,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coordinator.dispatch.instructions import Instruction, Work
    from coordinator.dispatch.limits import Limits
    from coordinator.dispatch.outcome import Outcome
    from coordinator.events import Event


class CheckedDispatcher:
    """A dispatcher of these tiles and workers, validated after each `stride` events."""

    def __init__(
        self,
        works: Sequence[Work],
        workers: Sequence[str],
        *,
        limits: Limits,
        seed: int,
        awaits_stores: bool = False,
        stride: int = 1,
    ) -> None:
        self.limits = limits
        self.works = works
        self.stride = stride
        self.handled = 0
        self.history: list[tuple[float, Event, tuple[Instruction, ...]]] | None = None
        self.outcome: Outcome | None = None
        self.wake_at: float | None = None
        self.pulled = self.hedges = self.retries = self.most_slots = 0
        self.sent: dict[tuple[int, int], Send] = {}
        self.live: dict[tuple[int, int], Send] = {}
        self._live_of: Counter[int] = Counter()  # tiles
        self._live_at: Counter[str] = Counter()  # workers
        self.accepted: dict[int, TileAnswered] = {}
        self.given_up: set[int] = set()
        self.slots: dict[str, int] = {}  # of ready workers
        self.paused_until: dict[str, float] = {}
        self._failed_at: dict[int, set[str]] = {}
        self._to_retry: set[int] = set()
        self._barred: set[str] = set()
        self._ejected: set[str] = set()  # and not probed since
        self.dispatcher = Dispatcher(
            self._pull(),
            workers,
            limits=limits,
            rng=Random(seed),
            now=0.0,
            awaits_stores=awaits_stores,
            count=len(works),
        )

    def deliver(self, event: Event, now: float) -> list[Instruction]:
        """Have an event handled; check the instructions and, once a stride, the records."""
        if self.wake_at is not None and self.wake_at <= now:
            self.wake_at = None
        was_over = self.outcome is not None
        self._take(event, now)
        instructions = self.dispatcher.handle(event, now)
        if self.history is not None:
            self.history.append((now, event, tuple(instructions)))
        assert not (was_over and instructions), instructions
        for instruction in instructions:
            assert self.outcome is None, ("after Finish", instruction)
            self._check(instruction, event, now)
        self.handled += 1
        if self.handled % self.stride == 0 or self.outcome:
            self.dispatcher.validate()
        assert self.dispatcher.outcome == self.outcome
        if self.outcome is None:
            self._check_progress(event)
        return instructions

    def _pull(self) -> Iterator[Work]:
        for work in self.works:
            self.pulled += 1
            yield work

    def _take(self, event: Event, now: float) -> None:
        """Record what an event says of workers and attempts."""
        match event:
            case WorkerReady(worker, slots) if slots > 0:
                if worker in self.slots or worker not in self._barred | self._ejected:
                    self.slots[worker] = slots
                self.most_slots = max(self.most_slots, sum(self.slots.values()))
            case WorkerLost(worker) | WorkerReady(worker):
                self.slots.pop(worker, None)
                if worker in self.dispatcher._workers.workers:
                    self._ejected.discard(worker)
                    if isinstance(event, WorkerLost) and event.permanent:
                        self._barred.add(worker)
            case TileFailed(tile, worker, attempt) if self._is_live(tile, worker, attempt):
                self._end(tile, attempt)
                self._take_failure(event, now)

    def _take_failure(self, event: TileFailed, now: float) -> None:
        if event.kind is FailureKind.UNREACHED:
            self.slots.pop(event.worker, None)
        elif event.kind is FailureKind.BUSY:
            asked_s = event.retry_after_s
            if asked_s is not None and asked_s >= 0:
                until = now + min(asked_s, self.limits.busy_cap_s)
                self.paused_until[event.worker] = max(until, self.paused_until.get(event.worker, 0))
        else:
            self._failed_at.setdefault(event.tile, set()).add(event.worker)

    def _is_live(self, tile: int, worker: str, attempt: int) -> bool:
        send = self.live.get((tile, attempt))
        return send is not None and send.worker == worker

    def _end(self, tile: int, attempt: int) -> None:
        send = self.live.pop((tile, attempt))
        self._live_of[tile] -= 1
        self._live_at[send.worker] -= 1

    def _check(self, instruction: Instruction, event: Event, now: float) -> None:
        match instruction:
            case Send():
                self._check_send(instruction, now)
            case Cancel(tile, worker, attempt):
                assert self._is_live(tile, worker, attempt), instruction
                self._end(tile, attempt)
                if tile not in self.accepted:
                    self._failed_at.setdefault(tile, set()).add(worker)
            case Accept():
                self._check_accept(instruction, event)
            case Probe(worker):
                assert worker not in self.slots
                assert worker not in self._barred
                self._ejected.discard(worker)
            case WakeAt(time):
                assert time > now
                self.wake_at = time
            case Tell(fact):
                self._check_fact(fact)
            case Finish(outcome):
                self._check_finish(outcome)

    def _check_send(self, send: Send, now: float) -> None:
        tile, worker = send.tile, send.worker
        assert self._live_at[worker] < self.slots[worker], send
        assert self.paused_until.get(worker, 0.0) <= now, send
        assert tile not in self.accepted, send
        assert tile not in self.given_up, send
        assert (tile, send.attempt) not in self.sent, send
        assert send.hedge == (self._live_of[tile] > 0), send
        assert send.deadline_s >= self.limits.deadline_base_s, send
        failed_at = self._failed_at.get(tile, set())
        assert worker not in failed_at or self.slots.keys() <= failed_at, send
        self.sent[tile, send.attempt] = self.live[tile, send.attempt] = send
        self._live_of[tile] += 1
        self._live_at[worker] += 1
        self.hedges += send.hedge
        if tile in self._to_retry and not send.hedge:
            self._to_retry.discard(tile)
            self.retries += 1
            self._check_retry_budget(now)

    def _check_retry_budget(self, now: float) -> None:
        rate = max(1.0, self.limits.retry_per_slot_s * self.most_slots)
        burst = max(self.limits.retry_burst, self.most_slots, 1)
        returned = self.limits.retry_per_success * len(self.accepted)
        assert self.retries <= burst + rate * now + returned + 1e-6

    def _check_accept(self, accept: Accept, event: Event) -> None:
        tile, worker, attempt = accept.tile, accept.worker, accept.attempt
        assert tile not in self.accepted, accept
        assert tile not in self.given_up, accept
        assert isinstance(event, TileAnswered), accept
        assert (event.tile, event.worker, event.attempt) == (tile, worker, attempt)
        assert self.sent[tile, attempt].worker == worker, accept
        self.accepted[tile] = event
        if (tile, attempt) in self.live:
            self._end(tile, attempt)

    def _check_fact(self, fact: Event) -> None:
        match fact:
            case TileRetried(tile):
                self._to_retry.add(tile)
            case WorkerLost(worker):
                self.slots.pop(worker, None)
            case WorkerEjected(worker):
                assert self.slots.keys() - {worker}, "the last worker is ejected"
                del self.slots[worker]
                self._ejected.add(worker)
            case TileGivenUp(tile, reasons):
                assert not self._live_of[tile], fact
                assert tile not in self.accepted, fact
                workers = {worker for worker, _ in reasons}
                enough = len(reasons) >= self.limits.attempts
                assert enough or len(workers) >= self.limits.faulty_workers, fact
                self.given_up.add(tile)

    def _check_finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
        assert not self.live
        assert outcome.message
        assert {failed.tile for failed in outcome.failed} == self.given_up
        if outcome.exit_code == ExitCode.DONE:
            assert len(self.accepted) == len(self.works)

    def _check_progress(self, event: Event) -> None:
        """Something will happen; no more tiles are open than slots explain; bits are compared."""
        closed = len(self.accepted) + len(self.given_up)
        assert closed < len(self.works)
        assert self.pulled - closed <= 2 * self.most_slots + 1
        if isinstance(event, TileAnswered) and (first := self.accepted.get(event.tile)):
            send = self.sent.get((event.tile, event.attempt))
            same = event.attempt == first.attempt or event.digest == first.digest
            assert same or send is None or send.worker != event.worker
