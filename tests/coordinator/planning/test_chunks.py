"""How often chunks are read, and when that is said."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.machine import resident_bytes
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


@pytest.mark.parametrize(
    ("shape", "chunk"),
    [((16384, 4096, 4096), (64, 256, 256)), ((2**58,), (64,))],
    ids=["a terabyte", "more than any file holds"],
)
def test_a_plan_of_a_very_large_array(
    tmp_path: Path, shape: tuple[int, ...], chunk: tuple[int, ...]
) -> None:
    """Nothing as large is made, in memory or on the disk; its missing chunks are no hindrance."""
    pytest.importorskip("tensorstore")
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0.0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    }
    (tmp_path / "in.zarr").mkdir()
    (tmp_path / "in.zarr" / "zarr.json").write_text(json.dumps(document))
    placement = Placement(max_memory_bytes=resident_bytes() + 10**9)
    forecast = plan_chain([("gaussian_filter", {"sigma": 2.0})], tmp_path / "in.zarr", placement)
    assert forecast.bytes_back == math.prod(shape) * 4
    assert forecast.here_s > 60
    assert [path.name for path in tmp_path.iterdir()] == ["in.zarr"]
