"""A stage that goes on until nothing changes: pass after pass over the tiles that may change.

A pass reads one array and writes another, so no tile depends on which others are finished. A tile
is computed anew where a tile that its block overlaps has changed; see `tiling.operations.binary`
for why the end is SciPy's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from coordinator.engines import Engine
from coordinator.errors import VerifyError
from coordinator.events import Hearer, StageStarted
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.stage import compute, stage_started
from coordinator.stores.memory import ArraySink, ArraySource, view
from coordinator.stores.scratch import scratch
from tiling.dtypes import Array
from tiling.geometry.plan import Plan

NAME = "intermediate"


def repeat(
    request: Request, plan: Plan, array: Array, engine: Engine, tell: Hearer, stage: int
) -> None:
    """Compute the tiles of a plan until none of them changes.

    Parameters
    ----------
    request : Request
        Of a repeated job.
    plan : Plan
    array : ndarray
        Receives the states; of the source's shape and dtype.
    engine : Engine
    tell : callable
        Hears the events; each pass but the first begins with a `StageStarted`.
    stage : int
        Number of the stage, from 1.

    Raises
    ------
    TilefanError
        If a tile can't be had, or is answered with what no pass can make of it.
    """
    compute(request, plan, Output(ArraySink(array, NAME)), engine, tell)
    if len(plan) == 1:
        return
    dilate = _dilates(request)
    changed = [
        tile.index
        for tile in plan
        if _is_changed(request.source.read(tile.write), view(array, tile.write), dilate)
    ]
    if not changed:
        return
    after = scratch(array.shape, array.dtype)
    after[...] = array
    source = ArraySource(array, NAME)
    while active := set(concerned(plan, changed)):
        kept = frozenset(range(len(plan))) - active
        tell(_pass_started(stage, plan, source, active))
        output = Output(ArraySink(after, NAME), kept=kept)
        compute(replace(request, source=source), plan, output, engine, tell)
        changed = []
        for index in active:
            box = plan[index].write
            if _is_changed(view(array, box), view(after, box), dilate):
                changed.append(index)
        for index in changed:
            box = plan[index].write
            view(array, box)[...] = view(after, box)


def concerned(plan: Plan, changed: Iterable[int]) -> Iterator[int]:
    """Yield the tiles whose blocks overlap what other tiles have changed, some more than once.

    Parameters
    ----------
    plan : Plan
        On which no axis wraps.
    changed : iterable of int
        Numbers of tiles.

    Examples
    --------
    >>> from tiling.geometry.grid import Grid
    >>> from tiling.geometry.halo import Halo
    >>> plan = Plan(Grid((12,), (4,)), Halo((1,), (0,)), (False,), 1, 1)
    >>> list(concerned(plan, [0, 2]))
    [1]
    """
    grid, halo = plan.grid, plan.halo
    for index in changed:
        ranges = []
        for axis, place in enumerate(grid.position(index)):
            low, high = grid.interval(axis, place)
            first = max(0, low - halo.after[axis]) // grid.tile[axis]
            last = min(high - 1 + halo.before[axis], grid.shape[axis] - 1) // grid.tile[axis]
            ranges.append(range(first, last + 1))
        for places in itertools.product(*ranges):
            other = int(np.ravel_multi_index(places, grid.counts)) if places else 0
            if other != index:
                yield other


def _dilates(request: Request) -> bool:
    return bool(getattr(request.job.program.steps[0].operation, "dilate", False))


def _is_changed(before: Array, after: Array, dilate: bool) -> bool:
    """Compare the states of a tile; a worker can't undo a change, so every run comes to an end."""
    if np.array_equal(before, after):
        return False
    more, less = (after, before) if dilate else (before, after)
    if not np.array_equal(more | less, more) or ((more ^ less) > 1).any():
        raise VerifyError("a tile until nothing changes was answered with what no pass can make")
    return True


def _pass_started(stage: int, plan: Plan, source: ArraySource, active: set[int]) -> StageStarted:
    """Return the event that begins a later pass, over some of the tiles."""
    tiles = [plan[index] for index in active]
    return replace(
        stage_started(stage, plan, source),
        tiles=len(tiles),
        bytes_in=sum(tile.read.size for tile in tiles) * plan.input_itemsize,
        bytes_out=sum(tile.write.size for tile in tiles) * plan.output_itemsize,
    )
