"""Differences of two arrays, to the bit: counted block by block, so neither is ever loaded whole.

Arrays of other shapes or other kinds of numbers differ as a whole, and no sample is looked at.
Arrays that differ in byte order only are compared by their numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from coordinator.checks.ulp import counts_ulps, distances
from coordinator.stores import Source
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo

BLOCK_BYTES = 4 * 2**20
"""Of a block that is compared: its indices, if all of it differs, are a few times that."""

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """How one of the arrays was made: its tiles, and how deep they read into each other."""

    grid: Grid
    halo: Halo


@dataclass(slots=True)
class Places:
    """Differing samples by tile, and by seam: the axis, and where on it a tile begins.

    A sample counts for a seam if it is no further from it than the halo is deep: there it was
    computed from samples that came from the other side. `inside` counts those by no seam.
    """

    tiles: Counter[int] = field(default_factory=Counter)
    seams: Counter[tuple[int, int]] = field(default_factory=Counter)
    inside: int = 0

    def add(self, cut: Cut, samples: tuple[npt.NDArray[np.intp], ...]) -> None:
        """Count samples, given by their indices along each axis."""
        if not samples:
            return
        places = [along // size for along, size in zip(samples, cut.grid.tile, strict=True)]
        numbers, counts = np.unique(
            np.ravel_multi_index(places, cut.grid.counts), return_counts=True
        )
        self.tiles.update(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
        near = np.zeros(len(samples[0]), bool)
        for axis, (along, place) in enumerate(zip(samples, places, strict=True)):
            near |= self._by_seam(cut, axis, along, place)
        self.inside += int(len(near) - near.sum())

    def _by_seam(
        self, cut: Cut, axis: int, along: npt.NDArray[np.intp], place: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.bool_]:
        size, count = cut.grid.tile[axis], cut.grid.counts[axis]
        near = np.zeros(len(along), bool)
        after, before = cut.halo.after[axis], cut.halo.before[axis]
        low, high = along - place * size, (place + 1) * size - 1 - along
        for seam, close in (
            (place, (low < max(before, 1)) & (place > 0)),
            (place + 1, (high < max(after, 1)) & (place < count - 1)),
        ):
            starts, counts = np.unique(seam[close] * size, return_counts=True)
            pairs = zip(starts.tolist(), counts.tolist(), strict=True)
            self.seams.update({(axis, start): number for start, number in pairs})
            near |= close
        return near


@dataclass(frozen=True, slots=True)
class Difference:
    """What two arrays have not in common.

    Parameters
    ----------
    shapes, dtypes : (left, right)
    samples : int
        Compared: 0 if shapes or kinds differ.
    differing : int
    first : tuple of int, optional
        Index of the first that differs, in C order.
    values : (str, str)
        What stands there.
    largest_ulp : int, optional
        The largest distance of two numbers; None where nobody counts (long doubles).
    largest_at : tuple of int, optional
    not_numbers : int
        Pairs of a number and a NaN, or of two NaNs of other bits.
    places : Places, optional
        If it is known how one of them was cut.
    """

    shapes: tuple[Index, Index]
    dtypes: tuple[str, str]
    samples: int = 0
    differing: int = 0
    first: Index | None = None
    values: tuple[str, str] = ("", "")
    largest_ulp: int | None = None
    largest_at: Index | None = None
    not_numbers: int = 0
    places: Places | None = None

    @property
    def comparable(self) -> bool:
        """Whether samples were looked at."""
        kinds = [np.dtype(name).newbyteorder("=") for name in self.dtypes]
        return self.shapes[0] == self.shapes[1] and kinds[0] == kinds[1]

    @property
    def equal(self) -> bool:
        """Whether nothing differs: neither shape nor dtype nor a bit."""
        alike = self.shapes[0] == self.shapes[1] and self.dtypes[0] == self.dtypes[1]
        return alike and not self.differing


def compare(a: Source, b: Source, cut: Cut | None = None) -> Difference:
    """Compare two arrays.

    Parameters
    ----------
    a, b : Source
        Of which any box may be read.
    cut : Cut, optional
        How they are tiled; of their shape.

    Examples
    --------
    >>> from coordinator.stores.memory import ArraySource
    >>> a, b = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0 + 2**-50])
    >>> found = compare(ArraySource(a), ArraySource(b))
    >>> found.differing, found.first, found.largest_ulp
    (1, (2,), 2)
    """
    head = Difference((a.shape, b.shape), (a.dtype.str, b.dtype.str))
    return _Comparison(a, b, cut).result(head) if head.comparable else head


def blocks(shape: Index, itemsize: int) -> Iterator[Box]:
    """Cut an array into runs of C order of about `BLOCK_BYTES`.

    Examples
    --------
    >>> [box.shape for box in blocks((3, 1024, 1024), 2)]
    [(2, 1024, 1024), (1, 1024, 1024)]
    """
    left, tile = max(1, BLOCK_BYTES // itemsize), []
    for length in reversed(shape):
        tile.append(max(1, min(length, left)))
        left = left // max(1, length) if length <= left else 1
    grid = Grid(shape, tuple(reversed(tile)))
    return map(grid.box, range(len(grid)))


class _Comparison:
    """The counts so far."""

    def __init__(self, a: Source, b: Source, cut: Cut | None) -> None:
        self._a, self._b, self._cut = a, b, cut
        self._places = Places() if cut else None
        self._ulps = counts_ulps(a.dtype)
        self._differing = self._not_numbers = 0
        self._first: Index | None = None
        self._largest = 0
        self._largest_at: Index | None = None

    def result(self, head: Difference) -> Difference:
        """Compare every block."""
        for box in blocks(self._a.shape, self._a.dtype.itemsize):
            self._block(box)
        values = ("", "")
        if self._first is not None:
            box = Box(self._first, tuple(place + 1 for place in self._first))
            values = str(self._a.read(box).flat[0]), str(self._b.read(box).flat[0])
        return Difference(
            head.shapes,
            head.dtypes,
            math.prod(self._a.shape),
            self._differing,
            self._first,
            values,
            self._largest if self._ulps and self._differing else None,
            self._largest_at,
            self._not_numbers,
            self._places,
        )

    def _block(self, box: Box) -> None:
        a, b = (np.ascontiguousarray(x.read(box)) for x in (self._a, self._b))
        flat = np.flatnonzero(_other_bits(a, b))
        if not len(flat):
            return
        self._differing += len(flat)
        inside = np.unravel_index(flat, box.shape) if box.ndim else ()
        samples = tuple(part + start for part, start in zip(inside, box.start, strict=True))
        if self._first is None:
            self._first = tuple(int(along[0]) for along in samples)
        self._measure(a.reshape(-1)[flat], b.reshape(-1)[flat], samples)
        if self._places is not None and self._cut is not None:
            self._places.add(self._cut, samples)

    def _measure(self, a: Array, b: Array, samples: tuple[npt.NDArray[np.intp], ...]) -> None:
        if a.dtype.kind in "fc":
            self._not_numbers += int((np.isnan(a) | np.isnan(b)).sum())
        if self._ulps:
            apart = distances(a, b)
            place = int(apart.argmax())
            if int(apart[place]) > self._largest:
                self._largest = int(apart[place])
                self._largest_at = tuple(int(along[place]) for along in samples)


def _other_bits(a: Array, b: Array) -> npt.NDArray[np.bool_]:
    """Tell for each sample, in C order, whether its bytes differ."""
    size = a.dtype.itemsize
    word = f"u{size}" if size in (1, 2, 4, 8) else f"V{size}"
    left, right = (x.reshape(-1).view(word) for x in (a, b))
    unequal: npt.NDArray[np.bool_] = left != right
    return unequal
