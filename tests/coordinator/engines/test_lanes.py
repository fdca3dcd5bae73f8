"""How many tiles a fleet computes at a time: the cores of a machine count once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coordinator.engines import Capacity
from coordinator.engines.lanes import lanes
from coordinator.events import WorkerReady
from coordinator.run.request import Request
from coordinator.stores.files import open_place
from coordinator.stores.memory import ArraySource
from tiling.filters import FILTERS
from tiling.jobs.cost import FLEET
from tiling.jobs.job import Job


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


def test_tiles_of_workers_that_open_files_themselves(tmp_path: Path) -> None:
    """Of a file there are few, for no bytes travel; of an array in memory as many as ever."""
    array = np.zeros((4096, 4096), np.float32)
    np.save(tmp_path / "in.npy", array)
    job = Job(2, (FILTERS["gaussian_filter"].call(2, array.dtype, 2.0),))
    file, memory = open_place(tmp_path / "in.npy"), ArraySource(array)
    capacity = Capacity(6, 2**26, FLEET, lanes=2)
    opened = replace(capacity, opens=True)
    ever = len(Request(job, memory).plan(capacity))
    assert len(Request(job, memory).plan(opened)) == ever
    assert len(Request(job, file).plan(capacity)) == ever
    assert 1 < len(Request(job, file).plan(opened)) < ever
