"""Windows over several axes at once: each output sample is computed from its own window alone.

`rank_filter` on an array of one axis is computed by other code in SciPy 1.17: a heap that is
updated from sample to sample along the line. Which of two equal floats (-0.0 and 0.0) it answers
depends on what came before, integers go through int64 instead of float64, and holes of the
footprint are not left out. So an array of one axis is one tile there. Where the window is deeper
than the array that code reads memory before or behind the array, and int64, float32 and float64 it
writes as they are into an output of any dtype, also of a smaller one; such calls are refused.

Elsewhere, too, SciPy leaves its memory, and arrays on which it would are refused. With ``reflect``
it folds the coordinate ``-4 * length`` to -1 (`NI_InitFilterOffsets`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tiling.dtypes import Dtype, check_correlation
from tiling.errors import UnsupportedError, WireError
from tiling.geometry.edges import Mode
from tiling.operations.base import Operation, Reach, cast_bound, summed, with_fill
from tiling.operations.fields import (
    EXACT_FILL,
    FILL,
    FLAG,
    MODE,
    SHIFTS,
    TABLE,
    Field,
    Table,
    integer,
    optional,
)
from tiling.operations.running import check_mixed, refuse_complex

UNCAST = ("int64", "float32", "float64")
"""What SciPy's 1-d rank filter writes as it is, whatever the dtype of the output."""


def offsets(shape: tuple[int, ...], window: tuple[int, ...]) -> int:
    """Return how many offsets SciPy keeps: a window's, for each place near the block's edges.

    Parameters
    ----------
    shape, window : tuple of int
        Of the block and of the window.
    """
    places = math.prod(map(min, shape, window))
    return places * math.prod(window)


@dataclass(frozen=True, slots=True)
class Window(Operation):
    """A window over all axes; `table` is its footprint, structure or weights."""

    FIELDS: ClassVar[Mapping[str, Field]] = {
        "table": TABLE,
        "mode": MODE,
        "cval": FILL,
        "origins": SHIFTS,
    }

    table: Table
    mode: Mode
    cval: complex
    origins: tuple[int, ...]

    def reaches(self, ndim: int) -> tuple[Reach, ...]:
        """Return the window, axis by axis."""
        return tuple(
            Reach.of(axis, self.table.shape[axis], self.origins[axis], self.mode)
            for axis in range(ndim)
        )

    @property
    def effort(self) -> int:
        """A few for each sample of the window, to compare, select or multiply."""
        return 4 * math.prod(self.table.shape)

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the window's offsets, 8 each."""
        return 8 * offsets(shape, self.table.shape)

    def window_work(self, shape: tuple[int, ...]) -> int:
        """Return the number of offsets, which are computed first."""
        return offsets(shape, self.table.shape)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse a window of another rank, origins outside it, and dtypes SciPy does not take."""
        if not len(self.table.shape) == len(self.origins) == ndim:
            raise WireError(f"a window of {len(self.table.shape)} axes for {ndim}")
        for size, origin in zip(self.table.shape, self.origins, strict=True):
            if not 0 <= size // 2 + origin < size:
                raise WireError(f"origin {origin} for {size} samples")
        self._check_dtypes(source, target)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse a window so deep that SciPy reads outside the array."""
        if self.mode != "reflect":
            return
        for reach in self.reaches(len(shape)):
            length = shape[reach.axis]
            if length > 1 and reach.before >= 4 * length:
                raise UnsupportedError(
                    f"a window of {reach.before} samples before the centre on an axis of "
                    f"{length}: SciPy reads memory outside the array; a smaller size works"
                )

    def by_strides(self, shape: tuple[int, ...]) -> bool:  # noqa: ARG002
        """Tell whether SciPy takes samples for the outside by the strides of their array.

        Parameters
        ----------
        shape : tuple of int
            Of the array.
        """
        return True

    def _check_dtypes(self, source: Dtype, target: Dtype) -> None:
        refuse_complex(source)
        check_correlation(source, target)
        if self.table.dtype != "|b1":
            raise WireError("a footprint is made of booleans")


