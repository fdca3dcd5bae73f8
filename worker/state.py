"""The parts of a running worker, shared by its handlers."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import numpy as np
from aiohttp import web

from places.offers import Places
from places.roots import Roots
from tiling.operations import Correlations
from tiling.operations.passes import Pass
from tiling.probes.select import Selected, select
from worker.log import ClientLog
from worker.machine import Identity
from worker.runtime.job_cache import JobCache
from worker.runtime.metrics import Metrics
from worker.runtime.pool import Pool
from worker.security.auth import Guard
from worker.security.pairing import Pairing
from worker.settings import Settings

WAITING = 256
"""Job descriptions and attestations that wait for the one thread that handles them, in order."""


class Service:
    """The parts of one worker.

    Parameters
    ----------
    settings : Settings
    guard : Guard
        Access rules of all requests.
    selected : Selected, optional
        Kernel that computes the passes; the reference kernel unless given.
    pairing : Pairing, optional
        Lets who has its code share a token; nobody unless given.
    roots : Roots
        Folders below which places are opened; none unless given.

    Attributes
    ----------
    pool : Pool
        Threads that compute tiles.
    control_pool : Pool
        One thread that parses jobs, tries them and computes probes, so that these never wait for a
        tile.
    places_pool : Pool
        One thread that looks at places, so that a store that hangs keeps nothing else waiting.
    jobs : JobCache
    places : Places
    looking : asyncio.Lock
        Held by the offer that is looked at: one at a time takes memory.
    metrics : Metrics
    clients : ClientLog
    identity : worker.machine.Identity
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        selected: Selected | None = None,
        pairing: Pairing | None = None,
        roots: Roots = Roots(),  # noqa: B008 -- a frozen value
    ) -> None:
        selected = selected or select("reference")
        self.settings = settings
        self.guard = guard
        self.pairing = pairing
        self.kernel = selected.kernel
        self.identity = Identity.of_this_process(selected.name)
        retry_s = settings.retry_after_s
        self.metrics = Metrics()
        self.pool = Pool(
            settings.threads,
            settings.pipelined,
            settings.memory_bytes,
            retry_s,
            self.metrics.count_abandoned,
        )
        self.control_pool = Pool(1, WAITING, settings.jobs_bytes, retry_s)
        self.places_pool = Pool(1, WAITING, settings.jobs_bytes, retry_s)
        self.jobs = JobCache(settings.jobs, settings.jobs_bytes)
        self.looking = asyncio.Lock()
        self.places = Places(roots, settings.places, settings.cache_bytes, settings.chunk_bytes)
        self.clients = ClientLog()
        self._asked_at = time.monotonic()

    def asked(self, now: float) -> None:
        """Note that a client who may use this worker does; `now` is monotonic seconds."""
        self._asked_at = now

    def idle_s(self, now: float) -> float:
        """Return the seconds since the last request, 0 while tiles are in flight.

        Whoever asks for its health counts: a coordinator that computes does, while this worker has
        none of its tiles. A monitor that collects metrics does not count: it never goes away.
        """
        if self.pool.in_flight:
            self._asked_at = now
        return now - self._asked_at

    async def warm(self) -> None:
        """Filter one sample, so that no tile waits for the imports of the kernel's first use."""
        one = np.ones(1)
        copy = Correlations((Pass(0, one.tobytes(), "reflect"),))
        await self.control_pool.run(partial(self.kernel, copy, one, (slice(0, 1),), np.empty(1)))

    def stop(self) -> None:
        """Release the threads of all pools."""
        self.pool.close()
        self.places_pool.close()
        self.control_pool.close()


SERVICE = web.AppKey("service", Service)
