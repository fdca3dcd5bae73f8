"""Health checks in a run: spread over a period, so that not all workers are asked at once."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence

SLOTS = 16
"""Looks at workers fall into so many moments of a period."""


def slot(now: float, period_s: float) -> float:
    """Return the time of the next look at a worker; looks fall into `SLOTS` a period."""
    step_s = period_s / SLOTS
    return step_s * math.ceil((now + period_s) / step_s)


def spread(workers: Sequence[str], period_s: float) -> deque[tuple[float, str]]:
    """Return the times of the first looks, spread over a period so that not all come at once."""
    now = time.monotonic()
    count = max(1, len(workers))
    return deque(
        (slot(now + index / count * period_s, period_s), worker)
        for index, worker in enumerate(workers)
    )
