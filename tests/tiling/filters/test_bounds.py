"""Bounds that decide whether tiles are whole lines: no NaN and no rounding is lost from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from coordinator import ndimage
from tests.support.equality import assert_same_bits
from tests.tiling.filters.test_chains import in_turn

RNG = np.random.default_rng(7)
NODATA = -1.797e308
EXTREMA: list[tuple[str, dict[str, Any]]] = [
    ("maximum_filter1d", {"size": 5}),
    ("minimum_filter1d", {"size": 21}),
    ("grey_opening", {"size": (15,)}),
]


def wide(dtype: str, largest: float) -> npt.NDArray[Any]:
    """Return a line of samples of both signs up to the largest."""
    return (RNG.uniform(-1, 1, 400) * largest).astype(dtype)


def with_nodata() -> npt.NDArray[Any]:
    x = RNG.normal(size=400)
    x[RNG.random(400) < 0.3] = NODATA
    x[RNG.random(400) < 0.1] = -NODATA
    return x


def with_nan() -> npt.NDArray[Any]:
    x = RNG.normal(size=400)
    x[RNG.random(400) < 0.1] = np.nan
    return x


BEFORE: list[tuple[str, dict[str, Any], npt.NDArray[Any]]] = [
    ("gaussian_gradient_magnitude", {"sigma": 0.3}, with_nan()),
    ("gaussian_gradient_magnitude", {"sigma": 0.3}, with_nan().astype("f4")),
    ("gaussian_gradient_magnitude", {"sigma": 1}, wide("f8", 1e200)),
    ("uniform_filter1d", {"size": 3}, wide("f8", 1.2e308)),
    ("uniform_filter1d", {"size": 1}, wide("f8", 1.2e308)),
    ("uniform_filter1d", {"size": 3}, with_nodata()),
    ("uniform_filter1d", {"size": 3, "output": "f4"}, wide("f8", 1.2e308)),
    ("gaussian_filter1d", {"sigma": 1}, wide("f8", 1.2e308)),
    ("gaussian_filter1d", {"sigma": 1}, with_nodata()),
    ("gaussian_filter1d", {"sigma": 1}, wide("f4", 3e38)),
    ("correlate1d", {"weights": [1e-3, 0, 1e-3]}, wide("f8", 1.7e308)),
    ("correlate", {"weights": [0.5, -0.5]}, wide("f8", 1.7e308)),
    ("laplace", {}, wide("f8", 8e307)),
]


@pytest.mark.parametrize("tile", [1, 7])
@pytest.mark.parametrize("after", EXTREMA, ids=[name for name, _ in EXTREMA])
@pytest.mark.parametrize(
    "before", BEFORE, ids=[f"{k}-{name}-{x.dtype}" for k, (name, _, x) in enumerate(BEFORE)]
)
def test_no_nan_is_lost_on_its_way_to_an_extremum(
    before: tuple[str, dict[str, Any], npt.NDArray[Any]], after: tuple[str, Any], tile: int
) -> None:
    """A NaN that the first filter hands on, or makes by overflow, marks the line of the second."""
    name, parameters, x = before
    links = [(name, parameters), after]
    assert_same_bits(ndimage.run(links, x, tile=tile), in_turn(links, x))


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("exponent", [50, 51, 52, 53])
def test_means_of_large_integers(size: int, exponent: int) -> None:
    """The difference of two samples is rounded before their sum is."""
    x = RNG.integers(-(2**exponent), 2**exponent, 400, dtype="i8")
    links: list[tuple[str, dict[str, Any]]] = [("uniform_filter1d", {"size": size})]
    assert_same_bits(ndimage.run(links, x, tile=3), in_turn(links, x))
