"""The reference kernel: SciPy's own `correlate1d`, pass by pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tiling.kernels.passes import Pass


def run(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> None:
    """Filter a block with SciPy; see `tiling.kernels.Kernel`."""
    from scipy.ndimage import correlate1d

    for step in passes:
        target = np.empty(block.shape, out.dtype)
        correlate1d(
            block,
            step.taps,
            step.axis,
            target,
            step.mode,
            step.cval if block.dtype.kind == "c" else complex(step.cval).real,
            step.origin,
        )
        block = target
    out[...] = block[crop]
