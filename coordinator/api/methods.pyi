"""SciPy's filters as methods, typed: written by ``make stubs``."""

# ruff: noqa: A002 -- SciPy has a parameter `input`
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
from numpy.typing import NDArray

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

class FilterMethods:
    def gaussian_filter(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Blur, or differentiate what is blurred.

        See `tilefan.ndimage.gaussian_filter`.
        """

    def gaussian_filter1d(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Blur along one axis, or differentiate what is blurred.

        See `tilefan.ndimage.gaussian_filter1d`.
        """

    def gaussian_laplace(
        self,
        input: npt.ArrayLike,
        sigma: float | Sequence[float] | NDArray[Any],
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
        truncate: float = 4.0,
        radius: int | Sequence[int] | NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Add up the second derivatives of what is blurred.

        See `tilefan.ndimage.gaussian_laplace`.
        """

    def gaussian_gradient_magnitude(
        self,
        input: npt.ArrayLike,
        sigma: float | Sequence[float] | NDArray[Any],
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
        truncate: float = 4.0,
        radius: int | Sequence[int] | NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        """Take the length of the gradient of what is blurred.

        See `tilefan.ndimage.gaussian_gradient_magnitude`.
        """

    def laplace(
        self,
        input: npt.ArrayLike,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Add up the second differences along each axis.

        See `tilefan.ndimage.laplace`.
        """

    def sobel(
        self,
        input: npt.ArrayLike,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the difference along one axis, smoothed with weights 1 2 1 along the others.

        See `tilefan.ndimage.sobel`.
        """

    def prewitt(
        self,
        input: npt.ArrayLike,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the difference along one axis, smoothed with weights 1 1 1 along the others.

        See `tilefan.ndimage.prewitt`.
        """

    def correlate(
        self,
        input: npt.ArrayLike,
        weights: npt.ArrayLike,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Correlate over several axes at once.

        See `tilefan.ndimage.correlate`.
        """

    def convolve(
        self,
        input: npt.ArrayLike,
        weights: npt.ArrayLike,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Convolve over several axes at once: correlate with the weights turned round.

        See `tilefan.ndimage.convolve`.
        """

    def correlate1d(
        self,
        input: npt.ArrayLike,
        weights: npt.ArrayLike,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int = 0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Correlate along one axis.

        See `tilefan.ndimage.correlate1d`.
        """

    def convolve1d(
        self,
        input: npt.ArrayLike,
        weights: npt.ArrayLike,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int = 0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Convolve along one axis: correlate with the weights turned round.

        See `tilefan.ndimage.convolve1d`.
        """

    def minimum_filter(
        self,
        input: npt.ArrayLike,
        size: int | Sequence[int] | NDArray[Any] | None = None,
        footprint: npt.ArrayLike | None = None,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the minimum over a size or footprint.

        See `tilefan.ndimage.minimum_filter`.
        """

    def maximum_filter(
        self,
        input: npt.ArrayLike,
        size: int | Sequence[int] | NDArray[Any] | None = None,
        footprint: npt.ArrayLike | None = None,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the maximum over a size or footprint.

        See `tilefan.ndimage.maximum_filter`.
        """

    def minimum_filter1d(
        self,
        input: npt.ArrayLike,
        size: int,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int = 0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the minimum of a window along one axis.

        See `tilefan.ndimage.minimum_filter1d`.
        """

    def maximum_filter1d(
        self,
        input: npt.ArrayLike,
        size: int,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int = 0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the maximum of a window along one axis.

        See `tilefan.ndimage.maximum_filter1d`.
        """

    def median_filter(
        self,
        input: npt.ArrayLike,
        size: int | Sequence[int] | NDArray[Any] | None = None,
        footprint: npt.ArrayLike | None = None,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the median, the upper one of an even number.

        See `tilefan.ndimage.median_filter`.
        """

    def percentile_filter(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the sample at a percentile; negative ones count from the largest.

        See `tilefan.ndimage.percentile_filter`.
        """

    def rank_filter(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the sample at a rank; negative ones count from the largest.

        See `tilefan.ndimage.rank_filter`.
        """

    def uniform_filter(
        self,
        input: npt.ArrayLike,
        size: int | Sequence[int] | NDArray[Any] = 3,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode | Sequence[_Mode] = "reflect",
        cval: complex = 0.0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the mean of a window, axis by axis.

        See `tilefan.ndimage.uniform_filter`.
        """

    def uniform_filter1d(
        self,
        input: npt.ArrayLike,
        size: int,
        axis: int = -1,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        mode: _Mode = "reflect",
        cval: complex = 0.0,
        origin: int = 0,
        *,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the mean of a window along one axis.

        See `tilefan.ndimage.uniform_filter1d`.
        """

    def grey_erosion(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the minimum of a window, less its structure.

        See `tilefan.ndimage.grey_erosion`.
        """

    def grey_dilation(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Take the maximum of a window, plus its structure.

        See `tilefan.ndimage.grey_dilation`.
        """

    def grey_opening(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Erode, then dilate.

        See `tilefan.ndimage.grey_opening`.
        """

    def grey_closing(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Dilate, then erode.

        See `tilefan.ndimage.grey_closing`.
        """

    def morphological_gradient(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Subtract the eroded from the dilated array.

        See `tilefan.ndimage.morphological_gradient`.
        """

    def morphological_laplace(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Add the dilated and the eroded array, and subtract the array twice.

        See `tilefan.ndimage.morphological_laplace`.
        """

    def white_tophat(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Subtract the opened array from the array.

        See `tilefan.ndimage.white_tophat`.
        """

    def black_tophat(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Subtract the array from the closed array.

        See `tilefan.ndimage.black_tophat`.
        """

    def binary_erosion(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Keep what the structure fits into.

        See `tilefan.ndimage.binary_erosion`.
        """

    def binary_dilation(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Add what the structure touches.

        See `tilefan.ndimage.binary_dilation`.
        """

    def binary_opening(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Erode, then dilate.

        See `tilefan.ndimage.binary_opening`.
        """

    def binary_closing(
        self,
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
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Dilate, then erode.

        See `tilefan.ndimage.binary_closing`.
        """

    def binary_propagation(
        self,
        input: npt.ArrayLike,
        structure: npt.ArrayLike | None = None,
        mask: npt.ArrayLike | None = None,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        border_value: int = 0,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Dilate within a mask until nothing changes.

        See `tilefan.ndimage.binary_propagation`.
        """

    def binary_fill_holes(
        self,
        input: npt.ArrayLike,
        structure: npt.ArrayLike | None = None,
        output: npt.DTypeLike | NDArray[Any] | None = None,
        origin: int | Sequence[int] | NDArray[Any] = 0,
        *,
        axes: int | Sequence[int] | None = None,
        tile: int | Sequence[int] | None = None,
    ) -> NDArray[Any]:
        """Set what can't be reached from beyond the array without crossing what is set.

        See `tilefan.ndimage.binary_fill_holes`.
        """
