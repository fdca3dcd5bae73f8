"""Processors and memory that a worker uses over time, in a memory that never grows.

A worker counts the seconds of processors since it began; what it used between two words of it is
their difference. When there are `MOST` stretches of time, neighbours are merged in pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST: Final = 240
"""Stretches of time that are kept: as many as a chart has room for."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time: the cores that were busy in it, on average, and the most memory."""

    start_s: float
    stop_s: float
    cores: float
    resident_bytes: int

    def merged(self, after: Stretch) -> Stretch:
        """Return this stretch and the one that follows it as one."""
        whole_s = after.stop_s - self.start_s
        share = (self.stop_s - self.start_s) / whole_s
        return Stretch(
            self.start_s,
            after.stop_s,
            self.cores * share + after.cores * (1 - share),
            max(self.resident_bytes, after.resident_bytes),
        )


class Usage:
    """What a worker has used, as stretches of time without a gap.

    Examples
    --------
    >>> usage = Usage()
    >>> for at_s, cpu_s in enumerate((5.0, 6.5, 0.5, 1.5)):  # it began anew at 2 s
    ...     usage.add(at_s, cpu_s, 10**6)
    >>> [stretch.cores for stretch in usage.stretches]
    [1.5, 0.5, 1.0]
    """

    __slots__ = ("_last", "stretches")

    def __init__(self) -> None:
        self._last: tuple[float, float, int] | None = None
        self.stretches: list[Stretch] = []

    def add(self, at_s: float, cpu_s: float, resident_bytes: int) -> None:
        """Take what a worker says at a time: all processor time so far, and its memory now."""
        if self._last is not None:
            since_s, before_s, before_bytes = self._last
            if at_s <= since_s:
                return
            used_s = cpu_s - before_s if cpu_s >= before_s else cpu_s
            most = max(before_bytes, resident_bytes)
            self.stretches.append(Stretch(since_s, at_s, used_s / (at_s - since_s), most))
        self._last = at_s, cpu_s, resident_bytes
        if len(self.stretches) == MOST:
            pairs = zip(self.stretches[::2], self.stretches[1::2], strict=True)
            self.stretches = [first.merged(second) for first, second in pairs]
