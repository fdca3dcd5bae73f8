"""`scipy.ndimage` on dask arrays, typed: written by ``make stubs``."""

# ruff: noqa: A002 -- SciPy has a parameter `input`
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
from dask.array import Array
from numpy.typing import NDArray

__all__ = [
    "binary_closing",
    "binary_dilation",
    "binary_erosion",
    "binary_fill_holes",
    "binary_opening",
    "binary_propagation",
    "black_tophat",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "median_filter",
    "minimum_filter",
    "minimum_filter1d",
    "morphological_gradient",
    "morphological_laplace",
    "percentile_filter",
    "prewitt",
    "rank_filter",
    "run",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
    "white_tophat",
]

_Mode: TypeAlias = Literal[
    "reflect",
    "grid-mirror",
    "mirror",
    "nearest",
    "constant",
    "grid-constant",
    "wrap",
    "grid-wrap",
]

def run(
    links: Sequence[tuple[str, Mapping[str, Any]]],
    input: npt.ArrayLike,
) -> Array:
    """Filter an array lazily, by filters one after another: one task for each chunk in all.

    Parameters
    ----------
    links : sequence of (str, mapping)
        SciPy's name of each filter, and its parameters.
    input : dask.array.Array or array_like

    Returns
    -------
    dask.array.Array
        What SciPy's functions give one after another, bit for bit, in the chunks of `input`.

    Examples
    --------
    >>> import dask.array as da
    >>> from tilefan.dask import run
    >>> x = da.arange(16.0, chunks=5).reshape(4, 4)
    >>> run([("sobel", {"axis": 0}), ("maximum_filter", {"size": 3})], x).compute()[0]
    array([32., 32., 32., 32.])
    """

def gaussian_filter(
    input: npt.ArrayLike,
    sigma: float | Sequence[float] | NDArray[Any],
    order: int | Sequence[int] | NDArray[Any] = 0,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | Sequence[int] | NDArray[Any] | None = None,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Blur, or differentiate what is blurred.

    As `tilefan.ndimage.gaussian_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def gaussian_filter1d(
    input: npt.ArrayLike,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    """Blur along one axis, or differentiate what is blurred.

    As `tilefan.ndimage.gaussian_filter1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def gaussian_laplace(
    input: npt.ArrayLike,
    sigma: float | Sequence[float] | NDArray[Any],
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    truncate: float = 4.0,
    radius: int | Sequence[int] | NDArray[Any] | None = None,
) -> Array:
    """Add up the second derivatives of what is blurred.

    As `tilefan.ndimage.gaussian_laplace`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def gaussian_gradient_magnitude(
    input: npt.ArrayLike,
    sigma: float | Sequence[float] | NDArray[Any],
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    truncate: float = 4.0,
    radius: int | Sequence[int] | NDArray[Any] | None = None,
) -> Array:
    """Take the length of the gradient of what is blurred.

    As `tilefan.ndimage.gaussian_gradient_magnitude`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def laplace(
    input: npt.ArrayLike,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Add up the second differences along each axis.

    As `tilefan.ndimage.laplace`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def sobel(
    input: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
) -> Array:
    """Take the difference along one axis, smoothed with weights 1 2 1 along the others.

    As `tilefan.ndimage.sobel`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def prewitt(
    input: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
) -> Array:
    """Take the difference along one axis, smoothed with weights 1 1 1 along the others.

    As `tilefan.ndimage.prewitt`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def correlate(
    input: npt.ArrayLike,
    weights: npt.ArrayLike,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Correlate over several axes at once.

    As `tilefan.ndimage.correlate`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def convolve(
    input: npt.ArrayLike,
    weights: npt.ArrayLike,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Convolve over several axes at once: correlate with the weights turned round.

    As `tilefan.ndimage.convolve`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def correlate1d(
    input: npt.ArrayLike,
    weights: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Correlate along one axis.

    As `tilefan.ndimage.correlate1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def convolve1d(
    input: npt.ArrayLike,
    weights: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Convolve along one axis: correlate with the weights turned round.

    As `tilefan.ndimage.convolve1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def minimum_filter(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the minimum over a size or footprint.

    As `tilefan.ndimage.minimum_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def maximum_filter(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the maximum over a size or footprint.

    As `tilefan.ndimage.maximum_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def minimum_filter1d(
    input: npt.ArrayLike,
    size: int,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Take the minimum of a window along one axis.

    As `tilefan.ndimage.minimum_filter1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def maximum_filter1d(
    input: npt.ArrayLike,
    size: int,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Take the maximum of a window along one axis.

    As `tilefan.ndimage.maximum_filter1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def median_filter(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the median, the upper one of an even number.

    As `tilefan.ndimage.median_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def percentile_filter(
    input: npt.ArrayLike,
    percentile: float,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the sample at a percentile; negative ones count from the largest.

    As `tilefan.ndimage.percentile_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def rank_filter(
    input: npt.ArrayLike,
    rank: int,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the sample at a rank; negative ones count from the largest.

    As `tilefan.ndimage.rank_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def uniform_filter(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] = 3,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the mean of a window, axis by axis.

    As `tilefan.ndimage.uniform_filter`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def uniform_filter1d(
    input: npt.ArrayLike,
    size: int,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
) -> Array:
    """Take the mean of a window along one axis.

    As `tilefan.ndimage.uniform_filter1d`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def grey_erosion(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the minimum of a window, less its structure.

    As `tilefan.ndimage.grey_erosion`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def grey_dilation(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Take the maximum of a window, plus its structure.

    As `tilefan.ndimage.grey_dilation`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def grey_opening(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Erode, then dilate.

    As `tilefan.ndimage.grey_opening`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def grey_closing(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Dilate, then erode.

    As `tilefan.ndimage.grey_closing`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def morphological_gradient(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Subtract the eroded from the dilated array.

    As `tilefan.ndimage.morphological_gradient`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def morphological_laplace(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Add the dilated and the eroded array, and subtract the array twice.

    As `tilefan.ndimage.morphological_laplace`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def white_tophat(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Subtract the opened array from the array.

    As `tilefan.ndimage.white_tophat`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def black_tophat(
    input: npt.ArrayLike,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Subtract the array from the closed array.

    As `tilefan.ndimage.black_tophat`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_erosion(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    iterations: int = 1,
    mask: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    border_value: int = 0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Keep what the structure fits into.

    As `tilefan.ndimage.binary_erosion`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_dilation(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    iterations: int = 1,
    mask: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    border_value: int = 0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Add what the structure touches.

    As `tilefan.ndimage.binary_dilation`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_opening(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    iterations: int = 1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    mask: npt.ArrayLike | None = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Erode, then dilate.

    As `tilefan.ndimage.binary_opening`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_closing(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    iterations: int = 1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    mask: npt.ArrayLike | None = None,
    border_value: int = 0,
    brute_force: bool = False,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Dilate, then erode.

    As `tilefan.ndimage.binary_closing`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_propagation(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    border_value: int = 0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Dilate within a mask until nothing changes.

    As `tilefan.ndimage.binary_propagation`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """

def binary_fill_holes(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
) -> Array:
    """Set what can't be reached from beyond the array without crossing what is set.

    As `tilefan.ndimage.binary_fill_holes`, but lazy: a dask array
    with the chunks of `input`, of which nothing is computed yet. `output` is a dtype.
    """
