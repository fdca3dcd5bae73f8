"""SciPy's binary erosions and dilations, on samples and on states, on one block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tiling.dtypes import Array
from tiling.kernels import scipys
from tiling.operations.arithmetic import FREE, VALUE

if TYPE_CHECKING:
    from tiling.operations.binary import Erosion, Propagation


UNTIL_NOTHING_CHANGES = -1
"""SciPy's number of iterations for it."""


def run_states(
    operation: Erosion | Propagation, block: Array, crop: tuple[slice, ...], out: Array
) -> None:
    """Erode or dilate states and write the part `crop` of the result into `out`.

    Until nothing changes, what lies outside the crop stays as it is.

    Parameters
    ----------
    operation : Erosion or Propagation
        A masked one.
    block : ndarray
        Of states, uint8; not written to.
    crop : tuple of slice
    out : ndarray
        Of states, of the shape of the crop.
    """
    name, parameters = erosion(operation)
    samples, free = ((block & bit).astype(bool) for bit in (VALUE, FREE))
    if operation.KIND == "propagation":
        held = np.zeros_like(free)
        held[crop] = free[crop]
        # A block that is shorter than the structure is lengthened by what lies beyond its border.
        sizes = zip(operation.structure.shape, block.shape, strict=True)
        longer = [(0, max(0, size - length)) for size, length in sizes]
        samples = np.pad(samples, longer, constant_values=operation.border) if longer else samples
        free = np.pad(held, longer) if longer else held
    if block.size:
        samples = scipys.call(name, samples, mask=free, **defined(parameters, samples.shape))
    inside = tuple(slice(0, length) for length in block.shape)
    out[...] = (samples[inside] | (block & FREE))[crop]


def erosion(step: Erosion | Propagation) -> tuple[str, dict[str, Any]]:
    """Return SciPy's function of an erosion or dilation, and its parameters.

    Parameters
    ----------
    step : Erosion or Propagation
    """
    iterations = getattr(step, "iterations", UNTIL_NOTHING_CHANGES)
    return "binary_dilation" if step.dilate else "binary_erosion", {
        "structure": step.structure.array,
        "iterations": iterations,
        "border_value": int(step.border),
        "origin": list(step.origins),
        # Until nothing changes it gives the same, and takes longer.
        "brute_force": step.brute_force and iterations > 0,
    }


def defined(parameters: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return parameters that are defined on a block: by brute force where it is too short.

    Parameters
    ----------
    parameters : dict
        As `erosion` returns them.
    shape : tuple of int
        Of the block.
    """
    sizes = zip(shape, parameters["structure"].shape, strict=True)
    too_short = any(length < size for length, size in sizes)
    return parameters | {"brute_force": parameters["brute_force"] or too_short}
