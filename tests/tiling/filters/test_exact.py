"""Every row against SciPy, in bytes: tiles smaller than the halo, any edge mode, any number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy import ndimage as scipy_ndimage

from coordinator import ndimage
from tests.support.cases import CASES, inputs, sums_unlike_nans, tile_of
from tests.support.equality import assert_same_bits
from tiling.errors import TilingError, UnsupportedError
from tiling.filters import FILTERS, Exactness, supported
from tiling.jobs.job import Job
from tiling.kernels import reference
from tiling.kernels.apply import apply
from tiling.probes.select import Requested, select

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
ENDLESS = "need not come to an end"
STRICTER = ("memory outside the array", "uncast and perhaps beyond", ENDLESS)
"""What we refuse and SciPy does not, in words of the refusal."""

KINDS = (ValueError, TypeError, RuntimeError)


def scipy_says(name: str, x: npt.NDArray[Any], parameters: dict[str, Any]) -> Any:
    """Return SciPy's result, or its error.

    Its 1-d rank filters refuse floats in foreign byte order; we do not. So it gets native ones.
    """
    if (refusal := undefined(name, x, parameters)) is not None:
        return refusal
    if x.ndim == 1 and FILTERS[name].exactness is Exactness.HALO:
        x = x.astype(x.dtype.newbyteorder("="))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(scipy_ndimage, name)(x, **parameters)
        except KINDS as error:
            return error


def undefined(name: str, x: npt.NDArray[Any], parameters: dict[str, Any]) -> TilingError | None:
    """Return our refusal of a call in which SciPy would leave its memory, or run for ever.

    Its binary filters check no origin, and with axes out of order one may be another axis's.
    """
    try:
        call = FILTERS[name].call(x.ndim, x.dtype, **parameters)
        Job(x.ndim, (call,)).program.check_shape(x.shape)
    except TilingError as error:
        unchecked = name.startswith("binary") and "invalid origin" in str(error)
        if unchecked or "memory outside the array" in str(error) or ENDLESS in str(error):
            return error
    return None


def we_say(
    name: str, x: npt.NDArray[Any], parameters: dict[str, Any], tile: tuple[int, ...]
) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(ndimage, name)(x, **parameters, tile=tile)
        except TilingError as error:
            return error


def agree(ours: Any, theirs: Any, *, signs: bool = True) -> None:
    """Assert the same bits, or the same kind of error; `signs` of NaN may not count."""
    if isinstance(ours, UnsupportedError) and any(reason in str(ours) for reason in STRICTER):
        event("refused")
        return
    if isinstance(theirs, Exception):
        event(type(theirs).__name__)
        kinds = [kind for kind in KINDS if isinstance(theirs, kind)]
        assert isinstance(ours, tuple(kinds)), f"SciPy says {theirs!r}, we {ours!r}"
        return
    assert not isinstance(ours, Exception), f"SciPy answers, we {ours!r}"
    if signs:
        assert_same_bits(ours, theirs)
    else:
        assert_same_bits(plain(ours), plain(theirs))


def plain(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array whose NaNs all have one sign."""
    result = x.copy()
    for part in (result.real, result.imag) if x.dtype.kind == "c" else (result,):
        if x.dtype.kind in "fc":
            part[np.isnan(part)] = np.nan
    return result


def test_every_row_has_a_case() -> None:
    """A row that lands without proof would be seen here."""
    assert {row.name for row in supported()} == set(CASES)


@pytest.mark.parametrize("kernel", ["native", "reference"])
@pytest.mark.parametrize("name", CASES)
@settings(suppress_health_check=SLOW)
@given(data=st.data())
def test_tiles_have_the_bits_of_scipy(name: str, kernel: Requested, data: st.DataObject) -> None:
    """Whatever array, parameters and tiles, and with either kernel: the bytes are SciPy's."""
    x = data.draw(inputs(name))
    parameters = CASES[name](data.draw, x)
    tile = tile_of(data.draw, x.ndim)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("coordinator.engines.local.kernel_for", lambda _: select(kernel))
        ours = we_say(name, x, parameters, tile)
    agree(ours, scipy_says(name, x, parameters), signs=not sums_unlike_nans(name, x, parameters))


EXTREMA = [
    ("minimum_filter1d", {"size": 5}),
    ("maximum_filter1d", {"size": 4, "origin": 1}),
    ("minimum_filter", {"size": 3}),
    ("maximum_filter", {"size": 6, "mode": "wrap"}),
    ("grey_opening", {"size": 4}),
    ("white_tophat", {"size": 3}),
    ("morphological_gradient", {"size": 5, "mode": "constant", "cval": np.nan}),
]


@pytest.mark.parametrize(("name", "parameters"), EXTREMA, ids=[name for name, _ in EXTREMA])
@pytest.mark.parametrize("shape", [(2000,), (60, 50), (9, 60, 8)], ids=str)
def test_nan_marks_the_line_beyond_its_window(
    name: str, parameters: dict[str, Any], shape: tuple[int, ...]
) -> None:
    """SciPy's running extremum remembers a NaN, so tiles are whole lines where there is one."""
    x = np.random.default_rng(0).choice([np.nan, -0.0, *range(6)], shape)
    agree(we_say(name, x, parameters, (7,) * x.ndim), scipy_says(name, x, parameters))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i8"])
@pytest.mark.parametrize("shape", [(2000,), (60, 50), (9, 60, 8)], ids=str)
def test_running_sums_remember_the_line(dtype: str, shape: tuple[int, ...]) -> None:
    """Sums that are rounded, or that met an infinity, are those of whole lines."""
    x = np.random.default_rng(0).normal(scale=1e18, size=shape).astype(dtype)
    if x.dtype.kind != "i":
        x.flat[5::97] = np.inf
    agree(we_say("uniform_filter", x, {}, (7,) * x.ndim), scipy_says("uniform_filter", x, {}))


