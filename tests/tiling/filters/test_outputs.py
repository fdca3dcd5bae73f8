"""Outputs, copies and fill values at the limits of dtypes have SciPy's bits, or are refused."""

from __future__ import annotations

import platform
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as scipy_ndimage

from coordinator import ndimage
from coordinator.api.local import run
from tests.support.equality import assert_same_bits
from tiling.dtypes import depends_on_layout
from tiling.errors import UnsupportedError
from tiling.jobs.job import Job

X = np.random.default_rng(5).integers(0, 9, (7, 8)).astype("int16")
LINE = np.random.default_rng(6).integers(-(2**62), 2**62, 9)

IGNORED: dict[str, Any] = {
    "another byte order": ">i2",
    "bool": "?",
    "a dtype": np.dtype("f8"),
    "a type": np.int8,
    "a list": [1, 2],
    "a number": 3,
    "no dtype": "nonsense",
}
OWN_DTYPE = (
    *("morphological_gradient", "morphological_laplace"),
    *("binary_erosion", "binary_dilation", "binary_opening", "binary_closing"),
    *("binary_propagation", "binary_fill_holes"),
)


@pytest.mark.parametrize("output", IGNORED.values(), ids=IGNORED)
@pytest.mark.parametrize("name", OWN_DTYPE)
def test_outputs_that_scipy_ignores_are_ignored(name: str, output: Any) -> None:
    """These filters heed arrays only; else they have a dtype of their own."""
    array, size = (X, {"size": 3}) if name.startswith("morph") else (X > 4, {})
    got = getattr(ndimage, name)(array, **size, output=output, tile=3)
    assert_same_bits(got, getattr(scipy_ndimage, name)(array, **size, output=output))


