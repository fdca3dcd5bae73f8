"""`coordinator.gaussian_filter` against SciPy, in bits: this machine's threads, arrays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage

from coordinator import gaussian_filter
from coordinator import ndimage as ours
from tests.support.equality import assert_same_bits
from tests.support.strategies import COMPLEX, LAYOUTS, REAL, Problem, problems, samples
from tiling.dtypes import Array
from tiling.errors import TilingError
from tiling.geometry.edges import MODES

# NumPy tells of casts that do not fit; SciPy's C code and we are asked for their bits only.
pytestmark = pytest.mark.filterwarnings(
    "ignore:invalid value encountered in cast:RuntimeWarning",
    "ignore:overflow encountered in cast:RuntimeWarning",
)


@settings(max_examples=400)
@given(problems())
def test_any_problem(problem: Problem) -> None:
    """Whatever SciPy accepts, cut in any way, gives SciPy's bits."""
    problem.check(gaussian_filter)


@pytest.mark.parametrize("output", [None, "<f4", "<f8", "i2", "u8"])
@pytest.mark.parametrize("dtype", REAL)
def test_every_pair_of_real_dtypes(dtype: str, output: str | None) -> None:
    """Every pass casts to the output's dtype, in every tile."""
    Problem(
        samples((40, 30, 3), dtype, 1, special=False), (2, 1.5, 0), {}, output, (16, 7, 2)
    ).check(gaussian_filter)


@pytest.mark.parametrize("output", [None, *COMPLEX])
@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("cval", [0, 1 - 2j, complex(np.nan, -np.inf)], ids=str)
def test_complex_numbers(dtype: str, output: str | None, cval: complex) -> None:
    """Real and imaginary parts are filtered alike, with parts of the fill value."""
    keywords = {"mode": "constant", "cval": cval}
    array = samples((20, 9), dtype, 2, special=False)
    Problem(array, 1.5, keywords, output, 6).check(gaussian_filter)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("output", [None, ("f4", "Fortran"), (">i4", "strided")], ids=str)
def test_layouts(layout: str, output: Any) -> None:
    """Strides, byte order and alignment of input and output are nobody's business."""
    array = LAYOUTS[layout](samples((13, 11, 4), "f4", 3, special=False))
    Problem(array, 1.0, {"mode": "wrap"}, output, (5, 4, 3)).check(gaussian_filter)


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"read-only"}))
def test_in_place(layout: str) -> None:
    """The output may be the input; tiles then still read what it was."""
    array = LAYOUTS[layout](samples((13, 11, 4), "i2", 3, special=False))
    Problem(array, 1.0, {"mode": "wrap"}, "in place", (5, 4, 3)).check(gaussian_filter)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("length", [1, 2, 3, 7])
@pytest.mark.parametrize("radius", [1, 2, 6, 7, 20])
def test_radius_beyond_the_axis(mode: str, length: int, radius: int) -> None:
    """The edge repeats again and again; so it does in every tile, of any size."""
    array = samples((length, 5), "f8", 4, special=False)
    for tile in (1, 2, length):
        keywords = {"mode": mode, "radius": radius, "cval": 3.5}
        Problem(array, 4.0, keywords, None, tile).check(gaussian_filter)


def test_a_mode_for_each_axis() -> None:
    """Wrap along one axis reads round it, while the others are clipped."""
    array = samples((15, 16, 17), "i2", 5, special=False)
    keywords = {"mode": ("wrap", "mirror", "constant"), "cval": -7}
    Problem(array, (1, 2, 3), keywords, None, (4, 5, 6)).check(gaussian_filter)


@pytest.mark.parametrize("gap", [(0, 1), (1, 0), (0, 3), (3, 0)], ids=str)
@pytest.mark.parametrize("tile", [None, 3, (2, 8)], ids=str)
def test_output_overlapping_the_input(gap: tuple[int, int], tile: Any) -> None:
    """What one tile writes is not what another reads: the answer is that of the input as it was."""
    base = samples((20, 8), "f8", 6, special=False)
    shorter = len(base) - max(gap)
    array, out = (base[start : start + shorter] for start in gap)
    want = ndimage.gaussian_filter(array.copy(), 1.5)
    assert gaussian_filter(array, 1.5, output=out, tile=tile) is out
    assert_same_bits(out.copy(), want)


def test_output_interleaved_with_the_input() -> None:
    """Even rows into odd rows: the bounds overlap, the samples do not."""
    base = samples((20, 8), "f8", 7, special=False)
    want = ndimage.gaussian_filter(base[::2].copy(), 2.0)
    gaussian_filter(base[::2], 2.0, output=base[1::2], tile=3)
    assert_same_bits(base[1::2].copy(), want)


