"""A rate limit with a token bucket for each key, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

KEYS = 1024
"""Most keys whose buckets are kept; the least recently used one is dropped."""


class RateLimit:
    """A rate of events for each key.

    Parameters
    ----------
    rate : float
        Events a second.
    burst : float
        Events at once.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._buckets)

    def allows(self, key: Hashable, now: float) -> bool:
        """Count an event; tell whether it is within the rate.

        Parameters
        ----------
        key : hashable
        now : float
            Time in seconds, of a monotonic clock.
        """
        left, since = self._buckets.get(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[key] = left - allowed, now
        self._buckets.move_to_end(key)
        if len(self._buckets) > KEYS:
            self._buckets.popitem(last=False)
        return allowed
