"""The unit that kernels compute: one correlation along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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


class Kernel(Protocol):
    """A way to compute passes; every one gives the same bits."""

    def __call__(
        self,
        block: npt.NDArray[Any],
        passes: Sequence[Pass],
        crop: tuple[slice, ...],
        out: npt.NDArray[Any],
    ) -> None:
        """Filter `block` by the passes and write the part `crop` of the result into `out`.

        The first pass reads the block's dtype; each pass casts to the dtype of `out`, and its edge
        mode acts at the block's edges. `out` has the shape of the crop, and any strides.
        """
