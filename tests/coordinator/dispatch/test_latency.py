"""Quantiles of the recent values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.dispatch.latency import RecentQuantiles


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), st.integers(1, 20))
def test_quantiles_are_those_of_the_last_values(values: list[float], size: int) -> None:
    """The window loses the oldest, duplicates included."""
    recent = RecentQuantiles(size)
    for value in values:
        recent.add(value)
    window = sorted(values[-size:])
    assert recent.count == len(values)
    assert recent.quantile(0.0) == window[0]
    assert recent.quantile(0.5) == window[len(window) // 2]
    assert recent.quantile(1.0) == window[-1]


def test_nothing_known_is_zero() -> None:
    """Without values a quantile is 0."""
    assert RecentQuantiles().quantile(0.5) == 0.0
