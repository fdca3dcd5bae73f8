"""Kernels on what hypothesis rarely draws: extreme casts, giant windows, NaNs, threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tiling.kernels import native, reference
from tiling.kernels.native.correlations import supports
from tiling.operations import Correlations
from tiling.operations.passes import Pass

if TYPE_CHECKING:
    import numpy.typing as npt

REAL = ["?", *"bhilBHIL", "f", "d"]
POWERS = [float(2**n) for n in (7, 8, 15, 16, 31, 32, 53, 62, 63, 64, 100)]
EXTREMES = [
    sign * (power + offset)
    for power in POWERS
    for offset in (-1.0, -0.5, 0.0, 0.5, 1.0, 5.0, 2048.0)
    for sign in (1.0, -1.0)
] + [0.0, -0.0, 0.999, -0.999, 3e9, 1e300, -1e300, np.inf, -np.inf, np.nan]

pytestmark = pytest.mark.usefixtures("each_level")


def gaussian(shape: tuple[int, ...], sigma: float, mode: str = "reflect") -> list[Pass]:
    impulse = np.zeros(2 * int(4 * sigma + 0.5) + 1)
    impulse[impulse.size // 2] = 1.0
    taps = ndimage.gaussian_filter1d(impulse, sigma, mode="constant")
    return [Pass(axis, taps.astype("<f8").tobytes(), mode) for axis in range(len(shape))]


def one(weights: list[float], axis: int = 0) -> list[Pass]:
    return [Pass(axis, np.array(weights, "<f8").tobytes(), "nearest")]


def chain(passes: list[Pass]) -> Correlations:
    return Correlations(tuple(passes))


def check(block: npt.NDArray[Any], passes: list[Pass], dtype: Any) -> None:
    whole = tuple(slice(0, n) for n in block.shape)
    got, want = (np.empty(block.shape, dtype) for _ in range(2))
    native.run(chain(passes), block, whole, got)
    reference.run(chain(passes), block, whole, want)
    assert_same_bits(got, want)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("step", [1, 3], ids=["dense", "strided"])
def test_casts_are_those_of_scipy(dtype: str, step: int) -> None:
    """Negative, overflowing and non-finite sums become the bytes that gcc's cast makes."""
    block = np.resize(np.array(EXTREMES), 4 * len(EXTREMES))
    got, want = (np.zeros(block.size * step, dtype)[::step] for _ in range(2))
    whole = (slice(0, block.size),)
    native.run(chain(one([1.0])), block, whole, got)
    reference.run(chain(one([1.0])), block, whole, want)
    assert_same_bits(got, want)


@pytest.mark.parametrize("dtype", [name for name in REAL if np.dtype(name).kind in "iu"])
def test_integers_become_the_same_doubles(dtype: str) -> None:
    """Reading an extreme integer rounds as SciPy rounds it."""
    limits = np.iinfo(dtype)
    block = np.array([limits.min, limits.max, limits.max - 1, limits.max // 2 + 1, 1] * 5, dtype)
    check(block, one([1.0]), np.float64)


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "constant", "wrap"])
@pytest.mark.parametrize("shape", [(1, 7), (2, 100), (300, 3), (60, 2, 5)], ids=str)
def test_windows_far_larger_than_the_axis(shape: tuple[int, ...], mode: str) -> None:
    """SciPy reflects again and again; so does the map of coordinates."""
    block = np.arange(float(np.prod(shape))).reshape(shape) ** 1.5
    check(block, gaussian(shape, 60, mode), np.float64)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((700, 900), "f"),
        ((300, 200, 3), "i"),
        ((3, 200, 300), "H"),
        ((40, 50, 60), "d"),
        ((20000,), "f"),
        ((7, 6, 5, 4, 3, 2), "b"),
        ((2, 9000), "B"),
        ((9000, 2), "B"),
    ],
    ids=str,
)
def test_blocks_of_many_chunks(shape: tuple[int, ...], dtype: str) -> None:
    """Chunks of columns, runs of lines and micro-tiles meet without a seam."""
    rng = np.random.default_rng(3)
    block = (rng.random(shape) * 200 - 50).astype(dtype)
    check(block, gaussian(shape, 2), dtype)
    check(np.asfortranarray(block), gaussian(shape, 1.5, "wrap"), dtype)


def test_the_sign_of_a_zero_beyond_the_edges() -> None:
    """Two calls that differ in the sign of their fill value only are not taken for one another."""
    block = -np.zeros((3, 5))
    for cval in (0.0, -0.0, 0.0, complex(-0.0, -0.0)):
        for dtype in ("d", "D"):
            passes = [Pass(1, np.ones(3).tobytes(), "constant", cval)]
            check(block.astype(dtype), passes, dtype)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("other", [np.inf, -np.nan, 1e300], ids=str)
def test_which_nan_survives(dtype: str, other: float) -> None:
    """Unlike NaNs in one window: sign and payload are SciPy's."""
    block = np.random.default_rng(4).random((80, 90))
    block[40, 40], block[42, 41], block[44, 43] = np.nan, other, -other
    with np.errstate(over="ignore"):
        check(block.astype(dtype), gaussian(block.shape, 2), dtype)


def test_scipy_is_not_asked_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finite samples, infinities alone and like NaNs alone are computed here."""
    want = {}
    blocks = {"finite": 0.5, "infinite": np.inf, "nan": np.nan}
    shape = (60, 70)
    for name, value in blocks.items():
        block = np.full(shape, 2.0, "f")
        block[30, 30:40] = value
        want[name] = block, np.empty(shape, "f")
        reference.run(chain(gaussian(shape, 1)), block, (slice(0, 60), slice(0, 70)), want[name][1])
    monkeypatch.setattr(reference, "run", None)
    for block, expected in want.values():
        got = np.empty(shape, "f")
        native.run(chain(gaussian(shape, 1)), block, (slice(0, 60), slice(0, 70)), got)
        assert_same_bits(got, expected)


@pytest.mark.parametrize("weights", [[1e200, 1e200, 1e200], [np.inf, 1.0, np.inf]], ids=str)
def test_heavy_weights_go_to_scipy(weights: list[float]) -> None:
    """Weights that overflow are left to SciPy, and nothing warns."""
    check(np.array([1.0, np.nan, 3.0, 1e300]), one(weights), np.float64)


@pytest.mark.parametrize("dtype", ["e", "g"])
def test_what_scipy_refuses_is_refused_by_scipy(dtype: str) -> None:
    """The error is SciPy's own."""
    assert not supports(np.dtype(dtype), np.dtype(dtype))
    with pytest.raises(RuntimeError, match="not supported"):
        check(np.zeros(5, dtype), one([1.0]), dtype)


def test_threads_share_the_kernel() -> None:
    """Calls at the same time do not touch each other's scratch."""
    block = np.random.default_rng(5).random((200, 150)).astype("f")
    passes, whole = gaussian(block.shape, 2), (slice(0, 200), slice(0, 150))
    want = np.empty_like(block)
    reference.run(chain(passes), block, whole, want)

    def compute(_: int) -> npt.NDArray[Any]:
        out = np.empty_like(block)
        native.run(chain(passes), block, whole, out)
        return out

    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(compute, range(32)):
            assert_same_bits(got, want)
