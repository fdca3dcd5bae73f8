"""Invariants of the dispatcher: relations between its records that hold between two events.

Each is a member of `Invariant` and has a check below. A check computes from the tiles and workers
themselves what the dispatcher keeps as counts, queues and timers, and reports where they differ. It
costs a pass over the open tiles, the workers and the timers, so a run does not pay for it; the
tests call `Dispatcher.validate` after each event.
"""

from __future__ import annotations

from enum import Enum
from math import inf, isclose
from typing import TYPE_CHECKING, TypeAlias

from coordinator.dispatch import policy
from coordinator.dispatch.errors import InvariantError
from coordinator.dispatch.tile_table import REMEMBERED, TileState
from coordinator.dispatch.timers import Timer
from coordinator.dispatch.worker_table import WorkerState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.dispatch.limits import Limits
    from coordinator.dispatch.scheduler import Scheduler
    from coordinator.dispatch.tile_table import OpenTile, TileTable
    from coordinator.dispatch.timers import TimerQueue
    from coordinator.dispatch.worker_table import WorkerTable


class Invariant(Enum):
    """A relation that holds between two events; the value is its sentence."""

    ATTEMPTS = "a tile's attempts are its own, under their numbers, none above the last one sent"
    TRIES = "attempts that count are at most those sent, and at most those allowed"
    IN_FLIGHT = "the count of tiles in flight is that of open tiles with a live attempt"
    BYTES = "bytes in flight are those of live attempts and of answers not stored yet"
    BYTES_BUDGET = "bytes in flight, late answers apart, are within the budget, or of one tile"
    COPIES = "a tile's live attempts are within the limit of copies, each at another worker"
    HEDGES = "hedges before the tail are within their share of the tiles that were started"
    HEDGEABLE = "the newest live attempt is listed of each tile that may be hedged"
    TILE_STATES = "an open tile is in flight if it has a live attempt, else due or in backoff"
    DUE = "the queue of tiles that are due has those in that state"
    RETRY_TIMERS = "each tile in backoff has a timer that makes it due"
    STORING = "a tile whose bytes are on their way to the sink is accepted"
    CLOSED_ONCE = "no tile is two of open, accepted and given up"
    REMEMBERED = "a bounded number of accepted tiles is remembered"
    HELD = "a worker holds its live attempts, and nothing else"
    FREE = "the queue of free workers has those that may get a tile"
    EJECTED = "the queue of ejected workers has those in that state"
    FLEET_COUNTS = "ready workers, their slots and unfit workers are counted"
    RATE = "the fleet's rate is that of its ready workers together"
    SLOTS = "a ready worker has a slot, and is given tiles for one"
    TIMERS = "each timer has one valid entry in the heap, whose first entry is the earliest"
    DEADLINE_TIMERS = "each live attempt has a deadline timer"
    PROBE_TIMERS = "each worker that is absent, but not for good, has a probe timer"
    RESUME_TIMERS = "each paused worker has a timer that resumes it"
    LEAVE_TIMERS = "each ready worker whose time ends has a timer for it, or gets no more tiles"
    LEAVING = "the workers that leave are listed, as long as they are ready"
    FLEET_TIMER = "the timer of a lost fleet runs while no worker is ready"
    WAKE_UP = "a wake-up is set, not after the next timer, unless the run waits for the sink"
    RETRY_BUDGET = "the tokens of the retry budget are between zero and its capacity"
    LATENCIES = "the sorted latencies are the recent ones"


Violation: TypeAlias = tuple[Invariant, object]


def validate(
    tiles: TileTable,
    workers: WorkerTable,
    timers: TimerQueue,
    scheduler: Scheduler,
    *,
    limits: Limits,
    now: float,
    wake_at: float,
    finished: bool,
) -> None:
    """Raise an error if an invariant of a dispatcher does not hold.

    Parameters
    ----------
    tiles, workers, timers, scheduler
        The records of the dispatcher.
    limits : Limits
        Its thresholds.
    now, wake_at : float
        Monotonic seconds: of the last event, and of the wake-up that was asked for.
    finished : bool
        Whether the run is over: then nothing has to happen next.

    Raises
    ------
    InvariantError
        With every broken invariant, and for each what was found.
    """
    found = [
        *_tile_violations(tiles, limits),
        *_worker_violations(tiles, workers),
        *_timer_violations(tiles, workers, timers),
        *_scheduler_violations(scheduler),
    ]
    if not finished:
        found += _progress_violations(tiles, workers, timers, now=now, wake_at=wake_at)
    if found:
        lines = (f"{invariant.value}: {what}" for invariant, what in found)
        raise InvariantError("\n".join(lines), tuple(invariant for invariant, _ in found))


