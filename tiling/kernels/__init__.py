"""How passes are computed; nothing here is imported before the first tile asks for it."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy.typing as npt

from tiling.kernels.passes import Pass

__all__ = ["Kernel", "Pass"]


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
