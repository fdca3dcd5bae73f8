"""The meter of a run's bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.history.throughput import Meter


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**9)), max_size=60))
def test_a_meter_forgets_no_amount(added: list[tuple[float, int]]) -> None:
    """However its buckets merge, the total stays, and the rate is never negative."""
    meter = Meter(0.0)
    for now, amount in sorted(added):
        meter.add(now, amount)
        assert meter.rate(now) >= 0
    assert meter.total == sum(amount for _, amount in added)


def test_a_steady_stream_has_its_own_rate() -> None:
    """Ten units a second are ten units a second, after a second and after a day."""
    meter = Meter(100.0)
    for tick in range(1, 86_400):
        meter.add(100.0 + tick, 10)
        if tick in {8, 60, 3_600, 86_399}:
            assert meter.rate(100.0 + tick) == pytest.approx(10, rel=0.2)
    assert len(meter.history(86_500.0, 12)) == 12