@dataclass(frozen=True, slots=True)
class Correlation(Window):
    """One n-d `correlate`, with real or complex weights."""

    KIND: ClassVar[str] = "correlation"

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of the sums of both parts."""
        weight = 2 * float(np.abs(self.table.array).sum())
        return summed(with_fill(bound, self.mode, self.cval) * weight, target)

    def _check_dtypes(self, source: Dtype, target: Dtype) -> None:
        if self.table.dtype == "<c16":
            check_mixed(source, target)
        elif self.table.dtype == "<f8":
            check_correlation(source, target)
        else:
            raise WireError("weights are made of floats")


@dataclass(frozen=True, slots=True)
class Extremum(Window):
    """The minimum or maximum over a footprint, perhaps less or plus a structure."""

    KIND: ClassVar[str] = "extremum"
    FIELDS: ClassVar[Mapping[str, Field]] = {
        **Window.FIELDS,
        "structure": optional(TABLE),
        "minimum": FLAG,
    }

    structure: Table | None
    minimum: bool

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of samples and structure."""
        bound = with_fill(bound, self.mode, self.cval)
        if self.structure is None:
            return cast_bound(bound, target)
        return summed(bound + float(np.abs(self.structure.array).max()), target)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse an empty footprint and another structure, too.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        Window.check(self, ndim, source, target)
        if not self.table.array.any():
            raise WireError("an all-zero footprint")
        structure = self.structure
        if structure and (structure.dtype, structure.shape) != ("<f8", self.table.shape):
            raise WireError("a structure has the shape of its footprint, and is made of floats")


@dataclass(frozen=True, slots=True)
class Rank(Window):
    """The sample at a rank among those of a footprint; 0 is the least."""

    KIND: ClassVar[str] = "rank"
    FIELDS: ClassVar[Mapping[str, Field]] = {
        **Window.FIELDS,
        "cval": EXACT_FILL,  # on lines of integers SciPy does not go through float64
        "rank": integer(0),
    }

    rank: int

    def lines(self, ndim: int) -> frozenset[int]:
        """Return the axis of arrays that have one only."""
        return frozenset({0} if ndim == 1 else ())

    def carries(self, bound: float, dtype: Dtype) -> bool:  # noqa: ARG002
        """Return True: along the axis of `lines` it always does."""
        return True

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of samples and fill value."""
        return cast_bound(with_fill(bound, self.mode, self.cval), target)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse a rank beyond the footprint, too.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        Window.check(self, ndim, source, target)
        if self.rank >= int(self.table.array.sum()):
            raise WireError(f"rank {self.rank}, which the footprint has not")
        fill = self.cval.real
        if ndim == 1 and source.kind in "biu" and not -(2.0**63) <= fill < 2.0**63:
            raise UnsupportedError(f"a line of {source}: SciPy has no fill value {fill} there")
        if ndim == 1 and source.name in UNCAST and source != target:
            raise UnsupportedError(
                f"a line of {source} into {target}: SciPy writes {source} into its memory, "
                "uncast and perhaps beyond; filter first, then use astype"
            )

    def by_strides(self, shape: tuple[int, ...]) -> bool:
        """Return False for most lines, which SciPy computes by other code."""
        return len(shape) != 1 or not self._on_line(shape[0])

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse lines on which SciPy reads outside the array.

        Raises
        ------
        UnsupportedError
            With the window and the length of the line.
        """
        if len(shape) != 1 or not self._reads_outside(shape[0]):
            Window.check_shape(self, shape)
            return
        raise UnsupportedError(
            f"a window of {self.table.shape[0]} samples with origin {self.origins[0]} on a line of "
            f"{shape[0]}: SciPy reads memory outside the array; a smaller size works"
        )

    def _on_line(self, length: int) -> bool:
        """Tell whether SciPy does not compute a line of so many samples as it does n-d arrays."""
        return length == 1 or (self.table.shape[0] - 1) // 2 - self.origins[0] <= length

    def _reads_outside(self, length: int) -> bool:
        size, origin = self.table.shape[0], self.origins[0]
        after = (size - 1) // 2 - origin
        if not self._on_line(length):
            return False
        first = {
            "reflect": size - after - 1,
            "mirror": max(size - after, after),
            "wrap": after + (0 if size % 2 else 2) + 2 * origin - 1,
        }
        return max(first.get(self.mode, 0), after - 1) >= length
