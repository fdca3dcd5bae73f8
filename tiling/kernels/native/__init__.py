"""The native kernel: SciPy's operations in SciPy's order, compiled from C ahead of time.

`source/` has the computation, without any Python: functions on addresses and strides. The modules
here decide which of its functions computes an operation, and how; `library` loads it. What it does
not compute is left to the reference kernel, which is SciPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiling.kernels import reference
from tiling.kernels.native import binary, correlations, lines, propagation, windows
from tiling.kernels.native.arrays import real_parts
from tiling.kernels.native.library import watched_by
from tiling.kernels.watch import current

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tiling.dtypes import Array
    from tiling.operations import Operation

COMPUTED: Mapping[str, Callable[[Any, Array, tuple[slice, ...], Array], bool]] = {
    "correlations": correlations.run,
    "correlation": windows.correlation,
    "extremum": windows.extremum,
    "rank": windows.rank,
    "erosion": binary.erosion,
    "propagation": propagation.run,
    "running_extremum": lines.extremum,
    "running_mean": lines.mean,
}
"""What computes each `KIND` of operation, and tells whether it has: some calls it leaves."""


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
    OSError
        If the library can't be loaded.
    ValueError
        If `out` is read-only: the library would not mind.
    """
    if not out.flags.writeable:
        raise ValueError("output array is read-only")
    compute = COMPUTED.get(operation.KIND) if block.ndim else None
    if out.size and (compute is None or not _computed(compute, operation, block, crop, out)):
        reference.run(operation, block, crop, out)


def _computed(
    compute: Callable[[Any, Array, tuple[slice, ...], Array], bool],
    operation: Operation,
    block: Array,
    crop: tuple[slice, ...],
    out: Array,
) -> bool:
    """Compute under the watch of this thread, which is told how many samples will be counted."""
    watch = current()
    if watch is not None:
        watch.expect(out.size * len(real_parts(block, out)))
    with watched_by(watch):
        return compute(operation, block, crop, out)
