"""One stage of a run: greet the engine, cut the plan, have every tile computed, commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from coordinator.engines import Engine, TileRun
from coordinator.errors import VerifyError
from coordinator.events import Event, Hearer, Listener, RunFinished, RunStarted, TileKept
from coordinator.run.output import Output
from tiling.geometry.plan import Plan

if TYPE_CHECKING:
    pass
from coordinator.run.request import Request


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
    mission = TileRun(job, plan, source, output.sink, output.journal, output.kept)
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


def _compute(mission: TileRun, engine: Engine, tell: Hearer) -> None:
    if len(mission.kept) < len(mission.plan):
        engine.run(mission, tell)


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
