"""Half-open N-d intervals of integers: the shape of everything that is read or written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from tiling.errors import BadValueError


@dataclass(frozen=True, slots=True)
class Box:
    """The points `p` with ``start[i] <= p[i] < stop[i]`` on every axis.

    Coordinates may be negative or beyond the array: a read box of mode ``wrap`` reaches round.

    Examples
    --------
    >>> box = Box((2, 0), (5, 4))
    >>> box.shape, box.size
    ((3, 4), 12)
    >>> box.shift((-2, 0))
    Box(start=(0, 0), stop=(3, 4))
    """

    start: tuple[int, ...]
    stop: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.start) != len(self.stop):
            raise BadValueError(f"a box needs as many starts as stops: {self.start}, {self.stop}")
        if any(start > stop for start, stop in zip(self.start, self.stop, strict=True)):
            raise BadValueError(f"a box can't stop before it starts: {self.start}, {self.stop}")

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> Self:
        """Return the box of a whole array of this shape.

        Parameters
        ----------
        shape : tuple of int
            Of the array.
        """
        return cls((0,) * len(shape), tuple(shape))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.start)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(stop - start for start, stop in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Points in all: 1 for a box of no axes."""
        return math.prod(self.shape)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The index of this box in an array that contains it."""
        return tuple(map(slice, self.start, self.stop))

    def shift(self, by: tuple[int, ...]) -> Box:
        """Return the box moved by so many points along each axis.

        Parameters
        ----------
        by : tuple of int
            Samples along each axis.
        """
        return Box(
            tuple(start + step for start, step in zip(self.start, by, strict=True)),
            tuple(stop + step for stop, step in zip(self.stop, by, strict=True)),
        )

    def inside(self, outer: Box) -> Box:
        """Return this box in the coordinates of the block that `outer` cuts out.

        Parameters
        ----------
        outer : Box
            In the same coordinates.
        """
        return self.shift(tuple(-start for start in outer.start))

    def within(self, outer: Box) -> bool:
        """Tell whether every point of this box lies in `outer`.

        Parameters
        ----------
        outer : Box
            In the same coordinates.
        """
        return all(
            low <= start and stop <= high
            for low, start, stop, high in zip(
                outer.start, self.start, self.stop, outer.stop, strict=True
            )
        )
