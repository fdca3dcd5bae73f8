"""`scipy.ndimage` on this machine's cores, typed: written by ``make stubs``."""

# ruff: noqa: A002 -- SciPy has a parameter `input`
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
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
    "generic_filter",
    "generic_filter1d",
    "generic_gradient_magnitude",
    "generic_laplace",
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
    "vectorized_filter",
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
    *,
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Filter an array with this machine's cores, by filters one after another in one pass.

    Parameters
    ----------
    links : sequence of (str, mapping)
        SciPy's name of each filter, and its parameters; the last may have an array as `output`.
    input : array_like
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns.

    Returns
    -------
    ndarray
        What SciPy's functions give one after another, bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> from tilefan.ndimage import run
    >>> x = np.arange(16.0).reshape(4, 4)
    >>> run([("sobel", {"axis": 0}), ("maximum_filter", {"size": 3})], x)[0]
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Blur, or differentiate what is blurred.

    The result has the bits of `scipy.ndimage.gaussian_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    sigma : float or sequence of float
        Standard deviation in samples; one value, or one per axis. An axis with 0 is not
        filtered.
    order : int or sequence of int, optional
        Derivative; 0 smooths; one value, or one per axis.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    truncate : float, optional
        Radius of the filter, in sigmas.
    radius : int or sequence of int, optional
        Radius in samples; one value, or one per axis. It takes the place of `truncate` times
        `sigma`.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: radius, or int(truncate * sigma + 0.5). Exactness: every output
    sample depends on its own window only: tiles with a halo are exact.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.gaussian_filter([0, 0, 90, 0, 0], sigma=1)
    array([ 5, 21, 35, 21,  5])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Blur along one axis, or differentiate what is blurred.

    The result has the bits of `scipy.ndimage.gaussian_filter1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    sigma : float
        Standard deviation in samples. An axis with 0 is not filtered.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    order : int, optional
        Derivative; 0 smooths.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    truncate : float, optional
        Radius of the filter, in sigmas.
    radius : int, optional
        Radius in samples. It takes the place of `truncate` times `sigma`.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: radius, or int(truncate * sigma + 0.5). Exactness: every output
    sample depends on its own window only: tiles with a halo are exact.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.gaussian_filter1d([0, 0, 90, 0, 0], sigma=1)
    array([ 5, 21, 35, 21,  5])
    """

def gaussian_laplace(
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

    The result has the bits of `scipy.ndimage.gaussian_laplace` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    sigma : float or sequence of float
        Standard deviation in samples; one value, or one per axis. An axis with 0 is not
        filtered.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.
    **kwargs
        `truncate` and `radius`, which mean what they mean in gaussian_filter.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: radius, or int(truncate * sigma + 0.5). Exactness: every output
    sample depends on its own window only: tiles with a halo are exact. Besides: where two NaNs
    with different bits are added, the first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.gaussian_laplace([0, 0, 90, 0, 0], sigma=1)
    array([ 17,   0, -35,   0,  17])
    """

