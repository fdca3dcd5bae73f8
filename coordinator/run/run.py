"""A run, on one screen: greet, plan, compute, commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.engines import Capacity, Engine, Hearer, Mission
from coordinator.errors import VerifyError
from coordinator.events import Event, Listener, RunFinished, RunStarted, TileKept
from coordinator.run.output import Output
from coordinator.stores import Source
from tiling.errors import BadTypeError, BadValueError
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.geometry.tile_shape import Choice, choose_tile
from tiling.jobs.job import Job
from tiling.jobs.stages import stages, wants_bound
from tiling.operations.base import ANYTHING, dtype_bound

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling

PIECE_BYTES = 16 * 2**20
"""Of a block that is looked at, or combined with others, in this process."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants: a job on a source, cut as `tile` says or as seems best.

    Parameters
    ----------
    job : Job
    source : Source
    tile : tuple of int, optional
        Shape of the piece that each tile owns.
    title : str
        What people call the job.
    bound : float, optional
        Of the source's samples (see `tiling.operations.base`); looked for unless given.
    sampling : Sampling, optional
        Which tiles are computed once more before the output is made visible; none without it.
    """

    job: Job
    source: Source
    tile: tuple[int, ...] | None = None
    title: str = ""
    bound: float | None = None
    sampling: Sampling | None = None

    def choice(self, capacity: Capacity) -> Choice:
        """Choose the tiles for an engine of this capacity, unless the user has."""
        if self.tile is not None:
            return Choice(self.tile, "as asked for")
        job = self.job
        return choose_tile(
            self.source.shape,
            max(job.source.itemsize, job.target.itemsize),
            job.halo,
            job.wraps,
            capacity.slots,
            whole=self._whole,
            max_tile_bytes=capacity.tile_bytes,
            min_tile_bytes=capacity.least_bytes,
        )

    @property
    def _whole(self) -> tuple[bool, ...]:
        """Axes that are not to be cut."""
        return self.job.whole(ANYTHING if self.bound is None else self.bound)

    def plan(self, capacity: Capacity) -> Plan:
        """Cut the source for an engine of this capacity."""
        job, shape = self.job, self.source.shape
        tile = tuple(
            max(length, 1) if kept else size
            for size, length, kept in zip(
                self.choice(capacity).tile, shape, self._whole, strict=True
            )
        )
        grid = Grid(shape, tile)
        return Plan(grid, job.halo, job.wraps, job.source.itemsize, job.target.itemsize)


def run(
    request: Request, open_output: Callable[[Plan | None], Output], engine: Engine, listen: Listener
) -> Plan:
    """Carry out a request in as many stages as it takes; return the last one's plan.

    Parameters
    ----------
    request : Request
    open_output : callable
        Opens the output of a plan, once it is known that the job can be computed; of None where
        the job takes several stages, so that no later run can go on with it.
    engine : Engine
    listen : Listener
        Hears every fact, with the seconds of a monotonic clock.

    Raises
    ------
    TilefanError
        If the output could not be made; a note says what is left of it and how to go on, if
        anything is.
    """
    job = request.job
    job.program.check_shape(request.source.shape)
    bound = known_bound(job, request.source) if request.bound is None else request.bound
    parts = stages(job, bound)
    if len(parts) == 1:
        return run_job(replace(request, bound=bound), open_output, engine, listen)
    from coordinator.run.relay import Relay

    return Relay(request, parts, engine, listen).run(open_output(None))


def run_job(
    request: Request, open_output: Callable[[Plan], Output], engine: Engine, listen: Listener
) -> Plan:
    """Carry out a request in one stage; return the plan that was followed."""

    def tell(event: Event) -> None:
        listen(time.monotonic(), event)

    plan = request.plan(engine.greet(request.job, tell))
    output = open_output(plan)
    try:
        _fill(request, plan, output, engine, tell)
        output.commit()
    except BaseException as error:
        kept = output.abandon(trusted=not isinstance(error, VerifyError))
        tell(RunFinished(error=_why(error)))
        if kept:
            error.add_note(
                f"{kept} of {len(plan)} tiles are kept; go on with:\n  {output.again}".rstrip()
            )
        raise
    tell(RunFinished())
    return plan


def _fill(request: Request, plan: Plan, output: Output, engine: Engine, tell: Hearer) -> None:
    """Have every tile computed that the output lacks."""
    tell(started(request, plan, output.sink.name))
    for kept in sorted(output.kept):
        tell(TileKept(kept, plan[kept].write.size * plan.output_itemsize))
    job, source = request.job, request.source
    mission = Mission(job, plan, source, output.sink, output.journal, output.kept)
    if request.sampling is None:
        _compute(mission, engine, tell)
        return
    from coordinator.checks.recompute import Check, Witness

    sample = request.sampling.draw(plan.grid)
    witness = Witness(sample, tell)
    _compute(mission, engine, witness)
    check = Check(job, plan, source, output.sink.region)
    for _ in check.tiles(sample, witness.makers):
        pass


def _compute(mission: Mission, engine: Engine, tell: Hearer) -> None:
    if len(mission.kept) < len(mission.plan):
        engine.run(mission, tell)


def known_bound(job: Job, source: Source) -> float:
    """Return the bound of a source's samples, looking at them only if it matters."""
    return bound_of(source) if wants_bound(job) else dtype_bound(job.source)


