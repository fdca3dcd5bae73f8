"""What a tile costs in memory and work, known before its body is read.

While a tile is in work there are its block, its answer, and scratch arrays of the block's shape:
each pass of a kernel reads one and writes another, and in a job of several steps what one step
wrote waits for the steps that read it. In the widest dtype on its way that is::

    bytes = block + answer + (scratch + between) x samples x widest itemsize

which for a job of one call whose dtypes have one size is at most 4 times the block.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from tiling.job import Job
from worker.errors import Kind, RefusedError

SCRATCH = 2
"""Arrays of the block's shape that one call keeps at a time: the last pass's and the next's."""

STATM = Path("/proc/self/statm")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def widest_itemsize(job: Job) -> int:
    """Return the bytes of one sample in the widest dtype of a job."""
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
    return both + scratch * samples * widest_itemsize(job)


def check_passes(job: Job, limit: int) -> None:
    """Refuse a job of absurdly many passes."""
    passes = job.program.walks
    if passes > limit:
        raise RefusedError(Kind.TOO_COSTLY, f"a job of {passes} passes: at most {limit} are done")


def check_work(job: Job, shape: tuple[int, ...], limit: int) -> None:
    """Refuse a block that would occupy a thread for ages."""
    work = math.prod(shape) * job.program.effort
    if work > limit:
        raise RefusedError(
            Kind.TOO_COSTLY, f"{work} multiply-adds: at most {limit} are done; send smaller tiles"
        )


def check_volume(job: Job, shape: tuple[int, ...], limit: int) -> None:
    """Refuse a block that is too large in any dtype on its way, or absurdly long where empty."""
    volume = math.prod(max(length, 1) for length in shape) * widest_itemsize(job)
    if volume > limit:
        raise RefusedError(
            Kind.TOO_LARGE, f"a block of {volume} bytes on its way: at most {limit} are filtered"
        )


def resident_bytes() -> int | None:
    """Return the memory that this process has now, where the system tells."""
    try:
        pages = int(STATM.read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * PAGE_BYTES
