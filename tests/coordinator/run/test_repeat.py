"""Until nothing changes: passes over the tiles that may change, and an end that is SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from coordinator.api.arrays import filter_array, silent
from coordinator.checks.recompute import Sampling
from coordinator.engines import Capacity, TileRun
from coordinator.engines.local import LocalEngine
from coordinator.errors import VerifyError
from coordinator.events import Event, Hearer, StageStarted, TileSent
from coordinator.run.repeat import concerned
from tests.support.equality import assert_same_bits
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job


def spiral(size: int) -> npt.NDArray[np.bool_]:
    """Return a path, one sample wide, from a corner to the centre round after round."""
    path = np.zeros((size, size), bool)
    row, column, steps = 0, 0, [(0, 1), (1, 0), (0, -1), (-1, 0)]
    path[0, 0] = True
    for turn, length in enumerate(n for n in range(size - 1, 0, -2) for _ in range(2)):
        down, right = steps[turn % 4]
        for _ in range(length):
            row, column = row + down, column + right
            path[row, column] = True
    return path


MASK = spiral(41)
SEED = np.zeros(MASK.shape, bool)
SEED[0, 0] = True


def heard(
    name: str, array: Any, sampling: Sampling | None = None, **parameters: Any
) -> tuple[Any, list[Event]]:
    """Filter in tiles of 8; return the result and the events."""
    events: list[Event] = []

    def hear(_: float, event: Event) -> None:
        events.append(event)

    links = [(name, parameters)]
    return filter_array(LocalEngine(2), hear, links, array, 8, sampling), events


def test_a_change_runs_through_every_tile_and_back() -> None:
    """As far as SciPy's goes; what nobody changed is not computed again."""
    got, events = heard("binary_propagation", SEED, mask=MASK)
    assert_same_bits(got, ndimage.binary_propagation(SEED, mask=MASK))
    assert got.sum() == MASK.sum()
    passes = [event for event in events if isinstance(event, StageStarted) and event.stage == 1]
    assert len(passes) > 10
    assert max(event.tiles for event in passes) < 36 / 2
    sent = sum(isinstance(event, TileSent) for event in events)
    assert sent < 36 * len(passes) / 2


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_do_not_share_what_they_would_wait_for(threads: int) -> None:
    """Unless tiles are asked for there is one, which is computed once."""
    events: list[Event] = []
    seed, mask = np.zeros((3000, 3000), bool), np.ones((3000, 3000), bool)
    seed[0, 0] = True
    links = [("binary_propagation", {"mask": mask})]
    engine = LocalEngine(threads)
    got = filter_array(engine, lambda _, event: events.append(event), links, seed)
    assert got.all()
    sent = [event for event in events if isinstance(event, TileSent)]
    assert sum(isinstance(event, StageStarted) for event in events) == 1
    assert len(sent) == 2  # of the flood, and of the samples taken from its states


def test_passes_are_verified_too() -> None:
    """Each tile of each pass, also those that are left out of it."""
    got, _ = heard("binary_propagation", SEED, Sampling(1.0), mask=MASK)
    assert_same_bits(got, ndimage.binary_propagation(SEED, mask=MASK))


def test_holes_are_filled_round_corners() -> None:
    """The spiral is open at its end, so nothing is filled; closed there, all of its inside is."""
    rng = np.random.default_rng(2)
    wall = ndimage.binary_dilation(spiral(41)) ^ (rng.random((41, 41)) < 0.02)
    got, _ = heard("binary_fill_holes", wall)
    assert_same_bits(got, ndimage.binary_fill_holes(wall))


class _Liar:
    """An engine that undoes each change."""

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        return LocalEngine(1).prepare(job, tell)

    def run(self, tiles: TileRun, tell: Hearer) -> None:  # noqa: ARG002
        for tile in tiles.tiles():
            tiles.sink.region(tile.write)[...] = 3 - tiles.source.read(tile.read)[tile.crop.slices]


def test_who_undoes_changes_ends_the_run() -> None:
    """Rather than keep it going for ever."""
    with pytest.raises(VerifyError, match="what no pass can make"):
        filter_array(_Liar(), silent, [("binary_propagation", {"mask": MASK})], SEED, 8)


@pytest.mark.parametrize("before", [(0, 0), (1, 2), (5, 9)])
@pytest.mark.parametrize("after", [(0, 0), (3, 1)])
def test_the_tiles_that_are_concerned(before: tuple[int, int], after: tuple[int, int]) -> None:
    """Those whose blocks overlap the changed ones, and no others."""
    plan = Plan(Grid((13, 10), (4, 3)), Halo(before, after), (False, False), 1, 1)
    for changed in range(len(plan)):
        box = plan[changed].write
        overlapping = {
            tile.index
            for tile in plan
            if tile.index != changed
            and all(
                low < other_high and other_low < high
                for low, high, other_low, other_high in zip(
                    tile.read.start, tile.read.stop, box.start, box.stop, strict=True
                )
            )
        }
        assert set(concerned(plan, [changed])) == overlapping
