"""Quantiles of recent durations, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque


class RecentQuantiles:
    """Quantiles of the last values; to add one costs a bisection and a short move.

    Parameters
    ----------
    size : int
        Number of values that are kept.
    """

    __slots__ = ("_order", "_sorted", "count")

    def __init__(self, size: int = 256) -> None:
        self._order: deque[float] = deque(maxlen=size)
        self._sorted: list[float] = []
        self.count = 0

    def add(self, value: float) -> None:
        """Add a value, and remove the oldest one if there are too many."""
        if len(self._order) == self._order.maxlen:
            del self._sorted[bisect_left(self._sorted, self._order[0])]
        self._order.append(value)
        insort(self._sorted, value)
        self.count += 1

    @property
    def consistent(self) -> bool:
        """Whether the sorted values are the recent ones."""
        return self._sorted == sorted(self._order) and self.count >= len(self._order)

    def quantile(self, q: float) -> float:
        """Return the nearest-rank quantile for `q` in [0, 1]; 0.0 if there is no value."""
        if not self._sorted:
            return 0.0
        return self._sorted[min(int(q * len(self._sorted)), len(self._sorted) - 1)]
