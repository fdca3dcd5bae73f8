"""The scheduler gives free slots to tiles.

In this order:

1. a retry that is due, at a worker that has not failed the tile while there is another;
2. a hedge: the oldest tile in flight that is late, at a worker that does not have it and, if
   there is one, is not known to be slow; a hedge that is late itself may be hedged once more;
3. a fresh tile, pulled from the plan only now, unless its worker is so slow that the others will
   have done all that is left before.

Workers take turns, and tiles go by age. A search looks at `_LOOK_AHEAD` candidates, so its cost
does not grow with the fleet; what it does not find is left for the next event. There is one: a
search that fails leaves an attempt in flight, a paused worker or a timer.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from coordinator.dispatch import policy
from coordinator.dispatch.instructions import Send, Tell
from coordinator.dispatch.latency import RecentQuantiles
from coordinator.dispatch.retry_budget import RetryBudget
from coordinator.dispatch.timers import Timer
from coordinator.events import TileHedged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.dispatch.instructions import Instruction, Work
    from coordinator.dispatch.limits import Limits
    from coordinator.dispatch.tile_table import Attempt, OpenTile, TileTable
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import Worker, WorkerTable

_LOOK_AHEAD = 8

_MOST_SLOW = 64
"""Workers that are passed over at a time because they are too slow."""


class Scheduler:
    """Gives free slots to tiles, by measured durations and within the budgets.

    Parameters
    ----------
    tiles : TileTable
    workers : WorkerTable
    timers : TimerQueue
        Each attempt that is sent gets a deadline timer.
    limits : Limits
        Thresholds.
    now : float
        Monotonic seconds, as in every other call.
    """

    def __init__(
        self,
        tiles: TileTable,
        workers: WorkerTable,
        timers: TimerQueue,
        *,
        limits: Limits,
        now: float,
    ) -> None:
        self._tiles = tiles
        self._workers = workers
        self._timers = timers
        self._limits = limits
        self._now = now
        self._instructions: list[Instruction] = []
        self._durations = RecentQuantiles()
        self._s_per_byte = RecentQuantiles()
        self._budget_empty = False
        self.retries = RetryBudget(
            burst=limits.retry_burst,
            per_success=limits.retry_per_success,
            per_slot_s=limits.retry_per_slot_s,
            now=now,
        )

    @property
    def consistent(self) -> bool:
        """Whether the quantiles are those of what was measured."""
        return self._durations.consistent and self._s_per_byte.consistent

    def add_duration(self, tile: OpenTile, worker: Worker, duration_s: float) -> None:
        """Record how long an answered attempt took, in seconds."""
        worker.slow = duration_s > self._late_after_s(tile, worker)
        self._workers.took(worker, duration_s)
        self._durations.add(duration_s)
        self._s_per_byte.add(duration_s / max(tile.work.size_bytes, 1))

    def assign(self, now: float) -> list[Instruction]:
        """Fill free slots; return the instructions for that."""
        self._now = now
        self._instructions = []
        self._budget_empty = False
        if self._send_retries():
            while self._hedge_one():
                pass
            self._send_fresh()
        return self._instructions

    def wake_times(self, now: float) -> Iterator[float]:
        """Yield the times at which a free slot may be filled although no event comes."""
        if self._budget_empty:
            yield max(self.retries.ready_at(), now)
        if self._may_hedge():
            for attempt in islice(self._tiles.newest.values(), _LOOK_AHEAD):
                if (at := self._late_at(attempt)) > now:
                    yield at

    def _send_retries(self) -> bool:
        """Send tiles that are due; False if one of them has to wait for bytes to be free."""
        tiles, skipped = self._tiles, 0
        while tiles.due and self._workers.free and skipped < _LOOK_AHEAD:
            number = next(iter(tiles.due))
            tile = tiles.open[number]
            if not self._fits(tile.work):
                return False
            worker = self._pick_for(tile)
            if worker is None:
                tiles.due.move_to_end(number)
                skipped += 1
                continue
            if tile.retry_unpaid and not self.retries.take(self._now):
                self._budget_empty = True
                return True
            tile.retry_unpaid = False
            self._send(tile, worker)
        return True

    def _pick_for(self, tile: OpenTile) -> Worker | None:
        failed_at = tile.failed_at
        worker = self._workers.pick(failed_at)
        if worker is None and self._workers.all_ready_in(failed_at):
            return self._workers.pick()
        return worker

    def _hedge_one(self) -> bool:
        """Hedge the oldest late tile that may be hedged; False if there is none."""
        if not self._may_hedge():
            return False
        for attempt in islice(self._tiles.newest.values(), _LOOK_AHEAD):
            if self._late_at(attempt) > self._now:
                continue
            tile = self._tiles.open[attempt.tile]
            worker = self._workers.pick_fast(tile.known_at)
            if worker and self._can_hedge(tile) and self._fits(tile.work):
                late_s = self._now - attempt.sent_at
                hedged = TileHedged(attempt.tile, attempt.worker, worker.name, late_s)
                self._instructions.append(Tell(hedged))
                self._send(tile, worker, hedge=True)
                return True
        return False

    def _can_hedge(self, tile: OpenTile) -> bool:
        return policy.can_hedge(tries=tile.tries, live=len(tile.live), limits=self._limits)

    def _may_hedge(self) -> bool:
        return bool(self._workers.free) and (
            self._tiles.exhausted
            or policy.within_hedge_budget(
                hedges=self._tiles.early_hedges, tiles=self._tiles.pulled, limits=self._limits
            )
        )

    def _late_at(self, attempt: Attempt) -> float:
        tile, worker = self._tiles.open[attempt.tile], self._workers.workers[attempt.worker]
        return attempt.sent_at + self._late_after_s(tile, worker)

    def _late_after_s(self, tile: OpenTile, worker: Worker) -> float:
        return policy.hedge_after_s(
            done=self._durations.count,
            quantile_s=self._durations.quantile(self._limits.hedge_quantile),
            median_s=self._durations.quantile(0.5),
            claimed_s=worker.claimed_work_s * tile.work.work,
            limits=self._limits,
        )

    def must_wait(self, tile: OpenTile, attempt: Attempt, now: float) -> bool:
        """Tell whether an attempt is waited for although its deadline has passed."""
        worker = self._workers.workers[attempt.worker]
        return policy.must_wait(
            heard_s=now - attempt.heard_at,
            age_s=now - attempt.sent_at,
            estimate_s=self._estimate_s(tile, worker),
            idle=self._workers.pick(tile.known_at) is not None,
            limits=self._limits,
        )

    def _estimate_s(self, tile: OpenTile, worker: Worker) -> float:
        """Return what a tile is expected to take a worker, in seconds; 0 if nobody knows.

        By what this worker took before, or any; before that, by its claim.
        """
        usual_s = worker.tile_s or self._durations.quantile(0.5)
        return usual_s or worker.claimed_work_s * tile.work.work

    def usual_s(self, worker: Worker) -> float:
        """Return what the next tile is expected to take a worker, in seconds; 0 if nobody knows."""
        work = self._tiles.peek()
        usual_s = worker.tile_s or self._durations.quantile(0.5)
        return usual_s or worker.claimed_work_s * (work.work if work else 0.0)

    def _send_fresh(self) -> None:
        """Pull tiles for free slots, unless as many tiles wait already as there are slots."""
        tiles, workers = self._tiles, self._workers
        while workers.free and tiles.waiting < max(workers.slots, 1):
            work = tiles.peek()
            if work is None or not self._fits(work):
                return
            worker = self._pick_quick_enough()
            if worker is None:
                return
            self._send(tiles.pull(), worker)

    def _pick_quick_enough(self) -> Worker | None:
        """Return the worker whose turn it is, but for those that would finish last."""
        usual_s = self._durations.quantile(0.5)
        for name in list(islice(self._workers.free, _MOST_SLOW)):
            worker = self._workers.workers[name]
            others = self._workers.tiles_per_s - worker.tiles_per_s
            if others <= 0.0 or not policy.is_too_slow(
                tile_s=worker.tile_s, others_s=self._tiles.unsent / others, usual_s=usual_s
            ):
                return worker
            self._workers.put_last(worker)
        return None if self._tiles.tiles_in_flight else self._workers.pick()

    def _fits(self, work: Work) -> bool:
        return policy.fits_budget(
            size_bytes=work.size_bytes,
            in_flight_bytes=self._tiles.in_flight_bytes,
            limits=self._limits,
        )

    def _send(self, tile: OpenTile, worker: Worker, *, hedge: bool = False) -> None:
        attempt = self._tiles.send(tile, worker.name, self._now, hedge=hedge)
        if not self._can_hedge(tile):
            self._tiles.newest.pop(attempt.tile)
        key = (attempt.tile, attempt.number)
        deadline_s = policy.deadline_s(
            size_bytes=tile.work.size_bytes,
            slow_s_per_byte=self._s_per_byte.quantile(0.95),
            timeouts=tile.timeouts,
            limits=self._limits,
        )
        self._workers.hold(worker, key)
        self._timers.put(self._now + deadline_s, (Timer.DEADLINE, *key))
        self._instructions.append(
            Send(attempt.tile, worker.name, attempt.number, deadline_s, hedge)
        )
