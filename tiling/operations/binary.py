"""Binary erosions and dilations: a number of iterations, or until nothing changes.

SciPy's iterations visit, from the second on, the neighbours of changed samples only
(`NI_BinaryErosion2`); on an axis shorter than the structure it takes those of one sample for all
samples behind it, and leaves its memory. Such arrays are refused. Its other code, ``brute_force``,
gives the same bits and is always defined: a tile may be such a block although the array is not.

With a mask, the array and the mask are one array of *states*, see `tiling.operations.arithmetic`:
so the mask is cut with the same box as the samples, and travels with them.

Until nothing changes
    Where the structure holds its centre, an erosion only clears samples and a dilation only sets
    them, and what may be cleared stays so when others are cleared. Then the order in which samples
    are visited does not matter: every order that goes on until nothing changes ends in the same
    array. So a tile is carried on until nothing changes in it, the samples round it held still;
    and the tiles are computed anew, each with what the others have become, until none changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tiling.dtypes import Dtype, check_correlation
from tiling.errors import BadTypeError, UnsupportedError, WireError
from tiling.operations.base import Operation, Reach, cast_bound
from tiling.operations.fields import FLAG, SHIFTS, SIZE, TABLE, Field, Table
from tiling.operations.running import refuse_complex
from tiling.operations.windows import offsets

STATES = np.dtype(np.uint8)
"""Of an array and its mask in one."""


@dataclass(frozen=True, slots=True)
class _Structured(Operation):
    """A structure over all axes; `border` is what lies beyond the array."""

    FIELDS: ClassVar[Mapping[str, Field]] = {
        "structure": TABLE,
        "origins": SHIFTS,
        "border": FLAG,
        "dilate": FLAG,
        "brute_force": FLAG,
    }

    structure: Table
    origins: tuple[int, ...]
    border: bool
    dilate: bool
    brute_force: bool

    def reaches(self, ndim: int) -> tuple[Reach, ...]:
        """Return the structure, axis by axis."""
        return self._reaches(ndim, 1)

    @property
    def effort(self) -> int:
        """One comparison for each sample of the structure."""
        return math.prod(self.structure.shape)

    def bound(self, bound: float, target: Dtype) -> float:  # noqa: ARG002
        """Return that of booleans, or of states."""
        return cast_bound(1.0, target)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse a structure of another rank, origins outside it, and complex numbers.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        if not len(self.structure.shape) == len(self.origins) == ndim:
            raise WireError(f"a structure of {len(self.structure.shape)} axes for {ndim}")
        if self.structure.dtype != "|b1":
            raise WireError("a structure is made of booleans")
        if any(min(reach.before, reach.after) < 0 for reach in self.reaches(ndim)):
            raise WireError("an origin outside the structure")
        if target.kind == "c":
            raise BadTypeError("Complex output type not supported")
        refuse_complex(source)
        check_correlation(source, target)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse arrays on which SciPy writes outside its memory.

        Raises
        ------
        UnsupportedError
            With the structure and the length of the axis.
        """
        if self.brute_force or not self._center:
            return
        for length, size, before in zip(shape, self.structure.shape, self._before, strict=True):
            if size - before < length < size:
                raise UnsupportedError(
                    f"a structure of {size} samples on an axis of {length}: SciPy writes memory "
                    "outside the array; brute_force=True works"
                )

    def check_block(self, shape: tuple[int, ...]) -> None:
        """Take any: a block that is shorter than the structure is computed in another way."""

    def _reaches(self, ndim: int, times: int) -> tuple[Reach, ...]:
        reaches = []
        for axis in range(ndim):
            one = Reach.of(axis, self.structure.shape[axis], self.origins[axis], "constant")
            both = (one.after, one.before) if self.dilate else (one.before, one.after)
            reaches.append(Reach(axis, both[0] * times, both[1] * times, "constant"))
        return tuple(reaches)

    @property
    def _before(self) -> tuple[int, ...]:
        """Samples of the structure before its centre, as SciPy erodes with it."""
        shifts = zip(self.structure.shape, self.origins, strict=True)
        return tuple(
            (size - 1 - (size // 2 + origin)) if self.dilate else size // 2 + origin
            for size, origin in shifts
        )

    @property
    def _center(self) -> bool:
        """Whether the structure has a sample in its centre."""
        centre = tuple(
            size // 2 + origin
            for size, origin in zip(self.structure.shape, self.origins, strict=True)
        )
        return bool(self.structure.array[centre])


@dataclass(frozen=True, slots=True)
class Erosion(_Structured):
    """A binary erosion or dilation, so many times; `masked` ones read and write states."""

    KIND: ClassVar[str] = "erosion"
    FIELDS: ClassVar[Mapping[str, Field]] = {
        **_Structured.FIELDS,
        "iterations": SIZE,
        "masked": FLAG,
    }

    iterations: int
    masked: bool = False

    @property
    def on_states(self) -> bool:
        """Whether it is masked."""
        return self.masked

    def reaches(self, ndim: int) -> tuple[Reach, ...]:
        """Return the window of all iterations, axis by axis."""
        return self._reaches(ndim, self.iterations)

    @property
    def walks(self) -> int:
        """One for each iteration."""
        return self.iterations

    @property
    def effort(self) -> int:
        """Comparisons in all iterations."""
        return self.iterations * math.prod(self.structure.shape)

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the structure's offsets; iterations keep coordinates besides."""
        each = 1 if self.iterations == 1 or self.brute_force else 1 + len(shape)
        return 8 * each * offsets(shape, self.structure.shape)

    def window_work(self, shape: tuple[int, ...]) -> int:
        """Return the number of offsets, which are computed for each iteration."""
        return self.iterations * offsets(shape, self.structure.shape)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse a mask without states, too.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        _Structured.check(self, ndim, source, target)
        if self.masked:
            _check_states(source, target)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Take any array for one iteration; see `_Structured.check_shape` for more."""
        if self.iterations > 1:
            _Structured.check_shape(self, shape)


@dataclass(frozen=True, slots=True)
class Propagation(_Structured):
    """A binary erosion or dilation of states until nothing changes; see above."""

    KIND: ClassVar[str] = "propagation"

    @property
    def on_states(self) -> bool:
        """Always."""
        return True

    @property
    def repeated(self) -> bool:
        """Always."""
        return True

    @property
    def effort(self) -> int:
        """Comparisons: each sample is visited by its neighbours when it changes, which is once."""
        return 2 * math.prod(self.structure.shape)

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the structure's offsets and coordinates, and of changed samples."""
        kept = offsets(shape, self.structure.shape) + math.prod(shape)
        return 8 * (1 + len(shape)) * kept

    def window_work(self, shape: tuple[int, ...]) -> int:
        """Return the number of offsets, which are computed twice."""
        return 2 * offsets(shape, self.structure.shape)

    def lines(self, ndim: int) -> frozenset[int]:
        """Return all axes: a change may run across the whole array."""
        return frozenset(range(ndim))

    def carries(self, bound: float, dtype: Dtype) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse what need not come to an end, too.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        _Structured.check(self, ndim, source, target)
        _check_states(source, target)
        if not self._center:
            raise UnsupportedError(
                "iterations until nothing changes with a structure that lacks its centre: they "
                "need not come to an end, and SciPy may run for ever; give the number of iterations"
            )


def _check_states(source: Dtype, target: Dtype) -> None:
    if not source == target == STATES:
        raise WireError("a mask goes with states, which are uint8")
