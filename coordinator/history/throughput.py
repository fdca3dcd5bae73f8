"""Throughput in a memory that never grows: equal buckets, twice as wide whenever they are full.

    0.25 s each   |1|3|2|4| ...  32 buckets are full at 8 s
    0.5 s each    |4 |6 | ...    pairs are merged, 16 are full, and so on

So the recent rate is that of the last quarter to half of the run, whatever a tile takes: a fixed
window of seconds would show nothing between the answers of large tiles.
"""

from __future__ import annotations

from typing import Final

BUCKETS: Final = 32
RECENT: Final = 8  # buckets that count as recent, the one being filled included
FIRST_WIDTH_S: Final = 0.25


class Meter:
    """Amounts added over time, and their recent rate.

    Parameters
    ----------
    start_s : float
        When the time of the meter begins.
    """

    __slots__ = ("_buckets", "_start_s", "_width_s", "total")

    def __init__(self, start_s: float) -> None:
        self._start_s = start_s
        self._width_s = FIRST_WIDTH_S
        self._buckets = [0] * BUCKETS
        self.total = 0

    def add(self, now: float, amount: int) -> None:
        """Count `amount` at the time `now`."""
        self._buckets[self._index(now)] += amount
        self.total += amount

    def rate(self, now: float) -> float:
        """Amount per second of late."""
        last = self._index(now)
        first = max(0, last + 1 - RECENT)
        covered_s = now - self._start_s - first * self._width_s
        return sum(self._buckets[first : last + 1]) / covered_s if covered_s > 0 else 0.0

    def history(self, now: float, length: int) -> list[int]:
        """Amounts of the last full buckets, oldest first, at most `length` of them."""
        filling = self._index(now)
        return self._buckets[max(0, filling - length) : filling]

    def _index(self, now: float) -> int:
        index = int((now - self._start_s) / self._width_s)
        while index >= BUCKETS:
            self._merge_pairs()
            index = int((now - self._start_s) / self._width_s)
        return max(0, index)

    def _merge_pairs(self) -> None:
        old = self._buckets
        merged = [old[i] + old[i + 1] for i in range(0, BUCKETS, 2)]
        self._buckets = merged + [0] * (BUCKETS - len(merged))
        self._width_s *= 2
