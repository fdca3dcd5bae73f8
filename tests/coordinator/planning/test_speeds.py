"""How fast workers are alone and together, from what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.planning.speeds import Measured, Rehearsal, Speeds, sharing
from tiling.geometry.tile_shape import makespan_s

FAST = Measured("fast", 2, 0.010, 10_000, 0.110, 0.05)
SLOW = Measured("slow", 1, 0.010, 10_000, 0.210, 0.05)
LOST = Measured("lost", trouble="connection refused")
THREE = [Measured(f"node{i}", 3, 0.001, 10_000, 0.101, 0.02, cores=2, boot="one") for i in range(3)]


def test_time_of_a_tile() -> None:
    """A round trip, and the rest in proportion to the work."""
    assert FAST.tile_s(10_000) == pytest.approx(0.11)
    assert FAST.tile_s(20_000) == pytest.approx(0.21)
    assert FAST.tile_s(0) == pytest.approx(0.01)


def test_workers_add_up() -> None:
    """Rates add up, the start counts once, the last tile is waited for, and the lost do nothing."""
    speeds = Speeds.of([FAST, SLOW, LOST])
    tile_s = 3 / (2 / 0.11 + 1 / 0.21)
    assert speeds.expected_s(10, 10_000) == pytest.approx(0.05 + makespan_s(10, tile_s, 3))
    assert Speeds.of([LOST]).expected_s(10, 10_000) is None
    assert speeds.expected_s(0, 0) == 0.05


def test_one_tile_takes_its_time() -> None:
    """However many slots there are, a tile is not split."""
    many = Measured("many", 64, 0.010, 10_000, 0.110)
    assert Speeds.of([many]).expected_s(1, 10_000) == pytest.approx(0.11)


def test_three_workers_on_one_machine_are_as_fast_as_one() -> None:
    """Its two cores count once: three times the slots change nothing but the names."""
    one, three = Speeds.of(THREE[:1]), Speeds.of(THREE)
    assert three.expected_s(60, 10_000) == pytest.approx(one.expected_s(60, 10_000))
    apart = Speeds.of([replace(each, boot=each.worker) for each in THREE])
    assert apart.expected_s(60, 10_000) == pytest.approx(0.02 + makespan_s(60, 0.101, 6))


def test_what_was_seen_together_counts() -> None:
    """Two that share a link are half as fast as each alone promises, and so is the whole fleet."""
    apart = [replace(each, boot=each.worker) for each in THREE]
    alone = Speeds.of(apart)
    seen = Rehearsal(8, 10_000, 4, makespan_s(8, 0.202, 4))
    shared = Speeds.of(apart, seen, ("node0", "node1"))
    assert shared.slowdown == pytest.approx(2)
    alone_s, shared_s = (each.expected_s(60, 10_000) or 0 for each in (alone, shared))
    assert shared_s - 0.02 == pytest.approx(2 * (alone_s - 0.02))


def test_a_rehearsal_of_the_whole_plan_is_the_forecast() -> None:
    """Whatever was promised before."""
    seen = Rehearsal(12, 5_000, 3, 1.7)
    assert Speeds.of([FAST, SLOW], seen).expected_s(12, 5_000) == pytest.approx(0.05 + 1.7)


def test_sharing_is_said() -> None:
    """Who is on one machine, and who on the coordinator's."""
    two, alone = replace(THREE[1], boot="two"), replace(FAST, boot="three", cores=4)
    assert list(sharing([*THREE, alone], "here")) == [
        "node0, node1, node2 are on one machine: its 2 cores count once"
    ]
    assert list(sharing([THREE[0], two], "two")) == [
        "node1 is on this machine: its 2 cores count once, and coord needs them too"
    ]
    many = [replace(THREE[0], worker=str(i)) for i in range(10)]
    assert next(sharing(many, "")).startswith("0, 1, 2, 3, 4, 5, 6, 7 and 2 more are on one")
    assert not list(sharing([FAST, SLOW], ""))