def _tile_violations(tiles: TileTable, limits: Limits) -> Iterator[Violation]:
    in_flight = size_bytes = 0
    for number, tile in tiles.open.items():
        live = len(tile.live)
        in_flight += live > 0
        size_bytes += live * tile.work.size_bytes
        yield from _open_tile_violations(number, tile, tiles, limits)
    if tiles.tiles_in_flight != in_flight:
        yield Invariant.IN_FLIGHT, (tiles.tiles_in_flight, in_flight)
    size_bytes += sum(tile.work.bytes_back for tile in tiles.storing.values())
    if tiles.in_flight_bytes != size_bytes:
        yield Invariant.BYTES, (tiles.in_flight_bytes, size_bytes)
    late = [tile for tile in tiles.storing.values() if tile.late]
    count = sum(len(tile.live) for tile in tiles.open.values()) + len(tiles.storing) - len(late)
    held = tiles.in_flight_bytes - sum(tile.work.bytes_back for tile in late)
    if count > 1 and held > limits.bytes_in_flight:
        yield Invariant.BYTES_BUDGET, tiles.in_flight_bytes
    if not tiles.early_hedges <= limits.hedge_extra + limits.hedge_fraction * tiles.pulled:
        yield Invariant.HEDGES, (tiles.early_hedges, tiles.pulled)
    due = {number for number, tile in tiles.open.items() if tile.state is TileState.DUE}
    if tiles.due.keys() != due:
        yield Invariant.DUE, tiles.due.keys() ^ due
    for number in tiles.newest:
        if number not in tiles.open or not tiles.open[number].live:
            yield Invariant.HEDGEABLE, number
    yield from _closed_tile_violations(tiles)


def _open_tile_violations(
    number: int, tile: OpenTile, tiles: TileTable, limits: Limits
) -> Iterator[Violation]:
    live = tile.live
    if tile.state not in ({TileState.IN_FLIGHT} if live else {TileState.DUE, TileState.BACKOFF}):
        yield Invariant.TILE_STATES, (number, tile.state)
    for key, attempt in tile.attempts.items():
        if (attempt.tile, attempt.number) != (number, key) or not 1 <= key <= tile.sent:
            yield Invariant.ATTEMPTS, (number, attempt)
    if not 0 <= tile.tries <= min(tile.sent, limits.attempts):
        yield Invariant.TRIES, (number, tile.tries, tile.sent)
    at = {attempt.worker for attempt in live}
    if not len(at) == len(live) <= max(1, limits.hedge_copies):
        yield Invariant.COPIES, (number, live)
    listed = tiles.newest.get(number)
    if listed is None:
        if policy.can_hedge(tries=tile.tries, live=len(live), limits=limits):
            yield Invariant.HEDGEABLE, number
    elif not live or listed is not live[-1]:
        yield Invariant.HEDGEABLE, (number, listed)


def _closed_tile_violations(tiles: TileTable) -> Iterator[Violation]:
    failed = [each.tile for each in tiles.failed]
    given_up = set(failed)
    if len(given_up) != len(failed):
        yield Invariant.CLOSED_ONCE, failed
    for one, other in (
        (tiles.open.keys(), given_up),
        (tiles.open.keys(), tiles.accepted.keys()),
        (tiles.open.keys(), tiles.storing.keys()),
        (given_up, tiles.accepted.keys()),
        (given_up, tiles.storing.keys()),
    ):
        if not other.isdisjoint(one):
            yield Invariant.CLOSED_ONCE, sorted(one & other)
    for number, tile in tiles.storing.items():
        if tile.work.tile != number or tile.state is not TileState.ACCEPTED:
            yield Invariant.STORING, (number, tile)
    if len(tiles.accepted) > REMEMBERED:
        yield Invariant.REMEMBERED, len(tiles.accepted)


