"""The unit that kernels compute: one correlation along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiling.geometry.edges import Mode


@dataclass(frozen=True, slots=True)
class Pass:
    """One `scipy.ndimage.correlate1d` along one axis.

    Parameters
    ----------
    axis : int
        Axis of the block, not negative.
    weights : bytes
        Taps as little-endian float64, in the order `correlate1d` takes them.
    mode : str
        Edge mode: ``reflect``, ``mirror``, ``nearest``, ``constant`` or ``wrap``.
    cval : complex
        Fill value of mode ``constant``; its imaginary part counts for complex arrays only.
    origin : int
        Shift of the window, as in SciPy.
    """

    axis: int
    weights: bytes
    mode: Mode
    cval: complex = 0.0
    origin: int = 0

    @property
    def taps(self) -> npt.NDArray[np.float64]:
        """The weights as a read-only array, shape (n,), float64."""
        return np.frombuffer(self.weights, "<f8")

    @property
    def reach(self) -> tuple[int, int]:
        """Samples read before and after each output sample."""
        size = len(self.weights) // 8
        before = size // 2 + self.origin
        return before, size - 1 - before
