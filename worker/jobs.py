"""The jobs that a worker knows: registered by content, forgotten when not used for longest."""

from __future__ import annotations

from collections import OrderedDict

from tiling.job import Job
from worker.errors import Kind, RefusedError


class Jobs:
    """A bounded registry of jobs by digest.

    Parameters
    ----------
    limit : int
        Jobs remembered.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of jobs remembered."""
        return len(self._jobs)

    def add(self, digest: str, job: Job) -> None:
        """Remember a job; once more is the same as once."""
        self._jobs[digest] = job
        self._jobs.move_to_end(digest)
        while len(self._jobs) > self._limit:
            self._jobs.popitem(last=False)

    def get(self, digest: str) -> Job:
        """Return the job of this digest.

        Raises
        ------
        RefusedError
            If it was never registered here, or is forgotten.
        """
        if digest not in self._jobs:
            raise RefusedError(Kind.UNKNOWN_JOB, f"job {digest}: register it with POST /v1/jobs")
        self._jobs.move_to_end(digest)
        return self._jobs[digest]
