"""One stage of a run: every tile of a plan computed by an engine, or combined in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from coordinator.engines import Engine, TileRun
from coordinator.events import (
    Hearer,
    RunStarted,
    StageStarted,
    TileAnswered,
    TileKept,
    TileSent,
    TileStored,
    TilesVerified,
    WorkerReady,
)
from coordinator.machine import NAME, usable_cores
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.stores import Source
from coordinator.stores.memory import ArraySink, ArraySource
from tiling.dtypes import Array
from tiling.errors import UnsupportedError
from tiling.geometry.box import Box
from tiling.geometry.plan import Plan
from tiling.kernels.arithmetic import combine_blocks
from tiling.operations import Arithmetic


def compute(request: Request, plan: Plan, output: Output, engine: Engine, tell: Hearer) -> None:
    """Have every tile computed that the output lacks, and a sample of them computed once more.

    Raises
    ------
    TilefanError
        If a tile can't be had, or a tile of the sample has other bits.
    """
    if output.journal is not None:
        for kept in sorted(output.kept):
            tell(TileKept(kept, plan[kept].write.size * plan.output_itemsize))
    job, source = request.job, request.source
    tiles = TileRun(job, plan, source, output.sink, output.journal, output.kept)
    if request.sampling is None:
        _run(tiles, engine, tell)
        return
    from coordinator.checks.recompute import Check, Witness

    sample = request.sampling.draw(plan.grid)
    witness = Witness(sample, tell)
    _run(tiles, engine, witness)
    check = Check(job, plan, source, output.sink.read)
    checked = sum(1 for _ in check.tiles(sample, witness.makers))
    tell(TilesVerified(checked, len(plan)))


def _run(tiles: TileRun, engine: Engine, tell: Hearer) -> None:
    if tiles.count:
        engine.run(tiles, tell)


def combine(
    work: Arithmetic, sources: Sequence[Source], plan: Plan, output: Output, tell: Hearer
) -> None:
    """Compute sample by sample, in this process: it takes less than sending the samples would."""
    tell(WorkerReady(NAME, usable_cores()))
    for tile in plan:
        tell(TileSent(tile.index, NAME, attempt=1, bytes_sent=0))
        began_s = time.monotonic()
        region = output.sink.region(tile.write)
        if work.by_layout:
            blocks = [_laid_out(source) for source in sources]
            made = region if isinstance(output.sink, ArraySink) else _native(region)
        else:
            blocks, made = [source.read(tile.read) for source in sources], _native(region)
        combine_blocks(work, blocks, made)
        output.sink.store(tile.write, made)
        took_s = time.monotonic() - began_s
        tell(TileAnswered(tile.index, NAME, 1, "", 0, took_s, 0.0))
        tell(TileStored(tile.index, NAME, region.nbytes))


def _native(region: Array) -> Array:
    return np.empty(region.shape, region.dtype.newbyteorder("="))


def _laid_out(source: Source) -> Array:
    """Return an array as SciPy would have it: its strides, and its byte order.

    Raises
    ------
    UnsupportedError
        If it is in a file that has another byte order than this machine.
    """
    if isinstance(source, ArraySource):
        return source.array
    if not source.dtype.isnative:
        raise UnsupportedError(
            f"{source.name}: copying {source.dtype.name} of another machine's byte order is not "
            "exact here: NaN and what does not fit become bits that depend on it; convert it first"
        )
    return source.read(Box.whole(source.shape))


def run_started(
    request: Request,
    plan: Plan,
    output: str,
    stages: int = 1,
    expected_s: float | None = None,
) -> RunStarted:
    """Return the event that begins a run of so many stages into an output of this name.

    Parameters
    ----------
    request : Request
    plan : Plan
        Of the first stage.
    output : str
    stages : int
    expected_s : float, optional
        What the first stage is expected to take.
    """
    return RunStarted(
        input=request.source.name,
        output=output,
        filter=request.title or " then ".join(call.filter for call in request.job.calls),
        shape=plan.grid.shape,
        dtype=str(request.source.dtype),
        workers=(),
        stages=stages,
        expected_s=expected_s,
        **_plan_fields(plan),
    )


def stage_started(
    number: int, plan: Plan, source: Source, expected_s: float | None = None
) -> StageStarted:
    """Return the event that begins a later stage, which reads this source."""
    return StageStarted(
        stage=number, dtype=str(source.dtype), expected_s=expected_s, **_plan_fields(plan)
    )


def _plan_fields(plan: Plan) -> dict[str, Any]:
    """Return the fields of an event that describe a plan."""
    return {
        "tile_shape": tuple(max(1, length) for length in plan.largest_write),
        "grid": plan.grid.counts,
        "tiles": len(plan),
        "bytes_in": plan.bytes_in,
        "bytes_out": plan.bytes_out,
        "halo_overhead": plan.halo_overhead,
    }
