"""Hints before the work begins: results that SciPy gives as well, but that surprise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tiling.geometry.edges import read_interval
from tiling.geometry.plan import Plan
from tiling.jobs.job import Call, Job
from tiling.operations import Correlations, Operation, Program

CHANNELS = (3, 4)
"""Lengths of a last axis that is likely to be colours."""


OFTEN = 3.0
"""So many times a chunk is not meant to be decoded."""

MOST_PLACES = 2**20
"""Of tiles along an axis, up to which chunks are counted: nobody waits for more tiles."""

FAR = 10
"""So many times an axis no filter is meant to reach."""

ALONG_ONE_AXIS = ("sobel", "prewitt")
"""Filters of all axes that take their differences along one."""


def advice(
    job: Job,
    shape: tuple[int, ...],
    bound: float,
    links: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> Iterator[str]:
    """Yield sentences, each with what to do, on a job for samples within `bound`.

    Parameters
    ----------
    job : Job
    shape : tuple of int
        Of the array.
    bound : float
    links : sequence of (str, mapping)
        The filters and their parameters, as the user gave them.
    """
    colours = len(shape) > 2 and shape[-1] in CHANNELS
    axes = {name for name, given in links if name in ALONG_ONE_AXIS and given.get("axis", -1) == -1}
    if colours and job.halo.before[-1] + job.halo.after[-1]:
        what = "the axis with --axis 0" if axes else _EACH_AXIS
        yield (
            f"the last axis has {shape[-1]} samples: if they are colours, the filter mixes them; "
            f"give {what}"
        )
    elif axes and len(shape) > 1:
        yield (
            f"{min(axes)}: it goes along the last axis, as in SciPy; name another with --axis, "
            "such as --axis 0"
        )
    yield from _far(job, shape[:-1] if colours else shape)
    for name, given in links:
        yield from _without_effect(name, given)
    for call in job.calls:
        yield from _of_call(call)
    if math.isnan(bound) and any(
        operation.KIND == "running_extremum" for operation, _ in job.program.windows()
    ):
        yield (
            "there may be NaN where minima or maxima are taken: SciPy's depend on the whole line, "
            "so the run goes line by line, axis by axis; replace NaN first to have it in one pass"
        )


_EACH_AXIS = "sigma or size for each axis (sigma 0 or size 1 for the last), or the axes to filter"


def spreading(job: Job, not_numbers: int, infinite: int, *, whole: bool) -> Iterator[str]:
    """Yield a sentence on samples that are no numbers, if the results around them are none either.

    Parameters
    ----------
    job : Job
    not_numbers, infinite : int
        How many there are.
    whole : bool
        Whether all samples were looked at.
    """
    reach = math.prod(
        before + after + 1 for before, after in zip(job.halo.before, job.halo.after, strict=True)
    )
    arithmetic = any(not call.filter.startswith("binary_") for call in job.calls)
    if not not_numbers + infinite or reach < 2 or not arithmetic:
        return
    kinds = (("NaN", not_numbers), ("infinite", infinite))
    which = " and ".join(f"{number:,} {kind}" for kind, number in kinds if number)
    sums = any(operation.KIND == "running_mean" for operation, _ in job.program.windows())
    spoilt = "all that follows on its lines" if sums else f"up to {reach:,} samples of the result"
    yield (
        f"the input holds {which} sample{'' if not_numbers + infinite == 1 else 's'}"
        f"{'' if whole else ' in the part that was looked at'}: each can spoil {spoilt}; replace "
        "them first, as with numpy.nan_to_num"
    )


def _far(job: Job, shape: tuple[int, ...]) -> Iterator[str]:
    """Yield a sentence on a filter that reaches much farther than an axis is long."""
    for axis, length in enumerate(shape):
        reach = max(job.halo.before[axis], job.halo.after[axis])
        if length and reach >= FAR * length:
            yield (
                f"the filter reads {reach:,} samples to each side along axis {axis}, which has "
                f"{length:,}: mostly the edge again, and slow (coord plan tells how slow); sigma, "
                "radius and size count samples"
            )
            return


def _without_effect(name: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what SciPy does not look at, among the parameters of a filter."""
    mode, cval = given.get("mode", ""), given.get("cval", 0)
    modes = [mode] if isinstance(mode, str) else mode
    if cval != 0 and not any("constant" in str(each) for each in modes):
        yield f"{name}: cval has no effect with mode {mode}; a fill value needs mode constant"
    if given.get("size") is not None and given.get("footprint") is not None:
        yield f"{name}: size has no effect beside a footprint; leave out one of the two"


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


def of_chunks(plan: Plan, chunk: tuple[int, ...]) -> Iterator[str]:
    """Yield how often the chunks of an input are wanted, and what to do if that is often.

    Parameters
    ----------
    plan : Plan
        Of the stage that reads the input.
    chunk : tuple of int
        That is decoded by itself.
    """
    if max(plan.grid.counts, default=0) > MOST_PLACES:
        return
    wanted, there = chunks_read(plan, chunk), 1
    for length, size in zip(plan.grid.shape, chunk, strict=True):
        there *= -(-length // size)
    if there and wanted / there >= OFTEN:
        yield (
            f"the {there} chunks of the input are wanted {wanted / there:.1f} times each, by the "
            "tiles round them, and decoded again where memory does not hold them: it would be "
            "read faster in smaller chunks, or larger tiles"
        )


def chunks_read(plan: Plan, chunk: tuple[int, ...]) -> int:
    """Count the chunks that the tiles of a plan read, each as often as it is read.

    Examples
    --------
    >>> from tiling.geometry.grid import Grid
    >>> from tiling.geometry.halo import Halo
    >>> chunks_read(Plan(Grid((12,), (4,)), Halo((1,), (1,)), (False,), 1, 1), (4,))
    7
    """
    grid, count = plan.grid, 1
    for axis, (length, size) in enumerate(zip(grid.shape, chunk, strict=True)):
        halo, wraps = (plan.halo.before[axis], plan.halo.after[axis]), plan.wraps[axis]
        boxes = (
            read_interval(grid.interval(axis, place), halo, length, wraps=wraps)
            for place in range(grid.counts[axis])
        )
        count *= sum(-(-stop // size) - start // size for start, stop in boxes)
    return count
