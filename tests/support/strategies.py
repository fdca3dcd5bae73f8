"""Calls of `gaussian_filter`, drawn by hypothesis and compared with SciPy's results in bits.

>>> @given(problems())
... def test(problem):
...     problem.check(fleet.gaussian_filter)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from scipy import ndimage

from tests.support.equality import assert_same_bits
from tiling.geometry.edges import MODES

Array = npt.NDArray[Any]

REAL = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
COMPLEX = ["c8", "c16"]
LONGEST = (1, 60, 20, 8, 5, 4, 3)
"""Length of axes for each rank: a problem has 1000 samples at most."""


def _read_only(array: Array) -> Array:
    array = array.copy()
    array.flags.writeable = False
    return array


def _unaligned(array: Array) -> Array:
    """Copy into memory that begins at an odd address."""
    start = np.empty(array.nbytes + 1, np.uint8)[1:]
    copy = start[: array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda x: x,
    "Fortran": lambda x: np.asfortranarray(x) if x.ndim else x,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "reversed": lambda x: x[(slice(None, None, -1),) * x.ndim] if x.ndim else x,
    "strided": lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    "axes swapped": lambda x: x.swapaxes(0, -1).copy().swapaxes(0, -1) if x.ndim else x,
    "read-only": _read_only,
    "unaligned": _unaligned,
}


@dataclass(frozen=True)
class Problem:
    """An array, SciPy's parameters, and ours: the tile.

    `output` is what SciPy's ``output`` is, but an array is told by its dtype and layout, and
    ``"in place"`` means the input itself.
    """

    array: Array
    sigma: Any
    keywords: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    tile: Any = None

    def want(self) -> Array:
        """Return SciPy's answer for arrays of these very layouts: some casts depend on them."""
        output = np.empty_like(self.array) if self.output == "in place" else self._output()
        result: Array = ndimage.gaussian_filter(
            self.array, self.sigma, output=output, **self.keywords
        )
        return result

    def _output(self) -> Any:
        if isinstance(self.output, tuple):
            return LAYOUTS[self.output[1]](np.empty(self.array.shape, self.output[0]))
        return self.output

    def check(self, function: Callable[..., Array]) -> None:
        """Assert that a function answers with SciPy's bits, and where it was asked to."""
        want, array = self.want(), self.array
        output = array if self.output == "in place" else self._output()
        before = array.copy()
        got = function(array, self.sigma, output=output, tile=self.tile, **self.keywords)
        assert_same_bits(got, want)
        if isinstance(output, np.ndarray):
            assert got is output
        if output is not array:
            assert_same_bits(array, before)


def samples(shape: tuple[int, ...], dtype: npt.DTypeLike, seed: int, *, special: bool) -> Array:
    """Make an array of random bits; of floats in a moderate range, and special values among them.

    Integers and booleans come from the whole range of their dtype.
    """
    kind, rng = np.dtype(dtype), np.random.default_rng(seed)
    if kind.kind == "b":
        return np.asarray(rng.integers(0, 2, shape), kind)
    if kind.kind in "iu":
        size = int(np.prod(shape, dtype=int)) * kind.itemsize
        return np.frombuffer(rng.bytes(size), kind).reshape(shape).copy()
    values = np.asarray(rng.normal(size=shape) * 100)
    if special and values.size:
        places = rng.integers(0, values.size, 3)
        values.flat[places] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 1e-40, 3e38], 3)
    if kind.kind == "c":
        pairs = np.stack([values, np.roll(values, 1)], -1)
        return pairs.astype(np.empty(0, kind).real.dtype).view(kind)[..., 0]
    return values.astype(kind)


@st.composite
def shapes(draw: st.DrawFn, longest: tuple[int, ...] = LONGEST) -> tuple[int, ...]:
    """Draw 0 to 6 axes; axes of length 0 and 1 come up often enough."""
    ndim = draw(st.integers(0, len(longest) - 1))
    lengths = st.integers(1, longest[ndim]) | st.sampled_from([1, longest[ndim]])
    shape = draw(st.lists(lengths, min_size=ndim, max_size=ndim))
    if ndim and draw(st.integers(0, 19)) == 13:
        shape[draw(st.integers(0, ndim - 1))] = 0
    return tuple(shape)


@st.composite
def problems(draw: st.DrawFn, longest: tuple[int, ...] = LONGEST) -> Problem:
    """Draw anything that SciPy's gaussian_filter accepts, and a tile."""
    shape = draw(shapes(longest))
    dtype = draw(st.sampled_from(REAL) | st.sampled_from(["i4", "f4", "f8", *COMPLEX]))
    special = draw(st.booleans())
    layout = draw(st.sampled_from(list(LAYOUTS)))
    array = LAYOUTS[layout](samples(shape, dtype, draw(st.integers(0, 2**32)), special=special))
    axes = draw(_axes(array.ndim))
    count = array.ndim if axes is None else 1 if isinstance(axes, int) else len(axes)

    def each(strategy: st.SearchStrategy[Any]) -> Any:
        """Draw one for all axes, or one per axis."""
        per_axis = st.lists(strategy, min_size=count, max_size=count)
        return draw(strategy | per_axis.map(tuple) | per_axis)

    keywords = {
        "axes": axes,
        "order": each(st.sampled_from([0, 0, 0, 1, 2, 3, 6])),
        "mode": each(st.sampled_from(list(MODES))),
        "cval": draw(_cvals(array.dtype)),
        "truncate": draw(st.floats(0, 5) | st.integers(0, 5)),
        "radius": each(st.none() | st.integers(0, 15)) if draw(st.booleans()) else None,
    }
    sigma = each(_SIGMAS)
    return Problem(array, sigma, keywords, draw(_outputs(array)), draw(_tiles(array.shape)))


_SIGMAS = st.one_of(
    st.floats(0.2, 6),
    st.floats(0.2, 2),
    st.sampled_from([0, 0.0, 1e-16, 1, 2, True, np.float32(1.3), np.int8(2), np.longdouble(0.7)]),
)


def _axes(ndim: int) -> st.SearchStrategy[Any]:
    if not ndim:
        return st.sampled_from([None, ()])
    numbers = st.integers(0, ndim - 1)
    some = st.lists(numbers, max_size=ndim, unique=True)
    behind = some.map(lambda axes: tuple(axis - ndim for axis in axes))
    return st.none() | st.none() | numbers | some | some.map(tuple) | behind


def _cvals(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    real = st.sampled_from([0.0, -0.0, 1, 2.5, -1e3, np.nan, np.inf, np.float32(0.1), True])
    return real | st.sampled_from([1j, 2 - 3j, complex(np.nan, 1)]) if dtype.kind == "c" else real


def _outputs(array: Array) -> st.SearchStrategy[Any]:
    names = COMPLEX if array.dtype.kind == "c" else REAL
    orders = st.sampled_from(names) | st.sampled_from(names).map(lambda name: f">{name}")
    layouts = st.sampled_from([name for name in LAYOUTS if name not in ("read-only", "big-endian")])
    choices = [
        st.none(),
        orders.map(np.dtype),
        orders.filter(lambda name: "?" not in name),
        st.sampled_from(names).map(lambda name: np.dtype(name).type),
        st.tuples(orders, layouts),
    ]
    return st.one_of(*choices, *[st.just("in place")] * array.flags.writeable)


def _tiles(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    if not shape:
        return st.sampled_from([None, (), 3])
    sizes = st.tuples(*(st.integers(1, max(n, 1) + 1) for n in shape))
    return st.none() | st.integers(1, max(shape) + 1) | sizes | sizes | sizes.map(list)
