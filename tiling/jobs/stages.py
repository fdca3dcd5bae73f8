"""The stages of a job that one pass over the array can't compute.

Tiles must own an axis whole where state runs along it, or where windows that wrap and others that
do not meet on it (see `tiling.operations.base`). With one such axis the tiles are cut
across the others. With more there would soon be one tile only, so the job is cut instead: each
stage leaves an axis to cut, and stages run one after another over intermediate arrays. A float
`uniform_filter` of an image is two stages: whole columns, then whole rows.

What goes on until nothing changes (see `tiling.operations.binary`) is a stage of its own, and so is
a cast whose bits depend on the array's layout (see `tiling.dtypes.depends_on_layout`).

A stage is a job on one array, or arithmetic on several. Arrays are numbered as a program numbers
its steps: 0 is the source, and k is what step k writes.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

from tiling.dtypes import Dtype
from tiling.jobs.job import Call, Job
from tiling.operations import Arithmetic, Operation, Program, Step
from tiling.operations.base import dtype_bound


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a job that runs before the next one begins.

    Parameters
    ----------
    inputs : tuple of int
        The arrays that are read.
    number : int
        The array that is written.
    work : Job or Arithmetic
    target : numpy.dtype
        Of what is written.
    bound : float
        Of the samples that a job reads; see `tiling.operations.base`.
    """

    inputs: tuple[int, ...]
    number: int
    work: Job | Arithmetic
    target: Dtype
    bound: float

    @property
    def repeated(self) -> bool:
        """Whether its tiles are computed again until none of them changes."""
        return isinstance(self.work, Job) and self.work.repeated


def stages(job: Job, bound: float) -> tuple[Stage, ...]:
    """Cut a job on samples within `bound` into stages, as few as leave each an axis to cut.

    Parameters
    ----------
    job : Job
    bound : float
        Of the samples; see `tiling.operations.base`.

    Examples
    --------
    >>> import numpy as np
    >>> from tiling.filters import FILTERS
    >>> call = FILTERS["uniform_filter"].call(2, np.dtype("f4"), 3)
    >>> [stage.work.whole(stage.bound) for stage in stages(Job(2, (call,)), 1.0)]
    [(True, False), (False, True)]
    """
    program = job.program
    if _fits(program, job.ndim, bound):
        return (Stage((0,), len(program.steps), job, job.target, bound),)
    name = " then ".join(call.filter for call in job.calls)[:100]
    bounds, dtypes = program.bounds(bound), program.dtypes
    result: list[Stage] = []
    for first, steps in _runs(program, job.ndim, bounds):
        last = first + len(steps) - 1
        target = dtypes[last]
        work: Job | Arithmetic
        if isinstance(steps[0].operation, Arithmetic):
            work = steps[0].operation
        else:
            part = _part(program, steps)
            work = Job(job.ndim, (Call(name, part, part.source, target),))
        inputs = steps[0].inputs
        result.append(Stage(inputs, last, work, target, bounds[inputs[0]]))
    return tuple(result)


@functools.lru_cache(maxsize=64)  # it holds for any fill value, where -0.0 passes for 0.0
def wants_bound(job: Job) -> bool:
    """Tell whether the plan depends on the samples, so that all of them must be read for a bound.

    Parameters
    ----------
    job : Job
    """
    worst, best = (job.whole(bound) for bound in (dtype_bound(job.source), 0.0))
    return worst != best


def _runs(program: Program, ndim: int, bounds: list[float]) -> list[tuple[int, list[Step]]]:
    """Gather steps that can run as one job: each reads the one before, which no other reads."""
    readers = Counter(read for step in program.steps for read in set(step.inputs))
    runs: list[tuple[int, list[Step]]] = []
    for number, step in enumerate(program.steps, 1):
        if runs and step.inputs == (number - 1,) and readers[number - 1] == 1:
            _, steps = runs[-1]
            longer = [*steps, step]
            if _is_job(longer) and _fits(_part(program, longer), ndim, bounds[steps[0].inputs[0]]):
                steps.append(step)
                continue
        runs.append((number, [step]))
    return runs


def _is_job(steps: list[Step]) -> bool:
    return all(isinstance(step.operation, Operation) for step in steps)


def _part(program: Program, steps: list[Step]) -> Program:
    """Return a run of steps as a program of its own."""
    source = program.dtypes[steps[0].inputs[0]]
    numbered = (Step(step.operation, (k,), step.target) for k, step in enumerate(steps))
    return Program(source, tuple(numbered))


def _fits(program: Program, ndim: int, bound: float) -> bool:
    """Tell whether an axis is left to cut, and at most one must be whole."""
    count = sum(program.whole(ndim, bound))
    return not program.by_layout and count <= 1 and (count < ndim or not ndim)
