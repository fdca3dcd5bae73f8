"""How many tiles a fleet computes at a time: the cores of a machine count once."""

from __future__ import annotations

import pytest

from coordinator.engines import Capacity
from coordinator.engines.lanes import lanes
from coordinator.events import WorkerReady


def worker(name: str, slots: int, cores: int | None = None, boot: str = "") -> WorkerReady:
    return WorkerReady(name, slots, cores=cores, boot=boot)


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        pytest.param([worker("a", 3)], [3.0], id="one that says nothing"),
        pytest.param([worker("a", 3, 2, "x")], [2.0], id="a slot is for a transfer"),
        pytest.param([worker("a", 1, 8, "x")], [1.0], id="one thread on many cores"),
        pytest.param([worker(n, 3, 2, "x") for n in "abc"], [2 / 3] * 3, id="three on a machine"),
        pytest.param([worker(n, 3, 2) for n in "abc"], [2.0] * 3, id="on nobody knows which"),
        pytest.param(
            [worker("a", 3, 2, "x"), worker("b", 9, 8, "y"), worker("c", 1, 2, "x")],
            [1.5, 8.0, 0.5],
            id="two machines",
        ),
        pytest.param(
            [worker("a", 2, 1, "x"), worker("b", 2, 4, "x")], [1.0, 2.0], id="one has few cores"
        ),
        pytest.param([], [], id="nobody"),
    ],
)
def test_lanes(workers: list[WorkerReady], expected: list[float]) -> None:
    """Slots, bounded by cores; those of a machine are shared in proportion to the slots."""
    assert lanes(workers) == pytest.approx(expected)


def test_a_run_is_expected_to_take_what_its_lanes_do() -> None:
    """Slots beyond the lanes are for transfers, and make nothing quicker."""
    assert Capacity(9, 2**20, lanes=2).expected_s(20, 1.0) == Capacity(2, 2**20).expected_s(20, 1.0)
    assert Capacity(9, 2**20).expected_s(9, 1.0) < 2.0
