"""Hints before the work begins: results that SciPy gives as well, but that surprise."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tiling.jobs.job import Call, Job
from tiling.operations import Correlations, Operation, Program

CHANNELS = (3, 4)
"""Lengths of a last axis that is likely to be colours."""


def advice(job: Job, shape: tuple[int, ...], bound: float) -> Iterator[str]:
    """Yield sentences, each with what to do, on a job for samples within `bound`."""
    if len(shape) > 2 and shape[-1] in CHANNELS and job.halo.before[-1] + job.halo.after[-1]:
        yield (
            f"the last axis has {shape[-1]} samples: if they are colours, the filter mixes them; "
            "give sigma or size for each axis (0 or 1 for the last), or the axes to filter"
        )
    for call in job.calls:
        yield from _of_call(call)
    if math.isnan(bound) and any(
        operation.KIND == "running_extremum" for operation, _ in job.program.windows()
    ):
        yield (
            "there may be NaN where minima or maxima are taken: SciPy's depend on the whole line, "
            "so the run goes line by line, axis by axis; replace NaN first to have it in one pass"
        )


def _of_call(call: Call) -> Iterator[str]:
    operations = list(_operations(call))
    if call.target.kind in "ub" and any(map(_differs, operations)):
        yield (
            f"{call.filter}: negative results do not fit into {call.target}; ask for another "
            "output dtype, such as float32"
        )
    passes = sum(map(_rounding_passes, operations))
    if call.target.kind in "iub" and passes > 1:
        yield (
            f"{call.filter}: each of {passes} passes cuts to {call.target}; ask for output dtype "
            "float32 or float64 to keep fractions"
        )


def _operations(call: Call) -> Iterator[Operation]:
    if isinstance(call.operation, Program):
        yield from (operation for operation, _ in call.operation.windows())
    else:
        yield call.operation


def _differs(operation: Operation) -> bool:
    """Tell whether weights take differences."""
    return isinstance(operation, Correlations) and any(
        (step.taps < 0).any() for step in operation.passes
    )


def _rounding_passes(operation: Operation) -> int:
    """Count the passes whose results are fractions, also of integers."""
    if isinstance(operation, Correlations):
        return sum(bool((step.taps != np.rint(step.taps)).any()) for step in operation.passes)
    return int(operation.KIND == "running_mean")
