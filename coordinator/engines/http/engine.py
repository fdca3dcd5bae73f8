"""The http engine: a fleet of workers, told what to do by the dispatcher.

It greets the workers, then carries out one campaign a run; see `coordinator.engines.http.run`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from coordinator.dispatch.outcome import block
from coordinator.dispatch.policy import Limits
from coordinator.engines import Capacity, TileRun
from coordinator.engines.http.background import Background
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import make_clients
from coordinator.engines.http.handshake import greet_all, nobody
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.run import FleetRun
from coordinator.errors import (
    NoWorkerError,
    TileFailedError,
    TilefanError,
    VerifyError,
)
from coordinator.events import (
    Hearer,
    WorkerLost,
    WorkerReady,
)
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential, find_credential, warn_of_clear_text
from tiling.jobs.job import Job

FRESH_S = 5.0
"""How long a greeting holds: as long as a silent worker may go unnoticed in a run."""

ERRORS: dict[int, type[TilefanError]] = {3: NoWorkerError, 4: TileFailedError, 5: VerifyError}
"""What is raised for each way in which the dispatcher ends a run badly."""


class HttpEngine:
    """Sends tiles to workers over HTTP; any number of runs, one after another.

    Parameters
    ----------
    config : Config
        The hosts, and how long to wait for them.
    credential : Credential, optional
        What to show to them; what `find_credential` finds unless given.
    limits : Limits, optional
        The dispatcher's thresholds, all but those that `config` has a say in.
    """

    def __init__(
        self,
        config: Config,
        credential: Credential | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._config = config
        self._credential = credential or find_credential()
        self._limits = limits or Limits()
        warn_of_clear_text(config, self._credential)
        self._budget_bytes = config.in_flight_bytes
        self._background = Background()
        self._buffers = Buffers()
        wait_s = config.defaults.connect_timeout_s
        self._session = ConnectionPool(wait_s, self._credential.headers)
        greeting_s = self._limits.greeting_s
        self._clients = make_clients(config, self._session, self._credential, greeting_s)
        self._greeted: list[WorkerReady | WorkerLost] = []
        self._fresh_for, self._fresh_until = "", 0.0

    def greet(self, job: Job, tell: Hearer) -> Capacity:
        """Greet every worker and register the job; see `coordinator.engines.Engine`.

        A fleet that was all there for the same job a moment ago is not asked again.
        """
        if self._fresh_for != job.digest or time.monotonic() > self._fresh_until:
            self._fresh_for, self._fresh_until = "", time.monotonic() + FRESH_S
            self._greeted = self._background.call(self._greet_all(job))
        for event in self._greeted:
            tell(event)
        ready = [event for event in self._greeted if isinstance(event, WorkerReady)]
        if len(ready) == len(self._greeted):
            self._fresh_for = job.digest
        if not ready:
            raise nobody([event for event in self._greeted if isinstance(event, WorkerLost)])
        return Capacity.within(sum(event.slots for event in ready), self._budget_bytes)

    def run(self, mission: TileRun, tell: Hearer) -> None:
        """Have every tile computed by the fleet; see `coordinator.engines.Engine`."""
        self._background.call(self._run(mission, tell))

    def close(self) -> None:
        """Close the connections, and end the thread that the engine lives in."""
        self._session.close()
        self._background.close()

    async def _greet_all(self, job: Job) -> list[WorkerReady | WorkerLost]:
        return await greet_all(self._clients, job)

    async def _run(self, mission: TileRun, tell: Hearer) -> None:
        defaults = self._config.defaults
        campaign = FleetRun(
            mission,
            tell,
            self._clients,
            replace(
                self._limits,
                bytes_in_flight=self._budget_bytes,
                slow_link_bytes_per_s=defaults.slow_link_mb_s * 1e6,
            ),
            self._buffers,
            silent_after_s=defaults.silent_after_s,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                outcome = await campaign.carry_out(tasks, self._greeted)
        except* TilefanError as group:
            raise group.exceptions[0] from None
        if not outcome.done:
            raise ERRORS[outcome.exit_code](block(outcome))
