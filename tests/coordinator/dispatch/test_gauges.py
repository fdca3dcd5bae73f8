"""Quantiles of the recent past, and the retry budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.dispatch.latency import Recent
from coordinator.dispatch.retry_budget import RetryBudget


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.integers(1, 20))
def test_quantiles_are_those_of_the_last_values(values: list[float], size: int) -> None:
    """The window forgets the oldest, duplicates included."""
    recent = Recent(size)
    for value in values:
        recent.add(value)
    window = sorted(values[-size:])
    assert recent.count == len(values)
    assert recent.quantile(0.0) == window[0]
    assert recent.quantile(0.5) == window[len(window) // 2]
    assert recent.quantile(1.0) == window[-1]


def test_nothing_known_is_zero() -> None:
    """Without values a quantile is 0."""
    assert Recent().quantile(0.5) == 0.0


def budget(slots: int = 0) -> RetryBudget:
    """Make a budget of ten retries, or one per slot."""
    bucket = RetryBudget(burst=10, per_success=0.1, per_slot_s=0.1, now=0.0)
    bucket.widen(slots)
    return bucket


def spend(bucket: RetryBudget, now: float) -> int:
    """Take all that the bucket gives."""
    taken = 0
    while bucket.take(now):
        taken += 1
    return taken


def test_a_burst_is_followed_by_a_trickle() -> None:
    """When nothing succeeds, one retry a second is left."""
    bucket = budget()
    assert spend(bucket, 0.0) == 10
    assert not bucket.take(bucket.ready_at() - 1e-3)
    assert spend(bucket, bucket.ready_at()) == 1
    assert spend(bucket, 1000.0) == 10


def test_ten_successes_pay_for_a_retry() -> None:
    """A success returns a tenth."""
    bucket = budget()
    spend(bucket, 0.0)
    for _ in range(25):
        bucket.repay()
    assert spend(bucket, 0.0) == 2


def test_a_large_fleet_has_a_large_budget_but_only_once() -> None:
    """A fleet that goes and comes back does not find the bucket full again."""
    bucket = budget(slots=500)
    assert spend(bucket, 0.0) == 500
    bucket.widen(0)
    bucket.widen(500)
    assert spend(bucket, 0.0) == 0
    assert spend(bucket, 1.0) == 50
