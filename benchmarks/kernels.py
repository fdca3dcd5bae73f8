"""Kernels against their peers: medians and ratios of runs taken in turn, bits checked first.

python -m benchmarks.kernels [repeats]
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from tiling.kernels import compiled, scratch
from tiling.operations.passes import Pass

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

THREADS = 2
SLABS = 4  # row slabs on two threads: two each, so a slow one costs a quarter at most


@dataclass(frozen=True, slots=True)
class Case:
    """An array and the sigma it is filtered with; `target` is the ratio to reach."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    sigma: float
    target: float

    def array(self) -> npt.NDArray[Any]:
        """Samples from a fixed seed."""
        rng = np.random.default_rng(1)
        if np.dtype(self.dtype).kind == "f":
            return rng.random(self.shape).astype(self.dtype)
        return rng.integers(0, 256, self.shape).astype(self.dtype)

    def passes(self) -> list[Pass]:
        """The passes of `gaussian_filter`; its weights are those of an impulse."""
        radius = int(4 * self.sigma + 0.5)
        impulse = np.zeros(2 * radius + 1)
        impulse[radius] = 1.0
        taps = ndimage.gaussian_filter1d(impulse, self.sigma, mode="constant")
        return [
            Pass(axis, taps.astype("<f8").tobytes(), "reflect") for axis in range(len(self.shape))
        ]


CASES = [
    Case("1024x768x3 int32, sigma 0.5", (1024, 768, 3), "int32", 0.5, 3),
    Case("4096x4096 float32, sigma 2", (4096, 4096), "float32", 2, 8),
    Case("4096x4096 float32, sigma 5", (4096, 4096), "float32", 5, 7),
    Case("256x256x256 float32, sigma 2", (256, 256, 256), "float32", 2, 8),
    Case("4096x4096 uint8, sigma 2", (4096, 4096), "uint8", 2, 8),
    Case("4096x4096 float64, sigma 2", (4096, 4096), "float64", 2, 8),
]


def whole(kernel: Any, array: npt.NDArray[Any], passes: list[Pass]) -> npt.NDArray[Any]:
    """Filter the array in one call."""
    out = np.empty_like(array)
    kernel.run(array, passes, tuple(slice(0, n) for n in array.shape), out)
    return out


def slabs(
    pool: ThreadPoolExecutor, kernel: Any, array: npt.NDArray[Any], passes: list[Pass]
) -> npt.NDArray[Any]:
    """Filter slabs of the first axis, each with its halo, on the threads of a pool."""
    out = np.empty_like(array)
    rows, reach = array.shape[0], passes[0].reach[0]
    inner = tuple(slice(0, n) for n in array.shape[1:])

    def fill(slab: int) -> None:
        start, stop = rows * slab // SLABS, rows * (slab + 1) // SLABS
        low, high = max(0, start - reach), min(rows, stop + reach)
        crop = (slice(start - low, stop - low), *inner)
        kernel.run(array[low:high], passes, crop, out[start:stop])

    list(pool.map(fill, range(SLABS)))
    return out


def opencv(array: npt.NDArray[Any], sigma: float, threads: int) -> npt.NDArray[Any]:
    """OpenCV's GaussianBlur in float64."""
    import cv2

    cv2.setNumThreads(threads)
    size = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(array, (size, size), sigma, borderType=cv2.BORDER_REFLECT))


def contenders(case: Case, pool: ThreadPoolExecutor) -> dict[str, Callable[[], npt.NDArray[Any]]]:
    """Name what runs; the first is the peer that ratios refer to."""
    array, passes = case.array(), case.passes()
    runs: dict[str, Callable[[], npt.NDArray[Any]]] = {
        "scipy": partial(ndimage.gaussian_filter, array, case.sigma),
        "compiled, 1 thread": partial(whole, compiled, array, passes),
        "compiled, 2 threads": partial(slabs, pool, compiled, array, passes),
        "scratch, 1 thread": partial(whole, scratch, array, passes),
    }
    return runs


def peers(case: Case) -> dict[str, Callable[[], npt.NDArray[Any]]]:
    """OpenCV on the same samples as float64, where it is installed and the case allows it."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        return {}
    if len(case.shape) != 2:
        return {}
    array = case.array().astype(np.float64)
    return {
        f"opencv float64, {n} thread{'s'[: n > 1]}": partial(opencv, array, case.sigma, n)
        for n in (1, THREADS)
    }


def check(runs: dict[str, Callable[[], npt.NDArray[Any]]]) -> None:
    """Stop unless every contender gives SciPy's bytes."""
    want, *others = [(name, run().tobytes()) for name, run in runs.items()]
    for name, got in others:
        if got != want[1]:
            raise SystemExit(f"{name}: the bits are not SciPy's")


def measure(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, taken in turn so that other load falls on all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with ThreadPoolExecutor(THREADS) as pool:
        for case in CASES:
            runs = contenders(case, pool)
            check(runs)
            medians = measure(runs | peers(case), repeats)
            print(f"\n{case.name} (to reach on two threads: {case.target:g}x)")
            for name, median in medians.items():
                ratio = medians["scipy"] / median
                print(f"  {name:26}{median * 1e3:9.1f} ms{ratio:8.2f}x")


if __name__ == "__main__":
    main()
