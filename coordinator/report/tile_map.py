"""The tiles of a run from above: a cell for each, or for several where there are too many.

The two longest axes of the grid span the map; tiles along the others lie on top of each other. A
cell shows the worker that made most of its tiles, or the mean time at which they were stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

ROWS: Final = 64
COLUMNS: Final = 96

T = TypeVar("T")
Cells: TypeAlias = list[list[list[T]]]
Drawn: TypeAlias = tuple[str, str]


def folded(grid: tuple[int, ...], of_tiles: Mapping[int, T]) -> tuple[Cells[T], tuple[int, int]]:
    """Put what is known of tiles into the cells of a map; also return the tiles that share a cell.

    Examples
    --------
    >>> folded((2, 1, 3), {0: "a", 5: "b"})
    ([[['a'], [], []], [[], [], ['b']]], (1, 1))
    """
    grid = (1,) * (2 - len(grid)) + grid
    down, across = sorted(sorted(range(len(grid)), key=lambda axis: -grid[axis])[:2])
    fold = max(1, -(-grid[down] // ROWS)), max(1, -(-grid[across] // COLUMNS))
    found: defaultdict[tuple[int, int], list[T]] = defaultdict(list)
    for tile, value in of_tiles.items():
        place = _position(grid, tile)
        found[place[down] // fold[0], place[across] // fold[1]].append(value)
    height, width = -(-grid[down] // fold[0]), -(-grid[across] // fold[1])
    return [[found[y, x] for x in range(width)] for y in range(height)], fold


def each_cell(
    cells: Cells[T], draw: Callable[[list[T]], tuple[str, str]]
) -> list[list[tuple[str, str] | None]]:
    """Draw every cell that has tiles."""
    return [[draw(values) if values else None for values in row] for row in cells]


def most(values: list[str]) -> str:
    """Return the commonest."""
    return Counter(values).most_common(1)[0][0]


def _position(grid: tuple[int, ...], tile: int) -> tuple[int, ...]:
    place = []
    for length in reversed(grid):
        tile, along = divmod(tile, length)
        place.append(along)
    return tuple(reversed(place))
