"""Maps of a run's tiles: who made them, and when.

Of the axes that are cut, the array's two longest span a map, of equal ones the later. Where tiles
lie on top of each other there is a map for each layer, or for some neighbouring ones, so that none
hides another; slabs, which are cut on one axis only, lie side by side.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from coordinator.history.tile_map import MapCells
from coordinator.report import charts
from coordinator.report.charts import Cell
from coordinator.report.html import Html, tag, text
from coordinator.text import brief_time, count, extent

if TYPE_CHECKING:
    from coordinator.events import RunStarted
    from coordinator.report.recorder import Recorder

MAP_SIZE: Final = (64, 96)
SHOWN_WORKERS: Final = 40
"""Of the timeline, the tables and legends: more is no longer read; the rest is summed up."""

MOST_LAYERS: Final = 24
WORDED: Final = 1500
"""Cells that get words: more would make the page large."""

T = TypeVar("T")


class TileMaps:
    """How the tiles of a run lie in the cells of its maps.

    Parameters
    ----------
    run : RunStarted
        Of more than one tile.
    """

    def __init__(self, run: RunStarted) -> None:
        self._run = run
        cut = [axis for axis, n in enumerate(run.grid) if n > 1]
        self._axes = sorted(sorted(cut, key=lambda axis: (run.shape[axis], axis))[-2:])
        self._others = [axis for axis in cut if axis not in self._axes]
        self._cells = MapCells(tuple(run.grid[axis] for axis in self._axes), MAP_SIZE)
        self._depth = math.prod(run.grid[axis] for axis in self._others)
        self._fold = -(-self._depth // MOST_LAYERS)
        self.layers = -(-self._depth // self._fold)

    def place(self, tile: int) -> tuple[int, int]:
        """Return the layer and the cell of a tile.

        Examples
        --------
        >>> from coordinator.events import RunStarted
        >>> cut = (40, 9, 60), "int32", (10, 3, 10), (4, 3, 6), 72, 0, 0, 0.0, ()
        >>> TileMaps(RunStarted("a", "b", "c", *cut)).place(18 + 12 + 5)  # tile (1, 2, 5)
        (2, 11)
        """
        layer, cell = self._number(tile, self._others), self._number(tile, self._axes)
        return layer // self._fold, self._cells.index(cell)

    def _number(self, tile: int, axes: Sequence[int]) -> int:
        """Return the number of a tile, in C order, among those of a grid that has these axes."""
        number, grid = 0, self._run.grid
        for axis in axes:
            number = number * grid[axis] + tile // math.prod(grid[axis + 1 :]) % grid[axis]
        return number

    def draw(
        self,
        name: str,
        title: str,
        description: str,
        of_tiles: Mapping[int, T],
        paint: Callable[[list[T]], Cell],
    ) -> Html:
        """Draw every layer, each cell from the values of its tiles."""
        found: defaultdict[tuple[int, int], list[T]] = defaultdict(list)
        for tile, value in of_tiles.items():
            found[self.place(tile)].append(value)
        height, width = self._cells.shape
        drawn = []
        for layer in range(self.layers):
            rows = [
                [_painted(found.get((layer, row * width + x)), paint) for x in range(width)]
                for row in range(height)
            ]
            where = self._layer_words(layer) if self.layers > 1 else ""
            drawing = charts.cells(
                f"{name}-{layer}" if where else name,
                f"{title}, {where}" if where else title,
                description,
                rows,
                self._aspect(),
                worded=len(found) <= WORDED,
            )
            drawn.append(tag("figure", {}, drawing, tag("figcaption", {}, text(where))))
        how = tag("p", {"class": "hint"}, text(self._axis_words()))
        return tag("div", {"class": "layers" if self.layers > 1 else "layer"}, *drawn, how)

    def _aspect(self) -> float:
        """Return height over width of a cell, as on the array, within what can still be seen."""
        if len(self._axes) == 1:
            return max(1.0, self._cells.shape[1] / 12)
        (down, across), (rows, columns) = self._axes, self._cells.fold
        tile = self._run.tile_shape
        return min(4.0, max(0.25, tile[down] * rows / (tile[across] * columns)))

    def _axis_words(self) -> str:
        """Say what the map's axes are of the array, and what a cell stands for."""
        shape = self._run.shape
        ends = [f"axis {axis} (0 to {shape[axis]:,})" for axis in self._axes]
        words = f"{ends[0]} downwards, {ends[1]} to the right" if len(ends) > 1 else ends[0]
        if len(ends) == 1:
            words += " from left to right"
        if self._others:
            words += f"; a map for each layer of axis {' and '.join(map(str, self._others))}"
        if self._cells.fold != (1, 1):
            words += f"; a cell stands for {extent(self._cells.fold)} tiles"
        return f"{words[0].upper()}{words[1:]}."

    def _layer_words(self, layer: int) -> str:
        """Say where a layer lies: its samples along its axis, or its number if it has several."""
        first, end = layer * self._fold, min((layer + 1) * self._fold, self._depth)
        if len(self._others) != 1:
            return f"layer {first}" if end == first + 1 else f"layers {first} to {end - 1}"
        axis = self._others[0]
        size, length = self._run.tile_shape[axis], self._run.shape[axis]
        return f"{first * size:,} to {min(end * size, length):,}"


