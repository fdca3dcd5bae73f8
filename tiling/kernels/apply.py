"""The application of a program to a block: each step computes what later ones read of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tiling.dtypes import Array
from tiling.kernels import Kernel
from tiling.kernels.arithmetic import combine_blocks
from tiling.kernels.watch import Watch, current
from tiling.operations import Arithmetic, Correlations, Program

Region: TypeAlias = tuple[slice, ...]

_COMBINED = 2**21
"""Samples of arithmetic between two looks at the watch."""


def apply(program: Program, block: Array, crop: Region, out: Array, kernel: Kernel) -> None:
    """Run the steps of a program on a block and write the part `crop` of the result into `out`.

    A result is dropped after its last reader.

    Parameters
    ----------
    program : Program
    block : ndarray
        Of the dtype that the program reads, in native byte order; not written to.
    crop : tuple of slice
        Start and stop on every axis, inside the block.
    out : ndarray
        Of the dtype that the last step writes and the shape of the crop, any strides.
    kernel : Kernel

    Raises
    ------
    AbandonedError
        If the watch of this thread is cancelled.
    UnsupportedError
        For a block on which SciPy would read memory outside it.
    """
    program.check_block(block.shape)
    parts = zip(crop, block.shape, strict=True)
    crop = tuple(slice(*part.indices(length)[:2]) for part, length in parts)
    regions = program.regions(block.shape, crop)
    watch = current()
    if watch is not None:
        watch.begin(_works(program, regions[1:]))
    results: dict[int, Array] = {0: block}
    last = {read: number for number, step in enumerate(program.steps, 1) for read in step.inputs}
    for number, step in enumerate(program.steps, 1):
        if watch is not None:
            watch.enter(number - 1)
        region = regions[number]
        shape = tuple(part.stop - part.start for part in region)
        target = out if number == len(program.steps) else np.empty(shape, step.target)
        inside = [_inside(region, regions[read]) for read in step.inputs]
        blocks = [results[read] for read in step.inputs]
        if isinstance(step.operation, Arithmetic):
            parts_read = [b[part] for b, part in zip(blocks, inside, strict=True)]
            _combine(step.operation, parts_read, target, watch)
        elif isinstance(step.operation, Correlations) and not step.operation.passes:
            everywhere: Any = (
                *inside[0],
                ...,
            )  # an array even without axes: numbers cast otherwise
            with np.errstate(all="ignore"):
                target[...] = blocks[0][everywhere]
        else:
            kernel(step.operation, blocks[0], inside[0], target)
        results[number] = target
        for read in set(step.inputs):
            if last[read] == number:
                del results[read]
    if watch is not None:
        watch.finish()


def _works(program: Program, regions: Sequence[Region]) -> list[float]:
    """Return about what each step costs: samples, by what each takes."""
    works = []
    for step, region in zip(program.steps, regions, strict=True):
        samples = math.prod(part.stop - part.start for part in region)
        effort = 0 if isinstance(step.operation, Arithmetic) else step.operation.effort
        works.append(float(samples * (1 + effort)))
    return works


def _combine(work: Arithmetic, blocks: Sequence[Array], out: Array, watch: Watch | None) -> None:
    """Compute arithmetic; under a watch some rows at a time, as it goes sample by sample."""
    if watch is None or out.size <= _COMBINED:
        combine_blocks(work, blocks, out)
        return
    rows = max(1, _COMBINED * len(out) // out.size)
    for start in watch.each(range(0, len(out), rows)):
        part = slice(start, start + rows)
        combine_blocks(work, [block[part] for block in blocks], out[part])


def _inside(region: Region, covered: Region) -> Region:
    """Return a region of the block in the coordinates of the region that covers it."""
    return tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(region, covered, strict=True)
    )
