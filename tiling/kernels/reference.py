"""The reference kernel: SciPy itself, which releases the GIL while it computes.

Every other kernel is held to the bytes of this one. Under a watch it computes in slabs, where
operations can be cut (see `tiling.kernels.slabs`); what can't be cut ends only when SciPy returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tiling.kernels import binary, scipys, windows
from tiling.kernels.slabs import slabs
from tiling.kernels.watch import current
from tiling.operations import Correlations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiling.dtypes import Array
    from tiling.kernels.watch import Watch
    from tiling.operations import Operation
    from tiling.operations.binary import Erosion, Propagation
    from tiling.operations.passes import Pass


def run(operation: Operation, block: Array, crop: tuple[slice, ...], out: Array) -> None:
    """Filter a block; see `tiling.kernels.Kernel`.

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

    Raises
    ------
    AbandonedError
        If the watch of this thread is cancelled.
    """
    watch = current()
    if isinstance(operation, Correlations):
        _correlate(block, operation.passes, crop, out, watch)
        return
    if watch is None:
        _run(operation, block, crop, out)
        return
    for slab in watch.each(slabs(operation, block.shape, crop)):
        everywhere: Any = (*slab.write, ...)  # an array even without axes
        target = out[everywhere]
        _run(operation, block[slab.read], slab.crop, target)


def _run(operation: Operation, block: Array, crop: tuple[slice, ...], out: Array) -> None:
    if operation.on_states:
        binary.run_states(cast("Erosion | Propagation", operation), block, crop, out)
    else:
        windows.run(operation, block, crop, out)


def _correlate(
    block: Array,
    passes: Sequence[Pass],
    crop: tuple[slice, ...],
    out: Array,
    watch: Watch | None,
) -> None:
    """Apply one `correlate1d` after another, each cast to the dtype of `out`.

    After the pass along an axis that no later pass filters, only the crop along it is kept: an
    output of a correlation depends on its own line alone.
    """
    if out.size == 0:
        return
    left = list(crop)
    for done, step in enumerate(passes, 1):
        if watch is None:
            block = correlate(block, step, out.dtype)
        else:
            share = (done - 1) / len(passes), done / len(passes)
            block = _correlate_slabs(block, step, out.dtype, watch, share)
        if all(later.axis != step.axis for later in passes[done:]):
            block = block[(slice(None),) * step.axis + (left[step.axis],)]
            left[step.axis] = slice(0, block.shape[step.axis])
    out[...] = block[tuple(left)]


def _correlate_slabs(
    block: Array, step: Pass, dtype: np.dtype[Any], watch: Watch, share: tuple[float, float]
) -> Array:
    """Apply one pass, which is this share of all, slab by slab."""
    everything = tuple(slice(0, length) for length in block.shape)
    parts = slabs(Correlations((step,)), block.shape, everything)
    if len(parts) == 1:
        watch.advance(share[0])
        return correlate(block, step, dtype)
    result = np.empty(block.shape, dtype)
    for slab in watch.each(parts, *share):
        result[slab.write] = correlate(block[slab.read], step, dtype)[slab.crop]
    return result


def correlate(block: Array, step: Pass, dtype: np.dtype[Any]) -> Array:
    """Apply one pass to the whole of `block`; the result has `dtype`.

    Parameters
    ----------
    block : ndarray
    step : Pass
    dtype : numpy.dtype
        Of the result.
    """
    result = np.empty(block.shape, dtype)
    scipys.call(
        "correlate1d",
        block,
        step.taps,
        axis=step.axis,
        output=result,
        mode=step.mode,
        cval=step.cval if block.dtype.kind == "c" else step.cval.real,
        origin=step.origin,
    )
    return result
