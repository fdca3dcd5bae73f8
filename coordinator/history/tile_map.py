"""A map of a grid's tiles seen from above: which cell of it each tile is in.

The two longest axes of the grid span the map, the earlier one downwards; tiles along the others lie
on top of each other. A grid longer than the map is folded: `fold` neighbours share a cell.

    grid (6, 1, 4) at most 3 x 4    0 1 2 3
                                    -------
                               0-1  . . . .      a cell of this map has 2 x 1 tiles
                               2-3  . . . .
                               4-5  . . . .
"""

from __future__ import annotations

import math


class MapCells:
    """The cells of a map, numbered row by row.

    Parameters
    ----------
    grid : tuple of int
        Tiles along each axis; tiles are numbered in C order.
    most : tuple of int
        The largest number of rows and columns that the map may have.

    Attributes
    ----------
    tiles, fold, shape : tuple of int
        Tiles, tiles of a cell, and cells: downwards and across.
    depth : int
        How many tiles lie on top of each other.

    Examples
    --------
    >>> cells = MapCells((300, 2, 500), (64, 96))
    >>> cells.shape, cells.fold, cells.depth, cells.index(299_999)
    ((60, 84), (5, 6), 2, 5039)
    """

    def __init__(self, grid: tuple[int, ...], most: tuple[int, int]) -> None:
        grid = (1,) * (2 - len(grid)) + grid
        down, across = longest_axes(grid)
        self._strides = tuple(max(1, math.prod(grid[axis + 1 :])) for axis in (down, across))
        self.tiles = rows, columns = grid[down], grid[across]
        self.depth = math.prod(grid) // max(1, rows * columns)
        self.fold = max(1, -(-rows // most[0])), max(1, -(-columns // most[1]))
        self.shape = -(-rows // self.fold[0]), -(-columns // self.fold[1])

    def index(self, tile: int) -> int:
        """Return the number of a tile's cell."""
        (row_stride, column_stride), (rows, columns) = self._strides, self.tiles
        row = tile // row_stride % rows // self.fold[0]
        column = tile // column_stride % columns // self.fold[1]
        return row * self.shape[1] + column


def longest_axes(lengths: tuple[int, ...]) -> tuple[int, int]:
    """Return the two longest axes, the earlier first; of a shape of at least two.

    >>> longest_axes((872, 1000, 3))
    (0, 1)
    """
    down, across = sorted(sorted(range(len(lengths)), key=lambda axis: -lengths[axis])[:2])
    return down, across
