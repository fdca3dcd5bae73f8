"""The dask engine: a cluster of the user's computes tiles, and our dispatcher hands them out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import block
from coordinator.engines import Capacity, TileRun
from coordinator.engines.dask.cluster import ARRIVES_S, MOST_THREADS, Cluster, Opener
from coordinator.engines.dask.connection import NEEDS
from coordinator.engines.dask.run import ClusterRun
from coordinator.engines.http.audit import Audit
from coordinator.engines.http.engine import CLOSED, ERRORS, FRESH_S
from coordinator.engines.http.handshake import capacity_of
from coordinator.engines.http.places import Places
from coordinator.errors import ExitCode, InputError, NoWorkerError, TileFailedError
from coordinator.events import Hearer, WorkerLost, WorkerReady
from coordinator.hosts.by_reference import ByReference
from coordinator.journal.records import Finished
from tiling.jobs.job import Job

TILE_BYTES = 4 * 2**20
"""Of a tile at most: blocks go through the scheduler, which takes large messages badly."""

IN_FLIGHT_BYTES = 256 * 2**20

HELD = 2
"""Times that a tile in flight is in this process's memory: as samples, and as dask's message."""

MOST_ASKED = MOST_THREADS // 4
"""Workers that read finished tiles again: a thread waits for each of their slots."""

ADVICE = "the dashboard of the dask cluster, and the logs of its workers, tell more"
"""Instead of coord doctor, which does not know its workers."""


class DaskEngine:
    """Computes tiles on a dask cluster; any number of runs, one after another.

    Parameters
    ----------
    client : distributed.Client
        It stays the caller's, and open.
    limits : Limits, optional
        The dispatcher's thresholds.
    by_reference : str
        See `coordinator.hosts.by_reference`.

    Attributes
    ----------
    closed : bool

    Raises
    ------
    InputError
        If it is no client that can be waited for.
    """

    def __init__(
        self, client: Any, limits: Limits | None = None, by_reference: ByReference = "auto"
    ) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(NEEDS) from None
        if not isinstance(client, Client) or client.asynchronous:
            raise InputError(
                f"on takes a distributed.Client that is not asynchronous, not {client!r}"
            )
        self.closed = False
        self._cluster = Cluster(client)
        self._limits = limits or Limits(bytes_in_flight=IN_FLIGHT_BYTES)
        self._by_reference = by_reference
        self._members: Mapping[str, int] = {}
        self._greeted: list[WorkerReady | WorkerLost] = []
        self._fresh_for, self._fresh_until = "", 0.0

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        """Greet every worker; see `coordinator.engines.Engine`.

        Raises
        ------
        NoWorkerError
            If nobody can take the job.
        InputError
            If the fleet is closed.
        """
        if self.closed:
            raise InputError(CLOSED)
        if self._fresh_for != job.digest or time.monotonic() > self._fresh_until:
            self._members = self._ask() or self._attracted()
            self._greeted = self._cluster.greet_all(self._members, job)
            self._fresh_for, self._fresh_until = job.digest, time.monotonic() + FRESH_S
        for event in self._greeted:
            tell(event)
        ready = [event for event in self._greeted if isinstance(event, WorkerReady)]
        if len(ready) < len(self._greeted) or not ready:
            self._fresh_for = ""
        if not ready:
            lost = [event for event in self._greeted if isinstance(event, WorkerLost)]
            named = "".join(f"\n  {event.worker}: {event.reason}" for event in lost)
            none = f" it has none, and none came within {ARRIVES_S:g} s"
            raise NoWorkerError(f"no usable worker in the dask cluster:{named or none}")
        return cluster_capacity(ready, self._limits.bytes_in_flight)

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:
        """Have finished tiles read by workers that see them; see `coordinator.engines.Engine`.

        Raises
        ------
        InputError
            If by reference is required, and the input is in no place.
        StoreError
            If the input can't be read, or the nonce can't be planted.
        """
        places = Places(tiles, self._by_reference)
        greeted = [event for event in self._greeted if isinstance(event, WorkerReady)]
        if not (ready := greeted[:MOST_ASKED]) or not finished:
            return frozenset()
        cluster, patience_s = self._cluster, self._limits.deadline_base_s
        openers = {event.worker: Opener(cluster, event.worker) for event in ready}
        audit = Audit(tiles, finished, openers, cluster.threads, places, patience_s)
        return audit.carry_out(ready)

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        """Have every tile computed by the cluster; see `coordinator.engines.Engine`.

        Raises
        ------
        NoWorkerError, TileFailedError, VerifyError
            As the dispatcher ends the run.
        StoreError
            If a block can't be read, or a tile can't be written.
        """
        run = ClusterRun(
            tiles, tell, self._cluster, self._members, self._limits, self._by_reference
        )
        outcome = run.carry_out(self._greeted)
        if outcome.exit_code == ExitCode.FAILED:
            raise TileFailedError(block(outcome, ADVICE), outcome.story)
        if not outcome.done:
            raise ERRORS[outcome.exit_code](block(outcome, ADVICE))

    def close(self) -> None:
        """Compute nothing any more; the client stays open."""
        self.closed = True
        self._cluster.threads.close()

    def _ask(self) -> Mapping[str, int]:
        try:
            return self._cluster.members().threads
        except OSError as error:
            raise NoWorkerError(str(error)) from None

    def _attracted(self) -> Mapping[str, int]:
        self._cluster.attract()
        return self._ask()

    def workers(self) -> tuple[str, ...]:
        """Return the names of those that are there.

        Raises
        ------
        NoWorkerError
            If the scheduler does not answer.
        """
        return tuple(self._ask())


def bounded_engine(
    client: Any,
    in_flight_bytes: int,
    by_reference: ByReference = "auto",
    *,
    keep_going: bool = False,
) -> DaskEngine:
    """Make an engine that has so many bytes of tiles in flight at most.

    Parameters
    ----------
    client : distributed.Client
    in_flight_bytes : int
    by_reference : str
        See `coordinator.hosts.by_reference`.
    keep_going : bool
        Whether the rest is computed when a tile failed everywhere.
    """
    limits = Limits(bytes_in_flight=in_flight_bytes, keep_going=keep_going)
    return DaskEngine(client, limits, by_reference)


def cluster_capacity(ready: Sequence[WorkerReady], in_flight_bytes: int) -> Capacity:
    """Return what workers of a cluster can take with so many bytes in flight."""
    capacity = capacity_of(ready, in_flight_bytes)
    return replace(capacity, tile_bytes=min(capacity.tile_bytes, TILE_BYTES))
