"""A run from request to committed output: the stages of its job, one after another.

The stages are those of `tiling.jobs.stages`; between them are intermediate arrays. Most jobs are
one stage. A run begins and ends once, however many stages it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from coordinator.engines import Engine
from coordinator.errors import InputChangedError, VerifyError
from coordinator.events import Event, Hearer, Listener, RunFinished
from coordinator.interruption import put_off
from coordinator.run.output import Output
from coordinator.run.repeat import repeat
from coordinator.run.request import Request, known_bound, pieces, whole
from coordinator.run.stage import combine, compute, run_started, stage_started
from coordinator.stores import Source
from coordinator.stores.memory import ArraySink, ArraySource
from coordinator.stores.scratch import scratch
from tiling.geometry.plan import Plan
from tiling.jobs.cost import combining_s
from tiling.jobs.job import Job
from tiling.jobs.stages import Stage, stages


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
        Called with every event and its time, in seconds of a monotonic clock.

    Raises
    ------
    TilefanError
        If the output could not be made; a note says what is left of it and how to go on, if
        anything is.
    """

    def tell(event: Event) -> None:
        listen(time.monotonic(), event)

    job = request.job
    job.program.check_shape(request.source.shape)
    bound = known_bound(job, request.source) if request.bound is None else request.bound
    return StagedRun(request, stages(job, bound), engine, tell).carry_out(open_output)


class StagedRun:
    """Stages one after another; an intermediate array lives until its last reader is done."""

    def __init__(
        self, request: Request, parts: tuple[Stage, ...], engine: Engine, tell: Hearer
    ) -> None:
        self._request = request
        self._parts = parts
        self._engine = engine
        self._tell = tell
        self._arrays: dict[int, Source] = {0: request.source}

    def carry_out(self, open_output: Callable[[Plan | None], Output]) -> Plan:
        """Run every stage, the last one into the output; return that one's plan.

        The output is committed at the end, or abandoned, with a note of how to resume. Emits
        `RunFinished`, unless there was nothing to be finished.
        """
        plan, expected_s = self._plan(self._parts[0])
        output: Output | None = None
        try:
            with put_off():
                output = open_output(None if len(self._parts) > 1 else plan)
            plan = self._run(plan, expected_s, output)
            with put_off():
                output.commit()
                self._tell(RunFinished())
        except BaseException as error:
            if output is not None and not output.sink.committed:
                self._abandon(output, error, len(plan))
            raise
        return plan

    def _run(self, plan: Plan, expected_s: float | None, output: Output) -> Plan:
        """Run every stage, the last one into the output; return that one's plan."""
        count = len(self._parts)
        self._tell(run_started(self._request, plan, output.sink.name, count, expected_s))
        for number, part in enumerate(self._parts, 1):
            if number > 1:
                plan, expected_s = self._plan(part)
                source = self._sources(part)[0]
                self._tell(stage_started(number, plan, source, expected_s))
            if number == count:
                self._fill(part, plan, output)
            else:
                self._keep(part, plan, self._parts[number:])
        return plan

    def _abandon(self, output: Output, error: BaseException, tiles: int) -> None:
        """Keep what a later run may go on with, and say so on the error."""
        with put_off():
            kept = output.abandon(trusted=not isinstance(error, VerifyError | InputChangedError))
            self._tell(RunFinished(error=_why(error)))
        if kept:
            error.add_note(
                f"{kept} of {tiles} tiles are kept; go on with:\n  {output.again}".rstrip()
            )

    def _plan(self, part: Stage) -> tuple[Plan, float | None]:
        """Cut a stage into tiles for the engine, which makes ready for it, or into pieces.

        Return also the seconds that it is expected to take.
        """
        if isinstance(part.work, Job):
            request = self._stage_request(part, part.work)
            capacity = self._engine.prepare(part.work, self._tell)
            return request.plan(capacity), request.expected_s(capacity)
        sources = self._sources(part)
        first, at_once = sources[0], part.work.by_layout
        plan = whole(first) if at_once else pieces(first, self._request.grain)
        plan = replace(plan, output_itemsize=part.target.itemsize)
        return plan, combining_s(plan, len(sources))

    def _keep(self, part: Stage, plan: Plan, later: tuple[Stage, ...]) -> None:
        """Run a stage into an intermediate array; let go of those that no later stage reads."""
        array = scratch(self._request.source.shape, part.target)
        if isinstance(part.work, Job) and part.repeated:
            request = self._stage_request(part, part.work)
            number = self._parts.index(part) + 1
            repeat(request, plan, array, self._engine, self._tell, number)
        else:
            self._fill(part, plan, Output(ArraySink(array, "intermediate")))
        self._arrays[part.number] = ArraySource(array, "intermediate")
        needed = {read for stage in later for read in stage.inputs}
        self._arrays = {n: source for n, source in self._arrays.items() if n in needed}

    def _fill(self, part: Stage, plan: Plan, output: Output) -> None:
        """Run one stage."""
        if isinstance(part.work, Job):
            compute(self._stage_request(part, part.work), plan, output, self._engine, self._tell)
        else:
            combine(part.work, self._sources(part), plan, output, self._tell)

    def _sources(self, part: Stage) -> list[Source]:
        return [self._arrays[number] for number in part.inputs]

    def _stage_request(self, part: Stage, job: Job) -> Request:
        source = self._sources(part)[0]
        return replace(self._request, job=job, source=source, bound=part.bound)


def _why(error: BaseException) -> str:
    """Return an error's words on one line, however many they take on a screen."""
    lines = (line.strip() for line in str(error).splitlines())
    why = "; ".join(lines).replace(":; ", ": ")
    return "interrupted" if isinstance(error, KeyboardInterrupt) else why
