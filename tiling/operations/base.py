"""The operation: the windows that it reads, the bound of what it writes, and its JSON.

An operation reads a window round each sample. Along one axis the window reaches so far before and
after, and an edge mode says what it finds beyond the array. Three things follow, for one operation
as for a chain of them:

The halo
    A tile's block is cut at the array's true edges (see `tiling.geometry.edges`), and the edge mode
    acts at the block's. Modes ``reflect`` and ``mirror`` fold a coordinate that is ``d`` from an
    output sample to one that is at most ``d`` from it, but perhaps on the other side. So these two
    need the same halo on both sides, the larger of before and after, for the fold to stay in the
    block; ``nearest``, ``constant`` and ``wrap`` need just what the window reaches. Then what one
    operation needs of the one before it is again an interval round the output, and the halos of a
    chain add up.

Axes that wrap
    If every window along an axis wraps, the halo is read round the array's edges.

Axes that are whole
    If some windows along an axis wrap and others don't, the block would need the true edge and
    what lies beyond it at once. Then a tile has to own that axis whole. So it has to where an
    operation carries state along a line, as a running sum of floats does.

To tell whether there is such a state, one number is followed through the operations: the bound of
what samples can be. A finite bound means ``abs(x) <= bound``; inf, that infinities are possible but
not NaN; NaN, that everything is. A bound must survive whatever it passes through: Python's ``max``
loses NaN, so `largest` is used; and a sum that overflows on its way may meet the other
infinity and become NaN, although its result would have fitted, so `summed` takes the bound of
every term and partial sum. Where a bound is not known, it is NaN, and the tiles are whole lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from tiling.dtypes import Dtype
from tiling.errors import WireError
from tiling.geometry.edges import Mode
from tiling.geometry.halo import Halo
from tiling.operations.fields import Field

ANYTHING = math.nan
"""The bound of samples of which nothing is known."""

_LARGEST_SUM = 0.99 * float(np.finfo(np.float64).max)
"""Sums within it do not overflow, roundings included."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a window reaches along one axis, and what it finds beyond the array."""

    axis: int
    before: int
    after: int
    mode: Mode

    @property
    def halo(self) -> tuple[int, int]:
        """Samples that a block needs before and after."""
        if self.mode in ("reflect", "mirror"):
            return (max(self.before, self.after),) * 2
        return self.before, self.after

    @classmethod
    def of(cls, axis: int, size: int, origin: int, mode: Mode) -> Reach:
        """Return the reach of a window of so many samples.

        Parameters
        ----------
        axis : int
        size : int
            In samples.
        origin : int
            Shift of the window, in samples.
        mode : Mode
        """
        before = size // 2 + origin
        return cls(axis, before, size - 1 - before, mode)


