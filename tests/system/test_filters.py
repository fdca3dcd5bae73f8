"""A sample of every row over two real workers, against SciPy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator import Fleet
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess
from tests.tiling.filters.test_table import ROWS, SAMPLES

SHAPE = (23, 17, 3)


@pytest.fixture(scope="module")
def fleet(two_workers: list[WorkerProcess]) -> Iterator[Fleet]:
    with Fleet([worker.address for worker in two_workers]) as fleet:
        yield fleet


def fitted(name: str) -> dict[str, Any]:
    """Return parameters for arrays of three axes."""
    parameters = dict(SAMPLES.get(name, {}))
    if name in ("correlate", "convolve"):
        parameters["weights"] = np.arange(8).reshape(2, 2, 2)
    return parameters


@pytest.mark.parametrize("dtype", ["u1", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", ROWS)
def test_workers_have_the_bits_of_scipy(fleet: Fleet, name: str, dtype: str) -> None:
    """Tiles of 8 samples, so that each has neighbours."""
    x = np.random.default_rng(3).normal(scale=60, size=SHAPE).astype(dtype)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = getattr(ndimage, name)(x, **fitted(name))
    assert_same_bits(getattr(fleet, name)(x, **fitted(name), tile=(8, 8, 3)), want)


def test_a_chain_over_workers(fleet: Fleet) -> None:
    """One pass, one composed halo."""
    x = np.random.default_rng(4).normal(size=SHAPE)
    links = [
        ("gaussian_filter", {"sigma": 2}),
        ("sobel", {"axis": 0}),
        ("maximum_filter", {"size": 5}),
    ]
    want = ndimage.maximum_filter(ndimage.sobel(ndimage.gaussian_filter(x, 2), 0), 5)
    assert_same_bits(fleet.run(links, x, tile=(8, 8, 3)), want)


def test_nan_takes_whole_lines_over_workers(fleet: Fleet) -> None:
    """Stages one after another over an intermediate array."""
    x = np.random.default_rng(5).choice([np.nan, *range(5)], SHAPE)
    assert_same_bits(fleet.grey_opening(x, 3, tile=4), ndimage.grey_opening(x, 3))


def test_a_mask_travels_with_the_tiles(fleet: Fleet) -> None:
    """And so it does until nothing changes."""
    rng = np.random.default_rng(6)
    x, mask = rng.random((60, 50)) < 0.02, rng.random((60, 50)) < 0.7
    for parameters in ({"iterations": 3}, {"iterations": -1}):
        got = fleet.binary_dilation(x, mask=mask, tile=8, **parameters)
        assert_same_bits(got, ndimage.binary_dilation(x, mask=mask, **parameters))
