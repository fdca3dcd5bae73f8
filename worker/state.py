"""What the handlers share: one value, made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from aiohttp import web

from tiling.kernels import Kernel
from tiling.operations.passes import Pass
from tiling.probes.select import Selected, select
from worker.runtime.job_cache import Jobs
from worker.runtime.metrics import Metrics
from worker.runtime.pool import Pool
from worker.security.auth import Guard
from worker.settings import Settings

REGISTRATIONS = 4
"""Jobs that are read at the same time; one thread parses them, apart from the tiles' threads."""


@dataclass(frozen=True, slots=True)
class Service:
    """A worker's parts.

    Parameters
    ----------
    settings : Settings
    kernel, kernel_name : Kernel and str
        What computes the passes.
    pool : Pool
        Where tiles are computed.
    clerk : Pool
        Where jobs are parsed: never behind a tile.
    jobs : Jobs
    metrics : Metrics
    guard : Guard
        Who may ask for anything.
    """

    settings: Settings
    kernel: Kernel
    kernel_name: str
    pool: Pool
    clerk: Pool
    jobs: Jobs
    metrics: Metrics
    guard: Guard

    @classmethod
    def start(cls, settings: Settings, guard: Guard, selected: Selected | None = None) -> Self:
        """Make a worker's parts from its settings; the reference kernel serves unless told."""
        selected = selected or select("reference")
        return cls(
            settings,
            selected.kernel,
            selected.name,
            Pool(
                settings.threads,
                settings.pipelined,
                settings.memory_bytes,
                settings.retry_after_s,
            ),
            Pool(1, REGISTRATIONS - 1, 0, settings.retry_after_s),
            Jobs(settings.jobs, settings.jobs_bytes),
            Metrics.start(),
            guard,
        )

    async def warm(self) -> None:
        """Filter one sample, so that no tile pays for what the kernel loads on first use."""
        one = np.ones(1)
        passes = (Pass(0, one.tobytes(), "reflect"),)
        await self.clerk.do(partial(self.kernel, one, passes, (slice(0, 1),), np.empty(1)))

    def stop(self) -> None:
        """Let the threads go."""
        self.pool.close()
        self.clerk.close()


SERVICE = web.AppKey("service", Service)
