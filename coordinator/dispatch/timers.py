"""Timers by time, each under a key: set, moved and cancelled in O(log n)."""

from __future__ import annotations

from enum import IntEnum, auto
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

_SLACK = 64
"""Stale entries that are not worth removing."""


class Timer(IntEnum):
    """The purpose of a timer; its key has this, and then what it concerns."""

    RETRY = auto()  # tile
    DEADLINE = auto()  # tile, attempt
    PROBE = auto()  # worker
    RESUME = auto()  # worker
    LEAVE = auto()  # worker
    FLEET = auto()


Key: TypeAlias = tuple[Any, ...]  # a Timer, and what it concerns


class TimerQueue:
    """A heap whose stale entries are skipped, and removed when they outnumber the others.

    Timers for the same time fire in the order in which they were set, so a run can be repeated.
    Times are monotonic seconds.
    """

    __slots__ = ("_heap", "_serial", "_valid")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._valid: dict[Key, int] = {}
        self._serial = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._valid

    def __len__(self) -> int:
        return len(self._valid)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._valid)

    @property
    def consistent(self) -> bool:
        """Whether each key has one entry in the heap, and the first entry is the earliest."""
        entries = [(key, serial) for _, serial, key in self._heap if self._valid.get(key) == serial]
        return (
            len(entries) == len(self._valid)
            and dict(entries) == self._valid
            and self._heap[:1] == ([min(self._heap)] if self._heap else [])
        )

    def put(self, at: float, key: Key) -> None:
        """Set the timer `key` to fire at `at`, or move it there."""
        self._serial += 1
        self._valid[key] = self._serial
        heappush(self._heap, (at, self._serial, key))
        if len(self._heap) > 2 * len(self._valid) + _SLACK:
            self._heap = [entry for entry in self._heap if self._valid.get(entry[2]) == entry[1]]
            heapify(self._heap)

    def cancel(self, key: Key) -> None:
        """Cancel the timer `key`, if it is set."""
        self._valid.pop(key, None)

    def pop_due(self, now: float) -> Key | None:
        """Remove the earliest timer that is due, and return its key; None if none is due."""
        at = self.next_at()
        if at is None or at > now:
            return None
        key = heappop(self._heap)[2]
        del self._valid[key]
        return key

    def next_at(self) -> float | None:
        """Return the time at which the next timer fires, or None."""
        while self._heap and self._valid.get(self._heap[0][2]) != self._heap[0][1]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
