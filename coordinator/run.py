"""A run, on one screen: greet, plan, compute, commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.engines import Capacity, Engine, Mission
from coordinator.events import Event, Listener, RunFinished, RunStarted
from coordinator.stores import Sink, Source
from tiling.choose import choose_tile
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
    """

    job: Job
    source: Source
    tile: tuple[int, ...] | None = None
    title: str = ""

    def plan(self, capacity: Capacity) -> Plan:
        """Cut the source for an engine of this capacity."""
        job, shape = self.job, self.source.shape
        itemsize = max(job.source.itemsize, job.target.itemsize)
        tile = self.tile
        if tile is None:
            tile = choose_tile(
                shape,
                itemsize,
                job.halo,
                job.wraps,
                capacity.slots,
                max_tile_bytes=capacity.tile_bytes,
            ).tile
        grid = Grid(shape, tile)
        return Plan(grid, job.halo, job.wraps, job.source.itemsize, job.target.itemsize)


def run(request: Request, open_sink: Callable[[], Sink], engine: Engine, listen: Listener) -> Plan:
    """Carry out a request; return the plan that was followed.

    Parameters
    ----------
    request : Request
    open_sink : callable
        Makes the sink, once it is known that the job can be computed.
    engine : Engine
    listen : Listener
        Hears every fact, with the seconds of a monotonic clock.

    Raises
    ------
    TilefanError
        If the output could not be made; then nothing of it is left.
    """

    def tell(event: Event) -> None:
        listen(time.monotonic(), event)

    plan = request.plan(engine.greet(request.job, tell))
    sink = open_sink()
    try:
        tell(_started(request, plan, sink))
        if len(plan):
            engine.run(Mission(request.job, plan, request.source, sink), tell)
    except BaseException as error:
        sink.discard()
        tell(RunFinished(error=_why(error)))
        raise
    sink.commit()
    tell(RunFinished())
    return plan


def tile_shape(tile: object, ndim: int) -> tuple[int, ...] | None:
    """Return the tile that a user asks for: None, one size for every axis, or one per axis.

    Raises
    ------
    TilingError
        If it has a wrong rank, or a size is no positive integer.
    """
    if tile is None:
        return None
    sizes = (tile,) * ndim if isinstance(tile, int) else tile
    try:
        shape = tuple(map(int, sizes))  # type: ignore[call-overload]  # what can't, raises
    except (TypeError, ValueError):
        raise BadTypeError(f"tile must be an integer or one per axis, not {tile!r}") from None
    if len(shape) != ndim:
        raise BadValueError(f"tile {shape} has {len(shape)} axes, the array has {ndim}")
    if min(shape, default=1) < 1:
        raise BadValueError(f"tile {shape}: every axis needs at least one sample")
    return shape


def _started(request: Request, plan: Plan, sink: Sink) -> RunStarted:
    return RunStarted(
        input=request.source.name,
        output=sink.name,
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
