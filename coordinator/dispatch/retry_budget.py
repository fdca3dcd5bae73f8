"""The retry budget: a token bucket for the whole fleet."""

from __future__ import annotations


class RetryBudget:
    """Token bucket of the whole fleet: a retry pays 1 for its failure, a success returns a part.

    Retries of a run never exceed capacity + per_success * successes + rate * seconds. The capacity
    is one retry per slot, so that the loss of every answer in flight is repaired at once, but only
    once; the rate keeps a run alive in which nothing succeeds.

    Parameters
    ----------
    burst : int
        Least capacity, in retries.
    per_success : float
        What a success returns.
    per_slot_s : float
        Refill per slot and second; at least one retry per second in all.
    now : float
        Seconds.
    """

    __slots__ = ("_at", "_burst", "_level", "_per_slot_s", "_per_success", "_slots")

    def __init__(self, *, burst: int, per_success: float, per_slot_s: float, now: float) -> None:
        self._burst = burst
        self._per_success = per_success
        self._per_slot_s = per_slot_s
        self._slots = 0
        self._level = float(self.capacity)
        self._at = now

    @property
    def capacity(self) -> int:
        """Retries that may be sent at once."""
        return max(self._burst, self._slots, 1)

    @property
    def rate(self) -> float:
        """Retries per second that need no success."""
        return max(1.0, self._per_slot_s * self._slots)

    @property
    def consistent(self) -> bool:
        """Whether the level is between zero and the capacity."""
        return 0.0 <= self._level <= self.capacity

    def widen(self, slots: int) -> None:
        """Know of a larger fleet; a smaller one keeps what it has, or a restart would refill it."""
        before = self.capacity
        self._slots = max(self._slots, slots)
        self._level += self.capacity - before

    def repay(self) -> None:
        """Return a success's part."""
        self._level = min(self._level + self._per_success, self.capacity)

    def take(self, now: float) -> bool:
        """Pay for one retry if the bucket has enough."""
        self._level = min(self._level + self.rate * (now - self._at), self.capacity)
        self._at = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True

    def ready_at(self) -> float:
        """When `take` will next succeed; not later than the last `take` if it would now."""
        # a hair too late rather than too early: rounding must not wake the run for nothing
        return self._at + max(0.0, 1.0 - self._level) / self.rate + 1e-6
