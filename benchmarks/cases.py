"""Cases, contenders and target ratios of the benchmarks: three tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tiling.dtypes import Array

SHORT_SAMPLES = 2**20

SEED = 20260
"""Of the arrays: the same samples in every run."""


@dataclass(frozen=True, slots=True)
class Case:
    """An array and a sigma.

    Parameters
    ----------
    shape : tuple of int
    dtype : str
    sigma : float
    """

    shape: tuple[int, ...]
    dtype: str
    sigma: float

    @property
    def name(self) -> str:
        """The words of the targets and tables: ``4096x4096 float32, 2``."""
        return f"{'x'.join(map(str, self.shape))} {self.dtype}, {self.sigma:g}"

    def array(self) -> Array:
        """Return samples from 0 to 255, noise: nothing about them is easy to guess."""
        samples = np.random.default_rng(SEED).random(self.shape, np.float32)
        return (samples * 255).astype(self.dtype)

    def shortened(self) -> Case:
        """Return the case with at most 2^20 samples or so: the same code, in no time."""
        longest = int(SHORT_SAMPLES ** (1 / len(self.shape)))
        return replace(self, shape=tuple(min(length, longest) for length in self.shape))


IMAGE = Case((1024, 768, 3), "int32", 0.5)
FLOAT_2 = Case((4096, 4096), "float32", 2.0)
FLOAT_5 = Case((4096, 4096), "float32", 5.0)
VOLUME = Case((256, 256, 256), "float32", 2.0)
BYTES = Case((4096, 4096), "uint8", 2.0)

CASES = (IMAGE, FLOAT_2, FLOAT_5, VOLUME, BYTES)

SCIPY, LOCAL, HTTP = "SciPy", "tilefan, local", "tilefan, HTTP, 2 workers"
DASK, OPENCV, FLASK = "dask-image, distributed, 2 workers", "OpenCV, 2 threads", "Flask service"


@dataclass(frozen=True, slots=True)
class Target:
    """How many times as fast as `peer` one of ours wants to be, at least."""

    case: Case
    ours: str
    peer: str
    ratio: float


TARGETS = (
    Target(IMAGE, LOCAL, SCIPY, 5.0),
    Target(FLOAT_2, LOCAL, SCIPY, 14.0),
    Target(FLOAT_5, LOCAL, SCIPY, 14.0),
    Target(VOLUME, LOCAL, SCIPY, 12.0),
    Target(IMAGE, HTTP, SCIPY, 1.8),
    Target(FLOAT_2, HTTP, SCIPY, 3.0),
    Target(FLOAT_5, HTTP, SCIPY, 4.0),
    Target(VOLUME, HTTP, SCIPY, 3.5),
    Target(IMAGE, HTTP, DASK, 6.0),
    Target(FLOAT_2, HTTP, DASK, 6.0),
    Target(FLOAT_5, HTTP, DASK, 8.0),
    Target(VOLUME, HTTP, DASK, 6.0),
    Target(IMAGE, HTTP, FLASK, 7.0),
    Target(BYTES, LOCAL, SCIPY, 16.0),
    Target(FLOAT_2, LOCAL, OPENCV, 2.0),
    Target(FLOAT_5, LOCAL, OPENCV, 2.0),
)
