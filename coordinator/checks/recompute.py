"""Tiles computed once more, with SciPy itself and on this machine, and compared byte for byte.

Nothing that computed the tiles has a say in it: neither the workers nor the native kernel. Which
tiles are looked at is drawn, but corners come first and then seams: that is where halos are cut,
edge modes act and tiles are shorter, so where a mistake would show.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import numpy as np

from coordinator.errors import VerifyError
from coordinator.events import Event, Hearer, TileStored
from coordinator.machine import usable_cores
from coordinator.stores import Source
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job

CORNERS, SEAMS = 0.5, 0.25
"""Shares of a sample that are looked for at the array's corners, and along its faces."""

AHEAD = 2
"""Tiles per core that are begun before the first of them is compared."""


class Sampling:
    """The choice of a run's tiles that are computed once more.

    Parameters
    ----------
    fraction : float
        Of the tiles; more than 0, at most 1.
    rng : random.Random, optional
        Chooses among them.
    """

    def __init__(self, fraction: float, rng: Random | None = None) -> None:
        self.fraction = fraction
        self._rng = rng or Random()  # noqa: S311 -- a sample, not secrets

    def draw(self, grid: Grid) -> Sequence[int]:
        """Return the numbers of the tiles to be looked at: at least one, if there is any."""
        count = min(len(grid), max(1, math.ceil(self.fraction * len(grid))))
        if count == len(grid):
            return range(count)
        chosen = dict.fromkeys(itertools.islice(corners(grid), math.ceil(CORNERS * count)))
        for _ in range(math.ceil(SEAMS * count)):
            if len(chosen) < count:
                chosen[self._at_a_face(grid)] = None
        for tile in self._rng.sample(range(len(grid)), count):
            if len(chosen) < count:
                chosen[tile] = None
        return tuple(chosen)

    def _at_a_face(self, grid: Grid) -> int:
        """Draw a tile that touches an end of an axis."""
        place = [self._rng.randrange(count) for count in grid.counts]
        axis = self._rng.choice(_cut(grid))
        place[axis] = self._rng.choice((0, grid.counts[axis] - 1))
        return _number(grid, place)


def corners(grid: Grid) -> Iterator[int]:
    """Make the numbers of the tiles in the corners of an array."""
    ends = [{0, count - 1} for count in grid.counts]
    return (_number(grid, place) for place in itertools.product(*map(sorted, ends)))


def _cut(grid: Grid) -> list[int]:
    """Return the axes along which there are several tiles."""
    return [axis for axis, count in enumerate(grid.counts) if count > 1]


def _number(grid: Grid, place: Sequence[int]) -> int:
    number = 0
    for count, along in zip(grid.counts, place, strict=True):
        number = number * count + along
    return number


class Witness:
    """A hearer that passes everything on and remembers who computed the tiles of a sample."""

    def __init__(self, tiles: Sequence[int], tell: Hearer) -> None:
        self._tell = tell
        self.makers = dict.fromkeys(tiles, "an earlier run")

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if isinstance(event, TileStored) and event.tile in self.makers:
            self.makers[event.tile] = event.worker
        self._tell(event)


@dataclass(frozen=True, slots=True)
class Check:
    """What is compared: a job on a source, and an array that should be its result.

    Parameters
    ----------
    job : Job
    plan : Plan
    source : Source
    result : callable
        Returns the part of the result in a box.
    """

    job: Job
    plan: Plan
    source: Source
    result: Callable[[Box], Array]

    def tile(self, number: int) -> str | None:
        """Compute a tile once more; return in words where it differs first, if it does."""
        from tiling.kernels import reference
        from tiling.kernels.apply import apply

        tile = self.plan[number]
        block = self.source.read(tile.read)
        want = np.empty(tile.write.shape, self.job.target)
        apply(self.job.program, block, tile.crop.slices, want, reference.run)
        return difference(self.result(tile.write), want, tile.write.start)

    def tiles(self, numbers: Iterable[int], makers: Mapping[int, str]) -> Iterator[int]:
        """Compute tiles once more, on all cores; yield each that is found right, in order.

        At most `AHEAD` tiles per core are begun before the first of them is compared, so that a
        wrong tile ends the check at once and the memory does not grow with the tiles.

        Parameters
        ----------
        numbers : iterable of int
        makers : mapping of int to str
            Who computed them, as far as that is known.

        Raises
        ------
        VerifyError
            Naming the first tile that differs, who computed it, and where.
        """
        cores = usable_cores()
        begun: deque[tuple[int, Future[str | None]]] = deque()
        pool = ThreadPoolExecutor(cores, thread_name_prefix="verify")
        try:
            for number in numbers:
                if len(begun) == AHEAD * cores:
                    yield _right(*begun.popleft(), makers)
                begun.append((number, pool.submit(self.tile, number)))
            while begun:
                yield _right(*begun.popleft(), makers)
        finally:
            pool.shutdown(cancel_futures=True)


def _right(number: int, check: Future[str | None], makers: Mapping[int, str]) -> int:
    """Return the number of a tile once it is found right."""
    trouble = check.result()
    if trouble is not None:
        maker = f", computed by {makers[number]}," if number in makers else ""
        raise VerifyError(f"tile {number}{maker} is not SciPy's: {trouble}")
    return number


def difference(got: Array, want: Array, start: tuple[int, ...]) -> str | None:
    """Return in words the first sample in which two blocks differ, in bytes.

    Parameters
    ----------
    got, want : ndarray
        Of one shape; byte orders may differ.
    start : tuple of int
        Where the blocks begin in the array.

    Examples
    --------
    >>> difference(np.array([1, 2, 3]), np.array([1, 2, 4]), (10,))
    'first at (12,): 3, not 4'
    """
    ours = np.asarray(got, want.dtype, order="C")
    if ours.tobytes() == want.tobytes():
        return None
    width = want.dtype.itemsize
    rows = (np.frombuffer(a.tobytes(), np.uint8).reshape(-1, width) for a in (ours, want))
    place = np.flatnonzero(np.not_equal(*rows).any(axis=1))[0]
    local = np.unravel_index(place, want.shape)
    index = tuple(int(a) + b for a, b in zip(local, start, strict=True))
    return f"first at {index}: {ours[local]}, not {want[local]}"
