"""Windows along one axis that SciPy moves sample by sample, with state from one to the next.

``minimum_filter1d`` and ``maximum_filter1d`` keep a deque of candidates. Comparisons with NaN are
false, so a NaN blocks the deque until it leaves the window, and what was in it before depends on
samples that left the window long ago. Without NaN the result is the last extremum of the window,
whatever came before (so that of -0.0 and 0.0 the later one is taken).

``uniform_filter1d`` keeps a running sum in float64, to which it adds the difference of the sample
that enters the window and the one that leaves: exact while both are integers up to 2**53, and else
a matter of every sample since the beginning of the line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tiling.dtypes import Dtype, check_correlation
from tiling.errors import BadTypeError, WireError
from tiling.geometry.edges import Mode
from tiling.operations.base import Operation, Reach, cast_bound, check_axis, summed, with_fill
from tiling.operations.fields import AXIS, FILL, FLAG, MODE, SHIFT, SIZE, TABLE, Field, Table

EXACT = 2.0**53
"""Integers up to here are float64 numbers, and so are their sums."""


@dataclass(frozen=True, slots=True)
class _Line(Operation):
    """A window of `size` samples along one axis."""

    FIELDS: ClassVar[Mapping[str, Field]] = {
        "axis": AXIS,
        "size": SIZE,
        "mode": MODE,
        "cval": FILL,
        "origin": SHIFT,
    }

    axis: int
    size: int
    mode: Mode
    cval: complex
    origin: int

    def reaches(self, ndim: int) -> tuple[Reach, ...]:  # noqa: ARG002
        """Return the one window."""
        return (Reach.of(self.axis, self.size, self.origin, self.mode),)

    @property
    def effort(self) -> int:
        """As much time as a few multiplications, whatever the size."""
        return 8

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of a line, extended by the window, and of its result: 8 a sample."""
        return 8 * (2 * shape[self.axis] + self.size)

    def window_work(self, shape: tuple[int, ...]) -> int:
        """Return the samples by which all lines are extended."""
        length = shape[self.axis]
        return math.prod(shape) // length * 2 * self.size if length else 0

    def lines(self, ndim: int) -> frozenset[int]:  # noqa: ARG002
        """Return the axis."""
        return frozenset({self.axis})

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse an axis, a size or dtypes that SciPy does not take."""
        check_axis(self.axis, ndim)
        if not 0 <= self.size // 2 + self.origin < self.size:
            raise WireError(f"origin {self.origin} for {self.size} samples")
        check_correlation(source, target)


@dataclass(frozen=True, slots=True)
class RunningExtremum(_Line):
    """One `minimum_filter1d` or `maximum_filter1d`."""

    KIND: ClassVar[str] = "running_extremum"
    FIELDS: ClassVar[Mapping[str, Field]] = {**_Line.FIELDS, "minimum": FLAG}

    minimum: bool

    def carries(self, bound: float, dtype: Dtype) -> bool:  # noqa: ARG002
        """Tell whether there may be NaN."""
        return math.isnan(with_fill(bound, self.mode, self.cval))

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the deque, too: 16 a candidate."""
        return _Line.window_bytes(self, shape) + 16 * self.size

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of samples and fill value."""
        return cast_bound(with_fill(bound, self.mode, self.cval), target)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse complex numbers too."""
        refuse_complex(source)
        _Line.check(self, ndim, source, target)


@dataclass(frozen=True, slots=True)
class RunningMean(_Line):
    """One `uniform_filter1d`."""

    KIND: ClassVar[str] = "running_mean"

    def carries(self, bound: float, dtype: Dtype) -> bool:
        """Tell whether sums may be rounded."""
        fill = self.cval.real if self.mode == "constant" else 0.0
        integral = dtype.kind in "biu" and fill.is_integer()
        return not (integral and self._sums(bound) <= EXACT)

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of samples and fill value: a mean is no larger, roundings aside."""
        mean = with_fill(bound, self.mode, self.cval) * 1.01
        return summed(mean, target, self._sums(bound))

    def _sums(self, bound: float) -> float:
        """Return the bound of sums over the window, and of the difference of two samples."""
        return with_fill(bound, self.mode, self.cval) * max(self.size, 2)


@dataclass(frozen=True, slots=True)
class ComplexCorrelation(Operation):
    """One `correlate1d` with complex weights, in SciPy's four real ones; stateless."""

    KIND: ClassVar[str] = "complex_correlation"
    FIELDS: ClassVar[Mapping[str, Field]] = {
        "axis": AXIS,
        "weights": TABLE,
        "mode": MODE,
        "cval": FILL,
        "origin": SHIFT,
    }

    axis: int
    weights: Table
    mode: Mode
    cval: complex
    origin: int

    def reaches(self, ndim: int) -> tuple[Reach, ...]:  # noqa: ARG002
        """Return the one window."""
        return (Reach.of(self.axis, self.weights.shape[0], self.origin, self.mode),)

    @property
    def effort(self) -> int:
        """Multiplications for each sample, of both parts by both."""
        return 4 * self.weights.shape[0]

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of the sums of both parts."""
        weight = 2 * float(abs(self.weights.array).sum())
        return summed(with_fill(bound, self.mode, self.cval) * weight, target)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse an axis, weights or dtypes that SciPy does not take.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        check_axis(self.axis, ndim)
        size = self.weights.shape[0] if len(self.weights.shape) == 1 else 0
        if not 0 <= size // 2 + self.origin < size:
            raise WireError(f"origin {self.origin} for weights of shape {self.weights.shape}")
        check_mixed(source, target)


def check_mixed(source: Dtype, target: Dtype) -> None:
    """Refuse what can't be correlated with complex weights: the result is complex.

    Parameters
    ----------
    source, target : numpy.dtype
        Of the samples that are read and written.

    Raises
    ------
    BadTypeError
        For a real target.
    UnsupportedError
        For samples that SciPy does not correlate.
    """
    check_correlation(source, source)
    if target.kind != "c":
        raise BadTypeError(f"output must have complex dtype, not {target}")


def refuse_complex(dtype: Dtype) -> None:
    """Refuse complex samples, which have no order.

    Parameters
    ----------
    dtype : numpy.dtype

    Raises
    ------
    BadTypeError
        In SciPy's words.
    """
    if dtype.kind == "c":
        raise BadTypeError("Complex type not supported")
