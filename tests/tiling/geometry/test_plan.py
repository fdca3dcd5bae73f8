"""The partition laws: what tiles own, what they read, and what that costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tiling.errors import BadValueError
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan


def plan_of(
    shape: tuple[int, ...],
    tile: tuple[int, ...],
    before: tuple[int, ...],
    after: tuple[int, ...],
    wraps: tuple[bool, ...],
) -> Plan:
    return Plan(Grid(shape, tile), Halo(before, after), wraps, 4, 8)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of 0 to 4 axes: empty axes, tiles and halos longer than the axis, any wraps."""
    ndim = draw(st.integers(0, 4))
    longest = (0, 40, 16, 8, 5)[ndim]

    def per_axis(strategy: st.SearchStrategy[int]) -> tuple[int, ...]:
        return tuple(draw(st.lists(strategy, min_size=ndim, max_size=ndim)))

    return plan_of(
        per_axis(st.integers(0, longest)),
        per_axis(st.integers(1, longest + 3)),
        per_axis(st.integers(0, longest + 9)),
        per_axis(st.integers(0, longest + 9)),
        tuple(map(bool, per_axis(st.integers(0, 1)))),
    )


@given(plans())
def test_write_boxes_tile_the_array(plan: Plan) -> None:
    """Every sample belongs to one tile, and no tile is empty."""
    shape = plan.grid.shape
    owned = np.zeros(shape, int)
    for tile in plan:
        assert tile.write.size > 0
        assert tile.write.within(Box.whole(shape))
        owned[tile.write.slices] += 1
    assert (owned == 1).all()
    assert len(plan) == len(list(plan)) == math.prod(plan.grid.counts)


@given(plans())
def test_read_is_write_and_halo(plan: Plan) -> None:
    """Clipped at the true edges, or wrapped, or the whole axis once it would be as long."""
    for tile in plan:
        sides = zip(
            tile.write.start,
            tile.write.stop,
            tile.read.start,
            tile.read.stop,
            plan.halo.before,
            plan.halo.after,
            plan.grid.shape,
            plan.wraps,
            strict=True,
        )
        for start, stop, low, high, before, after, length, wraps in sides:
            wide = (start - before, stop + after)
            if not wraps:
                assert (low, high) == (max(wide[0], 0), min(wide[1], length))
            elif wide[1] - wide[0] < length:
                assert (low, high) == wide
            else:
                assert (low, high) == (0, length)


@given(plans())
def test_crop_is_the_write_box_inside_the_read_box(plan: Plan) -> None:
    """It has the shape of what is written and lies in the block."""
    for tile in plan:
        assert tile.crop.shape == tile.write.shape
        assert tile.crop.within(Box.whole(tile.read.shape))
        assert tile.crop.shift(tile.read.start) == tile.write


@given(plans())
@example(plan_of((), (), (), (), ()))
@example(plan_of((7, 0), (2, 1), (3, 3), (1, 1), (True, False)))
def test_costs_in_closed_form_are_the_sums(plan: Plan) -> None:
    """What the plan says before the first tile is what the tiles add up to."""
    tiles = list(plan)
    assert plan.samples_in == sum(tile.read.size for tile in tiles)
    assert plan.bytes_in == 4 * plan.samples_in
    assert plan.bytes_out == 8 * sum(tile.write.size for tile in tiles)
    size = math.prod(plan.grid.shape)
    assert plan.halo_overhead == ((plan.samples_in - size) / size if size else 0)


@given(plans())
def test_no_tile_is_larger_than_announced(plan: Plan) -> None:
    """The largest block bounds every block, and the largest piece is reached."""
    for tile in plan:
        assert all(a <= b for a, b in zip(tile.read.shape, plan.largest_read, strict=True))
        assert all(a <= b for a, b in zip(tile.write.shape, plan.largest_write, strict=True))
    if len(plan):
        assert plan[0].write.shape == plan.largest_write
    assert all(a <= n for a, n in zip(plan.largest_read, plan.grid.shape, strict=True))


@given(plans())
def test_tiles_are_numbered(plan: Plan) -> None:
    """A tile's number finds it again; there is none beyond the last."""
    assert [tile.index for tile in plan] == list(range(len(plan)))
    assert [plan[tile.index] for tile in plan] == list(plan)
    for index in (-1, len(plan)):
        with pytest.raises(IndexError):
            plan[index]


def test_a_plan_of_many_tiles_is_lazy() -> None:
    """10^15 tiles cost nothing until they are asked for."""
    plan = plan_of((10**8, 10**8), (1, 10), (2, 2), (2, 2), (False, True))
    assert len(plan) == 10**15
    assert next(iter(plan)).write == Box((0, 0), (1, 10))
    assert plan[10**15 - 1].write == Box((10**8 - 1, 10**8 - 10), (10**8, 10**8))
    assert plan.samples_in == (5 * 10**8 - 6) * (14 * 10**7)


@pytest.mark.parametrize("tile", [(4,), (4, 4, 4), (0, 4), (4, -1), ()], ids=str)
def test_tiles_that_cut_nothing_are_refused(tile: tuple[int, ...]) -> None:
    """A wrong rank or a size below one is the caller's mistake."""
    with pytest.raises(BadValueError, match="tile"):
        Grid((8, 8), tile)


def test_a_plan_prints_in_words() -> None:
    """How the array is cut for people, and what makes the same plan for programmers."""
    plan = plan_of((10, 6), (4, 8), (1, 0), (2, 0), (False, False))
    assert str(plan) == (
        "3 tiles of at most (4, 6): a grid of (3, 1) on an array of (10, 6); "
        "halo (1, 0) before, (2, 0) after"
    )
    assert repr(plan).startswith("Plan(grid=Grid(")
    assert str(plan_of((), (), (), (), ())).startswith("1 tile of at most ()")
