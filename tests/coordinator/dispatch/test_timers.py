"""Alarms ring once, in order, and none that was dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.dispatch.timers import Alarm, Key, TimerQueue

MOVES = st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 50))))


def ring_all(agenda: TimerQueue, now: float) -> list[Key]:
    """Take every alarm that is due."""
    keys = []
    while (key := agenda.pop_due(now)) is not None:
        keys.append(key)
    return keys


@given(MOVES, st.integers(0, 50))
def test_an_agenda_is_a_sorted_dictionary(moves: list[tuple[int, int | None]], now: int) -> None:
    """Setting, moving and dropping agree with a plain dictionary."""
    agenda = TimerQueue()
    model: dict[Key, int] = {}
    for number, at in moves:
        key = (Alarm.RETRY, number)
        model.pop(key, None)
        if at is None:
            agenda.drop(key)
        else:
            agenda.put(at, key)
            model[key] = at
    assert len(agenda) == len(model)
    assert agenda.next_at() == min(model.values(), default=None)
    due = [key for key, at in model.items() if at <= now]
    assert ring_all(agenda, now) == sorted(due, key=lambda key: model[key])
    assert all((key in agenda) == (model[key] > now) for key in model)


def test_dropped_alarms_do_not_pile_up() -> None:
    """A million deadlines that never rang take no room."""
    agenda = TimerQueue()
    for number in range(10_000):
        agenda.put(1e9, (Alarm.DEADLINE, number))
        agenda.drop((Alarm.DEADLINE, number))
    assert len(agenda._heap) < 200
