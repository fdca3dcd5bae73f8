"""SciPy's filters other than 1-d correlations with real weights, on one block.

For each kind of operation `CALLS` has the function of `scipy.ndimage` that computes it, and its
parameters. SciPy is imported on first use; it releases the GIL in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tiling.dtypes import Array
from tiling.kernels import scipys
from tiling.kernels.arithmetic import keep_first
from tiling.kernels.binary import defined, erosion

if TYPE_CHECKING:
    from tiling.operations import Operation
    from tiling.operations.running import ComplexCorrelation, RunningExtremum, RunningMean
    from tiling.operations.windows import Correlation, Extremum, Rank

FunctionCall = tuple[str, dict[str, Any]]


def run(operation: Operation, block: Array, crop: tuple[slice, ...], out: Array) -> None:
    """Filter the whole block and write the part `crop` of the result into `out`.

    The result is written in place where the crop is all of the block.

    Parameters
    ----------
    operation : Operation
        Of a kind in `CALLS`.
    block : ndarray
        Samples in native byte order; not written to.
    crop : tuple of slice
    out : ndarray
        Of the shape of the crop.
    """
    name, parameters = CALLS[operation.KIND](operation)
    if "cval" in parameters and block.dtype.kind != "c":
        parameters["cval"] = parameters["cval"].real
    if "brute_force" in parameters:
        parameters = defined(parameters, block.shape)
    fits = out.shape == block.shape and out.flags.c_contiguous  # SciPy's rank filter needs it so
    whole = out if fits else np.empty(block.shape, out.dtype)
    if 0 not in block.shape:
        with np.errstate(all="ignore"):  # SciPy subtracts parts of complex numbers with NumPy
            scipys.call(name, block, output=whole, **parameters)
            if "c" == block.dtype.kind == parameters.get("weights", block.real).dtype.kind:
                _settle_nans(name, block, whole, **parameters)
    if whole is not out:
        out[...] = whole[crop]


def _settle_nans(
    name: str, block: Array, out: Array, *, weights: Array, cval: complex, **others: Any
) -> None:
    """Write the first NaN where two meet in the sum that SciPy lets NumPy make, which is either."""
    if not np.isnan(out.imag).any():
        return
    first = np.empty(block.shape, out.imag.dtype)
    parts = {"weights": weights.imag, "cval": complex(cval).real}
    scipys.call(name, block.real, output=first, **parts, **others)
    parts = {"weights": weights.real, "cval": complex(cval).imag}
    keep_first(first, scipys.call(name, block.imag, **parts, **others), out.imag)


def _running_extremum(step: RunningExtremum) -> FunctionCall:
    name = "minimum_filter1d" if step.minimum else "maximum_filter1d"
    return name, {"size": step.size, **_line(step)}


def _running_mean(step: RunningMean) -> FunctionCall:
    return "uniform_filter1d", {"size": step.size, **_line(step)}


def _complex_correlation(step: ComplexCorrelation) -> FunctionCall:
    return "correlate1d", {"weights": step.weights.array, **_line(step)}


def _line(step: RunningExtremum | RunningMean | ComplexCorrelation) -> dict[str, Any]:
    return {"axis": step.axis, "mode": step.mode, "cval": step.cval, "origin": step.origin}


def _correlation(step: Correlation) -> FunctionCall:
    return "correlate", {"weights": step.table.array, **_window(step)}


def _rank(step: Rank) -> FunctionCall:
    return "rank_filter", {"rank": step.rank, "footprint": step.table.array, **_window(step)}


def _extremum(step: Extremum) -> FunctionCall:
    """Return a minimum or maximum over a footprint.

    SciPy's functions with a structure are `grey_erosion` and `grey_dilation`; the latter turns
    footprint, structure and origins round, so it gets them turned round.
    """
    footprint, named = step.table.array, _window(step)
    if step.structure is None:
        name = "minimum_filter" if step.minimum else "maximum_filter"
        return name, {"footprint": footprint, **named}
    structure = step.structure.array
    if step.minimum:
        return "grey_erosion", {"footprint": footprint, "structure": structure, **named}
    origins = [-o - 1 + n % 2 for o, n in zip(step.origins, footprint.shape, strict=True)]
    turned = {"footprint": np.flip(footprint), "structure": np.flip(structure), "origin": origins}
    return "grey_dilation", named | turned


def _window(step: Correlation | Extremum | Rank) -> dict[str, Any]:
    return {"mode": step.mode, "cval": step.cval, "origin": list(step.origins)}


CALLS: Mapping[str, Callable[[Any], FunctionCall]] = MappingProxyType(
    {
        "running_extremum": _running_extremum,
        "running_mean": _running_mean,
        "complex_correlation": _complex_correlation,
        "correlation": _correlation,
        "extremum": _extremum,
        "rank": _rank,
        "erosion": erosion,
    }
)
"""What computes each `KIND` of operation, `correlations` and `arithmetic` apart."""
