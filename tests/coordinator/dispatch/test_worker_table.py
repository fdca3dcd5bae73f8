"""The states of a worker, and the queues of those that are free or ejected."""

from __future__ import annotations

import pytest

from coordinator.dispatch.worker_table import (
    WORKER_TRANSITIONS,
    WorkerSignal,
    WorkerState,
    WorkerTable,
)


def table_of(*names: str, slots: int = 1) -> WorkerTable:
    """Return a table of ready workers."""
    table = WorkerTable(names)
    for worker in table.workers.values():
        table.resize(worker, slots)
        table.signal(worker, WorkerSignal.READY)
    return table


@pytest.mark.parametrize("signal", WorkerSignal, ids=lambda signal: signal.name)
@pytest.mark.parametrize("state", WorkerState, ids=lambda state: state.name)
def test_a_signal_follows_the_table_or_changes_nothing(
    state: WorkerState, signal: WorkerSignal
) -> None:
    """What is reported of a worker need not fit its state."""
    table = WorkerTable(["a"])
    worker = table.workers["a"]
    worker.state = state
    after = WORKER_TRANSITIONS.get((state, signal), state)
    assert table.signal(worker, signal) == (after is not state)
    assert worker.state is after


def test_each_state_is_reached_and_unfit_is_left_by_nothing() -> None:
    """From UNKNOWN one gets everywhere."""
    reached = {WorkerState.UNKNOWN}
    for _ in WorkerState:
        reached |= {after for (before, _), after in WORKER_TRANSITIONS.items() if before in reached}
    assert reached == set(WorkerState)
    left = {before for (before, _), after in WORKER_TRANSITIONS.items() if after is not before}
    assert set(WorkerState) - left == {WorkerState.UNFIT}


def test_workers_take_turns() -> None:
    """One that gets a tile goes to the end of the queue, and leaves it without a free slot."""
    table = table_of("a", "b", slots=2)
    order = []
    for attempt in range(4):
        worker = table.pick()
        assert worker is not None
        table.hold(worker, (0, attempt))
        order.append(worker.name)
    assert order == ["a", "b", "a", "b"]
    assert table.pick() is None
    table.release(table.workers["b"], (0, 1))
    assert table.pick() is table.workers["b"]


def test_a_worker_that_is_not_slow_is_preferred() -> None:
    """Unless each of them is, or is to be avoided."""
    table = table_of("a", "b", "c")
    table.workers["a"].slow = True
    assert table.pick_fast(()) is table.workers["b"]
    assert table.pick_fast({"b", "c"}) is table.workers["a"]
    assert table.pick_fast({"a", "b", "c"}) is None


def test_counts_follow_the_states() -> None:
    """Ready workers and their slots, those that are absent, those that are ejected."""
    table = table_of("a", "b", "c", slots=2)
    assert (table.ready, table.slots, table.absent) == (3, 6, 0)
    table.signal(table.workers["a"], WorkerSignal.EJECTED)
    table.signal(table.workers["b"], WorkerSignal.REJECTED)
    assert (table.ready, table.slots, table.absent, table.unfit) == (1, 2, 1, 1)
    assert list(table.ejected) == ["a"]
    assert [name for name, _ in table.reasons()] == ["a", "b"]
    assert table.all_ready_in({"c"})
    assert not table.all_ready_in({"a", "b"})
