"""Which kernel this process computes with: rent the light one, buy the compiled one.

Loading the compiled kernel (numba, its code, the proof against SciPy) costs about a second, which
a small job must not pay. So a process rents the light kernel until the work that it has given it
would have paid that price, and then buys: whatever follows, it spends at most twice what hindsight
would have.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from functools import partial

from tiling.jobs.job import Job
from tiling.probes.select import Selected, select

PRICE = 4 * 10**8
"""Multiplications of the light kernel in the time that the compiled one takes to load."""


class Workshop:
    """The kernels of a process, and the work it has rented so far.

    Parameters
    ----------
    price : int
        Multiplications after which the compiled kernel is loaded.
    """

    def __init__(self, price: int = PRICE) -> None:
        self._price = price
        self._lock = threading.Lock()
        self._spent = 0

    def kernel_for(self, job: Job, samples: int) -> Selected:
        """Return the kernel for a job on so many samples, and its name; count the work."""
        with self._lock:
            self._spent += samples * sum(call.operation.work for call in job.calls)
            if self._spent >= self._price:
                pairs = tuple((call.source.name, call.target.name) for call in job.calls)
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


WORKSHOP = Workshop()
