"""Samples in a smaller type come back bit for bit, or are left as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.support.equality import assert_same_bits
from tiling.dtypes import COPIED, Array
from tiling.protocol.narrow import PIECE, SAMPLES, narrowed, narrower

DTYPES = [dtype.newbyteorder(order) for dtype in COPIED.values() for order in "<>"]


def widened(small: Array, samples: Array) -> Array:
    back = np.empty_like(samples)
    back[...] = small
    return back


@st.composite
def blocks(draw: st.DrawFn) -> Array:
    """Draw samples of any dtype, any bits or small whole numbers among them."""
    dtype = draw(st.sampled_from(DTYPES))
    count = draw(st.integers(0, 50))
    if dtype.kind == "b" or draw(st.booleans()):
        return draw(arrays.arrays(dtype, count))
    whole = draw(st.lists(st.integers(0, draw(st.integers(1, 2**17))), min_size=count))
    with np.errstate(all="ignore"):
        return np.array(whole, np.int64).astype(dtype)


@given(blocks())
def test_what_is_narrowed_comes_back(samples: Array) -> None:
    """Of every dtype, in both byte orders: the same bits, in an integer type that is smaller."""
    small = narrowed(samples)
    if small is not None:
        assert small.dtype in narrower(samples.dtype)
        assert_same_bits(widened(small, samples), samples)


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype.kind in "iuf"], ids=str)
def test_the_smallest_type_that_fits(dtype: np.dtype[Any]) -> None:
    """Both limits of each type, and one beyond them, which makes it a larger one or none."""
    for small in narrower(dtype):
        limits = np.iinfo(small)
        if dtype.kind == "u" and limits.min < 0:
            continue
        exact = np.array([limits.min, limits.max]).astype(dtype)
        got = narrowed(exact)
        assert got is not None
        assert got.itemsize <= small.itemsize
        assert_same_bits(widened(got, exact), exact)
        beyond = narrowed(np.append(exact, np.array([limits.max + 1]).astype(dtype)))
        assert beyond is None or beyond.dtype != small


ODD = {
    "minus zero": -0.0,
    "not a number": np.nan,
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "a fraction": 0.5,
    "subnormal": 1e-40,
    "too large": 2.0**33,
}


@pytest.mark.parametrize("place", [0, 17, PIECE + 1, -1])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
def test_one_odd_number_refuses_it(dtype: str, odd: float, place: int) -> None:
    """Wherever it is, in the sample or not: the whole block stays as it is."""
    samples = (np.arange(2 * PIECE) % 200).astype(dtype)
    assert narrowed(samples) is not None
    samples[place] = odd
    assert narrowed(samples) is None


@pytest.mark.parametrize("order", "<>")
def test_what_the_sample_did_not_show(order: str) -> None:
    """A larger number makes it a larger type, as often as one comes."""
    samples = (np.arange(40 * SAMPLES) % 100).astype(f"{order}i8")
    samples[-5:] = -1, 300, -300, 70_000, -70_000
    small = narrowed(samples)
    assert small is not None
    assert small.dtype == "<i4"
    assert_same_bits(widened(small, samples), samples)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "c8", "c16"])
def test_what_can_not_be_smaller(dtype: str) -> None:
    """Bytes are as small as can be, and of complex numbers nobody asked it."""
    assert narrowed(np.zeros(100, dtype)) is None
