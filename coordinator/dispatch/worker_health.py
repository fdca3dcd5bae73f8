"""The health of workers: readiness, failures in a row, ejection, pauses and probes.

A worker is *ejected* when it failed too often in a row (outlier ejection, as in Envoy). A worker
that is lost or ejected is probed, after pauses that grow, until it is ready again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.dispatch import policy
from coordinator.dispatch.instructions import Probe, Tell
from coordinator.dispatch.timers import Timer
from coordinator.dispatch.worker_table import WorkerSignal, WorkerState
from coordinator.events import FailureKind, FleetAwaited, WorkerBack, WorkerEjected, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from coordinator.dispatch.instructions import Instruction
    from coordinator.dispatch.limits import Limits
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import Worker, WorkerTable
    from coordinator.events import WorkerReady


class WorkerHealth:
    """Changes the states of workers, and sets the timers that belong to them.

    `now` is in monotonic seconds everywhere.

    Parameters
    ----------
    workers : WorkerTable
    timers : TimerQueue
    limits : Limits
        Thresholds.
    rng : random.Random
        For the jitter of the pauses between probes.
    """

    def __init__(
        self, workers: WorkerTable, timers: TimerQueue, *, limits: Limits, rng: Random
    ) -> None:
        self._workers = workers
        self._timers = timers
        self._limits = limits
        self._rng = rng

    def start(self, names: Iterable[str], now: float) -> None:
        """Await the first answer of each worker; one that does not come is asked for again."""
        self._timers.put(now + self._limits.start_timeout_s, (Timer.FLEET,))
        for name in names:
            self._timers.put(now + self._limits.greeting_s, (Timer.PROBE, name))

    def ready(self, event: WorkerReady) -> list[Instruction]:
        """Take a worker into use with the slots it offers, at least one.

        One that comes back from an ejection is ejected again by its next failure.
        """
        worker = self._workers.add(event.worker)
        back, was_ejected = worker.was_ready, worker.state is WorkerState.PROBED
        self._workers.resize(worker, event.slots)
        worker.claimed_work_s = event.work_s or 0.0
        if not self._workers.signal(worker, WorkerSignal.READY):
            return []
        worker.probe_sent = False
        worker.failures_in_row = self._limits.eject_failures - 1 if was_ejected else 0
        self._timers.cancel((Timer.PROBE, worker.name))
        self._timers.cancel((Timer.FLEET,))
        return [Tell(WorkerBack(worker.name))] if back else []

    def lost(self, worker: Worker, event: WorkerLost, now: float) -> None:
        """Take a worker out of use; the caller ends its attempts, then calls `check_fleet`."""
        worker.reason = event.reason
        signal = WorkerSignal.REJECTED if event.permanent else WorkerSignal.LOST
        changed = self._workers.signal(worker, signal)
        if event.permanent:
            self._timers.cancel((Timer.PROBE, worker.name))
        elif changed or worker.probe_sent:  # the same report again must not put off the probe
            self._probe_later(worker, now)

    def failed(
        self, worker: Worker, kind: FailureKind, reason: str, now: float
    ) -> list[Instruction]:
        """Count a failed attempt; a worker that failed too often in a row is ejected.

        Parameters
        ----------
        worker : Worker
        kind : FailureKind
            One of which the worker may be the cause. If it was not reached, it is lost.
        reason : str
        now : float
        """
        worker.failures_in_row += 1
        if worker.state is not WorkerState.READY:
            return []
        if kind is FailureKind.UNREACHED:
            worker.reason = reason
            self._workers.signal(worker, WorkerSignal.LOST)
            self._probe_later(worker, now)
            return [Tell(WorkerLost(worker.name, reason)), *self.check_fleet(now)]
        if not policy.must_eject(
            failures_in_row=worker.failures_in_row, ready=self._workers.ready, limits=self._limits
        ):
            return []
        worker.reason = reason
        self._workers.signal(worker, WorkerSignal.EJECTED)
        pause_s = self._probe_later(worker, now)
        return [Tell(WorkerEjected(worker.name, reason, pause_s))]

    def pause(self, name: str, asked_s: float | None, now: float) -> None:
        """Send a busy worker nothing for as long as it asks for, and then no more than it has."""
        worker = self._workers.workers[name]
        pause_s = policy.busy_pause_s(asked_s=asked_s, limits=self._limits)
        worker.paused = True
        worker.paused_until = max(worker.paused_until, now + pause_s)  # its slots may disagree
        self._workers.turned_away(worker)
        self._timers.put(worker.paused_until, (Timer.RESUME, name))

    def resume(self, name: str) -> None:
        """End a worker's pause."""
        worker = self._workers.workers[name]
        worker.paused = False
        self._workers.refresh(worker)

    def probe(self, name: str, now: float) -> list[Instruction]:
        """Ask whether a worker is ready; a probe that is not answered is repeated."""
        worker = self._workers.workers[name]
        worker.probe_sent = True
        self._workers.signal(worker, WorkerSignal.PROBED)
        self._timers.put(now + self._limits.greeting_s, (Timer.PROBE, name))
        return [Probe(name)]

    def check_fleet(self, now: float) -> list[Instruction]:
        """If no worker is ready, limit the time for that, and probe an ejected one at once."""
        if self._workers.ready:
            return []
        name = next(iter(self._workers.ejected), None)
        if name is not None:
            self._timers.put(now, (Timer.PROBE, name))
        if (Timer.FLEET,) in self._timers:
            return []
        patience_s = self._limits.fleet_timeout_s
        self._timers.put(now + patience_s, (Timer.FLEET,))
        return [Tell(FleetAwaited(patience_s))] if self._workers.ever_ready else []

    def _probe_later(self, worker: Worker, now: float) -> float:
        """Set the timer of the next probe; return the pause in seconds."""
        worker.probe_sent = False
        worker.absences += 1
        pause_s = policy.probe_pause_s(absences=worker.absences, rng=self._rng, limits=self._limits)
        self._timers.put(now + pause_s, (Timer.PROBE, worker.name))
        return pause_s