def gaussian_gradient_magnitude(
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

    The result has the bits of `scipy.ndimage.gaussian_gradient_magnitude` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    sigma : float or sequence of float
        Standard deviation in samples; one value, or one per axis. An axis with 0 is not
        filtered.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.
    **kwargs
        `truncate` and `radius`, which mean what they mean in gaussian_filter.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: radius, or int(truncate * sigma + 0.5). Exactness: every output
    sample depends on its own window only: tiles with a halo are exact. Besides: where two NaNs
    with different bits are added, the first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.gaussian_gradient_magnitude([0, 0, 90, 0, 0], sigma=1)
    array([ 8, 21,  0, 21,  8])
    """

def laplace(
    input: npt.ArrayLike,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    axes: int | Sequence[int] | None = None,
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Add up the second differences along each axis.

    The result has the bits of `scipy.ndimage.laplace` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: 1. Exactness: every output sample depends on its own window
    only: tiles with a halo are exact. Besides: where two NaNs with different bits are added,
    the first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.laplace([0, 0, 9, 0, 0])
    array([  0,   9, -18,   9,   0])
    """

def sobel(
    input: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the difference along one axis, smoothed with weights 1 2 1 along the others.

    The result has the bits of `scipy.ndimage.sobel` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: 1. Exactness: every output sample depends on its own window
    only: tiles with a halo are exact.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.sobel([1, 1, 5, 9, 9])
    array([0, 4, 8, 4, 0])
    """

def prewitt(
    input: npt.ArrayLike,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    *,
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the difference along one axis, smoothed with weights 1 1 1 along the others.

    The result has the bits of `scipy.ndimage.prewitt` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: 1. Exactness: every output sample depends on its own window
    only: tiles with a halo are exact.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.prewitt([1, 1, 5, 9, 9])
    array([0, 4, 8, 4, 0])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Correlate over several axes at once.

    The result has the bits of `scipy.ndimage.correlate` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    weights : array_like
        What the samples of the window are multiplied with before they are added. Its shape is
        that of the window.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: weights.shape // 2 + origin before, the rest after. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides: of
    complex samples with complex weights: where two NaNs with different bits are added, the
    first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.correlate([1, 5, 2, 4, 3], weights=[1, 2, 4])
    array([23, 19, 25, 22, 22])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Convolve over several axes at once: correlate with the weights turned round.

    The result has the bits of `scipy.ndimage.convolve` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    weights : array_like
        What the samples of the window are multiplied with before they are added. Its shape is
        that of the window.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: as correlate, turned round. Exactness: every output sample
    depends on its own window only: tiles with a halo are exact. Besides: of complex samples
    with complex weights: where two NaNs with different bits are added, the first stays; in
    NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.convolve([1, 5, 2, 4, 3], weights=[1, 2, 4])
    array([11, 16, 28, 19, 25])
    """

def correlate1d(
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

    The result has the bits of `scipy.ndimage.correlate1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    weights : array_like
        What the samples of the window are multiplied with before they are added. Its shape is
        that of the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: len(weights) // 2 + origin before, the rest after. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides: of
    complex samples with complex weights: where two NaNs with different bits are added, the
    first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.correlate1d([1, 5, 2, 4, 3], weights=[1, 2, 4])
    array([23, 19, 25, 22, 22])
    """

def convolve1d(
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

    The result has the bits of `scipy.ndimage.convolve1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    weights : array_like
        What the samples of the window are multiplied with before they are added. Its shape is
        that of the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: as correlate1d, turned round. Exactness: every output sample
    depends on its own window only: tiles with a halo are exact. Besides: of complex samples
    with complex weights: where two NaNs with different bits are added, the first stays; in
    NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.convolve1d([1, 5, 2, 4, 3], weights=[1, 2, 4])
    array([11, 16, 28, 19, 25])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the minimum over a size or footprint.

    The result has the bits of `scipy.ndimage.minimum_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: lines if
    floats hold NaN, or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.minimum_filter([5, 1, 9, 3, 7], size=3)
    array([1, 1, 1, 3, 3])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the maximum over a size or footprint.

    The result has the bits of `scipy.ndimage.maximum_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: lines if
    floats hold NaN, or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.maximum_filter([5, 1, 9, 3, 7], size=3)
    array([5, 9, 9, 9, 7])
    """

def minimum_filter1d(
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

    The result has the bits of `scipy.ndimage.minimum_filter1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int
        Samples in the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: lines if
    floats hold NaN, or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.minimum_filter1d([5, 1, 9, 3, 7], size=3)
    array([1, 1, 1, 3, 3])
    """

def maximum_filter1d(
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

    The result has the bits of `scipy.ndimage.maximum_filter1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int
        Samples in the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: lines if
    floats hold NaN, or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.maximum_filter1d([5, 1, 9, 3, 7], size=3)
    array([5, 9, 9, 9, 7])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the median, the upper one of an even number.

    The result has the bits of `scipy.ndimage.median_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides: an
    array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.median_filter([5, 1, 9, 3, 7], size=3)
    array([5, 5, 3, 7, 7])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the sample at a percentile; negative ones count from the largest.

    The result has the bits of `scipy.ndimage.percentile_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    percentile : float
        From 0 to 100; negative ones count from the largest.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides: an
    array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.percentile_filter([5, 1, 9, 3, 7], percentile=20, size=5)
    array([1, 3, 3, 3, 3])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the sample at a rank; negative ones count from the largest.

    The result has the bits of `scipy.ndimage.rank_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    rank : int
        Place among the window's sorted samples; -1 is the largest.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides: an
    array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.rank_filter([5, 1, 9, 3, 7], rank=1, size=5)
    array([1, 3, 3, 3, 3])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the mean of a window, axis by axis.

    The result has the bits of `scipy.ndimage.uniform_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: halo for
    integers whose sums stay below 2**53, whole lines for all else.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.uniform_filter([3, 6, 9, 3, 0], size=3)
    array([4, 6, 6, 4, 1])
    """

def uniform_filter1d(
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

    The result has the bits of `scipy.ndimage.uniform_filter1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64, complex.
    size : int
        Samples in the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: halo for
    integers whose sums stay below 2**53, whole lines for all else.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.uniform_filter1d([3, 6, 9, 3, 0], size=3)
    array([4, 6, 6, 4, 1])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the minimum of a window, less its structure.

    The result has the bits of `scipy.ndimage.grey_erosion` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: size // 2 + origin before, the rest of size after. Exactness:
    state may run along a line: then tiles own whole lines, axis by axis. Besides: lines if
    floats hold NaN, or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.grey_erosion([5, 1, 9, 3, 7], size=3)
    array([1, 1, 1, 3, 3])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the maximum of a window, plus its structure.

    The result has the bits of `scipy.ndimage.grey_dilation` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: as grey_erosion, turned round. Exactness: state may run along a
    line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN, or a
    filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.grey_dilation([5, 1, 9, 3, 7], size=3)
    array([5, 9, 9, 9, 7])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Erode, then dilate.

    The result has the bits of `scipy.ndimage.grey_opening` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of an erosion and a dilation. Exactness: state may run along a
    line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN, or a
    filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.grey_opening([5, 1, 9, 9, 9], size=3)
    array([1, 1, 9, 9, 9])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Dilate, then erode.

    The result has the bits of `scipy.ndimage.grey_closing` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of a dilation and an erosion. Exactness: state may run along a
    line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN, or a
    filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.grey_closing([5, 1, 9, 9, 9], size=3)
    array([5, 5, 9, 9, 9])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Subtract the eroded from the dilated array.

    The result has the bits of `scipy.ndimage.morphological_gradient` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: the larger of erosion and dilation. Exactness: state may run
    along a line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN,
    or a filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.morphological_gradient([5, 1, 9, 3, 7], size=3)
    array([4, 8, 8, 6, 4])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Add the dilated and the eroded array, and subtract the array twice.

    The result has the bits of `scipy.ndimage.morphological_laplace` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: the larger of erosion and dilation. Exactness: state may run
    along a line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN,
    or a filter before this one may make some; else halo; where two NaNs with different bits are
    added, the first stays; in NumPy it is either.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.morphological_laplace([5, 1, 9, 3, 7], size=3)
    array([-4,  8, -8,  6, -4])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Subtract the opened array from the array.

    The result has the bits of `scipy.ndimage.white_tophat` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of an erosion and a dilation. Exactness: state may run along a
    line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN, or a
    filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.white_tophat([1, 9, 1, 5, 5, 5], size=3)
    array([0, 8, 0, 0, 0, 0])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Subtract the array from the closed array.

    The result has the bits of `scipy.ndimage.black_tophat` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of a dilation and an erosion. Exactness: state may run along a
    line: then tiles own whole lines, axis by axis. Besides: lines if floats hold NaN, or a
    filter before this one may make some; else halo.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.black_tophat([5, 5, 5, 1, 5, 5], size=3)
    array([0, 0, 0, 4, 0, 0])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Keep what the structure fits into.

    The result has the bits of `scipy.ndimage.binary_erosion` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    iterations : int, optional
        How many times; below 1, until nothing changes.
    mask : array_like, optional
        Where samples may change; everywhere unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    border_value : int, optional
        What lies beyond the array: 0 or 1.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    brute_force : bool, optional
        Whether all samples are looked at in each iteration, not only what changed.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: iterations times the structure's reach. Exactness: every output
    sample depends on its own window only: tiles with a halo are exact. Besides: with iterations
    below 1, tiles are computed again until none changes.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_erosion([0, 1, 1, 1, 0])
    array([False, False,  True, False, False])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Add what the structure touches.

    The result has the bits of `scipy.ndimage.binary_dilation` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    iterations : int, optional
        How many times; below 1, until nothing changes.
    mask : array_like, optional
        Where samples may change; everywhere unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    border_value : int, optional
        What lies beyond the array: 0 or 1.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    brute_force : bool, optional
        Whether all samples are looked at in each iteration, not only what changed.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: iterations times the structure's reach, turned round. Exactness:
    every output sample depends on its own window only: tiles with a halo are exact. Besides:
    with iterations below 1, tiles are computed again until none changes.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_dilation([0, 0, 1, 0, 0])
    array([False,  True,  True,  True, False])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Erode, then dilate.

    The result has the bits of `scipy.ndimage.binary_opening` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    iterations : int, optional
        How many times; below 1, until nothing changes.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    mask : array_like, optional
        Where samples may change; everywhere unless given.
    border_value : int, optional
        What lies beyond the array: 0 or 1.
    brute_force : bool, optional
        Whether all samples are looked at in each iteration, not only what changed.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of an erosion and a dilation. Exactness: every output sample
    depends on its own window only: tiles with a halo are exact. Besides: with iterations below
    1, tiles are computed again until none changes.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_opening([1, 0, 1, 1, 1])
    array([False, False,  True,  True,  True])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Dilate, then erode.

    The result has the bits of `scipy.ndimage.binary_closing` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    iterations : int, optional
        How many times; below 1, until nothing changes.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    mask : array_like, optional
        Where samples may change; everywhere unless given.
    border_value : int, optional
        What lies beyond the array: 0 or 1.
    brute_force : bool, optional
        Whether all samples are looked at in each iteration, not only what changed.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: of a dilation and an erosion. Exactness: every output sample
    depends on its own window only: tiles with a halo are exact. Besides: with iterations below
    1, tiles are computed again until none changes.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_closing([0, 1, 0, 1, 0])
    array([False,  True,  True,  True, False])
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
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Dilate within a mask until nothing changes.

    The result has the bits of `scipy.ndimage.binary_propagation` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    mask : array_like, optional
        Where samples may change; everywhere unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    border_value : int, optional
        What lies beyond the array: 0 or 1.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: the structure's reach. Exactness: tiles are computed again until
    none of them changes: every order ends the same.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_propagation([1, 0, 0, 0, 0], mask=[1, 1, 1, 0, 1])
    array([ True,  True,  True, False, False])
    """

def binary_fill_holes(
    input: npt.ArrayLike,
    structure: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    *,
    axes: int | Sequence[int] | None = None,
    tile: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Set what can't be reached from beyond the array without crossing what is set.

    The result has the bits of `scipy.ndimage.binary_fill_holes` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter: bool, integers, float32, float64.
    structure : array_like, optional
        What is added, or fits in. In grey morphology a value for each sample of the window; in
        binary morphology nonzero where a sample counts: a sample and its direct neighbours
        unless given.
    output : dtype or ndarray, optional
        An array of the input's shape to fill; SciPy ignores anything else.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    tile : int or sequence of int, optional
        Shape of the piece that each tile owns; chosen unless given. The result is the same
        whatever it is.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    TilingError
        If SciPy refuses the parameters, then of the builtin kind that SciPy raises (ValueError,
        TypeError or RuntimeError), or if tiles would not give the same bits.

    Notes
    -----
    Halo of a tile, in samples: the structure's reach. Exactness: tiles are computed again until
    none of them changes: every order ends the same.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.binary_fill_holes([0, 1, 0, 1, 0])
    array([False,  True,  True,  True, False])
    """

def generic_filter(
    input: npt.ArrayLike,
    function: Callable[..., Any],
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int | Sequence[int] | NDArray[Any] = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Call a function with the samples of each window; it returns a number.

    The result has the bits of `scipy.ndimage.generic_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter.
    function : callable
        Called with the samples of each window, or with a line and where its result goes.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    extra_arguments : tuple, optional
        Further arguments of the function.
    extra_keywords : dict, optional
        Further keyword arguments of it.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    Exception
        Whatever SciPy, or the function that it calls, raises.

    Notes
    -----
    SciPy itself computes it here, in one thread. A fleet refuses it: it calls a function of
    yours, and a worker runs no code that arrives over the network; tilefan.ndimage has it,
    computed by SciPy.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.generic_filter([5, 1, 9, 3, 7], max, size=3)
    array([5, 9, 9, 9, 7])
    """

def generic_filter1d(
    input: npt.ArrayLike,
    function: Callable[..., Any],
    filter_size: int,
    axis: int = -1,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex = 0.0,
    origin: int = 0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
) -> NDArray[Any]:
    """Call a function with each line, lengthened at its ends; it fills the line of the result.

    The result has the bits of `scipy.ndimage.generic_filter1d` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter.
    function : callable
        Called with the samples of each window, or with a line and where its result goes.
    filter_size : int
        Samples in the window.
    axis : int, optional
        The axis to filter. Negative ones count from the last.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int, optional
        Shift of the window. 0 centres it on the sample, positive values move it towards lower
        indices (in convolutions and dilations, which turn it round, towards higher ones); it
        must stay over its sample.
    extra_arguments : tuple, optional
        Further arguments of the function.
    extra_keywords : dict, optional
        Further keyword arguments of it.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    Exception
        Whatever SciPy, or the function that it calls, raises.

    Notes
    -----
    SciPy itself computes it here, in one thread. A fleet refuses it: it calls a function of
    yours, and a worker runs no code that arrives over the network; tilefan.ndimage has it,
    computed by SciPy.

    Examples
    --------
    >>> import numpy as np
    >>> from tilefan import ndimage
    >>> ndimage.generic_filter1d([5, 1, 9, 3, 7], lambda i, o: np.add(i[1:], i[:-1], o), 2)
    array([10,  6, 10, 12, 10])
    """

def generic_laplace(
    input: npt.ArrayLike,
    derivative2: Callable[..., Any],
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Add up the second derivatives that a function returns for each axis.

    The result has the bits of `scipy.ndimage.generic_laplace` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter.
    derivative2 : callable
        Called for each axis; it returns a second derivative.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    extra_arguments : tuple, optional
        Further arguments of the function.
    extra_keywords : dict, optional
        Further keyword arguments of it.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    Exception
        Whatever SciPy, or the function that it calls, raises.

    Notes
    -----
    SciPy itself computes it here, in one thread. A fleet refuses it: it calls a function of
    yours, and a worker runs no code that arrives over the network; tilefan.ndimage has it,
    computed by SciPy.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.generic_laplace([0, 0, 9], lambda x, *how: ndimage.correlate1d(x, [1, -2, 1], *how))
    array([ 0,  9, -9])
    """

def generic_gradient_magnitude(
    input: npt.ArrayLike,
    derivative: Callable[..., Any],
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode | Sequence[_Mode] = "reflect",
    cval: complex = 0.0,
    extra_arguments: tuple[Any, ...] = (),
    extra_keywords: dict[str, Any] | None = None,
    *,
    axes: int | Sequence[int] | None = None,
) -> NDArray[Any]:
    """Take the length of the gradient of which a function returns each part.

    The result has the bits of `scipy.ndimage.generic_gradient_magnitude` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter.
    derivative : callable
        Called as `sobel` is, for each axis.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str or sequence of str, optional
        Edge mode; one value, or one per axis. What lies beyond: 'reflect' repeats (d c b a | a
        b c d | d c b a), 'mirror' does so without the edge sample (d c b | a b c d | c b a),
        'nearest' repeats the edge sample, 'constant' is `cval`, and 'wrap' goes on at the other
        end. 'grid-mirror', 'grid-constant' and 'grid-wrap' are other names of 'reflect',
        'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    extra_arguments : tuple, optional
        Further arguments of the function.
    extra_keywords : dict, optional
        Further keyword arguments of it.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    Exception
        Whatever SciPy, or the function that it calls, raises.

    Notes
    -----
    SciPy itself computes it here, in one thread. A fleet refuses it: it calls a function of
    yours, and a worker runs no code that arrives over the network; tilefan.ndimage has it,
    computed by SciPy.

    Examples
    --------
    >>> from tilefan import ndimage
    >>> ndimage.generic_gradient_magnitude([1, 1, 5, 9, 9], ndimage.sobel)
    array([0, 4, 8, 4, 0])
    """

def vectorized_filter(
    input: npt.ArrayLike,
    function: Callable[..., Any],
    *,
    size: int | Sequence[int] | NDArray[Any] | None = None,
    footprint: npt.ArrayLike | None = None,
    output: npt.DTypeLike | NDArray[Any] | None = None,
    mode: _Mode = "reflect",
    cval: complex | None = None,
    origin: int | Sequence[int] | NDArray[Any] | None = None,
    axes: int | Sequence[int] | None = None,
    batch_memory: int = 1073741824,
) -> NDArray[Any]:
    """Call a function with the samples of many windows at once; it reduces the last axes.

    The result has the bits of `scipy.ndimage.vectorized_filter` on one machine.

    Parameters
    ----------
    input : array_like
        The array to filter.
    function : callable
        Called with the samples of each window, or with a line and where its result goes.
    size : int or sequence of int, optional
        Samples in the window; one value, or one per axis.
    footprint : array_like, optional
        The window's shape. Nonzero where a sample counts.
    output : dtype or ndarray, optional
        Dtype of the output; the input's unless given. An array of the input's shape is filled
        and returned; a dtype is that of the array that is made. Sums are rounded to it after
        each axis.
    mode : str, optional
        Edge mode. What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror'
        does so without the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge
        sample, 'constant' is `cval`, and 'wrap' goes on at the other end. 'grid-mirror',
        'grid-constant' and 'grid-wrap' are other names of 'reflect', 'constant' and 'wrap'.
    cval : complex, optional
        Fill value of mode constant. Real unless the array is complex.
    origin : int or sequence of int, optional
        Shift of the window; one value, or one per axis. 0 centres it on the sample, positive
        values move it towards lower indices (in convolutions and dilations, which turn it
        round, towards higher ones); it must stay over its sample.
    axes : int or sequence of int, optional
        The axes to filter; all unless given.
    batch_memory : int, optional
        The most bytes of windows that are made at a time.

    Returns
    -------
    ndarray
        Of the shape of `input`; `output` itself if that is an array.

    Raises
    ------
    Exception
        Whatever SciPy, or the function that it calls, raises.

    Notes
    -----
    SciPy itself computes it here, in one thread. A fleet refuses it: it calls a function of
    yours, and a worker runs no code that arrives over the network; tilefan.ndimage has it,
    computed by SciPy.

    Examples
    --------
    >>> import numpy as np
    >>> from tilefan import ndimage
    >>> ndimage.vectorized_filter([5, 1, 9, 3, 7], np.max, size=3)
    array([5, 9, 9, 9, 7])
    """