@pytest.mark.filterwarnings(
    "ignore:.*WRITEBACKIFCOPY", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("name", OWN_DTYPE)
def test_outputs_that_are_arrays_are_filled(name: str) -> None:
    """Their dtype counts, also in a foreign byte order (of which SciPy's iterations warn)."""
    array, size = (X, {"size": 3}) if name.startswith("morph") else (X > 4, {})
    got, want = (np.zeros(X.shape, ">i4") for _ in range(2))
    getattr(ndimage, name)(array, **size, output=got, tile=3)
    getattr(scipy_ndimage, name)(array, **size, output=want)
    assert_same_bits(got, want)


def floats(dtype: str) -> npt.NDArray[Any]:
    """Return floats of which many fit into no integer."""
    rng = np.random.default_rng(8)
    special = [
        np.nan,
        -np.nan,
        np.inf,
        -np.inf,
        1e10,
        -1e10,
        1e20,
        255.7,
        -0.5,
        2.0**31,
        -(2.0**63),
    ]
    with np.errstate(over="ignore"):
        array = rng.choice(special, (37, 41)).astype(dtype)
    if array.dtype.kind == "c":
        array.imag = 1.0
    return array


COPIES: dict[str, tuple[str, dict[str, Any]]] = {
    "gaussian_filter": ("gaussian_filter", {"sigma": 0}),
    "gaussian_filter of no axes": ("gaussian_filter", {"sigma": 1, "axes": ()}),
    "laplace of no axes": ("laplace", {"axes": ()}),
    "uniform_filter": ("uniform_filter", {"size": 1}),
    "minimum_filter": ("minimum_filter", {"size": 1}),
}


@pytest.mark.parametrize("target", ["i1", "i2", "i4", "i8", "u1", "u2", "u8"])
@pytest.mark.parametrize("source", ["f4", "f8", ">f4"])
@pytest.mark.parametrize(("name", "parameters"), COPIES.values(), ids=COPIES)
def test_copies_of_floats_to_integers(
    name: str, parameters: dict[str, Any], source: str, target: str
) -> None:
    """Where nothing is filtered SciPy copies, and so do tiles of any shape."""
    array = floats(source)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = getattr(scipy_ndimage, name)(array, **parameters, output=target)
        for tile in (1, 5, (37, 1), (1, 41), 64):
            got = getattr(ndimage, name)(array, **parameters, output=target, tile=tile)
            assert_same_bits(got, want)


@pytest.mark.parametrize("layout", ["C", "F", "reversed", "apart", "foreign", "broadcast"])
@pytest.mark.parametrize("source", ["f4", "f8"])
def test_copies_of_floats_to_uint32(source: str, layout: str) -> None:
    """NumPy's bits depend on the layout there: it is copied at once, into what SciPy would fill."""
    array = floats(source)
    array = {
        "C": array,
        "F": np.asfortranarray(array),
        "reversed": array[::-1, ::-1],
        "apart": np.repeat(array, 2, axis=1)[:, ::2],
        "foreign": array.astype(array.dtype.newbyteorder(">")),
        "broadcast": np.broadcast_to(array[:, :1], array.shape),
    }[layout]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for output in ("u4", np.empty(array.shape, ">u4"), np.empty(array.shape[::-1], "u4").T):
            ours, theirs = (
                output.copy("K") if isinstance(output, np.ndarray) else output for _ in range(2)
            )
            want = scipy_ndimage.gaussian_filter(array, 0, output=theirs)
            assert_same_bits(ndimage.gaussian_filter(array, 0, output=ours, tile=3), want)
        links: list[Any] = [
            ("gaussian_filter", {"sigma": 0, "output": "u4"}),
            ("maximum_filter", {"size": 3}),
        ]
        want = scipy_ndimage.gaussian_filter(array, 0, output="u4")
        assert_same_bits(run(links, array, tile=3), scipy_ndimage.maximum_filter(want, 3))


def test_sums_of_copies_to_uint32() -> None:
    """SciPy makes the first copy in the output, so they are refused where its layout is another."""
    array = floats("f8")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("gaussian_laplace", "gaussian_gradient_magnitude"):
            want = getattr(scipy_ndimage, name)(array, 0, output="u4")
            for output in ("u4", np.empty(array.shape, "u4")):
                assert_same_bits(getattr(ndimage, name)(array, 0, output=output, tile=3), want)
            for out in (np.empty(array.shape, ">u4"), np.empty(array.shape[::-1], "u4").T):
                with pytest.raises(UnsupportedError, match="layout of the output"):
                    getattr(ndimage, name)(array, 0, output=out)


FILLS = (2**53 + 1, 2**62 + 1, -(2**62) - 3, 2**63 - 1, -(2**63), np.int64(2**60 + 1), 2.0**60, 2.7)


@pytest.mark.parametrize("cval", FILLS, ids=str)
@pytest.mark.parametrize("dtype", ["i8", "u8", "i4"])
def test_fill_values_of_integers_on_lines(dtype: str, cval: Any) -> None:
    """SciPy's rank filter of one axis reads them as int64, all others as float64."""
    line = LINE.astype(dtype)
    parameters = {"mode": "constant", "cval": cval}
    for name, size in (("median_filter", 4), ("minimum_filter", 3), ("minimum_filter1d", 3)):
        got = getattr(ndimage, name)(line, size, **parameters)
        assert_same_bits(got, getattr(scipy_ndimage, name)(line, size, **parameters))
    square = line.reshape(3, 3)
    got = ndimage.rank_filter(square, 1, 3, **parameters, tile=2)
    assert_same_bits(got, scipy_ndimage.rank_filter(square, 1, 3, **parameters))


def test_fill_values_of_integers_travel_exactly() -> None:
    """A job's JSON has the integer that no float64 holds."""
    from tiling.filters import FILTERS

    call = FILTERS["median_filter"].call(
        1, np.dtype("i8"), 3, mode="constant", cval=2**60 + 1, origin=0
    )
    job = Job(1, (call,))
    assert Job.decode(job.encode()) == job
    assert b"1152921504606846977" in job.encode()


@pytest.mark.parametrize("name", ["correlate", "convolve", "correlate1d", "convolve1d"])
def test_complex_weights_are_refused_in_place(name: str) -> None:
    """SciPy writes the real parts before it has read all of them; real weights are fine."""
    array = np.random.default_rng(3).random(9) + 1j
    with pytest.raises(UnsupportedError, match="shares memory with the input"):
        getattr(ndimage, name)(array, np.array([1, 2j, -1]), output=array)
    ours, theirs = array.copy(), array.copy()
    getattr(ndimage, name)(ours, np.array([1.0, 2, -1]), output=ours)
    getattr(scipy_ndimage, name)(theirs, np.array([1.0, 2, -1]), output=theirs)
    assert_same_bits(ours, theirs)


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="of x86-64")
def test_casts_that_depend_on_the_layout() -> None:
    """NumPy's only such casts are to uint32, where its loops convert otherwise than their rest."""
    floats, integers = ("f4", "f8", "c8", "c16"), ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
    found = {
        (source, target)
        for source in floats
        for target in integers
        if depends_on_layout(np.dtype(source), np.dtype(target))
    }
    assert found == {(source, "u4") for source in floats}
