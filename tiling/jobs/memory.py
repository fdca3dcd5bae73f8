"""The memory that a tile takes, computed before it is read.

While a tile is in work there are its block, its answer, and scratch arrays of the block's shape:
each pass of a kernel reads one and writes another, and in a job of several steps what one step
wrote waits for the steps that read it. In the widest dtype on its way that is::

    bytes = block + answer + (scratch + between) x samples x widest itemsize + window

which for 1-d correlations whose dtypes have one size is at most 4 times the block. The window of
other filters can be far larger than a block: SciPy extends lines by it, and keeps its offsets.
"""

from __future__ import annotations

import math

from tiling.jobs.job import Job

SCRATCH = 2
"""Arrays of the block's shape that one call keeps at a time: the last pass's and the next's."""


def widest_itemsize(job: Job) -> int:
    """Return the bytes of one sample in the widest dtype of a job.

    Parameters
    ----------
    job : Job
    """
    return max(dtype.itemsize for dtype in job.program.dtypes)


def tile_bytes(job: Job, shape: tuple[int, ...], answer: tuple[int, ...]) -> int:
    """Return the most memory that a tile takes, in bytes.

    Parameters
    ----------
    job : Job
    shape, answer : tuple of int
        Of the block and of what is answered.
    """
    samples = math.prod(shape)
    scratch = SCRATCH + job.program.between
    both = samples * job.source.itemsize + math.prod(answer) * job.target.itemsize
    return both + scratch * samples * widest_itemsize(job) + job.program.window_bytes(shape)