class Operation:
    """What one step does to a block; every kind is a frozen dataclass of plain values."""

    __slots__ = ()
    KIND: ClassVar[str]
    FIELDS: ClassVar[Mapping[str, Field]]

    def reaches(self, ndim: int) -> tuple[Reach, ...]:
        """Return the windows, one after another, on arrays of `ndim` axes.

        Parameters
        ----------
        ndim : int
            Axes of the array.

        Raises
        ------
        NotImplementedError
            Here; every kind has its own.
        """
        raise NotImplementedError

    @property
    def on_states(self) -> bool:
        """Whether it reads and writes states, see `tiling.operations.arithmetic`."""
        return False

    @property
    def repeated(self) -> bool:
        """Whether tiles are computed again until none of them changes."""
        return False

    @property
    def walks(self) -> int:
        """How often it walks over the block."""
        return 1

    @property
    def effort(self) -> int:
        """Multiplications or comparisons for each sample, about.

        Raises
        ------
        NotImplementedError
            Here; every kind has its own.
        """
        raise NotImplementedError

    def window_bytes(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002
        """Return the bytes that SciPy takes for its window on a block of this shape.

        Parameters
        ----------
        shape : tuple of int
            Of the block.
        """
        return 0

    def window_work(self, shape: tuple[int, ...]) -> int:  # noqa: ARG002
        """Return the operations, about, that the window costs besides `effort` of each sample.

        Parameters
        ----------
        shape : tuple of int
            Of the block.
        """
        return 0

    def lines(self, ndim: int) -> frozenset[int]:  # noqa: ARG002
        """Return the axes along which it may carry state.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        return frozenset()

    def carries(self, bound: float, dtype: Dtype) -> bool:  # noqa: ARG002
        """Tell whether state is carried for samples of this dtype within `bound`.

        Parameters
        ----------
        bound : float
            Of the samples that are read.
        dtype : numpy.dtype
            Of these samples.
        """
        return False

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of what it writes, from samples within `bound`.

        Parameters
        ----------
        bound : float
            Of the samples that are read.
        target : numpy.dtype
            Of the samples that are written.

        Raises
        ------
        NotImplementedError
            Here; every kind has its own.
        """
        raise NotImplementedError

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse what the operation can't be applied to.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        source, target : numpy.dtype
            Of the samples that are read and written.

        Raises
        ------
        TilingError
            Saying what is wrong.
        NotImplementedError
            Here; every kind has its own.
        """
        raise NotImplementedError

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse arrays of a shape on which SciPy's result is not defined.

        Parameters
        ----------
        shape : tuple of int
            Of the array.

        Raises
        ------
        UnsupportedError
            If SciPy would read or write memory outside an array of this shape.
        """

    def check_block(self, shape: tuple[int, ...]) -> None:
        """Refuse blocks of a shape on which the computation is not defined.

        Parameters
        ----------
        shape : tuple of int
            Of the block.

        Raises
        ------
        UnsupportedError
            If the computation would read or write memory outside the block.
        """
        self.check_shape(shape)

    def halo(self, ndim: int) -> Halo:
        """Return the samples that a block needs round each output sample.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        return halo_of(self.reaches(ndim), ndim)

    def to_json(self) -> dict[str, Any]:
        """Return the operation in JSON's types; numbers keep their bits."""
        values = {name: field.encode(getattr(self, name)) for name, field in self.FIELDS.items()}
        return {"kind": self.KIND, **values}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; everything is checked.

        Parameters
        ----------
        value : mapping
            Parsed JSON, not checked.

        Raises
        ------
        WireError
            Saying which field is wrong, and how.
        """
        if set(value) != {"kind", *cls.FIELDS}:
            raise WireError(f"{cls.KIND}: needs {', '.join(cls.FIELDS)}")
        fields = {}
        for name, field in cls.FIELDS.items():
            try:
                fields[name] = field.decode(value[name])
            except WireError as error:
                raise WireError(f"{cls.KIND}: {name}: {error}") from None
        return cls(**fields)


def halo_of(reaches: tuple[Reach, ...], ndim: int) -> Halo:
    """Add up the halos of windows one after another.

    Parameters
    ----------
    reaches : tuple of Reach
    ndim : int
        Axes of the array.
    """
    before, after = [0] * ndim, [0] * ndim
    for reach in reaches:
        before[reach.axis] += reach.halo[0]
        after[reach.axis] += reach.halo[1]
    return Halo(tuple(before), tuple(after))


def check_axis(axis: int, ndim: int) -> None:
    """Refuse an axis that arrays of `ndim` axes have not.

    Parameters
    ----------
    axis : int
        Not negative.
    ndim : int
        Axes of the array.

    Raises
    ------
    WireError
        Naming both.
    """
    if axis >= ndim:
        raise WireError(f"axis {axis}, which {ndim}-d arrays have not")


def dtype_bound(dtype: Dtype) -> float:
    """Return the bound of samples of which only the dtype is known.

    Parameters
    ----------
    dtype : numpy.dtype
    """
    match dtype.kind:
        case "b":
            return 1.0
        case "i" | "u":
            return float(max(-int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)))
    return ANYTHING


def cast_bound(bound: float, dtype: Dtype) -> float:
    """Return the bound of samples after a cast to `dtype`, roundings included.

    Parameters
    ----------
    bound : float
        Of the samples before the cast.
    dtype : numpy.dtype
        To which they are cast.
    """
    if dtype.kind in "biu":
        return dtype_bound(dtype)
    return bound if math.isnan(bound) or bound < 0.99 * float(np.finfo(dtype).max) else math.inf


def largest(bounds: Iterable[float]) -> float:
    """Return the largest bound, NaN if one is NaN.

    Parameters
    ----------
    bounds : iterable of float
        At least one.
    """
    values = tuple(bounds)
    return ANYTHING if any(map(math.isnan, values)) else max(values)


def summed(bound: float, target: Dtype, *partial: float) -> float:
    """Return the bound of sums in float64, cast to `target`.

    Parameters
    ----------
    bound : float
        Of the sums.
    target : numpy.dtype
    partial : float
        Bounds of terms and partial sums that may be larger than the sums.
    """
    every = largest((bound, *partial))
    return cast_bound(bound if every < _LARGEST_SUM else ANYTHING, target)


def with_fill(bound: float, mode: Mode, fill: complex) -> float:
    """Return the bound of samples among which the fill value may be.

    Parameters
    ----------
    bound : float
        Of the samples.
    mode : Mode
        The edge mode; only ``constant`` reads the fill value.
    fill : complex
        The fill value.
    """
    if mode != "constant":
        return bound
    return largest((bound, abs(complex(fill).real), abs(complex(fill).imag)))
