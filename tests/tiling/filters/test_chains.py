"""Filters one after another in one pass, against SciPy's calls one after another."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from coordinator import ndimage
from tests.support.cases import CASES, inputs, sums_unlike_nans, tile_of
from tests.support.equality import assert_same_bits
from tests.tiling.filters.test_exact import agree, scipy_says
from tiling.errors import BadTypeError, BadValueError, UnsupportedError
from tiling.filters import FILTERS, Dtypes
from tiling.geometry.halo import Halo
from tiling.jobs.job import Job
from tiling.jobs.stages import stages

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
X = np.arange(96.0).reshape(8, 12)


def in_turn(links: list[tuple[str, dict[str, Any]]], x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Call SciPy's functions one after another."""
    for name, parameters in links:
        x = scipy_says(name, x, parameters)
    return x


@settings(suppress_health_check=SLOW)
@given(data=st.data())
def test_chains_have_the_bits_of_calls_in_turn(data: st.DataObject) -> None:
    """Two to four filters with any parameters, over tiles of any shape."""
    x = want = data.draw(inputs("gaussian_filter"))
    links: list[tuple[str, dict[str, Any]]] = []
    signs = True
    for _ in range(data.draw(st.integers(2, 4))):
        fitting = [name for name in CASES if takes(name, want)]
        name = data.draw(st.sampled_from(fitting))
        parameters = CASES[name](data.draw, want)
        assume(not links or parameters.get("mask") is None)
        result = scipy_says(name, want, parameters)
        assume(not isinstance(result, Exception))
        signs = signs and not sums_unlike_nans(name, want, parameters)
        links.append((name, parameters))
        want = result
    tile = tile_of(data.draw, x.ndim)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            got: Any = ndimage.run(links, x, tile=tile)
        except UnsupportedError as error:
            got = error
    agree(got, want, signs=signs)


def test_sums_may_exceed_all_numbers() -> None:
    """Samples near the largest float64 have no bound for their sum; their bits are the same."""
    x = np.array([255.5, 1e308, -1.0, -41.8, -161.7, 255.5, -130.5, -74.1])
    links = [("minimum_filter1d", {"size": 2}), ("morphological_gradient", {"size": 3})]
    agree(ndimage.run(links, x, tile=3), in_turn(links, x))


def takes(name: str, x: npt.NDArray[Any]) -> bool:
    return x.dtype.kind != "c" or FILTERS[name].dtypes is Dtypes.NUMBERS


MIXED = [
    [("uniform_filter", {"size": 3, "mode": "wrap"}), ("sobel", {"mode": "reflect"})],
    [("sobel", {"mode": "nearest"}), ("gaussian_filter", {"sigma": 1, "mode": "wrap"})],
    [("correlate", {"weights": np.ones((3, 2)), "mode": "wrap"}), ("laplace", {})],
    [
        ("median_filter", {"size": 3, "mode": "mirror"}),
        ("prewitt", {"mode": ("wrap", "mirror")}),
        ("maximum_filter", {"size": 4, "mode": "wrap"}),
    ],
]


@pytest.mark.parametrize("links", MIXED, ids=lambda links: "-".join(name for name, _ in links))
@pytest.mark.parametrize("shape", [(40,), (9, 14), (5, 6, 7)], ids=str)
def test_wrap_may_meet_other_modes(links: list[Any], shape: tuple[int, ...]) -> None:
    """A halo read round the edge would hide the edge from the mode that needs it."""
    fitting = [
        (name, fitted(parameters, len(shape))) for name, parameters in links
    ]  # fmt: skip
    x = np.random.default_rng(1).integers(-50, 50, shape)
    assert_same_bits(ndimage.run(fitting, x, tile=3), in_turn(fitting, x))


def fitted(parameters: dict[str, Any], ndim: int) -> dict[str, Any]:
    """Return parameters for arrays of another rank."""
    result = dict(parameters)
    if "weights" in result:
        result["weights"] = np.ones((3, 2, 2)[:ndim])
    if isinstance(result.get("mode"), tuple):
        result["mode"] = ("wrap", "mirror", "wrap")[:ndim]
    return result


def job_of(links: list[tuple[str, dict[str, Any]]], dtype: str = "f4", ndim: int = 2) -> Job:
    calls = [FILTERS[name].call(ndim, np.dtype(dtype), **parameters) for name, parameters in links]
    return Job(ndim, tuple(calls))


def test_one_pass_with_one_halo() -> None:
    """Filters without state are one stage, and their halos add up."""
    links = [
        ("gaussian_filter", {"sigma": 2}),
        ("sobel", {"axis": 0}),
        ("maximum_filter", {"size": 5}),
    ]
    job = job_of(links)
    assert job.halo == Halo((11, 11), (11, 11))
    assert len(stages(job, 1e6)) == 1


def test_possible_nan_makes_whole_lines() -> None:
    """The same chain on samples of which nothing is known, or that overflow on their way."""
    job = job_of([("gaussian_filter", {"sigma": 2}), ("maximum_filter", {"size": 5})])
    for bound in (np.nan, np.inf, 3.4e38):
        whole = [part.work.whole(part.bound) for part in stages(job, bound)]
        assert whole == [(True, False), (False, True)]


def test_a_float_mean_splits_the_chain() -> None:
    """Each axis of it is a stage; what comes before and after joins them."""
    links = [("gaussian_filter", {"sigma": 1}), ("uniform_filter", {"size": 3}), ("laplace", {})]
    parts = stages(job_of(links), 1.0)
    assert [part.number for part in parts] == [2, 3, 4, 5, 6]


def test_integer_means_need_no_lines() -> None:
    """Sums below 2**53 are exact, so the halo is enough."""
    for dtype, count in (("i4", 1), ("u1", 1), ("i8", 2)):
        calls = (FILTERS["uniform_filter"].call(2, np.dtype(dtype), 5),)
        assert len(stages(Job(2, calls), 2.0**63 if dtype == "i8" else 255.0)) == count


def test_mistakes_in_a_chain() -> None:
    """An unknown filter, an unknown parameter, an output array before the end, no filter at all."""
    with pytest.raises(BadValueError, match="no filter of the table"):
        ndimage.run([("blur", {})], X)
    with pytest.raises(BadTypeError, match="sgima"):
        ndimage.run([("gaussian_filter", {"sigma": 1, "sgima": 1})], X)
    with pytest.raises(BadTypeError, match="last filter"):
        ndimage.run([("sobel", {"output": X.copy()}), ("sobel", {})], X)
    with pytest.raises(BadValueError, match="at least one"):
        ndimage.run([], X)
