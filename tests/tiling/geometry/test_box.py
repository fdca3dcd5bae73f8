"""Boxes: half-open, and moved without loss."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tiling.errors import BadValueError
from tiling.geometry.box import Box
from tiling.geometry.halo import Halo


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    start = draw(st.lists(st.integers(-5, 5), max_size=4))
    return Box(tuple(start), tuple(a + draw(st.integers(0, 4)) for a in start))


@given(boxes())
def test_a_box_is_its_points(box: Box) -> None:
    """Shape, size and membership agree with the points counted one by one."""
    points = list(itertools.product(*map(range, box.start, box.stop)))
    assert len(points) == box.size == np.prod(box.shape, dtype=int)
    outer = Box((-5,) * box.ndim, (9,) * box.ndim)
    assert box.within(outer)
    assert all(-5 <= coordinate < 9 for point in points for coordinate in point)


@given(boxes(), st.data())
def test_shifting_there_and_back(box: Box, data: st.DataObject) -> None:
    """A shift keeps the shape and has an inverse."""
    by = data.draw(st.tuples(*[st.integers(-9, 9)] * box.ndim))
    assert box.shift(by).shape == box.shape
    assert box.shift(by).shift(tuple(-step for step in by)) == box


def test_inside_is_the_same_piece_of_the_block() -> None:
    """Cutting the outer box and then the inner within it is cutting the inner one."""
    x = np.arange(60).reshape(10, 6)
    outer, inner = Box((2, 1), (9, 6)), Box((3, 2), (5, 6))
    assert_same_bits(x[outer.slices][inner.inside(outer).slices], x[inner.slices])


def test_the_box_of_a_whole_array() -> None:
    """It starts at the origin; without axes it holds one point."""
    assert Box.whole((3, 0)) == Box((0, 0), (3, 0))
    assert Box.whole(()).size == 1


@pytest.mark.parametrize(
    ("inner", "within"),
    [((2, 5), True), ((1, 5), False), ((2, 6), False), ((2, 2), True), ((-3, -1), False)],
)
def test_within(inner: tuple[int, int], within: bool) -> None:
    """Touching the edge from inside is within."""
    assert Box((inner[0],), (inner[1],)).within(Box((2,), (5,))) is within


@pytest.mark.parametrize(
    ("start", "stop"), [((0,), (1, 2)), ((3,), (2,)), ((0, 5), (1, 4))], ids=str
)
def test_no_box_is_inside_out(start: tuple[int, ...], stop: tuple[int, ...]) -> None:
    """A box that stops before it starts, or has two ranks, is not made."""
    with pytest.raises(BadValueError):
        Box(start, stop)


@pytest.mark.parametrize(("before", "after"), [((1,), (1, 2)), ((-1,), (1,)), ((1,), (-1,))])
def test_no_halo_is_negative(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """A halo has two sides of one rank, and neither is negative."""
    with pytest.raises(BadValueError):
        Halo(before, after)
