"""The retry budget: a token bucket that bounds the retries of a run."""

from __future__ import annotations


class RetryBudget:
    """A token bucket: a retry takes one token, a success returns a part of one.

    Retries of a run never exceed capacity + per_success * successes + rate * seconds. The capacity
    is one retry per slot: if every answer in flight is lost, all are sent again at once, but only
    once. By the rate a run goes on in which nothing succeeds.

    Parameters
    ----------
    burst : int
        Least capacity, in tokens.
    per_success : float
        Tokens that a success returns.
    per_slot_s : float
        Tokens per slot and second; at least one a second in all.
    now : float
        Monotonic seconds, as in every other call.
    """

    __slots__ = ("_at", "_burst", "_per_slot_s", "_per_success", "_slots", "_tokens")

    def __init__(self, *, burst: int, per_success: float, per_slot_s: float, now: float) -> None:
        self._burst = burst
        self._per_success = per_success
        self._per_slot_s = per_slot_s
        self._slots = 0
        self._tokens = float(self.capacity)
        self._at = now

    @property
    def capacity(self) -> int:
        """The most tokens that there can be."""
        return max(self._burst, self._slots, 1)

    @property
    def rate(self) -> float:
        """Tokens per second, without any success."""
        return max(1.0, self._per_slot_s * self._slots)

    @property
    def consistent(self) -> bool:
        """Whether the tokens are between zero and the capacity."""
        return 0.0 <= self._tokens <= self.capacity

    def grow(self, slots: int) -> None:
        """Raise the capacity to `slots`; it never falls, or a restart would refill the bucket."""
        before = self.capacity
        self._slots = max(self._slots, slots)
        self._tokens += self.capacity - before

    def add_success(self) -> None:
        """Return the part of a token for a success."""
        self._tokens = min(self._tokens + self._per_success, self.capacity)

    def take(self, now: float) -> bool:
        """Take a token for a retry; return whether there was one."""
        self._tokens = min(self._tokens + self.rate * (now - self._at), self.capacity)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def ready_at(self) -> float:
        """Return the time at which `take` succeeds next; the last one's if it would now."""
        # rather a microsecond late than early, by rounding: an early wake-up would be for nothing
        return self._at + max(0.0, 1.0 - self._tokens) / self.rate + 1e-6
