"""A few tiles of a run's plan, computed by its engine: which ones, and that nothing is left."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from coordinator.engines import Capacity, TileRun
from coordinator.engines.local import capacity
from coordinator.events import Hearer
from coordinator.planning.measure import measure_files, measure_here, measure_scratch
from coordinator.planning.rehearsal import PIECE_S, Sample, rehearse, shortened, spread
from coordinator.stores.memory import ArraySource
from tiling.filters import FILTERS
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.cost import mean_work
from tiling.jobs.job import Job

SHAPE = (640, 50)


def sample(tile: tuple[int, ...] = (64, 50), folder: Path | None = None) -> Sample:
    array = np.random.default_rng(0).random(SHAPE, np.float32)
    job = Job(2, (FILTERS["gaussian_filter"].call(2, array.dtype, 1.0),))
    plan = Plan(Grid(SHAPE, tile), job.halo, job.wraps, 4, 4)
    return Sample(job, plan, ArraySource(array), (False, False), folder)


class Counting:
    """An engine that computes nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def prepare(self, job: Job, tell: Hearer) -> Capacity:  # noqa: ARG002
        return Capacity(2, 2**20)

    def run(self, tiles: TileRun, tell: Hearer) -> None:  # noqa: ARG002
        self.asked.append([tile.index for tile in tiles.tiles()])


def test_tiles_of_the_plan_from_all_over_the_array() -> None:
    """First one for each slot, then as many as are done soon: all ten of them."""
    engine = Counting()
    found = rehearse(engine, Capacity(2, 2**20), sample(), 1e-9)
    assert engine.asked == [[2, 7], list(range(10))]
    assert found is not None
    assert (found.tiles, found.lanes) == (10, 2)
    assert found.work == pytest.approx(mean_work(sample().job, sample().plan.grid))


def test_lanes_not_slots() -> None:
    """Three workers with three slots each on two cores: two tiles get on at a time, of nine."""
    engine = Counting()
    found = rehearse(engine, Capacity(9, 2**20, lanes=2), sample(), 1e-9)
    assert [len(each) for each in engine.asked] == [9, 10]
    assert found is not None
    assert found.lanes == 2


def test_nothing_to_compute() -> None:
    """No tiles, no rehearsal."""
    job = sample().job
    plan = Plan(Grid((0, 50), (1, 50)), job.halo, job.wraps, 4, 4)
    none = Sample(job, plan, ArraySource(np.zeros((0, 50), "f4")), (False, False), None)
    assert rehearse(Counting(), Capacity(2, 2**20), none, 1e-9) is None


def test_long_tiles_are_shortened() -> None:
    """Until one is done soon; an axis that is to be whole stays whole."""
    job, whole_tile = sample().job, sample(SHAPE)
    work_s = 20 * PIECE_S / mean_work(job, whole_tile.plan.grid)
    cut = shortened(whole_tile, work_s, 2**30)
    assert mean_work(job, cut.grid) * work_s <= PIECE_S
    assert cut.grid.tile == (40, 25)
    assert shortened(whole_tile, 0.0, 2**30) == whole_tile.plan
    kept = Sample(job, whole_tile.plan, whole_tile.source, (True, False), None)
    assert shortened(kept, work_s, 2**30).grid.tile == (640, 2)
    assert shortened(Sample(job, kept.plan, kept.source, (True, True), None), 1.0, 1) == kept.plan
    assert shortened(whole_tile, 0.0, 40_000).grid.tile == (160, 50)


@pytest.mark.parametrize(("tiles", "count"), [(1, 1), (10, 3), (10, 10), (7, 20), (1000, 31)])
def test_spread(tiles: int, count: int) -> None:
    """So many different tiles, if there are, and no long stretch without one."""
    chosen = sorted(spread(tiles, count))
    assert len(chosen) == min(tiles, count)
    gaps = np.diff([-1, *chosen, tiles])
    assert max(gaps) <= math.ceil(tiles / len(chosen)) + 1


def test_this_machine_leaves_nothing(tmp_path: Path) -> None:
    """Tiles go into a file without a name; what was measured is more than nothing."""
    small = sample(folder=tmp_path)
    machine, rehearsal = measure_here(small, capacity(2, small.job))
    assert machine.probe_s > 0
    assert rehearsal is not None
    assert 0 < rehearsal.wall_s < 60
    np.save(tmp_path / "in.npy", np.zeros(1000))
    assert measure_files(tmp_path / "in.npy", tmp_path, 20_000, 28_000) > 0
    assert measure_files(tmp_path / "in.npy", tmp_path, 0, 0) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_an_array_between_stages() -> None:
    """One in memory costs nothing besides; what is a file is filled."""
    assert measure_scratch(2**20) == 0.0
    assert measure_scratch(2**29) > 0.0


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Another one serves: a run may be refused, a forecast need not be."""
    small = sample(folder=tmp_path / "none")
    assert measure_here(small, capacity(1, small.job))[1] is not None
