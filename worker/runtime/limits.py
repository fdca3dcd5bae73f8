"""The work that a tile may cost, known before its body is read.

Its memory is in `tiling.jobs.memory`.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from tiling.jobs.job import Job
from tiling.jobs.memory import widest_itemsize
from worker.errors import Kind, RefusedError

STATM = Path("/proc/self/statm")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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
