"""The http engine: a fleet of workers, to which the dispatcher hands out tiles.

It greets the workers, then computes one run after another; see `coordinator.engines.http.run`.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import block
from coordinator.engines import Capacity, TileRun
from coordinator.engines.http.audit import Audit
from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.handshake import capacity_of, greet_all, no_worker_error
from coordinator.engines.http.link import check_codec
from coordinator.engines.http.network import TCP, Network
from coordinator.engines.http.places import Places
from coordinator.engines.http.run import FleetRun
from coordinator.engines.http.session import Session
from coordinator.errors import (
    ExitCode,
    InputError,
    NoWorkerError,
    TileFailedError,
    TilefanError,
    VerifyError,
)
from coordinator.events import Hearer, WorkerLost, WorkerReady
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential, find_credential, warn_of_clear_text
from coordinator.journal.records import Finished
from places.network import boot
from tiling.jobs.job import Job

FRESH_S = 5.0
"""How long a greeting holds: as long as a silent worker may go unnoticed in a run."""

CLOSED = (
    "the fleet is closed, by close() or by the end of its with block, and does not open again: "
    "make a new one, and keep it open for as long as you use it"
)

ERRORS: dict[int, type[TilefanError]] = {3: NoWorkerError, 5: VerifyError}
"""The error for each way in which the dispatcher ends a run badly, but for tiles that failed."""


class HttpEngine:
    """Sends tiles to workers over HTTP; any number of runs, one after another.

    A process that was forked off this one opens connections of its own.

    Parameters
    ----------
    config : Config
        The hosts, and how long to wait for them.
    credential : Credential, optional
        What to show to them; what `find_credential` finds unless given.
    limits : Limits, optional
        The dispatcher's thresholds, all but those that `config` has a say in.
    network : Network
        Connects; TCP unless given.

    Attributes
    ----------
    closed : bool

    Raises
    ------
    InputError
        If a codec is wanted that needs a library which is not here.
    """

    def __init__(
        self,
        config: Config,
        credential: Credential | None = None,
        limits: Limits | None = None,
        network: Network = TCP,
    ) -> None:
        check_codec(config.defaults.wire_codec)
        self._config = config
        self._credential = credential or find_credential()
        self._limits = limits or Limits()
        self._network = network
        warn_of_clear_text(config, self._credential)
        self._budget_bytes = config.in_flight_bytes
        self._buffers = Buffers()
        self._greeted: list[WorkerReady | WorkerLost] = []
        self._fresh_for, self._fresh_until = "", 0.0
        self.closed = False
        self._open()

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        """Greet every worker and register the job; see `coordinator.engines.Engine`.

        A fleet that was all there for the same job a moment ago is not asked again.

        Raises
        ------
        NoWorkerError, TrustError
            If nobody can take the job.
        InputError
            If the fleet is closed.
        """
        session = self._own_session()
        if self._fresh_for != job.digest or time.monotonic() > self._fresh_until:
            self._fresh_for, self._fresh_until = "", time.monotonic() + FRESH_S
            self._greeted = greet_all(
                session.clients,
                job,
                session.threads,
                patience_s=self._limits.fleet_timeout_s,
            )
        for event in self._greeted:
            tell(event)
        ready = [event for event in self._greeted if isinstance(event, WorkerReady)]
        if len(ready) == len(self._greeted):
            self._fresh_for = job.digest
        if not ready:
            lost = [event for event in self._greeted if isinstance(event, WorkerLost)]
            raise no_worker_error(lost)
        capacity = capacity_of(ready, self._budget_bytes)
        return replace(capacity, opens=self._opens(session, ready))

    def _opens(self, session: Session, ready: Sequence[WorkerReady]) -> bool:
        """Tell whether these workers are on this machine, and would open files themselves."""
        here = boot()
        return (
            bool(here)
            and self._config.defaults.by_reference != "never"
            and all(
                session.clients[event.worker].serves_places and event.boot == here
                for event in ready
            )
        )

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:
        """Have finished tiles read by workers that see them; see `coordinator.engines.Engine`.

        Raises
        ------
        InputError
            If by reference is required, and the input is in no place.
        StoreError
            If the input can't be read, or the nonce can't be planted.
        """
        places = Places(tiles, self._config.defaults.by_reference)
        ready = [event for event in self._greeted if isinstance(event, WorkerReady)]
        if not (ready and finished):
            return frozenset()
        session, patience_s = self._own_session(), self._limits.deadline_base_s
        audit = Audit(tiles, finished, session.clients, session.threads, places, patience_s)
        return audit.carry_out(ready)

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        """Have every tile computed by the fleet; see `coordinator.engines.Engine`.

        Raises
        ------
        NoWorkerError, TileFailedError, VerifyError
            As the dispatcher ends the run.
        StoreError
            If a block can't be read, or a tile can't be written.
        """
        defaults = self._config.defaults
        limits = replace(
            self._limits,
            bytes_in_flight=self._budget_bytes,
            slow_link_bytes_per_s=defaults.slow_link_mb_s * 1e6,
        )
        fleet_run = FleetRun(
            tiles,
            tell,
            self._own_session(),
            limits,
            self._buffers,
            silent_after_s=defaults.silent_after_s,
            by_reference=defaults.by_reference,
        )
        try:
            outcome = fleet_run.carry_out(self._greeted)
        except KeyboardInterrupt:  # it may have come in the middle of anything
            self._session.close()
            self._open()
            raise
        if outcome.exit_code == ExitCode.FAILED:
            raise TileFailedError(block(outcome), outcome.story)
        if not outcome.done:
            raise ERRORS[outcome.exit_code](block(outcome))

    def close(self) -> None:
        """Close the connections; nothing can be run any more."""
        self.closed = True
        self._session.close()

    def _own_session(self) -> Session:
        """Return the session, opened anew in a forked child: it has neither threads nor sockets."""
        if self.closed:
            raise InputError(CLOSED)
        if not self._session.is_ours:
            self._open()
        return self._session

    def _open(self) -> None:
        greeting_s = self._limits.greeting_s
        self._session = Session(self._config, self._credential, greeting_s, self._network)
        weakref.finalize(self, self._session.close)  # nobody may have closed it
        self._greeted = []
        self._fresh_for, self._fresh_until = "", 0.0
