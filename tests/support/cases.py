"""Arrays and parameters for every filter, as SciPy takes them, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from tiling.filters import FILTERS, Dtypes

Array = npt.NDArray[Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

REAL = ["?", "i1", "<i2", "i4", "i8", "u1", "u2", ">u4", "u8", *["f4", ">f8"] * 3]
MODES = ["reflect", "mirror", "nearest", "constant", "wrap", "grid-wrap", "grid-mirror"]
SPECIAL = [
    *(0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-310, 3e38, 255.5, -1.0),
    *(6e307, -6e307, 1.2e308, -1.797e308, 1.797e308, 5e-324, 1e-39, 3.4e38, -3.4e38),
]
"""Numbers that meet a rule of floats: no value of GDAL, sums that overflow, subnormals."""

_SUMS = ("laplace", "gaussian_laplace", "gaussian_gradient_magnitude", "morphological_laplace")
"""Filters that add arrays with NumPy, which gives the sum of two unlike NaNs the sign of one or of
the other, by the place in the array: 16 samples from its end it may change."""


def sums_unlike_nans(name: str, x: Array, parameters: Mapping[str, Any]) -> bool:
    """Tell whether SciPy lets NumPy add arrays; also of complex samples with complex weights."""
    weights = parameters.get("weights", 0)
    return name in _SUMS or bool(np.iscomplexobj(weights) and x.dtype.kind == "c")


OUTPUTS = [None, None, None, "f4", "f8", "i4", "u1"]


def array_of(draw: Draw, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return an array full of ordinary, extreme and, for floats perhaps, special numbers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = np.dtype(dtype)
    if kind.kind == "c":
        part = kind.char.lower()
        both = array_of(draw, part, shape), array_of(draw, part, shape)
        result = np.empty(shape, kind)
        result.real, result.imag = both
        return result
    style = draw(st.sampled_from(["few", "wide", "special", "gaps"]))
    if style == "few":
        return rng.integers(0, 4, shape).astype(kind)
    if style == "gaps" and kind.kind == "f":
        return rng.choice([np.nan, np.nan, -0.0, 0.0, 1, 2, 3, 4, 5], shape).astype(kind)
    if kind.kind in "biu":
        size = int(np.prod(shape)) * kind.itemsize
        raw = np.frombuffer(rng.bytes(size), "u1" if kind.kind == "b" else kind).reshape(shape)
        return (raw % 2).astype(kind) if kind.kind == "b" else raw.copy()
    values = rng.normal(scale=100.0, size=shape)
    if style == "special":
        spots = rng.random(shape) < draw(st.sampled_from([0.05, 0.3]))
        values[spots] = rng.choice(SPECIAL, int(spots.sum()))
    with np.errstate(all="ignore"):
        return values.astype(kind)


def shape_of(draw: Draw) -> tuple[int, ...]:
    """Return a shape of 1 to 4 axes, of a few thousand samples at most."""
    ndim = draw(st.integers(1, 4))
    longest = {1: 60, 2: 16, 3: 9, 4: 6}[ndim]
    return tuple(draw(st.lists(st.integers(1, longest), min_size=ndim, max_size=ndim)))


def tile_of(draw: Draw, ndim: int) -> tuple[int, ...]:
    """Return tiles, most of them smaller than a halo."""
    return tuple(draw(st.lists(st.integers(1, 7), min_size=ndim, max_size=ndim)))


def axes_of(draw: Draw, ndim: int) -> Any:
    """Return None, an axis, or several in any order."""
    order = draw(st.permutations(range(ndim)))
    several = tuple(axis - draw(st.sampled_from([0, ndim])) for axis in order)
    return draw(st.sampled_from([None, None, several[0], several[: draw(st.integers(1, ndim))]]))


def count_of(axes: Any, ndim: int) -> int:
    if axes is None:
        return ndim
    return len(axes) if isinstance(axes, tuple) else 1


def origin_for(draw: Draw, sizes: Any) -> Any:
    """Return an origin for each size, none outside its window, neither way round."""
    shifts = [
        draw(st.integers(min(-(n // 2) + 1 - n % 2, 0), (n - 1) // 2)) if n > 1 else 0
        for n in sizes
    ]
    return draw(st.sampled_from([0, shifts]))


def one_or_each(draw: Draw, strategy: st.SearchStrategy[Any], count: int) -> Any:
    each = st.lists(strategy, min_size=count, max_size=count)
    return draw(st.one_of(strategy, each))


def edges(draw: Draw, source: np.dtype[Any], count: int = 0) -> dict[str, Any]:
    """Return mode and fill value; modes for each axis if there is a count."""
    mode = one_or_each(draw, st.sampled_from(MODES), count) if count else draw(
        st.sampled_from(MODES)
    )  # fmt: skip
    fills = [0.0, 3, -2.5, np.nan, np.inf, -0.0]
    cval = draw(st.sampled_from(fills[:2] if source.kind in "biu" else fills))
    return {"mode": mode, "cval": cval}


def output(draw: Draw, source: np.dtype[Any]) -> dict[str, Any]:
    dtypes = ["c8", "c16", None] if source.kind == "c" else OUTPUTS
    return {"output": draw(st.sampled_from(dtypes))}


def gaussian(draw: Draw, x: Array) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    count = count_of(axes, x.ndim)
    return {
        "sigma": one_or_each(draw, st.sampled_from([0.5, 1, 2.5]), count),
        "order": one_or_each(draw, st.integers(0, 2), count),
        "truncate": draw(st.sampled_from([2.0, 4.0])),
        "axes": axes,
        **edges(draw, x.dtype, count),
        **output(draw, x.dtype),
    }


def gaussian1d(draw: Draw, x: Array) -> dict[str, Any]:
    order = draw(st.integers(0, 2))
    return {"sigma": 1.5, "axis": draw(st.integers(-x.ndim, x.ndim - 1)), "order": order,
            "radius": draw(st.sampled_from([None, 1, 9])),
            **edges(draw, x.dtype), **output(draw, x.dtype)}  # fmt: skip


def gaussian_laplacian(draw: Draw, x: Array) -> dict[str, Any]:
    """Return one sigma, or one for each filtered axis."""
    return _gaussian_derived(draw, x, each=False)


def gaussian_gradient(draw: Draw, x: Array) -> dict[str, Any]:
    """Return one sigma, or one for each axis of the array."""
    return _gaussian_derived(draw, x, each=True)


def _gaussian_derived(draw: Draw, x: Array, *, each: bool) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    options = draw(st.sampled_from([{}, {"truncate": 2.5}, {"radius": 2}]))
    count = x.ndim if each else count_of(axes, x.ndim)
    sigma = one_or_each(draw, st.sampled_from([0.5, 1, 2.0]), count)
    return {"sigma": sigma, "axes": axes, **options,
            **edges(draw, x.dtype, count_of(axes, x.ndim)), **output(draw, x.dtype)}  # fmt: skip


def laplacian(draw: Draw, x: Array) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    return {"axes": axes, **edges(draw, x.dtype, count_of(axes, x.ndim)), **output(draw, x.dtype)}


def edge_filter(draw: Draw, x: Array) -> dict[str, Any]:
    return {"axis": draw(st.integers(-x.ndim, x.ndim - 1)), **edges(draw, x.dtype, x.ndim),
            **output(draw, x.dtype)}  # fmt: skip


def weights_of(draw: Draw, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    real = rng.normal(size=shape)
    kind = draw(st.sampled_from(["real", "real", "whole", "complex"]))
    if kind == "complex":
        return real + 1j * rng.normal(size=shape)
    return np.asarray(rng.integers(-1, 3, shape) if kind == "whole" else real)


def _out_for(draw: Draw, x: Array, weights: Array) -> dict[str, Any]:
    mixed = "c" in (x.dtype.kind, weights.dtype.kind)
    return (
        {"output": draw(st.sampled_from(["c8", "c16", None]))} if mixed else output(draw, x.dtype)
    )


def correlation1d(draw: Draw, x: Array) -> dict[str, Any]:
    weights = weights_of(draw, (draw(st.integers(1, 6)),))
    origin = origin_for(draw, weights.shape)
    return {"weights": weights, "axis": draw(st.integers(-x.ndim, x.ndim - 1)),
            "origin": origin if origin == 0 else origin[0],
            **edges(draw, x.dtype), **_out_for(draw, x, weights)}  # fmt: skip


def sizes_for(draw: Draw, count: int, largest: int = 4) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(1, largest), min_size=count, max_size=count)))


def correlation(draw: Draw, x: Array) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    shape = sizes_for(draw, count_of(axes, x.ndim))
    weights = weights_of(draw, shape)
    return {"weights": weights, "axes": axes, "origin": origin_for(draw, shape),
            **edges(draw, x.dtype), **_out_for(draw, x, weights)}  # fmt: skip


def line(draw: Draw, x: Array) -> dict[str, Any]:
    size = draw(st.integers(1, 9))
    origin = origin_for(draw, [size])
    return {"size": size, "axis": draw(st.integers(-x.ndim, x.ndim - 1)),
            "origin": origin if origin == 0 else origin[0],
            **edges(draw, x.dtype), **output(draw, x.dtype)}  # fmt: skip


def mean(draw: Draw, x: Array) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    count = count_of(axes, x.ndim)
    sizes = sizes_for(draw, count, 7)
    return {"size": sizes, "axes": axes, "origin": origin_for(draw, sizes),
            **edges(draw, x.dtype, count), **output(draw, x.dtype)}  # fmt: skip


def window(draw: Draw, x: Array) -> dict[str, Any]:
    """Return a size, or a footprint."""
    axes = axes_of(draw, x.ndim)
    count = count_of(axes, x.ndim)
    sizes = sizes_for(draw, count)
    common = {"axes": axes, "origin": origin_for(draw, sizes), **output(draw, x.dtype)}
    if draw(st.booleans()):
        return {"size": sizes, **common, **edges(draw, x.dtype, count)}
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    footprint = rng.random(sizes) < 0.6
    footprint.flat[0] = True
    return {"footprint": footprint, **common, **edges(draw, x.dtype)}


def rank_window(draw: Draw, x: Array) -> dict[str, Any]:
    parameters = window(draw, x)
    if not isinstance(parameters["mode"], str):
        parameters["mode"] = parameters["mode"][0]
    if x.ndim == 1:  # SciPy writes some dtypes uncast, perhaps beyond the output
        parameters["output"] = None
    return parameters


def rank(draw: Draw, x: Array) -> dict[str, Any]:
    parameters = rank_window(draw, x)
    given = parameters.get("footprint")
    count = int(np.prod(parameters["size"])) if given is None else int(given.sum())
    return {"rank": draw(st.integers(-count, count - 1)), **parameters}


def percentile(draw: Draw, x: Array) -> dict[str, Any]:
    return {"percentile": draw(st.sampled_from([0, 20, 50.5, -10, 100])), **rank_window(draw, x)}


def grey(draw: Draw, x: Array) -> dict[str, Any]:
    """Return a size, a footprint, or a structure with or without a footprint."""
    parameters = window(draw, x)
    if "footprint" in parameters and draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        parameters["structure"] = rng.integers(-3, 4, parameters["footprint"].shape) / 2
        if draw(st.booleans()):
            del parameters["footprint"]
    return parameters


def binary(draw: Draw, x: Array) -> dict[str, Any]:
    axes = axes_of(draw, x.ndim)
    sizes = sizes_for(draw, count_of(axes, x.ndim), 5)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    structure = draw(st.sampled_from([None, rng.random(sizes) < 0.7]))
    origin = 0 if structure is None else origin_for(draw, sizes)
    mask = draw(st.sampled_from([None, rng.random(x.shape) < 0.8, rng.integers(0, 3, x.shape)]))
    return {"structure": structure, "axes": axes, "origin": origin, "mask": mask,
            "iterations": draw(st.integers(-1, 4)), "border_value": draw(st.integers(0, 1)),
            "brute_force": draw(st.booleans())}  # fmt: skip


def propagation(draw: Draw, x: Array) -> dict[str, Any]:
    parameters = binary(draw, x)
    return {k: v for k, v in parameters.items() if k not in ("iterations", "brute_force")}


def holes(draw: Draw, x: Array) -> dict[str, Any]:
    return {k: v for k, v in binary(draw, x).items() if k in ("structure", "axes", "origin")}


_ROWS = (
    (gaussian, ("gaussian_filter",)),
    (gaussian1d, ("gaussian_filter1d",)),
    (gaussian_laplacian, ("gaussian_laplace",)),
    (gaussian_gradient, ("gaussian_gradient_magnitude",)),
    (laplacian, ("laplace",)),
    (edge_filter, ("sobel", "prewitt")),
    (correlation, ("correlate", "convolve")),
    (correlation1d, ("correlate1d", "convolve1d")),
    (window, ("minimum_filter", "maximum_filter")),
    (line, ("minimum_filter1d", "maximum_filter1d", "uniform_filter1d")),
    (rank_window, ("median_filter",)),
    (percentile, ("percentile_filter",)),
    (rank, ("rank_filter",)),
    (mean, ("uniform_filter",)),
    (grey, ("grey_erosion", "grey_dilation", "grey_opening", "grey_closing")),
    (grey, ("morphological_gradient", "morphological_laplace", "white_tophat", "black_tophat")),
    (binary, ("binary_erosion", "binary_dilation", "binary_opening", "binary_closing")),
    (propagation, ("binary_propagation",)),
    (holes, ("binary_fill_holes",)),
)

CASES: Mapping[str, Callable[[Draw, Array], dict[str, Any]]] = {
    name: case for case, names in _ROWS for name in names
}


@st.composite
def inputs(draw: Draw, name: str) -> Array:
    """Draw an array that the filter takes."""
    dtypes = [*REAL, "c8", "c16"] if FILTERS[name].dtypes is Dtypes.NUMBERS else REAL
    return array_of(draw, draw(st.sampled_from(dtypes)), shape_of(draw))
