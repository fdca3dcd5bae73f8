"""The reference kernel: SciPy itself, one `correlate1d` after another.

Every other kernel is held to the bytes of this one. SciPy releases the GIL while it computes.
After the pass along an axis that no later pass filters, only the crop along it is kept: an output
of a correlation depends on its own line alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.operations.passes import Pass


def run(
    block: npt.NDArray[Any],
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: npt.NDArray[Any],
) -> None:
    """Filter `block` by `passes` and write the region `crop` into `out`.

    Parameters
    ----------
    block : ndarray
        Samples in native byte order, any strides; not written to.
    passes : sequence of Pass
        Correlations, applied in turn; each is cast to the dtype of `out`.
    crop : tuple of slice
        Region of the block that is wanted, with explicit start and stop.
    out : ndarray
        Receives the region; of its shape, any strides.
    """
    if not passes or out.size == 0:
        out[...] = block[crop]
        return
    left = list(crop)
    for done, step in enumerate(passes, 1):
        block = correlate(block, step, out.dtype)
        if all(later.axis != step.axis for later in passes[done:]):
            block = block[(slice(None),) * step.axis + (left[step.axis],)]
            left[step.axis] = slice(0, block.shape[step.axis])
    out[...] = block[tuple(left)]


def correlate(block: npt.NDArray[Any], step: Pass, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Apply one pass to the whole of `block`; the result has `dtype`.

    Parameters
    ----------
    block : ndarray
    step : Pass
    dtype : numpy.dtype
        Of the result.
    """
    from scipy.ndimage import correlate1d

    result = np.empty(block.shape, dtype)
    correlate1d(
        block,
        step.taps,
        axis=step.axis,
        output=result,
        mode=step.mode,
        cval=step.cval if block.dtype.kind == "c" else step.cval.real,
        origin=step.origin,
    )
    return result
