"""The native kernel on this machine's cores beside SciPy and OpenCV: a case for each method."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import ndimage as scipy_ndimage

from benchmarks.cases import OPENCV, SCIPY, SEED, SHORT_SAMPLES
from benchmarks.peers import opencv
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns
from coordinator import ndimage
from tiling.dtypes import Array

LOCAL = "tilefan"
MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A filter, its parameters, and an array.

    Parameters
    ----------
    filter : str
    parameters : dict
        As SciPy takes them.
    shape : tuple of int
    dtype : str
    target : float
        How many times as fast as SciPy it wants to be.
    peer : callable, optional
        OpenCV's function that does the same, if not with SciPy's bits.
    peer_target : float, optional
        How many times as fast as that.
    """

    filter: str
    parameters: dict[str, Any]
    shape: tuple[int, ...]
    dtype: str
    target: float
    peer: Callable[[Array], Array] | None = None
    peer_target: float | None = None
    label: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        """Filter, parameters and array in a few words."""
        words = self.label or ", ".join(f"{key} {value}" for key, value in self.parameters.items())
        return f"{self.filter}, {words}, {'x'.join(map(str, self.shape))} {self.dtype}"

    def array(self) -> Array:
        """Return noise; of booleans, mostly true, so that erosions have something left to do."""
        samples = np.random.default_rng(SEED).random(self.shape, np.float32)
        if self.dtype == "bool":
            return samples > 0.001
        return (
            samples.astype(self.dtype)
            if self.dtype[0] == "f"
            else (samples * 255).astype(self.dtype)
        )

    def shortened(self) -> Case:
        """Return the case with fewer samples."""
        longest = int((SHORT_SAMPLES / 8) ** (1 / len(self.shape)))
        return replace(self, shape=tuple(min(length, longest) for length in self.shape))


SQUARE, SMALL, CUBE = (4096, 4096), (1024, 1024), (256, 256, 256)
WEIGHTS = np.random.default_rng(SEED).normal(size=(7, 7))

CASES = (
    Case("gaussian_filter", {"sigma": 0.5}, (1024, 768, 3), "int32", 5),
    Case("gaussian_filter", {"sigma": 2}, SQUARE, "float32", 14, opencv.gaussian(2), 2),
    Case("gaussian_filter", {"sigma": 5}, SQUARE, "float32", 14, opencv.gaussian(5), 2),
    Case("gaussian_filter", {"sigma": 2}, CUBE, "float32", 12),
    Case("gaussian_filter", {"sigma": 2}, SQUARE, "uint8", 16),
    Case("median_filter", {"size": 5}, SMALL, "uint8", 20, opencv.median(5), 0.5),
    Case("median_filter", {"size": 15}, SMALL, "uint8", 100, opencv.median(15), 1.3),
    Case("median_filter", {"size": 51}, SMALL, "uint8", 300, opencv.median(51), 1.3),
    Case("median_filter", {"size": 3}, SMALL, "float32", 20),
    Case("median_filter", {"size": 5}, SMALL, "float32", 10),
    Case("median_filter", {"size": 15}, SMALL, "float32", 8),
    Case("maximum_filter", {"size": 9}, SQUARE, "float32", 8, opencv.maximum(9), 0.5),
    Case("grey_erosion", {"size": 9}, SQUARE, "float32", 8, opencv.minimum(9), 0.5),
    Case("maximum_filter", {"size": 31}, SQUARE, "uint8", 20, opencv.maximum(31), 0.5),
    Case("uniform_filter", {"size": 9}, SQUARE, "float32", 5),
    Case(
        *("correlate", {"weights": WEIGHTS}, SQUARE, "float32", 6, opencv.correlate(WEIGHTS), 0.7),
        label="7x7",
    ),
    Case(
        *("binary_erosion", {"structure": np.ones((3, 3, 3)), "iterations": 10}, CUBE, "bool", 15),
        label="3x3x3, 10 iterations",
    ),
)


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Check every case's bits, time it in turns with its peers, and yield one table.

    SciPy takes a minute for some of them, so there are few rounds.

    Raises
    ------
    AssertionError
        If a bit of ours differs from SciPy's.
    """
    head = ("case", "SciPy ms", "tilefan ms", "vs SciPy", "target", "vs OpenCV", "target")
    cases = [case.shortened() for case in CASES] if short else CASES
    rows = [_row(case, min(rounds, MOST_ROUNDS)) for case in cases]
    yield f"### The native kernel\n\n{table(head, rows)}"


def _row(case: Case, rounds: int) -> tuple[str, ...]:
    array = case.array()
    theirs: Callable[..., Array] = getattr(scipy_ndimage, case.filter)
    ours = getattr(ndimage, case.filter)
    same = ours(array, **case.parameters).tobytes() == theirs(array, **case.parameters).tobytes()
    assert same, f"{case.name}: other bits than SciPy's"
    runs: dict[str, Callable[[], object]] = {
        SCIPY: partial(theirs, array, **case.parameters),
        LOCAL: partial(ours, array, **case.parameters),
    }
    if case.peer is not None and importlib.util.find_spec("cv2") is not None:
        given = array.astype(np.float64) if case.filter == "gaussian_filter" else array
        runs[OPENCV] = partial(case.peer, given)
    times = in_turns(runs, rounds)
    ratio = times.ratio(LOCAL, SCIPY)
    row = [case.name, *(f"{times.median(name) * 1e3:.1f}" for name in (SCIPY, LOCAL))]
    row += [f"{ratio:.2f}", f"{case.target:g} {verdict(ratio, case.target)}"]
    if OPENCV not in runs or case.peer_target is None:
        return *row, "-", "-"
    ratio = times.ratio(LOCAL, OPENCV)
    return *row, f"{ratio:.2f}", f"{case.peer_target:g} {verdict(ratio, case.peer_target)}"
