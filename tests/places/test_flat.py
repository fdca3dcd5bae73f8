"""Boxes of flat files: what is written is read, and nothing beside it is touched."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from places.errors import CutShortError
from places.flat import Flat, read_box
from tests.support.equality import assert_same_bits
from tiling.geometry.box import Box


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, ...], Box]:
    shape = tuple(draw(st.lists(st.integers(1, 9), max_size=4)))
    start = tuple(draw(st.integers(0, length - 1)) for length in shape)
    stop = tuple(draw(st.integers(a, n)) for a, n in zip(start, shape, strict=True))
    return shape, Box(start, stop)


@settings(max_examples=200)
@given(boxes(), st.sampled_from(["<u2", ">f4", "|b1"]), st.booleans(), st.integers(0, 5))
def test_write_and_read(
    case: tuple[tuple[int, ...], Box], dtype: str, fortran: bool, offset: int
) -> None:
    """In either order, at any offset, whatever is around."""
    shape, box = case
    array = (np.arange(np.prod(shape)) % 2 if dtype == "|b1" else np.arange(np.prod(shape))).astype(
        dtype
    )
    array = array.reshape(shape)
    block = np.ones(box.shape, dtype)
    file = os.memfd_create("flat")
    try:
        laid = array.T if fortran else array
        os.pwrite(file, b"\xff" * offset + laid.tobytes() + b"\xff\xff", 0)
        flat = Flat(file, offset, laid.shape)
        want = array[(*box.slices, ...)].astype(array.dtype.newbyteorder("="))
        assert_same_bits(
            read_box(flat, array.dtype, box, fortran=fortran).copy("C"), want.copy("C")
        )
        flat.write_box(box.start[::-1] if fortran else box.start, block.T if fortran else block)
        array[(*box.slices, ...)] = 1
        after = os.pread(file, 10**6, 0)
    finally:
        os.close(file)
    assert after == b"\xff" * offset + laid.tobytes() + b"\xff\xff"


def test_round_the_edges(tmp_path: Path) -> None:
    """Mode wrap reads the far side."""
    array = np.arange(30, dtype="<i4").reshape(5, 6)
    (tmp_path / "x").write_bytes(array.tobytes())
    with (tmp_path / "x").open("rb") as file:
        flat = Flat(file.fileno(), 0, (5, 6))
        got = read_box(flat, array.dtype, Box((-2, 4), (2, 8)))
    assert_same_bits(got, np.roll(array, (2, 0), (0, 1))[:4][:, [4, 5, 0, 1]].copy())


def test_cut_short(tmp_path: Path) -> None:
    """A file that ends before its samples do is an error, no signal."""
    (tmp_path / "x").write_bytes(bytes(10))
    with (tmp_path / "x").open("rb") as file, pytest.raises(CutShortError):
        Flat(file.fileno(), 0, (20,)).read_box((5,), np.empty(10, "u1"))