def _painted(values: list[T] | None, paint: Callable[[list[T]], Cell]) -> Cell | None:
    return paint(values) if values else None


def maps(history: Recorder) -> Iterator[Html]:
    """Yield the maps of a run that has tiles to tell apart, one beside the other."""
    if history.run is None or history.run.tiles < 2:
        return
    layers = TileMaps(history.run)
    left = tag("div", {}, tag("h2", {}, text("Tiles by worker")), *_by_worker(history, layers))
    right = tag("div", {}, tag("h2", {}, text("Tiles by time")), *_by_time(history, layers))
    yield tag("section", {"class": "pair"}, left, right)


def _by_worker(history: Recorder, layers: TileMaps) -> Iterator[Html]:
    made = ", ".join(
        f"{name} {worker.stored}"
        for name, worker in list(history.workers.items())[:SHOWN_WORKERS]
        if worker.stored
    )
    flying = dict.fromkeys(history.attempts_of, "")
    words = f"Tiles made by each worker: {made or 'none yet'}; {len(flying):,} in flight."

    def most_common(names: list[str]) -> Cell:
        name, _ = Counter(names).most_common(1)[0]
        if not name:
            return Cell("in flight", kind="flying")
        return Cell(name, charts.colour(history.workers[name].number))

    yield layers.draw(
        "map-worker", "Tiles by worker", words, {**flying, **history.makers}, most_common
    )
    shown = [(name, each) for name, each in history.workers.items() if each.stored]
    entries = [(dot(fill=charts.colour(each.number)), name) for name, each in shown[:SHOWN_WORKERS]]
    if len(shown) > SHOWN_WORKERS:
        entries.append((Html(""), f"and {count(len(shown) - SHOWN_WORKERS, 'worker')} more"))
    if flying:
        entries.append((dot(kind="flying"), "in flight"))
    yield legend(entries)


def _by_time(history: Recorder, layers: TileMaps) -> Iterator[Html]:
    end_s = history.last_s or 1.0

    def mean_time(times_s: list[float]) -> Cell:
        mean_s = sum(times_s) / len(times_s)
        return Cell(f"stored at {brief_time(mean_s)}", _shade(mean_s / end_s))

    words = f"When each tile was stored, from 0 to {brief_time(end_s)}."
    yield layers.draw("map-time", "Tiles by time", words, history.stored_s, mean_time)
    ends = ((0, "early"), (0.5, "half-way"), (1, "late"))
    yield legend((dot(fill=_shade(at)), word) for at, word in ends)


def _shade(share: float) -> str:
    return f"hsl({260 - 210 * share:.0f} 65% {40 + 22 * share:.0f}%)"


def dot(*, fill: str = "", kind: str = "") -> Html:
    """Return the picture before an entry of a legend: of a colour, or of a class."""
    return charts.swatch(charts.rect(0, 0, charts.BAND, charts.BAND, fill=fill, kind=kind))


def legend(entries: Iterable[tuple[Html, str]]) -> Html:
    """Return pictures with their words."""
    rows = [tag("li", {}, swatch, text(words)) for swatch, words in entries]
    return tag("ul", {"class": "legend"}, *rows)
