"""The tiles of a run seen from above: counters for each cell of a map, never a state per tile.

A terminal that is smaller than the map folds the counters once more when it draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from coordinator.history.tile_map import MapCells

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
class MapView:
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

    Attributes
    ----------
    shape : tuple of int
        Tiles downwards and across.
    depth : int
        How many tiles lie on top of each other.
    """

    def __init__(self, grid: tuple[int, ...]) -> None:
        # Axes of one tile don't count, so that the tiles of a single long axis lie side by side.
        self._map = MapCells(tuple(n for n in grid if n != 1), (ROWS, COLUMNS))
        self._height, self._width = self._map.shape
        self.shape, self.depth = self._map.tiles, self._map.depth
        self._counts = [[0] * (self._width * self._height) for _ in Place]
        self._makers = [NOBODY] * (self._width * self._height)

    def count(self, tile: int, place: Place, by: int) -> None:
        """Put a tile into a place (`by` = 1) or take it away from there (-1)."""
        if self._width:
            self._counts[place][self._map.index(tile)] += by

    def credit(self, tile: int, worker: int) -> None:
        """Note which worker, by its number, made a tile; a cell knows the last one."""
        if self._width:
            self._makers[self._map.index(tile)] = worker

    def view(self, rows: int, columns: int) -> MapView:
        """Fold the map to at most `rows` x `columns` cells."""
        down, across = self._fold(rows, columns)
        looks = tuple(self._row(top, down, across) for top in range(0, self._height, down))
        row_fold, column_fold = self._map.fold
        return MapView(looks, (down * row_fold, across * column_fold), self.depth)

    def makers(self, rows: int, columns: int) -> tuple[tuple[int, ...], ...]:
        """Return who made each cell of the view of that size; `NOBODY` where nobody has yet."""
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
        """Return the cells that share one of the view, downwards and across."""
        return max(1, -(-self._height // max(1, rows))), max(1, -(-self._width // max(1, columns)))

    def _row(self, top: int, down: int, across: int) -> tuple[Look, ...]:
        width, bottom = self._width, min(top + down, self._height)
        starts = [row * width for row in range(top, bottom)]
        row_fold, column_fold = self._map.fold
        tiles_down = min(bottom * row_fold, self.shape[0]) - top * row_fold
        each = across * column_fold
        whole = [
            tiles_down * self.depth * min(each, self.shape[1] - left)
            for left in range(0, self.shape[1], each)
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
