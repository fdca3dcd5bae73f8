"""A run, on one screen: greet, plan, compute, commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import index
from typing import Any

from coordinator.engines import Capacity, Engine, Hearer, Mission
from coordinator.errors import VerifyError
from coordinator.events import Event, Listener, RunFinished, RunStarted, TileKept
from coordinator.output import Output
from coordinator.stores import Source
from coordinator.verify import Check, Sampling, Witness
from tiling.choose import Choice, choose_tile
from tiling.errors import BadTypeError, BadValueError
from tiling.grid import Grid
from tiling.job import Job
from tiling.plan import Plan


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
    sampling : Sampling, optional
        Which tiles are computed once more before the output is made visible; none without it.
    """

    job: Job
    source: Source
    tile: tuple[int, ...] | None = None
    title: str = ""
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
            max_tile_bytes=capacity.tile_bytes,
        )

    def plan(self, capacity: Capacity) -> Plan:
        """Cut the source for an engine of this capacity."""
        job, grid = self.job, Grid(self.source.shape, self.choice(capacity).tile)
        return Plan(grid, job.halo, job.wraps, job.source.itemsize, job.target.itemsize)


def run(
    request: Request, open_output: Callable[[Plan], Output], engine: Engine, listen: Listener
) -> Plan:
    """Carry out a request; return the plan that was followed.

    Parameters
    ----------
    request : Request
    open_output : callable
        Opens the output of a plan, once it is known that the job can be computed.
    engine : Engine
    listen : Listener
        Hears every fact, with the seconds of a monotonic clock.

    Raises
    ------
    TilefanError
        If the output could not be made; a note says what is left of it and how to go on, if
        anything is.
    """

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
    sample = request.sampling.draw(plan.grid) if request.sampling else ()
    witness = Witness(sample, tell)
    job, source = request.job, request.source
    if len(output.kept) < len(plan):
        mission = Mission(job, plan, source, output.sink, output.journal, output.kept)
        engine.run(mission, witness)
    check = Check(job, plan, source, output.sink.region)
    for _ in check.tiles(sample, witness.makers):
        pass


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
        tile_shape=plan.grid.tile,
        grid=plan.grid.counts,
        tiles=len(plan),
        bytes_in=plan.bytes_in,
        bytes_out=plan.bytes_out,
        halo_overhead=plan.halo_overhead,
        workers=(),
    )


def _why(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
