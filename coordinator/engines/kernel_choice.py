"""The kernel that this process computes with: the light one at first, then the compiled one.

Loading the compiled kernel (numba, its code, the proof against SciPy) costs about a second, which
a small job must not pay. So a process computes with the light kernel until that has done as much
work as loading would have taken, and then loads: with any sequence of jobs it spends at most twice
the least time possible (the rule for the ski rental problem).
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from functools import partial

from tiling.jobs.job import Job
from tiling.probes.select import Selected, select

LOADING_WORK = 4 * 10**8
"""Multiplications of the light kernel in the time that the compiled one takes to load."""


class KernelChoice:
    """The choice of a process, by the work that the light kernel has done so far.

    Parameters
    ----------
    loading_work : int
        Multiplications after which the compiled kernel is loaded.
    """

    def __init__(self, loading_work: int = LOADING_WORK) -> None:
        self._loading_work = loading_work
        self._lock = threading.Lock()
        self._done = 0

    def kernel_for(self, job: Job, samples: int) -> Selected:
        """Return the kernel for a job on so many samples, and its name; count the work."""
        pairs = tuple(
            (call.source.name, call.target.name)
            for call in job.calls
            if (call.source.kind == "c") == (call.target.kind == "c")  # all that it can do
        )
        with self._lock:
            self._done += samples * sum(call.operation.work for call in job.calls)
            if pairs and self._done >= self._loading_work:
                return _apart(partial(_proven, pairs))
        from tiling.kernels import scratch

        return Selected("light", scratch.run)


@functools.cache
def _proven(pairs: tuple[tuple[str, str], ...]) -> Selected:
    """Return the compiled kernel if it proves itself for these dtypes, or else SciPy's."""
    from platformdirs import user_cache_path

    selected = select("auto", str(user_cache_path("tilefan") / "compiled"), pairs)
    if selected.note:
        warnings.warn(selected.note, RuntimeWarning, stacklevel=2)
    return selected


def _apart(work: Callable[[], Selected]) -> Selected:
    """Do some work in a thread: Ctrl-C comes to the main one, and numba loses it while it loads."""
    from concurrent.futures import ThreadPoolExecutor

    thread = ThreadPoolExecutor(1)
    try:
        return thread.submit(work).result()
    finally:
        thread.shutdown(wait=False)


KERNELS = KernelChoice()
