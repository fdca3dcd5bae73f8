"""The computation: `Kernel`, which filters a block by 1-d correlations, and its implementations.

`tiling.kernels.apply` runs whole programs with one of them; nothing else here is imported before
the first tile asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations.passes import Pass


class Kernel(Protocol):
    """A function that computes passes; every one gives the same bits."""

    def __call__(
        self, block: Array, passes: Sequence[Pass], crop: tuple[slice, ...], out: Array
    ) -> None:
        """Filter `block` by the passes and write the part `crop` of the result into `out`.

        The first pass reads the block's dtype; each pass casts to the dtype of `out`, and its edge
        mode acts at the block's edges.

        Parameters
        ----------
        block : ndarray
            Samples in native byte order, any strides; not written to.
        passes : sequence of Pass
            Correlations, applied in turn.
        crop : tuple of slice
            Region of the block that is wanted, with explicit start and stop.
        out : ndarray
            Receives the region; of its shape, any strides.
        """