def test_a_window_deeper_than_the_line_is_refused() -> None:
    """SciPy's 1-d rank filter would read memory outside the array."""
    for mode in ("reflect", "mirror", "wrap"):
        with pytest.raises(UnsupportedError, match="outside the array"):
            ndimage.rank_filter(np.arange(4.0), 2, size=9, mode=mode, origin=2)


def test_a_block_that_is_too_short_is_refused_too() -> None:
    """Whoever sends it: a worker reads no memory that is not its block's."""
    job = Job(1, (FILTERS["rank_filter"].call(1, np.dtype("f8"), 2, size=9, origin=2),))
    with pytest.raises(UnsupportedError, match="outside the array"):
        apply(job.program, np.zeros(4), (slice(0, 4),), np.empty(4), reference.run)


ITERATED = [
    ("binary_dilation", (40, 400), (5, 5), [-2, 0], (1, 400)),
    ("binary_erosion", (40, 400), (5, 5), [2, 0], (1, 400)),
    ("binary_opening", (30, 30), (1, 7), 0, (7, 1)),
    ("binary_closing", (30, 30), (6, 1), [-3, 0], (2, 9)),
]


@pytest.mark.parametrize(("name", "shape", "size", "origin", "tile"), ITERATED)
def test_tiles_may_be_shorter_than_the_structure(
    name: str, shape: tuple[int, ...], size: Any, origin: Any, tile: Any
) -> None:
    """SciPy's quick way to several iterations would write outside such a block."""
    x = np.random.default_rng(0).random(shape) < (0.02 if name == "binary_dilation" else 0.9)
    parameters = {"structure": np.ones(size), "origin": origin, "iterations": 3}
    assert_same_bits(
        getattr(ndimage, name)(x, **parameters, tile=tile),
        getattr(scipy_ndimage, name)(x, **parameters),
    )


def test_iterations_on_an_array_shorter_than_the_structure() -> None:
    """They are refused where SciPy would write outside the array, and nowhere else."""
    structure = np.ones((5, 5))
    for length in (1, 2, 3, 5):
        x = np.random.default_rng(0).random((length, 50)) < 0.1
        for parameters in ({"iterations": 3}, {"iterations": 3, "brute_force": True}):
            agree(
                we_say("binary_dilation", x, {"structure": structure, **parameters}, (1, 7)),
                scipy_ndimage.binary_dilation(x, structure, **parameters),
            )
    x = np.zeros((4, 50), bool)
    with pytest.raises(UnsupportedError, match="brute_force=True works"):
        ndimage.binary_dilation(x, structure, iterations=2)
    for parameters in ({"iterations": 1}, {"iterations": 2, "brute_force": True}):
        assert not ndimage.binary_dilation(x, structure, **parameters).any()


@pytest.mark.parametrize("name", ["minimum_filter", "correlate", "median_filter", "grey_dilation"])
def test_a_window_far_deeper_than_an_axis_is_refused(name: str) -> None:
    """With `reflect`, SciPy folds the coordinate -4 * length to -1."""
    x = np.arange(60.0).reshape(2, 30)
    size = np.array([[1, 0]] + [[0, 1]] * 16)
    for rows in (15, 17):
        key = "weights" if name == "correlate" else "footprint"
        parameters = {key: size[-rows:] if name != "grey_dilation" else size[-rows:][::-1, ::-1]}
        if rows == 17:
            with pytest.raises(UnsupportedError, match="outside the array"):
                getattr(ndimage, name)(x, **parameters)
        else:
            agree(we_say(name, x, parameters, (1, 3)), scipy_says(name, x, parameters))


@pytest.mark.parametrize("axes", [(1, 0), (-1, -2), (0, 1), (1,)], ids=str)
def test_sigmas_of_axes_out_of_order(axes: tuple[int, ...]) -> None:
    """SciPy gives each axis its sigma where some are left out, and keeps the order otherwise."""
    x = np.random.default_rng(0).normal(size=(20, 20))
    parameters = {"sigma": [0.5, 2.0][: len(axes)], "axes": axes}
    name = "gaussian_laplace"
    agree(we_say(name, x, parameters, (7, 7)), scipy_says(name, x, parameters))


@pytest.mark.parametrize("axes", [(0, 1, 2), (3, 2, 1), (-1, -2, -3)], ids=str)
def test_structures_along_axes_out_of_order(axes: tuple[int, ...]) -> None:
    """SciPy turns the structure round before it spreads it; so do we."""
    x = np.random.default_rng(0).random((5, 5, 4, 6)) < 0.2
    structure = np.array([[[1, 1], [0, 1]], [[1, 1], [1, 1]], [[1, 1], [0, 0]]], bool)
    parameters = {"structure": structure, "axes": axes, "iterations": 2}
    for name in ("binary_dilation", "binary_erosion"):
        agree(we_say(name, x, parameters, (3,) * 4), scipy_says(name, x, parameters))


def test_a_line_of_floats_into_another_dtype_is_refused() -> None:
    """SciPy's 1-d rank filter would write float64 into memory that is too small for it."""
    for target in ("u1", "f4", "i8"):
        with pytest.raises(UnsupportedError, match="astype"):
            ndimage.median_filter(np.arange(9.0), 3, output=target)
    assert_same_bits(
        ndimage.median_filter(np.arange(9, dtype="i2"), 3, output="f4"),
        scipy_ndimage.median_filter(np.arange(9, dtype="i2"), 3, output="f4"),
    )
