"""A run from request to committed output: the stages of its job, one after another.

The stages are those of `tiling.jobs.stages`; between them are intermediate arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from coordinator.engines import Engine
from coordinator.events import Listener
from coordinator.run.output import Output
from coordinator.run.request import Request, known_bound, pieces
from coordinator.run.stage import run_job
from coordinator.stores import Source
from coordinator.stores.memory import ArraySink, ArraySource
from coordinator.stores.scratch import scratch
from tiling.dtypes import Array
from tiling.geometry.plan import Plan
from tiling.jobs.stages import Stage, stages
from tiling.kernels.apply import combine_blocks
from tiling.operations import Arithmetic

if TYPE_CHECKING:
    pass


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
    return Relay(request, parts, engine, listen).run(open_output(None))


class Relay:
    """Stages one after another; an intermediate array lives until its last reader is done."""

    def __init__(
        self, request: Request, parts: tuple[Stage, ...], engine: Engine, listen: Listener
    ) -> None:
        self._request = request
        self._parts = parts
        self._engine = engine
        self._listen = listen
        self._arrays: dict[int, Source] = {0: request.source}

    def run(self, output: Output) -> Plan:
        """Run every stage, the last one into the output; return that one's plan."""
        try:
            for index in range(len(self._parts) - 1):
                self._between(index)
        except BaseException:
            output.abandon()
            raise
        return self._stage(len(self._parts) - 1, output)

    def _between(self, index: int) -> None:
        part = self._parts[index]
        array = scratch(self._request.source.shape, part.target)
        self._stage(index, Output(ArraySink(array, "intermediate")))
        self._arrays[part.number] = ArraySource(array, "intermediate")
        needed = {read for later in self._parts[index + 1 :] for read in later.inputs}
        self._arrays = {n: source for n, source in self._arrays.items() if n in needed}

    def _stage(self, index: int, output: Output) -> Plan:
        """Run one stage, which commits or abandons its output."""
        part = self._parts[index]
        sources = [self._arrays[number] for number in part.inputs]
        if isinstance(part.work, Arithmetic):
            return combine(part.work, sources, output)
        title = self._request.title or part.work.calls[0].filter
        stage = Request(
            part.work,
            sources[0],
            self._request.tile,
            f"{title}, stage {index + 1} of {len(self._parts)}",
            part.bound,
            self._request.sampling,
        )
        return run_job(stage, lambda _: output, self._engine, self._listen)


def combine(work: Arithmetic, sources: list[Source], output: Output) -> Plan:
    """Compute sample by sample, here: it takes less than sending the samples would."""
    plan = pieces(sources[0])
    try:
        for tile in plan:
            blocks = [source.read(tile.read) for source in sources]
            region = output.sink.region(tile.write)
            native: Array = np.empty(region.shape, region.dtype.newbyteorder("="))
            combine_blocks(work, blocks, native)
            region[...] = native
    except BaseException:
        output.abandon()
        raise
    output.commit()
    return plan
