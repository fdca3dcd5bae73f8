"""A bounded cache of registered jobs; the least recently used one is dropped first."""

from __future__ import annotations

from collections import OrderedDict

from tiling.jobs.job import Job
from worker.errors import Kind, RefusedError


class JobCache:
    """Registered jobs by digest.

    Parameters
    ----------
    limit, limit_bytes : int
        Most jobs, and most bytes of their descriptions together. The newest job is kept in any
        case.
    """

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._jobs: OrderedDict[str, tuple[Job, int]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of jobs in the cache."""
        return len(self._jobs)

    def add(self, digest: str, job: Job, size: int) -> None:
        """Keep a job whose description has `size` bytes; repeating it changes nothing."""
        if digest not in self._jobs:
            self._jobs[digest] = job, size
            self._bytes += size
        self._jobs.move_to_end(digest)
        while len(self._jobs) > 1 and self._is_full():
            self._bytes -= self._jobs.popitem(last=False)[1][1]

    def _is_full(self) -> bool:
        return len(self._jobs) > self._limit or self._bytes > self._limit_bytes

    def get(self, digest: str) -> Job:
        """Return the job of this digest.

        Raises
        ------
        RefusedError
            If it was never registered here, or was dropped.
        """
        if digest not in self._jobs:
            raise RefusedError(Kind.UNKNOWN_JOB, f"job {digest}: register it with POST /v1/jobs")
        self._jobs.move_to_end(digest)
        return self._jobs[digest][0]
