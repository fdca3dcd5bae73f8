"""The plan of an array in tiles: what each one reads, owns and crops.

A plan is lazy: it takes the same memory for ten tiles and for ten million, and its costs are
products of sums along the axes, so they are known before the first tile is made::

            read
    +--------------------+
    |  rrrrrrrrrrrrrrrr  |      write   what the tile owns in the output
    |  rr+----------+rr  |      read    write and its halo, clipped or wrapped at the edges
    |  rr|  write   |rr  |      crop    write, seen from inside read
    |  rr+----------+rr  |
    |  rrrrrrrrrrrrrrrr  |
    +--------------------+
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tiling.geometry.box import Box
from tiling.geometry.edges import read_box
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo


@dataclass(frozen=True, slots=True)
class Tile:
    """One piece of work: `index` in C order, and the three boxes drawn above."""

    index: int
    write: Box
    read: Box

    @property
    def crop(self) -> Box:
        """The write box in the coordinates of the block that is read."""
        return self.write.inside(self.read)


@dataclass(frozen=True, slots=True)
class Plan:
    """A lazy sequence of tiles whose write boxes partition the array.

    Parameters
    ----------
    grid : Grid
        The partition of the output.
    halo : Halo
        What the filter needs round each output sample.
    wraps : tuple of bool
        The axes whose edge mode is ``wrap``.
    input_itemsize, output_itemsize : int
        Bytes per sample.

    Examples
    --------
    >>> plan = Plan(Grid((10,), (4,)), Halo((1,), (1,)), (False,), 4, 4)
    >>> [(tile.read.start, tile.read.stop) for tile in plan]
    [((0,), (5,)), ((3,), (9,)), ((7,), (10,))]
    >>> plan.bytes_in, plan.bytes_out, plan.halo_overhead
    (56, 40, 0.4)
    """

    grid: Grid
    halo: Halo
    wraps: tuple[bool, ...]
    input_itemsize: int
    output_itemsize: int

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.grid)

    def __iter__(self) -> Iterator[Tile]:
        """Make the tiles one after another."""
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Tile:
        """Return the tile of this number.

        Parameters
        ----------
        index : int
            From 0.

        Raises
        ------
        IndexError
            For a number that no tile has.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"tile {index} of {len(self)}")
        write = self.grid.box(index)
        return Tile(index, write, read_box(write, self.halo, self.grid.shape, self.wraps))

    def __str__(self) -> str:
        """Return in words how the array is cut.

        >>> print(Plan(Grid((10,), (4,)), Halo((1,), (2,)), (False,), 4, 4))
        3 tiles of at most (4,): a grid of (3,) on an array of (10,); halo (1,) before, (2,) after
        """
        grid, halo = self.grid, self.halo
        return (
            f"{len(self):,} tile{'s' * (len(self) != 1)} of at most {self.largest_write}: "
            f"a grid of {grid.counts} on an array of {grid.shape}; "
            f"halo {halo.before} before, {halo.after} after"
        )

    def _repr_html_(self) -> str:
        rows = {
            "array": self.grid.shape,
            "tile": self.grid.tile,
            "grid": self.grid.counts,
            "tiles": f"{len(self):,}",
            "read more than once": f"{self.halo_overhead:.1%}",
            "bytes there": f"{self.bytes_in:,}",
            "bytes back": f"{self.bytes_out:,}",
        }
        cells = (f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
        return f"<table><caption>plan</caption>{''.join(cells)}</table>"

    @property
    def samples_in(self) -> int:
        """Samples that all tiles read together, halos counted each time."""
        return math.prod(
            read_total(n, size, (before, after), wraps=wraps)
            for n, size, before, after, wraps in zip(
                self.grid.shape,
                self.grid.tile,
                self.halo.before,
                self.halo.after,
                self.wraps,
                strict=True,
            )
        )

    @property
    def bytes_in(self) -> int:
        """Bytes that all tiles read together."""
        return self.samples_in * self.input_itemsize

    @property
    def bytes_out(self) -> int:
        """Bytes that all tiles write together: the size of the output."""
        return math.prod(self.grid.shape) * self.output_itemsize

    @property
    def halo_overhead(self) -> float:
        """Samples read more than once, as a fraction of the array."""
        size = math.prod(self.grid.shape)
        return (self.samples_in - size) / size if size else 0.0

    @property
    def largest_read(self) -> tuple[int, ...]:
        """A shape that no tile's block exceeds."""
        return tuple(
            min(n, size + before + after)
            for n, size, before, after in zip(
                self.grid.shape, self.grid.tile, self.halo.before, self.halo.after, strict=True
            )
        )

    @property
    def largest_write(self) -> tuple[int, ...]:
        """Shape of the largest box that a tile owns."""
        return tuple(map(min, self.grid.shape, self.grid.tile))


def read_total(length: int, size: int, halo: tuple[int, int], *, wraps: bool) -> int:
    """Return the samples that all tiles along one axis read together, in closed form.

    Every tile would read its own samples and its halo; what is clipped at each end of the axis is
    an arithmetic series over the tiles that lie nearer to that end than the halo is deep.

    Parameters
    ----------
    length : int
        Of the axis, in samples.
    size : int
        Of a tile, in samples.
    halo : (int, int)
        Samples before and after.
    wraps : bool
        Whether tiles read round the edges.
    """
    count = -(-length // size)
    if not count:
        return 0
    last = length - (count - 1) * size
    if wraps:
        reach = sum(halo)
        return (count - 1) * min(size + reach, length) + min(last + reach, length)
    clipped = _clipped(halo[0], 0, size, count) + halo[1] + _clipped(halo[1], last, size, count - 1)
    return length + count * sum(halo) - clipped


def _clipped(halo: int, first: int, size: int, count: int) -> int:
    """Sum what tiles at distances first, first + size, ... from the edge lose of their halo."""
    reaching = max(0, min(count, -(-(halo - first) // size)))
    return reaching * (halo - first) - size * (reaching * (reaching - 1) // 2)
