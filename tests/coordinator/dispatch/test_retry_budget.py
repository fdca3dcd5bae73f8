"""The retry budget: a token bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.dispatch.retry_budget import RetryBudget


def budget(slots: int = 0) -> RetryBudget:
    """Make a budget of ten retries, or one per slot."""
    bucket = RetryBudget(burst=10, per_success=0.1, per_slot_s=0.1, now=0.0)
    bucket.grow(slots)
    return bucket


def spend(bucket: RetryBudget, now: float) -> int:
    """Take all that the bucket gives."""
    taken = 0
    while bucket.take(now):
        taken += 1
    return taken


def test_a_burst_is_followed_by_one_retry_a_second() -> None:
    """When nothing succeeds, one retry a second is possible."""
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
        bucket.add_success()
    assert spend(bucket, 0.0) == 2


def test_a_large_fleet_has_a_large_budget_but_only_once() -> None:
    """A fleet that goes and comes back does not find the bucket full again."""
    bucket = budget(slots=500)
    assert spend(bucket, 0.0) == 500
    bucket.grow(0)
    bucket.grow(500)
    assert spend(bucket, 0.0) == 0
    assert spend(bucket, 1.0) == 50


def test_a_smaller_fleet_keeps_its_capacity() -> None:
    """The capacity is one retry per slot of the largest fleet, and at least the burst."""
    assert budget().capacity == 10
    bucket = budget(slots=500)
    bucket.grow(3)
    assert bucket.capacity == 500
    assert bucket.rate == 50.0


def test_a_full_bucket_takes_in_no_more() -> None:
    """Successes of a run without failures are not saved up."""
    bucket = budget()
    for _ in range(1000):
        bucket.add_success()
    assert spend(bucket, 0.0) == 10


@given(st.lists(st.floats(0.0, 5.0), max_size=30))
def test_retries_are_bounded_by_capacity_rate_and_successes(pauses_s: list[float]) -> None:
    """However the time passes, and with a success after each pause."""
    bucket, now, taken = budget(slots=20), 0.0, 0
    for successes, pause_s in enumerate(pauses_s, start=1):
        now += pause_s
        bucket.add_success()
        taken += spend(bucket, now)
        assert taken <= bucket.capacity + bucket.rate * now + 0.1 * successes + 1e-6
        assert bucket.ready_at() > now
        assert bucket.consistent
