"""Binary erosions and dilations on bits: so many iterations; for others see `propagation`."""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from typing import TYPE_CHECKING

import numpy as np

from tiling.kernels.native.arrays import address_of, integers
from tiling.kernels.native.library import finished, library
from tiling.kernels.watch import current
from tiling.operations.arithmetic import FREE, VALUE

if TYPE_CHECKING:
    from tiling.dtypes import Array
    from tiling.operations.binary import Erosion

_ARGUMENTS = (
    *(c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p, c_void_p),
    *(c_int64, c_int64, c_int64, c_void_p),
)


def erosion(operation: Erosion, block: Array, crop: tuple[slice, ...], out: Array) -> bool:
    """Erode or dilate a block; tell whether it is done.

    Parameters
    ----------
    operation : Erosion
    block : ndarray
        Of states, if it is a masked one.
    crop : tuple of slice
    out : ndarray
        Of booleans, or of states.
    """
    if operation.iterations < 1 or block.dtype.kind == "c":
        return False
    if (watch := current()) is not None:
        watch.expect(block.size * operation.iterations)
    if operation.masked:
        free = block & FREE
        out[...] = (_erode(operation, block & VALUE, free) | free)[crop]
    else:
        out[...] = _erode(operation, block != 0, None)[crop]
    return True


def _erode(operation: Erosion, samples: Array, mask: Array | None) -> Array:
    """Return the result, zeros and ones; the inputs are bytes, of which all but 0 are true."""
    samples = np.ascontiguousarray(samples)
    mask = None if mask is None else np.ascontiguousarray(mask)
    structure, result = operation.structure.array, np.empty(samples.shape, np.uint8)
    function = library().binary_erode
    function.argtypes = _ARGUMENTS
    taken = function(
        *(address_of(samples), address_of(result), samples.ndim, integers(samples.shape)),
        *(address_of(structure), integers(structure.shape), integers(operation.origins)),
        *(operation.border, operation.dilate, operation.iterations),
        None if mask is None else address_of(mask),
    )
    finished(taken)
    return result