def _worker_violations(tiles: TileTable, workers: WorkerTable) -> Iterator[Violation]:
    live = {
        (number, attempt.number): attempt.worker
        for number, tile in tiles.open.items()
        for attempt in tile.live
    }
    held = {key: name for name, worker in workers.workers.items() for key in worker.held}
    if held != live or len(held) != sum(len(each.held) for each in workers.workers.values()):
        yield Invariant.HELD, set(held.items()) ^ set(live.items())
    states = {name: worker.state for name, worker in workers.workers.items()}
    free = {name for name, worker in workers.workers.items() if worker.free}
    if workers.free.keys() != free:
        yield Invariant.FREE, workers.free.keys() ^ free
    ejected = {name for name, each in states.items() if each is WorkerState.EJECTED}
    if workers.ejected.keys() != ejected:
        yield Invariant.EJECTED, workers.ejected.keys() ^ ejected
    ready = [each for each in workers.workers.values() if each.state is WorkerState.READY]
    unfit = sum(each is WorkerState.UNFIT for each in states.values())
    counts = len(ready), sum(worker.slots for worker in ready), unfit
    if (workers.ready, workers.slots, workers.unfit) != counts:
        yield Invariant.FLEET_COUNTS, (workers.ready, workers.slots, workers.unfit, counts)
    rate = sum(worker.tiles_per_s for worker in ready)
    if not isclose(workers.tiles_per_s, rate, rel_tol=1e-6, abs_tol=1e-6):
        yield Invariant.RATE, (workers.tiles_per_s, rate)
    leaving = {worker.name for worker in ready if worker.leaving}
    if workers.leaving.keys() != leaving:
        yield Invariant.LEAVING, workers.leaving.keys() ^ leaving
    for worker in ready:
        if min(worker.slots, worker.window) < 1:
            yield Invariant.SLOTS, worker.name


def _timer_violations(
    tiles: TileTable, workers: WorkerTable, timers: TimerQueue
) -> Iterator[Violation]:
    if not timers.consistent:
        yield Invariant.TIMERS, timers
    keys: dict[Timer, set[tuple[object, ...]]] = {timer: set() for timer in Timer}
    for timer, *about in timers:
        keys[timer].add(tuple(about))
    pausing = {(n,) for n, tile in tiles.open.items() if tile.state is TileState.BACKOFF}
    if keys[Timer.RETRY] != pausing:
        yield Invariant.RETRY_TIMERS, keys[Timer.RETRY] ^ pausing
    live = {(number, each.number) for number, tile in tiles.open.items() for each in tile.live}
    if keys[Timer.DEADLINE] != live:
        yield Invariant.DEADLINE_TIMERS, keys[Timer.DEADLINE] ^ live
    present = {WorkerState.READY, WorkerState.UNFIT}
    absent = {(name,) for name, each in workers.workers.items() if each.state not in present}
    if keys[Timer.PROBE] != absent:
        yield Invariant.PROBE_TIMERS, keys[Timer.PROBE] ^ absent
    paused = {(name,) for name, each in workers.workers.items() if each.paused}
    if keys[Timer.RESUME] != paused:
        yield Invariant.RESUME_TIMERS, keys[Timer.RESUME] ^ paused
    ending = {
        (name,)
        for name, each in workers.workers.items()
        if each.state is WorkerState.READY and each.ends_at < inf and not each.leaving
    }
    if not keys[Timer.LEAVE] >= ending:
        yield Invariant.LEAVE_TIMERS, ending - keys[Timer.LEAVE]


def _scheduler_violations(scheduler: Scheduler) -> Iterator[Violation]:
    if not scheduler.retries.consistent:
        yield Invariant.RETRY_BUDGET, scheduler.retries
    if not scheduler.consistent:
        yield Invariant.LATENCIES, scheduler


def _progress_violations(
    tiles: TileTable, workers: WorkerTable, timers: TimerQueue, *, now: float, wake_at: float
) -> Iterator[Violation]:
    """Check that something happens next, while the run goes on."""
    if ((Timer.FLEET,) in timers) != (workers.ready == 0):
        yield Invariant.FLEET_TIMER, workers.ready
    if wake_at == -inf:  # no event yet
        return
    next_at = timers.next_at()
    if next_at is None and tiles.storing:
        return
    if wake_at <= now or (next_at is not None and wake_at > next_at):
        yield Invariant.WAKE_UP, (now, wake_at, next_at)
