"""`DataArray.tilefan`: dimensions by name, and all that a `DataArray` has besides samples."""

from __future__ import annotations

import doctest
import inspect
from typing import Any

import numpy as np
import pytest
import xarray
from scipy import ndimage

import tilefan.xarray
from coordinator.api import labelled
from tests.support.equality import assert_same_bits
from tiling.errors import BadTypeError, BadValueError
from tiling.filters import supported

EAGER = xarray.DataArray(
    np.random.default_rng(0).normal(size=(3, 20, 30)),
    dims=("t", "y", "x"),
    coords={"t": [1, 2, 4], "x": np.arange(30) / 2, "of_rows": ("y", np.arange(20))},
    name="height",
    attrs={"units": "m"},
)
LAZY = EAGER.chunk({"y": 7, "x": 11})
X = EAGER.values

CALLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("gaussian_filter", {"sigma": {"x": 2, "y": 1}}, {"sigma": (1, 2), "axes": (1, 2)}),
    ("gaussian_filter", {"sigma": 1.5}, {"sigma": 1.5}),
    ("gaussian_filter", {"sigma": 1, "axes": "x"}, {"sigma": 1, "axes": 2}),
    (
        "uniform_filter",
        {"size": {"y": 3, "x": 5}, "mode": {"x": "wrap", "y": "mirror"}, "axes": ("x", "y")},
        {"size": (3, 5), "mode": ("mirror", "wrap"), "axes": (1, 2)},
    ),
    (
        "median_filter",
        {"size": {"y": 3, "x": 5}, "origin": (1, 0), "axes": ("x", "y")},
        {"size": (3, 5), "origin": (0, 1), "axes": (1, 2)},
    ),
    ("median_filter", {"size": {"y": 3, "x": 5}, "axes": (2, 1)}, {"size": (3, 5), "axes": (1, 2)}),
    (
        "grey_erosion",
        {"structure": xarray.DataArray([[1, 2, 5], [4, 0, 3]], dims=("x", "y"))},
        {"structure": [[1, 4], [2, 0], [5, 3]], "axes": (1, 2)},
    ),
    (
        "correlate",
        {
            "weights": xarray.DataArray([[[1], [2]], [[3], [4]]], dims=("y", "x", "t")),
            "origin": {"x": -1, "y": 0, "t": 0},
        },
        {"weights": [[[1, 2], [3, 4]]], "origin": (0, 0, -1)},
    ),
    ("sobel", {"axis": "y"}, {"axis": 1}),
    (
        "sobel",
        {"axis": "x", "mode": {"t": "wrap", "y": "wrap", "x": "nearest"}},
        {"axis": 2, "mode": ("wrap", "wrap", "nearest")},
    ),
    ("median_filter", {"size": {"y": 3}}, {"size": 3, "axes": 1}),
    (
        "gaussian_gradient_magnitude",
        {"sigma": {"y": 1, "x": 2}, "mode": {"y": "wrap", "x": "wrap"}},
        {"sigma": (0, 1, 2), "mode": "wrap", "axes": (1, 2)},
    ),
    ("gaussian_filter1d", {"sigma": 2, "axis": "t"}, {"sigma": 2, "axis": 0}),
    ("correlate", {"weights": [[1, 2]], "axes": ["y", "x"]}, {"weights": [[1, 2]], "axes": (1, 2)}),
]


@pytest.mark.parametrize("array", [EAGER, LAZY], ids=["eager", "lazy"])
@pytest.mark.parametrize(("name", "given", "scipys"), CALLS)
def test_dimensions_are_axes(
    array: Any, name: str, given: dict[str, Any], scipys: dict[str, Any]
) -> None:
    """SciPy's bits, and the array's dimensions, coordinates, name and attributes, lazy or not."""
    got = getattr(array.tilefan, name)(**given)
    assert got.chunks == array.chunks
    want = EAGER.copy(data=getattr(ndimage, name)(X, **scipys))
    assert got.identical(want)
    assert_same_bits(got.values, want.values)


@pytest.mark.parametrize("array", [EAGER, LAZY], ids=["eager", "lazy"])
def test_masks_are_turned_to_the_array(array: Any) -> None:
    """A mask's dimensions may be in another order, and the mask lazy or not."""
    mask = EAGER < 1
    for given in (
        mask.transpose("x", "t", "y"),
        mask.chunk(5).transpose("y", "x", "t"),
        mask.values,
    ):
        got = (array > 1).tilefan.binary_dilation(iterations=2, mask=given)
        want = ndimage.binary_dilation(X > 1, iterations=2, mask=mask.values)
        assert_same_bits(got.values, want)
    with pytest.raises(BadValueError, match="the mask has the dimensions y, x, and the array"):
        array.tilefan.binary_dilation(mask=mask[0])
    with pytest.raises(BadValueError, match="the mask has other coordinates than the array"):
        array.tilefan.binary_dilation(mask=mask.isel(x=slice(None, None, -1)))


def test_chains_name_dimensions_too() -> None:
    """In one pass."""
    links = [("gaussian_filter", {"sigma": {"y": 1, "x": 2}}), ("sobel", {"axis": "y"})]
    want = ndimage.sobel(ndimage.gaussian_filter(X, (1, 2), axes=(1, 2)), 1)
    for array in (EAGER, LAZY):
        assert_same_bits(array.tilefan.run(links).values, want)


@pytest.mark.parametrize(
    ("name", "given", "kind", "words"),
    [
        ("gaussian_filter", {"sigma": {"z": 1}}, BadValueError, "no dimension 'z'; .* t, y, x"),
        (
            "gaussian_filter",
            {"sigma": {"x": 1}, "mode": {"y": "wrap"}},
            BadValueError,
            "sigma is for x, and must be for y, x",
        ),
        ("sobel", {"mode": {"y": "wrap"}}, BadValueError, "must be for t, y, x"),
        ("sobel", {"axis": "z"}, BadValueError, "no dimension 'z'"),
        ("gaussian_filter", {"sigma": 1, "cval": {"y": 1}}, BadTypeError, "cval takes one value"),
        ("gaussian_filter", {"sigma": 1, "axes": ("x", 1)}, BadValueError, "no dimension 1"),
        ("gaussian_filter", {"sgima": {"x": 1}}, BadTypeError, "sgima"),
        ("run", {"links": [("blur", {"sigma": {"x": 1}})]}, BadValueError, "no filter"),
        ("run", {"links": [("sobel", {"axle": {"x": 1}})]}, BadTypeError, "axle"),
    ],
    ids=str,
)
def test_mistakes(name: str, given: dict[str, Any], kind: type[Exception], words: str) -> None:
    """Each is told with the dimensions that there are."""
    with pytest.raises(kind, match=words):
        getattr(EAGER.tilefan, name)(**given)


def test_how_the_array_was_stored_is_not_passed_on() -> None:
    """Means of scaled integers would be rounded when they are saved."""
    array = EAGER.copy()
    array.encoding = {"dtype": "int16", "scale_factor": 0.1}
    assert array.tilefan.gaussian_filter(1).encoding == {}
    assert array.encoding


def test_there_is_a_method_for_each_row() -> None:
    """With SciPy's parameters."""
    for row in supported():
        own = list(inspect.signature(getattr(EAGER.tilefan, row.name)).parameters)
        assert own == list(row.signature.parameters)


@pytest.mark.parametrize("module", [labelled, tilefan.xarray], ids=lambda each: each.__name__)
def test_examples_run(module: Any) -> None:
    """What a docstring shows is what happens."""
    results = doctest.testmod(module)
    assert results.attempted > 1
    assert results.failed == 0
