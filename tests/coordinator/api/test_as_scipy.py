"""`scipy.ndimage` replaced for a block: what it reaches, what stays SciPy's, what is left after."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import tilefan
from coordinator.events import Event, RunStarted
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess
from tests.support.strategies import samples
from tiling.filters import FILTERS
from tiling.kernels import scipys

X = samples((30, 40), "f8", 1, special=True)
OWN = {name: getattr(ndimage, name) for name in (*FILTERS, "label", "zoom")}
BLURRED = ndimage.gaussian_filter(X, 1.5)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Whatever a test did, SciPy has its own functions again."""
    yield
    assert {name: getattr(ndimage, name) for name in OWN} == OWN


@pytest.fixture
def runs() -> list[str]:
    """Return the filters of the fleet's runs."""
    return []


@pytest.fixture
def fleet(two_workers: list[WorkerProcess], runs: list[str]) -> Iterator[tilefan.Fleet]:
    def listen(_: float, event: Event) -> None:
        if isinstance(event, RunStarted):
            runs.append(event.filter.split()[0])

    addresses = [worker.address for worker in two_workers]
    with tilefan.Fleet(addresses, listen=listen, verify=1.0) as fleet:
        yield fleet


def test_calls_of_scipy_run_on_the_fleet(fleet: tilefan.Fleet, runs: list[str]) -> None:
    """With SciPy's bits, and SciPy verifies them though its functions are replaced."""
    with tilefan.as_scipy(fleet):
        assert_same_bits(ndimage.gaussian_filter(X, 1.5), BLURRED)
        assert ndimage.gaussian_filter.__doc__ == OWN["gaussian_filter"].__doc__
    assert_same_bits(ndimage.gaussian_filter(X, 1.5), BLURRED)
    assert runs == ["gaussian_filter"]


def test_what_the_fleet_refuses_scipy_does(fleet: tilefan.Fleet, runs: list[str]) -> None:
    """An output that is the input, functions of the user's: with SciPy's own result."""
    ours, theirs = X.copy(), X.copy()
    with tilefan.as_scipy(fleet):
        ndimage.laplace(ours, output=ours)
        ranges = ndimage.generic_filter(X, np.ptp, size=3)
        assert runs == []
        inner = ndimage.generic_laplace(
            X, lambda x, *how: ndimage.correlate1d(x, [1, -2, 1], *how), "f8"
        )
    assert_same_bits(ours, ndimage.laplace(theirs, output=theirs))
    assert_same_bits(ranges, ndimage.generic_filter(X, np.ptp, size=3))
    assert_same_bits(inner, ndimage.laplace(X, "f8"))
    assert runs == ["correlate1d", "correlate1d"]


@pytest.mark.parametrize(
    ("array", "keywords"),
    [(X, {"sigma": 1, "mode": "warp"}), (X, {}), (np.ones(9, "e"), {"sigma": 1})],
    ids=["mode", "missing", "dtype"],
)
def test_mistakes_are_scipys(array: Any, keywords: dict[str, Any]) -> None:
    """The same error with the same words."""
    with pytest.raises((RuntimeError, TypeError)) as theirs:
        ndimage.gaussian_filter(array, **keywords)
    with (
        tilefan.as_scipy(),
        pytest.raises((RuntimeError, TypeError)) as ours,
    ):
        ndimage.gaussian_filter(array, **keywords)
    assert repr(ours.value) == repr(theirs.value)


def test_other_functions_stay() -> None:
    """Those that tilefan has not, and those that it leaves to SciPy."""
    with tilefan.as_scipy():
        assert ndimage.label is OWN["label"]
        assert ndimage.zoom is OWN["zoom"]
        assert ndimage.generic_filter is OWN["generic_filter"]
        assert ndimage.sobel is not OWN["sobel"]


class Foreign:
    """An array of another library, which SciPy knows how to read."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        return X

    def __dlpack__(self) -> None: ...


def test_arrays_of_other_libraries_are_scipys(fleet: tilefan.Fleet, runs: list[str]) -> None:
    """SciPy may answer with an array of that library."""
    with tilefan.as_scipy(fleet):
        assert_same_bits(ndimage.gaussian_filter(Foreign(), 1.5), BLURRED)
        assert_same_bits(ndimage.gaussian_filter(input=Foreign(), sigma=1.5), BLURRED)
    assert runs == []


def test_blocks_are_nested(fleet: tilefan.Fleet, runs: list[str]) -> None:
    """The inner one holds until it ends, also by an error; then the outer one holds again."""
    with tilefan.as_scipy(fleet):
        with pytest.raises(TypeError), tilefan.as_scipy():
            ndimage.sobel(X, nothing=ndimage.sobel(X))
        assert runs == []
        ndimage.laplace(X)
    assert runs == ["laplace"]


def test_overlapping_blocks_of_threads(fleet: tilefan.Fleet, runs: list[str]) -> None:
    """The block that is left first, though it was entered first, puts nothing wrong back."""
    entered, may_leave = threading.Event(), threading.Event()

    def other() -> None:
        with tilefan.as_scipy(fleet):
            entered.set()
            may_leave.wait()
            ndimage.sobel(X)

    thread = threading.Thread(target=other)
    with tilefan.as_scipy():
        thread.start()
        entered.wait()
    may_leave.set()
    thread.join()
    assert runs == ["sobel"]


def test_a_name_that_was_kept_is_scipys_after_the_block(
    fleet: tilefan.Fleet, runs: list[str]
) -> None:
    """A library that is imported inside a block may keep the function."""
    with tilefan.as_scipy(fleet):
        kept = ndimage.gaussian_filter
    assert_same_bits(kept(X, 1.5), BLURRED)
    assert runs == []


def test_a_fleet_that_fails_says_so() -> None:
    """It is not in silence that SciPy does what a fleet was asked to do."""
    with (
        tilefan.Fleet("127.0.0.1:9") as fleet,
        tilefan.as_scipy(fleet),
        pytest.raises(tilefan.NoWorkerError),
    ):
        ndimage.gaussian_filter(X, 1.5)


def test_what_stands_in_is_pickled_by_name() -> None:
    """So that it may be handed to processes; after the block the name means SciPy's function."""
    with tilefan.as_scipy():
        packed = pickle.dumps(ndimage.sobel)
        assert pickle.loads(packed) is ndimage.sobel
    assert pickle.loads(packed) is OWN["sobel"]


def test_scipys_kernels_are_scipys_inside() -> None:
    """Where there is no native kernel, a tile is computed by SciPy's functions."""
    with tilefan.as_scipy():
        assert_same_bits(scipys.call("gaussian_filter", X, 1.5), BLURRED)
        assert_same_bits(ndimage.gaussian_filter(X, 1.5), BLURRED)
