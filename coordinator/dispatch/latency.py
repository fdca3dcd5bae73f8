"""Quantiles of recent durations, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque


class Recent:
    """Quantiles of the last `size` values; adding one costs a bisection and a short move."""

    __slots__ = ("_order", "_sorted", "count")

    def __init__(self, size: int = 256) -> None:
        self._order: deque[float] = deque(maxlen=size)
        self._sorted: list[float] = []
        self.count = 0

    def add(self, value: float) -> None:
        """Take in a value; the oldest leaves."""
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
        """Nearest-rank quantile, 0.0 while nothing is known."""
        if not self._sorted:
            return 0.0
        return self._sorted[min(int(q * len(self._sorted)), len(self._sorted) - 1)]