def bound_of(source: Source) -> float:
    """Return the largest magnitude among all samples, NaN if there is one."""
    bound = 0.0
    for block in (source.read(tile.read) for tile in pieces(source)):
        both = np.max(block), np.min(block)
        bound = float(np.max([bound, abs(float(both[0])), abs(float(both[1]))]))
    return bound


def pieces(source: Source) -> Plan:
    """Cut an array into slabs that are read at a time where nothing is sent."""
    shape, itemsize = source.shape, source.dtype.itemsize
    halo, wraps = Halo.none(len(shape)), (False,) * len(shape)
    tile = choose_tile(shape, itemsize, halo, wraps, 1, max_tile_bytes=PIECE_BYTES).tile
    return Plan(Grid(shape, tile), halo, wraps, itemsize, itemsize)


def tile_shape(tile: Any, ndim: int) -> tuple[int, ...] | None:
    """Return the tile that a user asks for: None, one size for every axis, or one per axis.

    Raises
    ------
    TilingError
        If it has a wrong rank, or a size is no positive integer.
    """
    if tile is None:
        return None
    try:
        shape = tuple(map(index, tile if isinstance(tile, Iterable) else (tile,) * ndim))
    except TypeError:
        raise BadTypeError(f"tile must be an integer or one per axis, not {tile!r}") from None
    if len(shape) != ndim:
        raise BadValueError(f"tile {shape} has {len(shape)} axes, the array has {ndim}")
    if min(shape, default=1) < 1:
        raise BadValueError(f"tile {shape}: every axis needs at least one sample")
    return shape


def started(request: Request, plan: Plan, output: str) -> RunStarted:
    """Return the event that begins a run into an output of this name."""
    return RunStarted(
        input=request.source.name,
        output=output,
        filter=request.title or " then ".join(call.filter for call in request.job.calls),
        shape=plan.grid.shape,
        dtype=str(request.source.dtype),
        tile_shape=tuple(max(1, length) for length in plan.largest_write),
        grid=plan.grid.counts,
        tiles=len(plan),
        bytes_in=plan.bytes_in,
        bytes_out=plan.bytes_out,
        halo_overhead=plan.halo_overhead,
        workers=(),
    )


def _why(error: BaseException) -> str:
    """Return an error's words on one line, however many they take on a screen."""
    lines = (line.strip() for line in str(error).splitlines())
    why = "; ".join(lines).replace(":; ", ": ")
    return "interrupted" if isinstance(error, KeyboardInterrupt) else why
