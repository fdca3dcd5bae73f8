"""A bounded cache of registered jobs; the least recently used one is dropped first."""

from __future__ import annotations

from collections import OrderedDict

from tiling.jobs.job import Job
from tiling.kernels import Kernel
from worker.errors import Kind, RefusedError
from worker.runtime.trial import Trial, tried


class RegisteredJob:
    """A job, the bytes of its description, and its trial once there was one.

    Parameters
    ----------
    job : Job
    size : int
    """

    def __init__(self, job: Job, size: int) -> None:
        self.job = job
        self.size = size
        self._trial: Trial | None = None
        self._is_tried = False

    def trial(self, kernel: Kernel, most_work: int) -> Trial | None:
        """Return the job's trial, which takes place once; to be called by one thread at a time.

        Parameters
        ----------
        kernel : Kernel
        most_work : int
            See `worker.runtime.trial.tried`.

        Raises
        ------
        AbandonedError
            If the watch of this thread is cancelled; then the next call tries again.
        """
        if not self._is_tried:
            self._trial = tried(self.job, kernel, most_work)
            self._is_tried = True
        return self._trial


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
        self._jobs: OrderedDict[str, RegisteredJob] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of jobs in the cache."""
        return len(self._jobs)

    def add(self, digest: str, job: Job, size: int) -> RegisteredJob:
        """Keep a job whose description has `size` bytes; repeating it changes nothing."""
        if digest not in self._jobs:
            self._jobs[digest] = RegisteredJob(job, size)
            self._bytes += size
        self._jobs.move_to_end(digest)
        added = self._jobs[digest]
        while len(self._jobs) > 1 and self._is_full():
            self._bytes -= self._jobs.popitem(last=False)[1].size
        return added

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
        return self._jobs[digest].job
