"""Boxes that tiles read near the edges, and blocks fetched from the far side of the array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tiling.errors import UnsupportedError
from tiling.geometry.box import Box
from tiling.geometry.edges import MODES, plain_mode, read_interval, segments


@st.composite
def reaching(draw: st.DrawFn) -> tuple[tuple[int, ...], Box]:
    """Draw a shape, and a box that reaches round it anywhere but is no longer than it."""
    shape = tuple(draw(st.lists(st.integers(1, 6), max_size=4)))
    start = [draw(st.integers(-n, n)) for n in shape]
    stop = [a + draw(st.integers(0, min(n, 2 * n - a))) for a, n in zip(start, shape, strict=True)]
    return shape, Box(tuple(start), tuple(stop))


@given(reaching())
def test_segments_are_take_with_wrap(drawn: tuple[tuple[int, ...], Box]) -> None:
    """The pieces put together are what np.take(mode="wrap") gives, each sample written once."""
    shape, box = drawn
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    want = x
    for axis, (start, stop) in enumerate(zip(box.start, box.stop, strict=True)):
        want = np.take(want, range(start, stop), axis, mode="wrap")
    got, times = np.full(box.shape, -1), np.zeros(box.shape, int)
    for there, here in segments(box, shape):
        assert there.within(Box.whole(shape)) or not there.size
        got[here.slices] = x[there.slices]
        times[here.slices] += 1
    assert_same_bits(got, want)
    assert (times == 1).all()


def test_a_box_inside_is_one_segment() -> None:
    """So that a source can give a view instead of a copy."""
    assert list(segments(Box((2, 0), (5, 4)), (6, 4))) == [
        (Box((2, 0), (5, 4)), Box((0, 0), (3, 4)))
    ]


@given(st.integers(1, 20), st.integers(0, 25), st.integers(0, 25), st.booleans(), st.data())
def test_intervals_hold_what_every_output_needs(
    length: int, before: int, after: int, wraps: bool, data: st.DataObject
) -> None:
    """Each index that a window touches, clipped or wrapped, lies in what is read."""
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    low, high = read_interval((start, stop), (before, after), length, wraps=wraps)
    needed = set(range(start - before, stop + after))
    if wraps:
        read = {index % length for index in range(low, high)}
        assert {index % length for index in needed} == read
    else:
        read = set(range(low, high))
        assert needed & set(range(length)) == read
    assert low <= start
    assert stop <= high
    assert high - low <= length


def test_every_mode_of_scipy_has_a_plain_name() -> None:
    """The synonyms fold onto five modes."""
    assert set(MODES.values()) == {"reflect", "mirror", "nearest", "constant", "wrap"}
    assert all(plain_mode(name) == plain for name, plain in MODES.items())
    assert all(plain_mode(plain) == plain for plain in MODES.values())


@pytest.mark.parametrize("mode", ["", "Reflect", "symmetric", None, 0, ["wrap"], b"wrap"], ids=repr)
def test_other_modes_are_refused(mode: object) -> None:
    """As SciPy does, with a RuntimeError, whatever the type."""
    with pytest.raises(UnsupportedError, match="boundary mode not supported"):
        plain_mode(mode)
