"""The health of workers: readiness, failures in a row, ejection, pauses and probes.

A worker is *ejected* when it failed too often in a row (outlier ejection, as in Envoy). A worker
that is lost or ejected is probed, after pauses that grow, until it is ready again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.dispatch import policy
from coordinator.dispatch.instructions import Probe, Tell
from coordinator.dispatch.timers import Alarm
from coordinator.dispatch.worker_table import Signal, Standing
from coordinator.events import FailureKind, WorkerBack, WorkerEjected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from coordinator.dispatch.instructions import Instruction
    from coordinator.dispatch.policy import Limits
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import Worker, WorkerTable
    from coordinator.events import WorkerLost, WorkerReady


class WorkerHealth:
    """Changes the states of workers, and sets the timers that belong to them.

    Each method takes the time, in monotonic seconds.

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
        self._timers.put(now + self._limits.start_timeout_s, (Alarm.FLEET,))
        for name in names:
            self._timers.put(now + self._limits.greeting_s, (Alarm.PROBE, name))

    def ready(self, event: WorkerReady) -> list[Instruction]:
        """Take a worker into use with the slots it offers, at least one.

        One that comes back from an ejection is ejected again by its next failure.
        """
        worker = self._workers.add(event.worker)
        back, was_ejected = worker.was_ready, worker.standing is Standing.PROBED
        self._workers.resize(worker, event.slots)
        if not self._workers.signal(worker, Signal.GREETED):
            return []
        worker.asked = False
        worker.strikes = self._limits.eject_failures - 1 if was_ejected else 0
        self._timers.drop((Alarm.PROBE, worker.name))
        self._timers.drop((Alarm.FLEET,))
        return [Tell(WorkerBack(worker.name))] if back else []

    def lost(self, worker: Worker, event: WorkerLost, now: float) -> None:
        """Take a worker out of use; its attempts are the caller's business, then `check_fleet`."""
        worker.reason = event.reason
        signal = Signal.BARRED if event.permanent else Signal.MISSED
        changed = self._workers.signal(worker, signal)
        if event.permanent:
            self._timers.drop((Alarm.PROBE, worker.name))
        elif changed or worker.asked:  # the same report again must not put off the probe
            self._probe_later(worker, now)

    def failed(
        self, worker: Worker, kind: FailureKind, reason: str, now: float
    ) -> list[Instruction]:
        """Count a failure of an attempt; a worker that failed too often in a row is ejected."""
        worker.strikes += 1
        if worker.standing is not Standing.READY:
            return []
        if kind is FailureKind.UNREACHED:
            worker.reason = reason
            self._workers.signal(worker, Signal.MISSED)
            self._probe_later(worker, now)
            self.check_fleet(now)
            return []
        if not policy.must_eject(
            strikes=worker.strikes, ready=self._workers.ready, limits=self._limits
        ):
            return []
        worker.reason = reason
        self._workers.signal(worker, Signal.STRUCK_OUT)
        pause_s = self._probe_later(worker, now)
        return [Tell(WorkerEjected(worker.name, reason, pause_s))]

    def pause(self, worker: Worker, asked_s: float | None, now: float) -> None:
        """Send a busy worker nothing for as long as it asked for, within limits."""
        pause_s = policy.busy_pause_s(asked_s=asked_s, limits=self._limits)
        worker.paused = True
        worker.paused_until = max(worker.paused_until, now + pause_s)  # its slots may disagree
        self._workers.refresh(worker)
        self._timers.put(worker.paused_until, (Alarm.RESUME, worker.name))

    def resume(self, name: str) -> None:
        """End a worker's pause."""
        worker = self._workers.workers[name]
        worker.paused = False
        self._workers.refresh(worker)

    def probe(self, name: str, now: float) -> list[Instruction]:
        """Ask whether a worker is ready; a probe that is not answered is repeated."""
        worker = self._workers.workers[name]
        worker.asked = True
        self._workers.signal(worker, Signal.PROBE_SENT)
        self._timers.put(now + self._limits.greeting_s, (Alarm.PROBE, name))
        return [Probe(name)]

    def check_fleet(self, now: float) -> None:
        """If no worker is ready, limit the time for that, and probe an ejected one at once."""
        if self._workers.ready:
            return
        if (Alarm.FLEET,) not in self._timers:
            self._timers.put(now + self._limits.fleet_timeout_s, (Alarm.FLEET,))
        name = next(iter(self._workers.ejected), None)
        if name is not None:
            self._timers.put(now, (Alarm.PROBE, name))

    def _probe_later(self, worker: Worker, now: float) -> float:
        """Set the timer of the next probe; return the pause in seconds."""
        worker.asked = False
        worker.misses += 1
        pause_s = policy.probe_pause_s(misses=worker.misses, rng=self._rng, limits=self._limits)
        self._timers.put(now + pause_s, (Alarm.PROBE, worker.name))
        return pause_s
