"""One worker over HTTP: its health, attestation, jobs and tiles.

Nothing that a worker says is believed before it is checked.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.exchange import Answered, ReferredExchange, TileExchange
from coordinator.engines.http.health import MAX_SLOTS, Health
from coordinator.engines.http.link import Link
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.refusal import START, Refusal, agreed, dropping, parsed
from coordinator.engines.http.threads import Threads, Turns
from coordinator.events import FailureKind, WorkerReady
from coordinator.hosts.attestation import attestation_error, attested
from coordinator.hosts.hosts_file import Host
from coordinator.hosts.token import Credential
from coordinator.journal.digests import Seals
from tiling.dtypes import Dtype
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job
from tiling.probes.digests import needed
from tiling.protocol.places import PATH as PLACES
from tiling.protocol.places import Offer
from tiling.protocol.references import Reference
from tiling.protocol.wire import Question

LOG = logging.getLogger("tilefan.http")

GREETING_S = 5.0
"""Longest wait for the answer to a greeting: the worker computes nothing for it."""

MAX_SAMPLES, MAX_TRIAL_S = 2**40, 1e4
"""Of a trial: more is a joke."""

ATTEST_GREETINGS = 12
"""As many greetings long may the proof take: a worker may have to compile for it first."""


class Client:
    """A worker's address, the connections to reach it with, and whom to trust there.

    Every method blocks; one that sends no tile does so for `greeting_s` at most, unless it says
    otherwise.

    Parameters
    ----------
    host : Host
    pool : ConnectionPool
    threads : Threads
        In which tiles are sent, one after another.
    credential : Credential
        What the pool shows; named to whoever has to correct it.
    link : Link
        Tells what blocks travel in.
    tls : ssl.SSLContext, optional
        See `coordinator.hosts.certificates`.
    greeting_s : float
        Longest wait for the answer to a greeting.

    Attributes
    ----------
    serves_places : bool
        Whether it opens places, as it said when it was greeted.
    """

    def __init__(
        self,
        host: Host,
        pool: ConnectionPool,
        threads: Threads,
        credential: Credential,
        link: Link,
        tls: ssl.SSLContext | None = None,
        greeting_s: float = GREETING_S,
    ) -> None:
        self.host = host
        self.sending = Turns(threads)
        self.serves_places = False
        self._link = link
        self._pool = pool
        self._credential = credential
        self._tls = tls
        self._greeting_s = greeting_s

    @property
    def paths(self) -> Mapping[str, str]:
        """What it calls folders of this machine."""
        return self.host.paths

    def health(self, timeout_s: float | None = None, run: str = "") -> Health:
        """Ask the worker who it is.

        Parameters
        ----------
        run : str
            Of whose tiles to tell; see `tiling.protocol.wire.RUN`.
        timeout_s : float, optional
            Longest wait for the answer; that for a greeting unless given.

        Raises
        ------
        Refusal
            If it can't be reached, or is no worker of this protocol.
        """
        try:
            path = f"/v1/health?run={run}" if run else "/v1/health"
            return Health.parse(self._json("GET", path, timeout_s=timeout_s))
        except ValueError as error:
            raise Refusal(FailureKind.REFUSED, str(error), unfit=True) from None

    def register(self, job: Job) -> float | None:
        """Make a job known to the worker; repeating it is harmless.

        Returns
        -------
        float or None
            Its word for the seconds that a unit of the job's work takes it, if it tried that.

        Raises
        ------
        Refusal
            If it does not take the job.
        """
        said = self._json("POST", "/v1/jobs", data=job.encode())
        if not isinstance(said, dict) or said.get("job") != job.digest:
            raise Refusal(FailureKind.CORRUPT, "understood another job", unfit=True)
        return _work_s(said.get("trial"), job)

    def attest(self, names: Sequence[str]) -> None:
        """Have the worker prove that it computes what SciPy does; see `tiling.probes.digests`.

        Raises
        ------
        Refusal
            If it does not, naming the first probe that differs.
        """
        if names:
            body = json.dumps({"probes": names}).encode("ascii")
            said = self._json(
                "POST", "/v1/attest", data=body, timeout_s=ATTEST_GREETINGS * self._greeting_s
            )
            if (trouble := attestation_error(names, said)) is not None:
                raise Refusal(FailureKind.CORRUPT, trouble, unfit=True)

    def admit(self, job: Job) -> WorkerReady:
        """Greet the worker, have it prove itself, and register the job.

        Raises
        ------
        Refusal
            If it can't be used for this job.
        """
        health = self.health()
        slots = self.host.slots or health.slots
        if slots is None:
            raise Refusal(FailureKind.REFUSED, f"offers no 1 to {MAX_SLOTS} slots", unfit=True)
        self._link.announced = health.codecs
        self.serves_places = health.places
        self.attest(probes := needed(job))
        work_s = self.register(job)
        return WorkerReady(
            *(self.host.name, slots, health.about, attested(probes), work_s),
            *(health.cores, health.boot, health.ends_in_s),
        )

    def offer(self, offer: Offer) -> Any:
        """Offer the worker places to open; return its answer, which is not checked.

        Raises
        ------
        Refusal
            If it does not open them.
        """
        return self._json("POST", PLACES, data=offer.encode())

    def filter(
        self, question: Question, read: Callable[[], memoryview], target: Dtype, buffers: Buffers
    ) -> Answered:
        """Send a tile and wait for its answer; see `TileExchange`.

        Raises
        ------
        Refusal
            If there is no answer, or not the one that was asked for.
        """
        exchange = self.exchange(question, read, target, buffers)
        exchange.send()
        return exchange.receive()

    def exchange(
        self,
        question: Question,
        read: Callable[[], memoryview],
        target: Dtype,
        buffers: Buffers,
        run: str = "",
    ) -> TileExchange:
        """Return the exchange of a tile; nothing is sent yet.

        Parameters
        ----------
        question : Question
        read : callable
            Returns the block's bytes; called in the thread that sends them.
        target : numpy.dtype
            Of the answer.
        buffers : Buffers
            For the answer.
        run : str
            Whose tile it is.
        """
        connection = self._pool.take(self.host.url, self._tls)
        return TileExchange(
            self._pool,
            connection,
            self._credential,
            self._link,
            question,
            read,
            target,
            buffers,
            run,
        )

    def referred(
        self,
        question: Question,
        reference: Reference,
        target: Dtype,
        buffers: Buffers,
        run: str = "",
    ) -> ReferredExchange:
        """Return the exchange of a tile by reference; nothing is sent yet. See `exchange`."""
        connection = self._pool.take(self.host.url, self._tls)
        pool, credential, link = self._pool, self._credential, self._link
        return ReferredExchange(
            pool, connection, credential, link, question, reference, target, buffers, run
        )

    def reread(self, job: Job, tile: Tile, place: str) -> ReferredExchange:
        """Return the exchange of a tile that is in a place already; see `referred`."""
        reference = Reference(place, tile.read.start, "kept")
        return self.referred(Seals(job).question(tile), reference, job.target, Buffers())

    def _json(
        self, method: str, path: str, data: bytes = b"", timeout_s: float | None = None
    ) -> Any:
        headers = {"Content-Type": "application/json"} if data else {}
        wait_s = timeout_s or self._greeting_s
        deadline = time.monotonic() + wait_s
        connection = self._pool.take(self.host.url, self._tls)
        with dropping(self._pool, connection):
            try:
                fields = self._pool.headers | headers
                connection.ask(method, path, fields, memoryview(data), deadline)
                answer = parsed(agreed(connection, self._credential))
            except TimeoutError:
                reason = f"no answer within {wait_s:g} s"
                raise Refusal(FailureKind.TIMEOUT, reason, remedy=START) from None
            except ValueError:
                reason = "is no tilefan worker: its answer is not JSON"
                raise Refusal(FailureKind.REFUSED, reason, unfit=True) from None
        self._pool.give_back(connection)
        took_s = wait_s - (deadline - time.monotonic())
        LOG.debug("%s %s of %s: answered in %.1f ms", method, path, self.host.name, 1e3 * took_s)
        return answer


def _work_s(trial: object, job: Job) -> float | None:
    """Read what a worker says of its trial of a job; None if it says nothing that can be."""
    match trial:
        case {"samples": int(samples), "seconds": float(seconds)} if 0 < samples < MAX_SAMPLES:
            return seconds / (samples * job.program.effort) if 0.0 < seconds < MAX_TRIAL_S else None
    return None
