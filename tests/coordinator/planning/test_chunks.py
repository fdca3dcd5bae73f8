"""How often chunks are read, and when that is said."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.planning.hints import chunks_read, of_chunks
from coordinator.workflows.plan_file import plan_chain
from coordinator.workflows.run_options import Placement
from tests.support.formats import ZARR
from tiling.geometry.edges import segments
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan

AXIS = st.tuples(st.integers(1, 30), st.integers(1, 9), st.integers(1, 9), st.integers(0, 6))


@given(st.lists(AXIS, min_size=1, max_size=2))
def test_chunks_are_counted(axes: list[tuple[int, int, int, int]]) -> None:
    """As often as tiles that read them, along each axis."""
    shape, tile, chunk, reach = (tuple(each) for each in zip(*axes, strict=True))
    plan = Plan(Grid(shape, tile), Halo(reach, reach), (False,) * len(shape), 4, 4)
    touched = 0
    for each in plan:
        for there, _ in segments(each.read, shape):
            pairs = zip(there.start, there.stop, chunk, strict=True)
            touched += math.prod((stop - 1) // n - start // n + 1 for start, stop, n in pairs)
    assert chunks_read(plan, chunk) == touched


@pytest.mark.parametrize(("tile", "said"), [(64, True), (256, False)])
def test_it_is_said_when_it_is_often(tile: int, said: bool) -> None:
    """Small tiles with a deep halo want each chunk again and again."""
    plan = Plan(Grid((512, 512), (tile, tile)), Halo((60, 60), (60, 60)), (False, False), 4, 4)
    assert bool([*of_chunks(plan, (64, 64))]) == said


def test_a_plan_of_zarr(tmp_path: Path) -> None:
    """Its tiles are whole chunks, and the forecast says how often they are wanted."""
    ZARR.require()
    pytest.importorskip("tensorstore")
    ZARR.save(tmp_path / "in.zarr", np.zeros((40, 40)))
    links = [("gaussian_filter", {"sigma": 2.0})]
    forecast = plan_chain(links, tmp_path / "in.zarr", Placement(tile=4))
    assert "100 chunks of the input are wanted" in forecast.caveats[-1]
    forecast = plan_chain(links, tmp_path / "in.zarr", Placement())
    assert forecast.stages[0].tile == (40, 40)
