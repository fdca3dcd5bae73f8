"""The computation: a `Kernel` filters a block by one operation.

There are two: `tiling.kernels.native`, compiled, and `tiling.kernels.reference`, which is SciPy.
`tiling.kernels.apply` runs whole programs with one of them; nothing else here is imported before
the first tile asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations import Operation


class Kernel(Protocol):
    """A function that computes operations; every one gives the same bits."""

    def __call__(
        self, operation: Operation, block: Array, crop: tuple[slice, ...], out: Array
    ) -> None:
        """Filter `block` by the operation and write the part `crop` of the result into `out`.

        Edge modes act at the block's edges.

        Parameters
        ----------
        operation : Operation
            Any but a copy.
        block : ndarray
            Samples in native byte order, any strides; not written to.
        crop : tuple of slice
            Region of the block that is wanted, with explicit start and stop.
        out : ndarray
            Receives the region; of its shape, any strides.
        """
