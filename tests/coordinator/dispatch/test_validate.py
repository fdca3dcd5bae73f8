"""`Dispatcher.validate` finds each kind of damage to the dispatcher's records."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from coordinator.dispatch.dispatcher import Dispatcher
from coordinator.dispatch.errors import InvariantError
from coordinator.dispatch.instructions import Send
from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import FailedTile
from coordinator.dispatch.tile_table import REMEMBERED, AcceptedAnswer, Attempt, TileState
from coordinator.dispatch.timers import Timer
from coordinator.dispatch.validate import Invariant
from coordinator.dispatch.worker_table import WorkerState
from coordinator.events import FailureKind, Tick, TileAnswered, TileFailed, WorkerLost, WorkerReady
from tests.coordinator.dispatch.simulation import even_works

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(eject_failures=1, backoff_base_s=100.0)
NAMES = ("ready", "ejected", "lost", "unfit", "paused")


def busy_dispatcher() -> Dispatcher:
    """Return a dispatcher in mid-run: all states of workers, three of tiles."""
    dispatcher = Dispatcher(
        iter(even_works(100)), NAMES, limits=LIMITS, rng=Random(3), now=0.0, awaits_stores=True
    )
    greeted = [WorkerReady(name, 1) for name in ("ejected", "paused")]
    sends = {
        send.worker: send
        for send in dispatcher.handle_all(
            [*greeted, WorkerLost("lost", "refused"), WorkerLost("unfit", "old", permanent=True)],
            0.0,
        )
        if isinstance(send, Send)
    }
    late, turned_away = sends["ejected"], sends["paused"]
    dispatcher.handle(_failure(turned_away, FailureKind.BUSY, 60.0), 0.1)
    (first, *_) = _sends(dispatcher, WorkerReady("ready", 4), 0.2)
    dispatcher.handle(TileAnswered(first.tile, first.worker, first.attempt, "digest", 1), 0.3)
    dispatcher.handle(Tick(), 3.0)
    dispatcher.handle(_failure(late, FailureKind.BROKEN), 3.1)
    return dispatcher


def _sends(dispatcher: Dispatcher, event: WorkerReady, now: float) -> list[Send]:
    return [each for each in dispatcher.handle(event, now) if isinstance(each, Send)]


def _failure(send: Send, kind: FailureKind, retry_after_s: float | None = None) -> TileFailed:
    return TileFailed(send.tile, send.worker, send.attempt, "reason", retry_after_s, kind)


def corrupt(invariant: Invariant, name: str, damage: Callable[[Dispatcher], object]) -> object:
    """Return a case: the damage that breaks an invariant."""
    return pytest.param(invariant, damage, id=f"{invariant.name}-{name}")


def _add_attempt(dispatcher: Dispatcher, worker: str) -> None:
    """Add a live attempt to tile 2 beside the one that is in flight at `ready`."""
    dispatcher._tiles.open[2].attempts[0] = Attempt(2, 0, worker, 0.0)


def _remember_too_many(dispatcher: Dispatcher) -> None:
    many = {-number: AcceptedAnswer("ready", 1, 1, "") for number in range(1, REMEMBERED + 1)}
    dispatcher._tiles.accepted.update(many)


def _put_back(dispatcher: Dispatcher) -> None:
    """Put the last entry of the heap before its first."""
    heap = dispatcher._timers._heap
    heap.insert(0, heap.pop())


def _set_state(dispatcher: Dispatcher, tile: int, state: TileState) -> None:
    dispatcher._tiles.open[tile].state = state


def _swap_standing(dispatcher: Dispatcher) -> None:
    dispatcher._workers.workers["ejected"].state = WorkerState.LOST


def _forget_end(dispatcher: Dispatcher) -> None:
    """Let a ready worker's time end, without a timer."""
    dispatcher._workers.workers["ready"].ends_at = 1e6


