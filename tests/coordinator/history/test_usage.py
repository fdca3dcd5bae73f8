"""What workers use over time, whatever they say and however long."""

from __future__ import annotations

import pytest

from coordinator.history.usage import MOST, Usage


def test_memory_has_a_bound_and_nothing_is_lost() -> None:
    """Stretches follow one another without a gap, and their cores still sum up to what was used."""
    usage = Usage()
    for at_s in range(10 * MOST + 1):
        usage.add(float(at_s), 2.0 * at_s + at_s % 2, 10 + at_s % 7)
    stretches = usage.stretches
    assert MOST // 2 <= len(stretches) < MOST
    starts, stops = [s.start_s for s in stretches], [s.stop_s for s in stretches]
    assert (starts[0], starts[1:], stops[-1]) == (0.0, stops[:-1], 10.0 * MOST)
    used_s = sum(s.cores * (s.stop_s - s.start_s) for s in stretches)
    assert used_s == pytest.approx(2.0 * 10 * MOST)
    assert max(s.resident_bytes for s in stretches) == 16


def test_a_word_that_comes_twice_at_a_time_counts_once() -> None:
    """There is no stretch of no length."""
    usage = Usage()
    for at_s in (1.0, 1.0, 2.0, 2.0):
        usage.add(at_s, at_s, 1)
    assert [s.cores for s in usage.stretches] == [1.0]
