"""The policies, one by one."""

from __future__ import annotations

import doctest
import re
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest

from coordinator.dispatch import policy
from coordinator.dispatch.limits import Limits
from coordinator.dispatch.policy import CONSEQUENCES
from coordinator.events import FailureKind

LIMITS = Limits()


def test_the_examples_run() -> None:
    """The docstrings say what the functions return."""
    results = doctest.testmod(policy)
    assert results.attempted > 0
    assert results.failed == 0


def test_each_threshold_is_documented() -> None:
    """`help(Limits)` has a row for each, in the order of the fields."""
    rows = re.findall(r"^    (\w+) : \w+$", Limits.__doc__ or "", re.MULTILINE)
    assert rows == [field.name for field in fields(Limits)]


def test_every_kind_of_failure_has_its_row() -> None:
    """A new kind can't be forgotten in the table."""
    assert set(CONSEQUENCES) == set(FailureKind)


@pytest.mark.parametrize(
    ("name", "value"),
    [("attempts", 0), ("eject_failures", 0), ("retry_burst", -1), ("backoff_cap_s", -1)],
)
def test_impossible_limits_are_rejected(name: str, value: int) -> None:
    """A threshold with which no run can end well is named."""
    changes: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name):
        replace(LIMITS, **changes)


def test_backoff_has_full_jitter_below_a_doubling_ceiling_and_a_cap() -> None:
    """Pauses are uniform from zero; the ceiling doubles until the cap."""
    rng = Random(1)
    for failures, ceiling in ((1, 0.2), (2, 0.4), (5, 3.2), (50, 10.0), (5000, 10.0)):
        pauses = [policy.backoff_s(failures=failures, rng=rng, limits=LIMITS) for _ in range(2000)]
        assert 0.0 <= min(pauses) < 0.02 * ceiling
        assert 0.98 * ceiling < max(pauses) <= ceiling
        assert sum(pauses) / len(pauses) == pytest.approx(ceiling / 2, rel=0.1)


def test_probe_pauses_double_up_to_the_cap() -> None:
    """A worker that is lost again and again is probed ever more seldom, but it is probed."""
    rng = Random(1)
    for absences, longest in ((1, 0.5), (2, 1.0), (4, 4.0), (60, 15.0), (5000, 15.0)):
        pause_s = policy.probe_pause_s(absences=absences, rng=rng, limits=LIMITS)
        assert longest / 2 <= pause_s <= longest


@pytest.mark.parametrize(
    ("done", "quantile_s", "median_s", "claimed_s", "late_s"),
    [
        pytest.param(0, 0.0, 0.0, 0.0, 2.0, id="blind"),
        pytest.param(0, 0.0, 0.0, 10.0, 21.0, id="claimed"),
        pytest.param(0, 0.0, 0.0, 1e6, 30.0, id="absurd"),
        pytest.param(3, 9.0, 1.0, 1e9, 10.0, id="early"),
        pytest.param(10, 9.0, 1.0, 1e9, 9.0, id="quantile"),
        pytest.param(10, 1.0, 1.0, 0.0, 3.0, id="medians"),
        pytest.param(10, 0.001, 0.001, 0.0, 0.05, id="floor"),
    ],
)
def test_when_a_tile_is_late(
    done: int, quantile_s: float, median_s: float, claimed_s: float, late_s: float
) -> None:
    """Claims count until the first answer; each of three thresholds where it is the largest."""
    got = policy.hedge_after_s(
        done=done, quantile_s=quantile_s, median_s=median_s, claimed_s=claimed_s, limits=LIMITS
    )
    assert got == late_s


@pytest.mark.parametrize(("tiles", "most"), [(1, 1), (19, 1), (20, 2), (1000, 51)])
def test_hedges_before_the_tail_are_a_twentieth_of_the_tiles_and_one(tiles: int, most: int) -> None:
    """Not more, as long as there are fresh tiles."""
    allowed = [
        hedges
        for hedges in range(100)
        if policy.within_hedge_budget(hedges=hedges, tiles=tiles, limits=LIMITS)
    ]
    assert allowed == list(range(most))


@pytest.mark.parametrize(
    ("asked_s", "pause_s"),
    [(None, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (0.0, 0.05), (7.0, 7.0), (float("inf"), 60.0)],
)
def test_a_busy_worker_is_left_alone_within_reason(asked_s: float | None, pause_s: float) -> None:
    """Whatever the header says, the pause is within the limits."""
    assert policy.busy_pause_s(asked_s=asked_s, limits=LIMITS) == pause_s


def test_deadlines_grow_with_bytes_slowness_and_timeouts() -> None:
    """Base + bytes / slow link; what was measured only lengthens it; a timeout doubles it."""

    def deadline_s(size_bytes: int, slow_s_per_byte: float, timeouts: int) -> float:
        return policy.deadline_s(
            size_bytes=size_bytes,
            slow_s_per_byte=slow_s_per_byte,
            timeouts=timeouts,
            limits=LIMITS,
        )

    assert deadline_s(0, 0.0, 0) == 30.0
    assert deadline_s(10_000_000, 0.0, 0) == 40.0
    assert deadline_s(10_000_000, 1e-9, 0) == 40.0
    assert deadline_s(10_000_000, 1e-6, 0) == pytest.approx(130.0)
    assert deadline_s(10_000_000, 0.0, 2) == 160.0


@pytest.mark.parametrize(
    ("in_flight_bytes", "fits"), [(0, True), (1, False), (LIMITS.bytes_in_flight - 9, False)]
)
def test_a_tile_larger_than_the_budget_is_in_flight_alone(in_flight_bytes: int, fits: bool) -> None:
    """The budget bounds the memory, and still no tile is refused for ever."""
    size_bytes = LIMITS.bytes_in_flight + 10
    got = policy.fits_budget(size_bytes=size_bytes, in_flight_bytes=in_flight_bytes, limits=LIMITS)
    assert got == fits


def test_the_last_attempt_waits_for_another_worker() -> None:
    """Only where one worker alone has failed it, and another may come back."""

    def pause_s(tries: int, tried_workers: int, absent: int) -> float:
        return policy.retry_pause_s(
            tries=tries, tried_workers=tried_workers, absent=absent, rng=Random(1), limits=LIMITS
        )

    assert pause_s(4, 1, 1) == LIMITS.last_retry_pause_s
    assert max(pause_s(3, 1, 1), pause_s(4, 2, 1), pause_s(4, 1, 0)) < 2.0
