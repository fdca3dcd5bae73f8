"""SciPy's filters other than 1-d correlations, on one block.

Each takes an operation of `tiling.operations`, computes the whole block and writes the crop. SciPy
is imported on first use; it releases the GIL in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tiling.operations import running
    from tiling.operations import windows as nd

Array = npt.NDArray[Any]
Crop = tuple[slice, ...]


def running_extremum(block: Array, step: running.RunningExtremum, crop: Crop, out: Array) -> None:
    """Apply `minimum_filter1d` or `maximum_filter1d`."""
    from scipy import ndimage

    function = ndimage.minimum_filter1d if step.minimum else ndimage.maximum_filter1d
    _write(function, block, crop, out, size=step.size, axis=step.axis, **_edge(step, block))


def running_mean(block: Array, step: running.RunningMean, crop: Crop, out: Array) -> None:
    """Apply `uniform_filter1d`."""
    from scipy.ndimage import uniform_filter1d

    _write(uniform_filter1d, block, crop, out, size=step.size, axis=step.axis, **_edge(step, block))


def complex_correlation(
    block: Array, step: running.ComplexCorrelation, crop: Crop, out: Array
) -> None:
    """Apply `correlate1d` with complex weights."""
    from scipy.ndimage import correlate1d

    weights = step.weights.array
    _write(correlate1d, block, crop, out, weights=weights, axis=step.axis, **_edge(step, block))


def correlation(block: Array, step: nd.Correlation, crop: Crop, out: Array) -> None:
    """Apply `correlate`."""
    from scipy.ndimage import correlate

    origins = {"origin": list(step.origins)}
    _write(correlate, block, crop, out, weights=step.table.array, **_edge(step, block) | origins)


def extremum(block: Array, step: nd.Extremum, crop: Crop, out: Array) -> None:
    """Apply a minimum or maximum over a footprint.

    SciPy's ways to a structure are `grey_erosion` and `grey_dilation`; the latter turns footprint,
    structure and origins round, so it is given them turned round.
    """
    from scipy import ndimage

    footprint, origins = step.table.array, list(step.origins)
    named = {"footprint": footprint, **_edge(step, block), "origin": origins}
    if step.structure is None:
        function = ndimage.minimum_filter if step.minimum else ndimage.maximum_filter
        _write(function, block, crop, out, **named)
    elif step.minimum:
        _write(ndimage.grey_erosion, block, crop, out, structure=step.structure.array, **named)
    else:
        turned = {"structure": np.flip(step.structure.array), "footprint": np.flip(footprint)}
        back = [-o - 1 + n % 2 for o, n in zip(origins, footprint.shape, strict=True)]
        _write(ndimage.grey_dilation, block, crop, out, **named | turned | {"origin": back})


def rank(block: Array, step: nd.Rank, crop: Crop, out: Array) -> None:
    """Apply `rank_filter`."""
    from scipy.ndimage import rank_filter

    named = {"footprint": step.table.array, **_edge(step, block), "origin": list(step.origins)}
    _write(rank_filter, block, crop, out, rank=step.rank, **named)


def erosion(block: Array, step: nd.Erosion, crop: Crop, out: Array) -> None:
    """Apply `binary_erosion` or `binary_dilation`."""
    from scipy import ndimage

    function = ndimage.binary_dilation if step.dilate else ndimage.binary_erosion
    _write(
        function,
        block,
        crop,
        out,
        structure=step.structure.array,
        iterations=step.iterations,
        border_value=int(step.border),
        origin=list(step.origins),
        brute_force=step.brute_force,
    )


def _edge(step: Any, block: Array) -> dict[str, Any]:
    cval = step.cval if block.dtype.kind == "c" else step.cval.real
    return {"mode": step.mode, "cval": cval, **_origin(step)}


def _origin(step: Any) -> dict[str, Any]:
    return {"origin": step.origin} if hasattr(step, "origin") else {}


def _write(
    function: Callable[..., object], block: Array, crop: Crop, out: Array, **named: Any
) -> None:
    """Filter the whole block; write the crop, in place where that is all of it."""
    fits = out.shape == block.shape and out.flags.c_contiguous  # SciPy's rank filter needs it so
    whole = out if fits else np.empty(block.shape, out.dtype)
    if 0 not in block.shape:
        function(block, output=whole, **named)
    if whole is not out:
        out[...] = whole[crop]
