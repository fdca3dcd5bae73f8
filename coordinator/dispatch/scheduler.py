"""Who gets a free slot.

In this order:

1. a retry that is due, at a worker that has not failed the tile while there is another;
2. a hedge: the oldest tile in flight that is late, at a worker that has not got it and, if one is
   at hand, is not known to be slow; a hedge that is late itself may be hedged once more;
3. a fresh tile, pulled from the plan only now.

Workers take turns, tiles go by age, and what one can't get now is left for the next event: a search
looks at `_LOOK_AHEAD` candidates and no further, so its cost does not grow with the fleet. A search
that fails always leaves something in flight, paused or set on the agenda, hence a next event.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from coordinator.dispatch import policy
from coordinator.dispatch.instructions import Send, Tell
from coordinator.dispatch.latency import Recent
from coordinator.dispatch.retry_budget import RetryBudget
from coordinator.dispatch.timers import Alarm
from coordinator.events import TileHedged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.dispatch.instructions import Instruction, Work
    from coordinator.dispatch.policy import Limits
    from coordinator.dispatch.tile_table import OpenTile, TileTable
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import Worker, WorkerTable

_LOOK_AHEAD = 8


class Scheduler:
    """Gives the fleet's free slots to tiles, by what it has measured and within the budgets."""

    def __init__(
        self,
        tiles: TileTable,
        fleet: WorkerTable,
        agenda: TimerQueue,
        *,
        limits: Limits,
        now: float,
    ) -> None:
        self._tiles = tiles
        self._fleet = fleet
        self._agenda = agenda
        self._limits = limits
        self._now = now
        self._out: list[Instruction] = []
        self._durations = Recent()
        self._paces = Recent()  # seconds per byte
        self._penniless = False
        self.retries = RetryBudget(
            burst=limits.retry_burst,
            per_success=limits.retry_per_success,
            per_slot_s=limits.retry_per_slot_s,
            now=now,
        )

    @property
    def consistent(self) -> bool:
        """Whether the quantiles are those of what was measured."""
        return self._durations.consistent and self._paces.consistent

    def measure(self, tile: OpenTile, worker: Worker, duration_s: float) -> None:
        """Learn from an answer."""
        worker.slow = duration_s > self._hedge_after_s()
        self._durations.add(duration_s)
        self._paces.add(duration_s / max(tile.work.size_bytes, 1))

    def assign(self, now: float) -> list[Instruction]:
        """Fill free slots; return what is to be sent."""
        self._now = now
        self._out = []
        self._penniless = False
        if self._send_retries():
            while self._hedge_one():
                pass
            self._send_fresh()
        return self._out

    def wake_times(self, now: float) -> Iterator[float]:
        """When a free slot may find something to do without any event."""
        if self._penniless:
            yield max(self.retries.ready_at(), now)
        if self._may_hedge():
            after_s = self._hedge_after_s()
            for attempt in islice(self._tiles.newest.values(), _LOOK_AHEAD):
                if attempt.sent_at + after_s > now:
                    yield attempt.sent_at + after_s
                    return

    def _send_retries(self) -> bool:
        """Send waiting tiles; False when one waits for bytes, which nothing may take from it."""
        tiles, stuck = self._tiles, 0
        while tiles.due and self._fleet.free and stuck < _LOOK_AHEAD:
            number = next(iter(tiles.due))
            tile = tiles.open[number]
            if not self._fits(tile.work):
                return False
            worker = self._pick_for(tile)
            if worker is None:
                tiles.due.move_to_end(number)
                stuck += 1
                continue
            if tile.owes and not self.retries.take(self._now):
                self._penniless = True
                return True
            tile.owes = False
            self._send(tile, worker)
        return True

    def _pick_for(self, tile: OpenTile) -> Worker | None:
        tried = tile.tried
        worker = self._fleet.pick(tried)
        if worker is None and self._fleet.all_ready_in(tried):
            return self._fleet.pick()
        return worker

    def _hedge_one(self) -> bool:
        """Hedge the oldest late tile that can be; False when there is none."""
        if not self._may_hedge():
            return False
        after_s = self._hedge_after_s()
        for attempt in islice(self._tiles.newest.values(), _LOOK_AHEAD):
            if attempt.sent_at + after_s > self._now:
                return False
            tile = self._tiles.open[attempt.tile]
            worker = self._fleet.pick_brisk(tile.tried | {each.worker for each in tile.live})
            if worker and self._can_hedge(tile) and self._fits(tile.work):
                late_s = self._now - attempt.sent_at
                hedged = TileHedged(attempt.tile, attempt.worker, worker.name, late_s)
                self._out.append(Tell(hedged))
                self._send(tile, worker, hedge=True)
                return True
        return False

    def _can_hedge(self, tile: OpenTile) -> bool:
        return policy.can_hedge(tries=tile.tries, live=len(tile.live), limits=self._limits)

    def _may_hedge(self) -> bool:
        return bool(self._fleet.free) and policy.may_hedge(
            hedges=self._tiles.hedges,
            tiles=self._tiles.pulled,
            tail=self._tiles.exhausted,
            limits=self._limits,
        )

    def _hedge_after_s(self) -> float:
        return policy.hedge_after_s(
            done=self._durations.count,
            quantile_s=self._durations.quantile(self._limits.hedge_quantile),
            median_s=self._durations.quantile(0.5),
            limits=self._limits,
        )

    def _send_fresh(self) -> None:
        """Pull tiles for free slots, unless as many wait already as the fleet has slots."""
        tiles, fleet = self._tiles, self._fleet
        while fleet.free and tiles.waiting < max(fleet.slots, 1):
            work = tiles.peek()
            worker = fleet.pick()
            if work is None or worker is None or not self._fits(work):
                return
            self._send(tiles.pull(), worker)

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
            slow_s_per_byte=self._paces.quantile(0.95),
            timeouts=tile.timeouts,
            limits=self._limits,
        )
        self._fleet.hold(worker, key)
        last_s = self._now + deadline_s
        self._agenda.put(last_s, (Alarm.DEADLINE, *key))
        self._out.append(Send(attempt.tile, worker.name, attempt.number, deadline_s, hedge))
