"""Workers whose machine's time ends: no tile is sent that would not be finished by then.

Such a worker *leaves* as soon as a tile like the others would not be: it keeps what it has, and
gets no more. Once it has nothing it counts as lost. Estimates change, so the moment is planned anew
with each answer.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from coordinator.dispatch import policy
from coordinator.dispatch.timers import Timer
from coordinator.dispatch.worker_table import WorkerState
from coordinator.events import WorkerLost

if TYPE_CHECKING:
    from coordinator.dispatch.limits import Limits
    from coordinator.dispatch.scheduler import Scheduler
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import Worker, WorkerTable
    from coordinator.events import WorkerReady


class Departures:
    """Decides when workers get no more tiles because their time ends.

    `now` is in monotonic seconds everywhere.

    Parameters
    ----------
    workers : WorkerTable
    timers : TimerQueue
    scheduler : Scheduler
        Knows what a tile takes.
    limits : Limits
        Thresholds.
    """

    def __init__(
        self, workers: WorkerTable, timers: TimerQueue, scheduler: Scheduler, *, limits: Limits
    ) -> None:
        self._workers = workers
        self._timers = timers
        self._scheduler = scheduler
        self._limits = limits

    def refusal(self, event: WorkerReady, now: float) -> WorkerLost | None:
        """Return why a worker is not taken into use, if it has no slot, or no time for a tile."""
        if event.slots < 1:
            return WorkerLost(event.worker, "offers no slots")
        worker = self._workers.add(event.worker)
        worker.ends_at = inf if event.ends_in_s is None else now + event.ends_in_s
        too_late = self._leaves_at(worker) <= now and worker.state is not WorkerState.READY
        return self._lost(worker, now) if too_late else None

    def plan(self, name: str, now: float) -> None:
        """Let a worker leave if it is time, or set the timer for that; other workers stay."""
        worker = self._workers.workers[name]
        if worker.ends_at == inf or worker.state is not WorkerState.READY:
            return
        at = self._leaves_at(worker)
        self._workers.set_leaving(worker, at <= now)
        if not worker.leaving:
            self._timers.put(at, (Timer.LEAVE, name))

    def gone(self, now: float) -> list[WorkerLost]:
        """Return the workers that were leaving, and have nothing left to do."""
        leaving = [self._workers.workers[name] for name in self._workers.leaving]
        return [self._lost(worker, now) for worker in leaving if not worker.held]

    def _leaves_at(self, worker: Worker) -> float:
        tile_s = self._scheduler.usual_s(worker)
        return worker.ends_at - policy.time_for_a_tile_s(tile_s=tile_s, limits=self._limits)

    def _lost(self, worker: Worker, now: float) -> WorkerLost:
        left_s, tile_s = max(0.0, worker.ends_at - now), self._scheduler.usual_s(worker)
        takes = f", and a tile takes {tile_s:.0f} s" if tile_s >= 1.0 else ""
        return WorkerLost(worker.name, f"its time ends in {left_s:.0f} s{takes}")
