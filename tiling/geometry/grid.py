"""A regular partition of an array: every tile of one shape, the last ones cut at the edge."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tiling.errors import BadValueError
from tiling.geometry.box import Box


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of `tile` over an array of `shape`, numbered in C order.

    Examples
    --------
    >>> grid = Grid((10, 3), (4, 3))
    >>> grid.counts, len(grid), grid.box(2)
    ((3, 1), 3, Box(start=(8, 0), stop=(10, 3)))
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.tile) != len(self.shape):
            raise BadValueError(
                f"tile {self.tile} has {len(self.tile)} axes, the array has {len(self.shape)}"
            )
        if any(size < 1 for size in self.tile):
            raise BadValueError(f"tile {self.tile}: every axis needs at least one sample")

    @property
    def counts(self) -> tuple[int, ...]:
        """Tiles along each axis; none along an empty axis."""
        return tuple(-(-n // size) for n, size in zip(self.shape, self.tile, strict=True))

    def __len__(self) -> int:
        """Return the number of tiles."""
        return math.prod(self.counts)

    def interval(self, axis: int, position: int) -> tuple[int, int]:
        """Return what the tiles at this position own along one axis.

        Parameters
        ----------
        axis : int
        position : int
            Of a tile along this axis, from 0.
        """
        size = self.tile[axis]
        return position * size, min((position + 1) * size, self.shape[axis])

    def position(self, index: int) -> tuple[int, ...]:
        """Return the place of a tile, counted in tiles along each axis.

        Parameters
        ----------
        index : int
            Of a tile, in C order.
        """
        place = []
        for count in reversed(self.counts):
            index, along = divmod(index, count)
            place.append(along)
        return tuple(reversed(place))

    def box(self, index: int) -> Box:
        """Return the box that a tile owns.

        Parameters
        ----------
        index : int
            Of a tile, in C order.
        """
        intervals = [self.interval(axis, p) for axis, p in enumerate(self.position(index))]
        return Box(tuple(low for low, _ in intervals), tuple(high for _, high in intervals))
