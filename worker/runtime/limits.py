"""Limits of a tile's work and size, checked before its body is read.

Its memory is estimated by `tiling.jobs.memory`.
"""

from __future__ import annotations

import math

from tiling.jobs.job import Job
from tiling.jobs.memory import widest_itemsize
from worker.errors import Kind, RefusedError


def check_passes(job: Job, limit: int) -> None:
    """Refuse a job of more than `limit` passes.

    Raises
    ------
    RefusedError
    """
    passes = job.program.walks
    if passes > limit:
        raise RefusedError(Kind.TOO_COSTLY, f"a job of {passes} passes: at most {limit} are done")


def check_work(job: Job, shape: tuple[int, ...], limit: int) -> None:
    """Refuse a block that takes more than `limit` multiply-adds.

    Raises
    ------
    RefusedError
    """
    work = job.program.total_work(shape)
    if work > limit:
        raise RefusedError(
            Kind.TOO_COSTLY, f"{work} multiply-adds: at most {limit} are done; send smaller tiles"
        )


def check_volume(job: Job, shape: tuple[int, ...], limit: int) -> None:
    """Refuse a block of more than `limit` bytes in any dtype of the job.

    An empty block counts as if its empty axes had one sample: its other axes cost time too.

    Raises
    ------
    RefusedError
    """
    volume = math.prod(max(length, 1) for length in shape) * widest_itemsize(job)
    if volume > limit:
        raise RefusedError(
            Kind.TOO_LARGE,
            f"a block of {volume} bytes in the job's widest dtype: at most {limit} are filtered",
        )