def test_memory_maps(tmp_path: Path) -> None:
    """Input and output may be files."""
    array = samples((30, 20), ">u2", 8, special=False)
    np.save(tmp_path / "in.npy", array)
    mapped = np.load(tmp_path / "in.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.dtype("<i4"), (30, 20))
    gaussian_filter(mapped, 2, output=out, tile=(7, 9))
    out.flush()
    want = ndimage.gaussian_filter(array, 2, output=np.int32)
    assert_same_bits(np.load(tmp_path / "out.npy"), want)


@pytest.mark.parametrize("tile", [(), 1, 5, None], ids=str)
@pytest.mark.parametrize("value", [3, 2.5, np.float32(1), np.array(7, ">i2"), 1j], ids=repr)
def test_arrays_without_axes(value: Any, tile: Any) -> None:
    """They are copied, in native byte order."""
    want = ndimage.gaussian_filter(value, 2.0)
    assert_same_bits(gaussian_filter(value, 2.0, tile=tile), want)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 4)], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_arrays_without_samples(shape: tuple[int, ...], mode: str) -> None:
    """They come back as they are."""
    Problem(np.zeros(shape, "i2"), 2.0, {"mode": mode}, "f4").check(gaussian_filter)


@pytest.mark.parametrize(
    "tile",
    [0, -1, (4,), (4, 4, 4), (4, 0), 2.5, (2.5, 3), "44", "x", {}, [None, 1]],
    ids=repr,
)
def test_tiles_that_make_no_sense(tile: Any) -> None:
    """Refused with a sentence that says so, whatever they are."""
    with pytest.raises(TilingError, match="tile"):
        gaussian_filter(np.zeros((8, 8)), 1.0, tile=tile)


@pytest.mark.parametrize(
    "tile", [np.int64(3), np.array([3, 4]), range(3, 5), [5, 10**30]], ids=repr
)
def test_tiles_of_any_integers(tile: Any) -> None:
    """NumPy's integers are integers, and a tile may be larger than the array."""
    Problem(samples((9, 10), "f8", 9, special=False), 1.0, {}, None, tile).check(gaussian_filter)


def test_a_read_only_output_is_refused_and_untouched() -> None:
    """NumPy's word for it is ValueError, as in SciPy."""
    out = np.zeros((8, 8))
    out.flags.writeable = False
    for function in (ndimage.gaussian_filter, gaussian_filter):
        with pytest.raises(ValueError, match="read-only"):
            function(np.ones((8, 8)), 1.0, output=out)
    assert not out.any()


@pytest.mark.parametrize("name", ["median_filter", "maximum_filter", "correlate", "grey_dilation"])
def test_one_sample_that_is_broadcast(name: str) -> None:
    """SciPy takes most of its neighbours for the outside: refused, and a copy is filtered."""
    cross = ndimage.generate_binary_structure(2, 1)
    key = {"correlate": "weights", "grey_dilation": "structure"}.get(name, "footprint")
    array: Array = np.broadcast_to(np.float64(3), (20, 20))
    with pytest.raises(TilingError, match=r"one sample broadcast.*np\.ascontiguousarray"):
        getattr(ours, name)(array, **{key: cross})
    copy = np.ascontiguousarray(array)
    expected = getattr(ndimage, name)(copy, **{key: cross})
    assert_same_bits(getattr(ours, name)(copy, **{key: cross}), expected)


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("mode", ["reflect", "constant", "wrap"])
def test_ranks_of_a_line_that_is_one_sample(mode: str, dtype: str) -> None:
    """SciPy has other code for lines, which is right; where the window is too deep it has not."""
    line: Array = np.broadcast_to(np.array(3, dtype), (20,))
    for size, origin in ((5, 0), (4, 1), (9, -4)):
        given: Any = {"size": size, "origin": origin, "mode": mode, "cval": 1}
        assert_same_bits(ours.median_filter(line, **given), ndimage.median_filter(line, **given))
        copy = np.ascontiguousarray(line)
        assert_same_bits(ours.median_filter(line, **given), ndimage.median_filter(copy, **given))
    with pytest.raises(TilingError, match="one sample broadcast"):
        ours.median_filter(line, size=43)


def test_inside_a_running_event_loop() -> None:
    """As in Jupyter."""
    array = samples((30, 20), "f4", 10, special=False)

    async def cell() -> Any:
        return gaussian_filter(array, 1.0, tile=8)

    assert_same_bits(asyncio.run(cell()), ndimage.gaussian_filter(array, 1.0))


WARNED: list[tuple[str, dict[str, Any], str]] = [
    ("median_filter", {"size": 3, "footprint": np.ones((3, 3))}, "ignoring size"),
    ("grey_opening", {"size": 3, "footprint": np.ones((3, 3))}, "ignoring size"),
    ("correlate1d", {"weights": [1, 1j], "output": np.float32}, "promoting specified output"),
]


@pytest.mark.parametrize(("name", "parameters", "words"), WARNED)
def test_scipys_warnings_are_given(name: str, parameters: dict[str, Any], words: str) -> None:
    """At the line that calls the function, as SciPy does."""
    x = np.arange(20.0).reshape(4, 5)
    with pytest.warns(UserWarning, match=words):
        want = getattr(ndimage, name)(x, **parameters)
    with pytest.warns(UserWarning, match=words) as heard:
        got = getattr(ours, name)(x, **parameters)
    assert_same_bits(got, want)
    assert heard[0].filename == __file__
