"""Every row of the table beside SciPy and dask-image: one image, each filter as people call it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from scipy import ndimage as scipy_ndimage

from benchmarks.cases import SCIPY
from benchmarks.report import table
from benchmarks.rounds import in_turns
from coordinator import ndimage
from tiling.dtypes import Array
from tiling.filters import supported

LOCAL, DASK = "tilefan", "dask-image"
SHAPE, SHORT_SHAPE = (1024, 768), (128, 96)
CHUNKS = 256
"""Samples along each side of dask's pieces: a dozen for a full image."""

PARAMETERS: dict[str, dict[str, Any]] = {
    **{name: {"sigma": 2} for name in ("gaussian_filter", "gaussian_filter1d")},
    **{name: {"sigma": 2} for name in ("gaussian_laplace", "gaussian_gradient_magnitude")},
    **{name: {"weights": np.full((5, 5), 0.04)} for name in ("correlate", "convolve")},
    **{name: {"weights": [1, 4, 6, 4, 1]} for name in ("correlate1d", "convolve1d")},
    "rank_filter": {"rank": 5, "size": 5},
    "percentile_filter": {"percentile": 20, "size": 5},
    **{name: {} for name in ("laplace", "sobel", "prewitt")},
    **{f"binary_{name}": {} for name in ("erosion", "dilation", "opening", "closing")},
    **{f"binary_{name}": {} for name in ("propagation", "fill_holes")},
}
"""What is not here has a window of 5 samples."""


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Check every row's bits, time it in turns with its peers, and yield one table.

    Raises
    ------
    AssertionError
        If a bit of ours differs from SciPy's.
    """
    shape = SHORT_SHAPE if short else SHAPE
    image = np.random.default_rng(0).normal(size=shape).astype("f4")
    head = ("filter", "SciPy ms", "tilefan vs SciPy", "tilefan vs dask-image")
    rows = [_row(row.name, image, rounds) for row in supported()]
    yield f"### Every filter, {shape[0]}x{shape[1]} float32\n\n{table(head, rows)}"


def _row(name: str, image: Array, rounds: int) -> tuple[str, ...]:
    parameters = PARAMETERS.get(name, {"size": 5})
    theirs: Callable[..., Array] = getattr(scipy_ndimage, name)
    ours = getattr(ndimage, name)
    same = ours(image, **parameters).tobytes() == theirs(image, **parameters).tobytes()
    assert same, f"{name}: other bits than SciPy's"
    runs = {
        SCIPY: partial(theirs, image, **parameters),
        LOCAL: partial(ours, image, **parameters),
    }
    peer = _dask(name, image, parameters)
    times = in_turns(runs | ({DASK: peer} if peer else {}), rounds)
    against = f"{times.ratio(LOCAL, DASK):.2f}" if peer else "-"
    return name, f"{times.median(SCIPY) * 1e3:.1f}", f"{times.ratio(LOCAL, SCIPY):.2f}", against


def _dask(name: str, image: Array, parameters: dict[str, Any]) -> Callable[[], object] | None:
    """Return what runs dask-image's filter of this name, if it has one and is installed."""
    modules = [_module(f"dask_image.{part}") for part in ("ndfilters", "ndmorph")]
    found = [getattr(module, name) for module in modules if hasattr(module, name)]
    if not found:
        return None
    chunked = importlib.import_module("dask.array").from_array(image, chunks=CHUNKS)
    return lambda: found[0](chunked, **parameters).compute()


def _module(name: str) -> ModuleType | None:
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        return None
    return importlib.import_module(name)
