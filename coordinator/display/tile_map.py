"""Where the tiles of a run stand, seen from above: counters for each cell, never a state per tile.

The two longest axes of the grid span the map, the earlier one downwards; tiles along the others lie
on top of each other. A grid longer than the map is folded: `fold` neighbours share a cell.

    grid (6, 1, 4) at most 3 x 4    0 1 2 3
                                    -------
                               0-1  . . . .      a cell of this map counts 2 x 1 tiles
                               2-3  . . . .
                               4-5  . . . .

A terminal that is smaller still folds the counters once more when it draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

ROWS: Final = 64  # counters kept: more than most terminals show, and cheap to sum at every frame
COLUMNS: Final = 128
NOBODY: Final = -1


class Place(IntEnum):
    """What a counter counts; a tile that is in none of these waits."""

    STORED = 0
    FLYING = 1
    FAILED = 2


class Look(IntEnum):
    """How a cell of the drawn map looks, given its counters."""

    WAITING = 0
    FLYING = 1
    PARTLY = 2
    STORED = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A map folded to a size: looks by row, and how many tiles a cell stands for on each axis."""

    looks: tuple[tuple[Look, ...], ...]
    fold: tuple[int, int]
    depth: int


class TileMap:
    """Counters of the tiles in each place, by cell.

    Parameters
    ----------
    grid : tuple of int
        Tiles along each axis; tiles are numbered in C order.
    """

    def __init__(self, grid: tuple[int, ...]) -> None:
        self._row_stride, self._rows, self._column_stride, self._columns = _span(grid)
        self.depth = math.prod(grid) // max(1, self._rows * self._columns)
        self._row_fold = max(1, -(-self._rows // ROWS))
        self._column_fold = max(1, -(-self._columns // COLUMNS))
        self._width = -(-self._columns // self._column_fold)
        self._height = -(-self._rows // self._row_fold)
        self._counts = [[0] * (self._width * self._height) for _ in Place]
        self._makers = [NOBODY] * (self._width * self._height)

    @property
    def shape(self) -> tuple[int, int]:
        """Tiles downwards and across."""
        return self._rows, self._columns

    def count(self, tile: int, place: Place, by: int) -> None:
        """Put a tile into a place (`by` = 1) or take it away from there (-1)."""
        if self._width:
            self._counts[place][self._cell(tile)] += by

    def credit(self, tile: int, worker: int) -> None:
        """Note which worker, by its number, made a tile; a cell knows the last one."""
        if self._width:
            self._makers[self._cell(tile)] = worker

    def _cell(self, tile: int) -> int:
        row = tile // self._row_stride % self._rows // self._row_fold
        column = tile // self._column_stride % self._columns // self._column_fold
        return row * self._width + column

    def picture(self, rows: int, columns: int) -> Picture:
        """Fold the map to at most `rows` x `columns` cells."""
        down, across = self._fold(rows, columns)
        looks = tuple(self._row(top, down, across) for top in range(0, self._height, down))
        return Picture(looks, (down * self._row_fold, across * self._column_fold), self.depth)

    def makers(self, rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
        """Return who made each cell of the picture of that size; `NOBODY` where nobody has yet."""
        down, across = self._fold(rows, columns)
        width = self._width
        return tuple(
            tuple(
                max(
                    max(self._makers[row * width + left : row * width + min(left + across, width)])
                    for row in range(top, min(top + down, self._height))
                )
                for left in range(0, width, across)
            )
            for top in range(0, self._height, down)
        )

    def _fold(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the cells that share one of the picture, downwards and across."""
        return max(1, -(-self._height // max(1, rows))), max(1, -(-self._width // max(1, columns)))

    def _row(self, top: int, down: int, across: int) -> tuple[Look, ...]:
        width, bottom = self._width, min(top + down, self._height)
        starts = [row * width for row in range(top, bottom)]
        tiles_down = min(bottom * self._row_fold, self._rows) - top * self._row_fold
        each = across * self._column_fold
        whole = [
            tiles_down * self.depth * min(each, self._columns - left)
            for left in range(0, self._columns, each)
        ]
        places = (_sums([c[at : at + width] for at in starts], across) for c in self._counts)
        return tuple(map(_look, whole, *places))


def _sums(rows: list[list[int]], across: int) -> list[int]:
    """Sum rows column by column, and then each `across` neighbours."""
    line = rows[0] if len(rows) == 1 else [sum(column) for column in zip(*rows, strict=True)]
    if across == 1:
        return line
    return [sum(line[left : left + across]) for left in range(0, len(line), across)]


def _look(tiles: int, stored: int, flying: int, failed: int) -> Look:
    if failed > 0:
        return Look.FAILED
    if stored > 0:
        return Look.STORED if stored >= tiles else Look.PARTLY
    return Look.FLYING if flying > 0 else Look.WAITING


def _span(grid: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Find stride and length of the axis downwards, and of the axis across.

    Examples
    --------
    >>> _span((6, 1, 4)), _span((5, 1, 1))
    ((4, 6, 1, 4), (5, 1, 1, 5))
    """
    strides = [math.prod(grid[axis + 1 :]) for axis in range(len(grid))]
    longest = sorted(range(len(grid)), key=lambda axis: -grid[axis])[:2]
    axes = [axis for axis in sorted(longest) if grid[axis] != 1]
    spans = [(max(1, strides[axis]), grid[axis]) for axis in axes]
    lone = (max(1, math.prod(grid)), 1)
    (row_stride, rows), (column_stride, columns) = [lone] * (2 - len(spans)) + spans
    return row_stride, rows, column_stride, columns