CORRUPTIONS = [
    corrupt(Invariant.LEAVE_TIMERS, "none", _forget_end),
    corrupt(Invariant.LEAVING, "lost", lambda d: d._workers.leaving.update(lost=None)),
    corrupt(
        Invariant.ATTEMPTS,
        "number",
        lambda d: d._tiles.open[2].attempts.update({9: Attempt(2, 1, "lost", 0.0)}),
    ),
    corrupt(Invariant.ATTEMPTS, "tile", lambda d: setattr(d._tiles.open[2].attempts[1], "tile", 3)),
    corrupt(Invariant.TRIES, "more-than-sent", lambda d: setattr(d._tiles.open[2], "tries", 2)),
    corrupt(Invariant.TRIES, "negative", lambda d: setattr(d._tiles.open[2], "tries", -1)),
    corrupt(Invariant.IN_FLIGHT, "count", lambda d: setattr(d._tiles, "tiles_in_flight", 3)),
    corrupt(
        Invariant.IN_FLIGHT,
        "attempt",
        lambda d: setattr(d._tiles.open[2].attempts[1], "live", False),
    ),
    corrupt(Invariant.BYTES, "sum", lambda d: setattr(d._tiles, "in_flight_bytes", 0)),
    corrupt(Invariant.BYTES, "storing", lambda d: d._tiles.storing.clear()),
    corrupt(
        Invariant.BYTES_BUDGET, "over", lambda d: setattr(d._tiles, "in_flight_bytes", 1 << 40)
    ),
    corrupt(Invariant.COPIES, "same-worker", lambda d: _add_attempt(d, "ready")),
    corrupt(Invariant.HEDGES, "count", lambda d: setattr(d._tiles, "early_hedges", 50)),
    corrupt(Invariant.HEDGEABLE, "missing", lambda d: d._tiles.newest.pop(2)),
    corrupt(
        Invariant.HEDGEABLE,
        "waiting",
        lambda d: d._tiles.newest.update({0: Attempt(0, 1, "ready", 0.0)}),
    ),
    corrupt(
        Invariant.HEDGEABLE,
        "other",
        lambda d: d._tiles.newest.update({2: Attempt(2, 1, "ready", 0.0)}),
    ),
    corrupt(Invariant.TILE_STATES, "live", lambda d: _set_state(d, 2, TileState.BACKOFF)),
    corrupt(Invariant.TILE_STATES, "waiting", lambda d: _set_state(d, 0, TileState.IN_FLIGHT)),
    corrupt(Invariant.TILE_STATES, "closed", lambda d: _set_state(d, 2, TileState.ACCEPTED)),
    corrupt(Invariant.DUE, "in-flight", lambda d: d._tiles.due.update({2: None})),
    corrupt(Invariant.DUE, "unknown", lambda d: d._tiles.due.update({99: None})),
    corrupt(Invariant.DUE, "missing", lambda d: _set_state(d, 0, TileState.DUE)),
    corrupt(Invariant.RETRY_TIMERS, "missing", lambda d: d._timers.cancel((Timer.RETRY, 0))),
    corrupt(Invariant.RETRY_TIMERS, "closed", lambda d: d._timers.put(9.0, (Timer.RETRY, 1))),
    corrupt(
        Invariant.STORING,
        "state",
        lambda d: setattr(d._tiles.storing[1], "state", TileState.STORED),
    ),
    corrupt(
        Invariant.CLOSED_ONCE,
        "accepted",
        lambda d: d._tiles.accepted.update({2: d._tiles.accepted[1]}),
    ),
    corrupt(Invariant.CLOSED_ONCE, "given-up", lambda d: d._tiles.failed.append(FailedTile(1, ()))),
    corrupt(
        Invariant.CLOSED_ONCE, "twice", lambda d: d._tiles.failed.extend([FailedTile(98, ())] * 2)
    ),
    corrupt(Invariant.REMEMBERED, "many", _remember_too_many),
    corrupt(Invariant.HELD, "forgotten", lambda d: d._workers.workers["ready"].held.popitem()),
    corrupt(
        Invariant.HELD, "twice", lambda d: d._workers.workers["lost"].held.update({(2, 1): None})
    ),
    corrupt(Invariant.FREE, "full", lambda d: d._workers.free.update({"ready": None})),
    corrupt(
        Invariant.FREE, "forgotten", lambda d: setattr(d._workers.workers["ready"], "slots", 9)
    ),
    corrupt(Invariant.EJECTED, "forgotten", lambda d: d._workers.ejected.clear()),
    corrupt(Invariant.EJECTED, "other", _swap_standing),
    corrupt(Invariant.FLEET_COUNTS, "ready", lambda d: setattr(d._workers, "ready", 1)),
    corrupt(Invariant.FLEET_COUNTS, "slots", lambda d: setattr(d._workers, "slots", 1)),
    corrupt(Invariant.FLEET_COUNTS, "unfit", lambda d: setattr(d._workers, "unfit", 0)),
    corrupt(Invariant.RATE, "sum", lambda d: setattr(d._workers, "tiles_per_s", 1e9)),
    corrupt(Invariant.SLOTS, "none", lambda d: setattr(d._workers.workers["paused"], "slots", 0)),
    corrupt(Invariant.TIMERS, "lost", lambda d: d._timers._heap.pop()),
    corrupt(Invariant.TIMERS, "order", _put_back),
    corrupt(Invariant.TIMERS, "twice", lambda d: d._timers._heap.append(d._timers._heap[-1])),
    corrupt(
        Invariant.DEADLINE_TIMERS, "missing", lambda d: d._timers.cancel((Timer.DEADLINE, 2, 1))
    ),
    corrupt(Invariant.PROBE_TIMERS, "missing", lambda d: d._timers.cancel((Timer.PROBE, "lost"))),
    corrupt(Invariant.PROBE_TIMERS, "ready", lambda d: d._timers.put(9.0, (Timer.PROBE, "ready"))),
    corrupt(Invariant.PROBE_TIMERS, "unfit", lambda d: d._timers.put(9.0, (Timer.PROBE, "unfit"))),
    corrupt(
        Invariant.RESUME_TIMERS, "missing", lambda d: d._timers.cancel((Timer.RESUME, "paused"))
    ),
    corrupt(Invariant.FLEET_TIMER, "runs", lambda d: d._timers.put(9.0, (Timer.FLEET,))),
    corrupt(Invariant.WAKE_UP, "passed", lambda d: setattr(d, "_wake_at", 1.0)),
    corrupt(Invariant.WAKE_UP, "late", lambda d: setattr(d, "_wake_at", 1e9)),
    corrupt(
        Invariant.RETRY_BUDGET,
        "overdrawn",
        lambda d: setattr(d._scheduler.retries, "_tokens", -1.0),
    ),
    corrupt(
        Invariant.RETRY_BUDGET, "overfull", lambda d: setattr(d._scheduler.retries, "_tokens", 1e9)
    ),
    corrupt(
        Invariant.LATENCIES, "durations", lambda d: d._scheduler._durations._sorted.append(0.0)
    ),
    corrupt(Invariant.LATENCIES, "paces", lambda d: d._scheduler._s_per_byte._order.clear()),
]
"""For each invariant, what damages one of the records that it relates."""


def test_what_is_not_damaged_is_valid() -> None:
    """So what the cases below report is their damage."""
    busy_dispatcher().validate()


def test_a_dispatcher_is_valid_before_its_first_event() -> None:
    """No wake-up is set then."""
    Dispatcher(iter(even_works(3)), NAMES, rng=Random(1), now=5.0).validate()


@pytest.mark.parametrize(("invariant", "damage"), CORRUPTIONS)
def test_damage_is_found(invariant: Invariant, damage: Callable[[Dispatcher], object]) -> None:
    """The error has the invariant, and says it in its message."""
    dispatcher = busy_dispatcher()
    damage(dispatcher)
    with pytest.raises(InvariantError) as caught:
        dispatcher.validate()
    assert invariant in caught.value.broken
    assert invariant.value in str(caught.value)


def test_each_invariant_can_be_broken() -> None:
    """An invariant without a case might be a check that never fails."""
    assert {case.values[0] for case in CORRUPTIONS} == set(Invariant)
