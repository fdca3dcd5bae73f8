"""Timers fire once, in order, and none that was cancelled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.dispatch.timers import Key, Timer, TimerQueue

MOVES = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 50))))


def fire_all(timers: TimerQueue, now: float) -> list[Key]:
    """Take every timer that is due."""
    keys = []
    while (key := timers.pop_due(now)) is not None:
        keys.append(key)
    return keys


@given(MOVES, st.integers(0, 50))
def test_a_timer_queue_is_a_sorted_dictionary(
    moves: list[tuple[int, int | None]], now: int
) -> None:
    """Setting, moving and cancelling agree with a plain dictionary."""
    timers = TimerQueue()
    model: dict[Key, int] = {}
    for number, at in moves:
        key = (Timer.RETRY, number)
        model.pop(key, None)
        if at is None:
            timers.cancel(key)
        else:
            timers.put(at, key)
            model[key] = at
    assert len(timers) == len(model)
    assert timers.next_at() == min(model.values(), default=None)
    due = [key for key, at in model.items() if at <= now]
    assert fire_all(timers, now) == sorted(due, key=lambda key: model[key])
    assert all((key in timers) == (model[key] > now) for key in model)


def test_cancelled_timers_are_removed() -> None:
    """A million deadlines that never fire take no memory."""
    timers = TimerQueue()
    for number in range(10_000):
        timers.put(1e9, (Timer.DEADLINE, number))
        timers.cancel((Timer.DEADLINE, number))
    assert len(timers._heap) < 200
